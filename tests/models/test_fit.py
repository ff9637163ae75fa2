"""Cross-fit: every labelled cell is predicted by a net that has not seen it, beside baselines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.data.labels import Labels, read_labels
from glasscell.data.split import split
from glasscell.errors import DataError, JobCancelled, ModelError
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.latent import Encodes
from glasscell.models.capability.model import Model
from glasscell.models.classifier.family import ClassifierModel, ClassifierParams
from glasscell.models.fit import FitRequest, fit, fit_twin
from glasscell.models.metric import measure
from glasscell.models.prediction import prediction_table
from glasscell.testing.check import check_model
from glasscell.testing.planted import planted_adata, planted_dataset


def test_it_learns_what_was_planted_and_says_what_is_cheap(bundle: Bundle) -> None:
    assert bundle.metrics.accuracy > 0.8
    assert set(bundle.baselines) == {"majority", "logistic", "coordinates"}
    assert bundle.baselines["majority"].accuracy < 0.5 < bundle.baselines["logistic"].accuracy
    assert bundle.metrics.calibration_error is not None
    assert len(bundle.folds) == len(bundle.curves) == 3
    assert bundle.provenance["n_genes"] == 40
    assert bundle.provenance["device"] in ("cpu", "cuda", "mps")


def test_each_cell_is_predicted_by_the_net_that_held_it_out(bundle: Bundle, dataset: Dataset) -> None:
    for fold, net in enumerate(bundle.folds):
        members = np.flatnonzero(bundle.cells.fold == fold)
        assert isinstance(net, Classifies)
        direct = net.probabilities(make_batch(dataset, net, members)).numpy()
        np.testing.assert_allclose(direct, bundle.cells.probabilities_ck[members], atol=1e-6)
        assert (bundle.net_for_cells(dataset, members) == fold).all()
        assert not bundle.seen_in_training(dataset, members, np.full(len(members), fold)).any()
        assert bundle.seen_in_training(dataset, members, np.full(len(members), (fold + 1) % 3)).all()


def test_the_table_of_predictions_gives_the_figures_again(bundle: Bundle) -> None:
    table = prediction_table(bundle)
    assert list(table.columns) == ["cell", "fold", "block", "truth", "prediction", "probability"]
    assert len(table) == 400
    assert (table["truth"] == table["prediction"]).mean() == pytest.approx(bundle.metrics.accuracy)
    assert table.groupby("block")["fold"].nunique().max() == 1


def test_nets_are_published_and_sound(bundle: Bundle, dataset: Dataset) -> None:
    for net in (*bundle.folds, bundle.twin):
        assert isinstance(net, (Model, FirstLinear, Classifies, Encodes))
        assert isinstance(net, ClassifierModel)
        check_model(net, make_batch(dataset, net, np.arange(9)))
        assert not any(weight.requires_grad for weight in net.network.parameters())


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("depth", [True, False])
@pytest.mark.parametrize("n_layers", [1, 3])
def test_every_shape_of_classifier_is_sound(
    dataset: Dataset, batch_norm: bool, depth: bool, n_layers: int
) -> None:
    labels = read_labels(dataset, "label")
    params = ClassifierParams(
        hidden=6,
        max_epochs=2,
        batch_norm=batch_norm,
        depth_covariate=depth,
        n_layers=n_layers,
        scaling="unit variance",
    )
    made = fit(dataset, FitRequest(labels, split(dataset, "random", n_folds=2), params=params))
    check_model(made.folds[0], make_batch(dataset, made.folds[0], np.arange(5)))


def test_the_same_seed_gives_the_same_bits(bundle: Bundle, dataset: Dataset, request_for: FitRequest) -> None:
    state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    again = fit(dataset, request_for)
    assert again.fingerprint == bundle.fingerprint
    np.testing.assert_array_equal(again.cells.probabilities_ck, bundle.cells.probabilities_ck)
    assert torch.equal(state, torch.random.get_rng_state())
    assert (numpy_state == np.random.get_state()[1]).all()  # noqa: NPY002
    assert fit(dataset, replace(request_for, seed=6)).fingerprint != bundle.fingerprint


def test_cells_without_a_label_get_the_mean_of_all_nets(dataset: Dataset, request_for: FitRequest) -> None:
    codes = np.array(request_for.labels.codes)
    codes[:60] = -1
    made = fit(dataset, replace(request_for, labels=Labels("label", codes, request_for.labels.classes)))
    parts = []
    for net in made.folds:
        assert isinstance(net, Classifies)
        parts.append(net.probabilities(make_batch(dataset, net, np.arange(60))).numpy())
    np.testing.assert_allclose(made.cells.probabilities_ck[:60], np.mean(parts, axis=0), atol=1e-6)
    assert made.metrics.n_cells == 340
    assert not made.seen_in_training(dataset, np.arange(60), np.zeros(60)).any()
    assert len(prediction_table(made)) == 340


def test_the_twin_has_learnt_nothing(bundle: Bundle, dataset: Dataset) -> None:
    twin = bundle.twin
    assert isinstance(twin, Classifies)
    held_out = np.flatnonzero(bundle.cells.fold == 0)
    guess = twin.probabilities(make_batch(dataset, twin, held_out)).numpy()
    assert measure(bundle.cells.truth[held_out], guess).accuracy < 0.6 < bundle.metrics.accuracy


def test_twins_of_two_seeds_differ(bundle: Bundle, dataset: Dataset, request_for: FitRequest) -> None:
    other = fit_twin(bundle, dataset, replace(request_for, seed=99))
    assert other.twin is not None
    assert bundle.twin is not None
    assert other.twin.fingerprint != bundle.twin.fingerprint
    assert other.fingerprint == bundle.fingerprint


class Stopper:
    """A job cancelled when its text holds given words."""

    def __init__(self, words: str) -> None:
        self.words = words

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        if self.words in text:
            raise JobCancelled("stopped")


@pytest.mark.parametrize("words", ["preparing", "fold 1", "fold 2 of 3, epoch 2", "predicting", "baselines"])
def test_cancel_at_every_stage(dataset: Dataset, request_for: FitRequest, words: str) -> None:
    state = torch.random.get_rng_state()
    with pytest.raises(JobCancelled):
        fit(dataset, request_for, Stopper(words))
    assert torch.equal(state, torch.random.get_rng_state())


def test_fractions_rise_to_one(dataset: Dataset, request_for: FitRequest) -> None:
    seen: list[float | None] = []

    class Job:
        def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
            seen.append(fraction)

    fit(dataset, request_for, Job())
    numbers = [fraction for fraction in seen if fraction is not None]
    assert len(numbers) == len(seen)
    assert numbers == sorted(numbers)
    assert 0 <= numbers[0] < numbers[-1] <= 1


def test_values_that_are_not_counts_are_given_unit_variance() -> None:
    adata = planted_adata(300, 20, seed=1)
    adata.X = (adata.X.toarray() * np.geomspace(0.01, 3, 20)).astype(np.float32)
    dataset = Dataset(adata)
    labels = read_labels(dataset, "label")
    params = ClassifierParams(hidden=16, max_epochs=15, learning_rate=1e-2, batch_size=32)
    made = fit(dataset, FitRequest(labels, split(dataset, "random", n_folds=2), params=params))
    net = made.folds[0]
    assert isinstance(net, ClassifierModel)
    assert net.preprocessing.kind == "stored"
    assert float(net.network.standardise.scale.max()) > 10 * float(net.network.standardise.scale.min())
    assert made.metrics.accuracy > 0.6


def test_without_positions_there_is_no_coordinates_row() -> None:
    adata = planted_adata(200, 20, seed=1)
    del adata.obsm["spatial"]
    dataset = Dataset(adata)
    labels = read_labels(dataset, "label")
    request = FitRequest(labels, split(dataset, "random", n_folds=2), params=ClassifierParams(max_epochs=1))
    assert set(fit(dataset, request).baselines) == {"majority", "logistic"}


def test_one_class_labels_get_a_sentence() -> None:
    dataset = planted_dataset(n_cells=120, n_genes=20)
    folds = split(dataset, "random", n_folds=2)
    labels = Labels("stage", np.zeros(120, np.int32), ("adult",))
    with pytest.raises(DataError, match=r"one class|two classes"):
        fit(dataset, FitRequest(labels, folds))


def test_too_few_cells_get_a_sentence() -> None:
    dataset = planted_dataset(n_cells=120, n_genes=20)
    folds = split(dataset, "random", n_folds=2)
    codes = np.full(120, -1, np.int32)
    codes[:44] = np.arange(44) % 2
    with pytest.raises(ModelError, match="44 labelled cells are too few"):
        fit(dataset, FitRequest(Labels("few", codes, ("a", "b")), folds))


def test_labels_of_another_dataset_get_a_sentence(request_for: FitRequest) -> None:
    with pytest.raises(DataError, match="number of cells"):
        fit(planted_dataset(n_cells=120, n_genes=20), request_for)


def test_nan_expression_gets_a_sentence() -> None:
    adata = planted_adata(120, 20)
    adata.X = adata.X.toarray() + 0.5
    adata.X[3, 4] = np.nan
    dataset = Dataset(adata)
    labels = read_labels(dataset, "label")
    with pytest.raises(DataError, match=r"(?i)nan|not a number|missing"):
        fit(dataset, FitRequest(labels, split(dataset, "random", n_folds=2)))


def test_a_fold_that_leaves_one_class_gets_a_sentence() -> None:
    dataset = planted_dataset(n_cells=120, n_genes=20)
    made = split(dataset, "random", n_folds=2)
    codes = np.where(made.folds == 0, 0, 1).astype(np.int32)
    labels = Labels("odd", codes, ("a", "b"))
    blocks = np.arange(120, dtype=np.int32) % 8
    with pytest.raises(ModelError, match="choose another split"):
        fit(dataset, FitRequest(labels, replace(made, blocks=blocks, block_names=tuple("abcdefgh"))))


def test_an_absent_device_gets_a_sentence(dataset: Dataset, request_for: FitRequest) -> None:
    with pytest.raises(ModelError, match="no device"):
        fit(dataset, replace(request_for, device="abacus"))
    if not torch.cuda.is_available():
        with pytest.raises(ModelError, match="no usable cuda"):
            fit(dataset, replace(request_for, device="cuda"))
