"""The family ``vae``: its likelihood by hand, its promises, its bundle, and training without labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse, stats

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.data.thin import split_counts
from glasscell.errors import DataError, JobCancelled, ModelError, NotCompatible
from glasscell.explain.evidence import ranking
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.jobs import QUIET
from glasscell.models import null_count
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.latent import Decodes, Encodes
from glasscell.models.capability.technical_batch import UsesBatch
from glasscell.models.fit import FitRequest, fit, fit_twin
from glasscell.models.null_count import match_latents
from glasscell.models.target import Target
from glasscell.models.vae.family import FAMILY, VaeModel, VaeParams
from glasscell.models.vae.figure import DEVIANCE, GENE_MEAN, decoded_share, poisson_deviance
from glasscell.models.vae.layer import divergence, negative_binomial, one_hot
from glasscell.testing.check import check_model
from glasscell.testing.planted import planted_dataset

FAST = VaeParams(
    n_latent=3, hidden=24, max_epochs=40, patience=8, warm_up=5, batch_size=32, learning_rate=1e-2
)


@pytest.fixture(scope="module")
def request_vae(dataset: Dataset) -> FitRequest:
    return FitRequest(family="vae", params=FAST, seed=5, batch=read_labels(dataset, "section"))


@pytest.fixture(scope="module")
def vae(dataset: Dataset, request_vae: FitRequest) -> Bundle:
    return fit(dataset, request_vae)


@pytest.fixture(scope="module")
def net(vae: Bundle) -> VaeModel:
    model = vae.folds[0]
    assert isinstance(model, VaeModel)
    return model


def test_likelihood_is_scipys() -> None:
    rng = np.random.default_rng(0)
    counts, mean, theta = rng.poisson(1.0, (5, 7)), rng.gamma(2.0, 1.0, (5, 7)), rng.gamma(2.0, 1.0, 7)
    expected = stats.nbinom.logpmf(counts, theta, theta / (theta + mean)).sum(axis=1)
    got = negative_binomial(
        torch.tensor(counts, dtype=torch.float64), torch.tensor(mean).log(), torch.tensor(theta).log()
    )
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-10)


def test_divergence_is_torchs() -> None:
    mean, variance = torch.randn(4, 3, dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64) + 0.1
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    posterior = torch.distributions.Normal(mean, variance.sqrt())
    expected = torch.distributions.kl_divergence(posterior, prior).sum(dim=1)
    torch.testing.assert_close(divergence(mean, variance), expected)


def test_a_cell_of_no_known_batch_is_a_bit_of_each() -> None:
    like = torch.zeros(3, 5)
    rows = one_hot(torch.tensor([1, -1, 0]), 2, like)
    assert rows is not None
    assert rows.tolist() == [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    unknown = one_hot(None, 2, like)
    assert unknown is not None
    assert unknown.tolist() == [[0.5, 0.5]] * 3
    assert one_hot(None, 0, like) is None


def test_thinning_keeps_every_molecule() -> None:
    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(3.0, (200, 30)).astype(np.float32))
    left, hidden = split_counts(counts, 0.1, np.random.default_rng([1, 0x7417]))
    np.testing.assert_array_equal((left + hidden).toarray(), counts.toarray())
    assert abs(hidden.sum() / counts.sum() - 0.1) < 0.01


def test_deviance_by_hand() -> None:
    counts, mean = np.array([[0, 2.0]]), np.array([[0.5, 1.0]])
    by_hand = (2 * 0.5 + 2 * (2 * np.log(2.0) - 2 + 1)) / 2
    assert poisson_deviance(counts, mean) == pytest.approx(by_hand)
    assert poisson_deviance(counts, np.maximum(counts, 1e-12)) == pytest.approx(0, abs=1e-9)


def test_keeps_the_promises_of_a_model(net: VaeModel, dataset: Dataset) -> None:
    batch = make_batch(dataset, net, np.arange(6))
    assert batch.batch is not None, "the model asks for the section"
    check_model(net, batch)
    assert isinstance(net, FirstLinear)
    assert isinstance(net, Encodes)
    assert isinstance(net, Decodes)
    assert isinstance(net, UsesBatch)
    assert net.targets() == tuple(Target("latent", str(k)) for k in range(3))


def test_decodes_to_shares_that_sum_to_one(net: VaeModel, dataset: Dataset) -> None:
    batch = make_batch(dataset, net, np.arange(6))
    latent = net.encode(batch)
    share = net.share(latent, batch)
    torch.testing.assert_close(share.sum(dim=1), torch.ones(6))
    total = net.preprocessing.target_sum
    torch.testing.assert_close(net.decode(latent, batch), torch.log1p(share * total))
    other = replace(batch, batch=1 - batch.batch)
    assert not torch.equal(net.share(latent, other), share), "the batch reaches the decoder"
    with pytest.raises(NotCompatible, match="one latent per cell"):
        net.share(latent[:2], batch)


def test_a_bundle_without_labels(vae: Bundle, dataset: Dataset) -> None:
    assert vae.classes == ()
    assert vae.metrics is None
    assert vae.baselines == {}
    assert len(vae.folds) == len(vae.curves) == 1
    assert vae.cells.latent_cz is not None
    assert vae.cells.latent_cz.shape == (dataset.n_cells, 3)
    everyone = np.arange(dataset.n_cells)
    seen = vae.seen_in_training(dataset, everyone, vae.net_for_cells(dataset, everyone))
    assert (~seen).sum() == round(0.1 * dataset.n_cells)
    assert list(vae.figures) == ["vae", GENE_MEAN]
    assert vae.figures["vae"][DEVIANCE] < vae.figures[GENE_MEAN][DEVIANCE]


def test_latents_are_those_of_the_net(vae: Bundle, net: VaeModel, dataset: Dataset) -> None:
    batch = make_batch(dataset, net, np.arange(50))
    assert vae.cells.latent_cz is not None
    np.testing.assert_allclose(net.encode(batch).numpy(), vae.cells.latent_cz[:50], atol=1e-5)


def test_other_cells_latents_foretell_worse(net: VaeModel, dataset: Dataset) -> None:
    """Impostor: a decoder that ignores the cell, or has the wrong one, does not pass as the real one."""
    counts = dataset.expression_cg("counts")
    left, hidden = split_counts(counts, 0.1, np.random.default_rng([2, 0x7417]))
    size = np.asarray(left.sum(axis=1)).ravel()[:, None] / 9
    share_g = np.asarray(left.sum(axis=0)).ravel() / left.sum()
    own = decoded_share(net, left)
    real, mean = (poisson_deviance(hidden.toarray(), size * part) for part in (own, share_g[None]))
    wrong = poisson_deviance(hidden.toarray(), size * np.roll(own, 97, axis=0))
    assert real < mean < wrong


def test_the_same_seed_gives_the_same_bits(dataset: Dataset, request_vae: FitRequest) -> None:
    short = replace(request_vae, params=FAST.model_copy(update={"max_epochs": 2}))
    state = torch.random.get_rng_state()
    one, two, three = fit(dataset, short), fit(dataset, short), fit(dataset, replace(short, seed=6))
    assert one.fingerprint == two.fingerprint != three.fingerprint
    assert torch.equal(torch.random.get_rng_state(), state)


def test_saved_and_read_back_bit_equal(vae: Bundle, dataset: Dataset, tmp_path: Path) -> None:
    again = load_bundle(save_bundle(vae, tmp_path / "vae"))
    assert again.fingerprint == vae.fingerprint
    assert again.figures == vae.figures
    assert again.metrics is None
    assert again.cells.latent_cz is not None
    np.testing.assert_array_equal(again.cells.latent_cz, vae.cells.latent_cz)
    batch = make_batch(dataset, vae.folds[0], np.arange(5))
    target = Target("latent", "1")
    assert torch.equal(again.folds[0].score(batch, target), vae.folds[0].score(batch, target))
    assert (tmp_path / "vae" / "predictions.csv").read_text().count("\n") == 1


def test_a_damaged_bundle_gets_a_sentence(vae: Bundle, tmp_path: Path) -> None:
    folder = save_bundle(vae, tmp_path / "vae")
    words = json.loads((folder / "model.json").read_text())
    for change in ({"classes": ["a"]}, {"params": {**words["params"], "hidden": 23}}):
        (folder / "model.json").write_text(json.dumps({**words, **change}))
        with pytest.raises(ModelError, match="damaged"):
            load_bundle(folder)


def test_the_twin_learns_from_redrawn_counts(
    vae: Bundle, net: VaeModel, dataset: Dataset, request_vae: FitRequest, tmp_path: Path
) -> None:
    twinned = fit_twin(vae, dataset, request_vae)
    twin = twinned.twin
    assert isinstance(twin, VaeModel)
    assert twinned.fingerprint == vae.fingerprint
    assert twin.fingerprint != net.fingerprint
    assert vae.cells.latent_cz is not None
    batch = make_batch(dataset, net, np.arange(dataset.n_cells))
    own, blind = vae.cells.latent_cz, twin.encode(batch).numpy()
    explained = [kind_share(latent, read_labels(dataset, "label").codes) for latent in (own, blind)]
    assert explained[0] > 0.5, "the latents follow the planted classes"
    assert explained[1] < explained[0] / 2, "the twin's do not"
    again = load_bundle(save_bundle(twinned, tmp_path / "twinned"))
    assert isinstance(again.twin, VaeModel)
    assert again.twin.fingerprint == twin.fingerprint


def kind_share(latent_cz: np.ndarray, codes: np.ndarray) -> float:
    """Return the largest share of a latent's variance that lies between classes."""
    means = np.stack([latent_cz[codes == code].mean(axis=0) for code in np.unique(codes)])
    return float((means[codes].var(axis=0) / latent_cz.var(axis=0)).max())


def test_lining_up_latents_changes_their_order_and_nothing_else(net: VaeModel, dataset: Dataset) -> None:
    order, sign = np.array([2, 0, 1]), np.array([1, -1, 1], np.float32)
    turned = FAMILY.aligned(net, order, sign)
    batch = make_batch(dataset, net, np.arange(5))
    torch.testing.assert_close(turned.encode(batch), net.encode(batch)[:, order] * torch.from_numpy(sign))
    torch.testing.assert_close(turned.share(turned.encode(batch), batch), net.share(net.encode(batch), batch))
    found = match_latents(net.encode(batch).numpy(), turned.encode(batch).numpy())
    np.testing.assert_array_equal(found[0], np.argsort(order))
    np.testing.assert_array_equal(found[1], sign[np.argsort(order)])


def test_redrawn_counts_keep_depths_and_gene_totals_of_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = sparse.csr_matrix(np.random.default_rng(0).poisson(2.0, (60, 11)).astype(np.float32))
    strata = np.repeat([0, 1], 30)
    monkeypatch.setattr(null_count, "MOST_MOLECULES", 200)
    drawn = null_count.redraw_counts(counts, strata, 3, QUIET)
    np.testing.assert_array_equal(drawn.sum(axis=1), counts.sum(axis=1))
    for stratum in (0, 1):
        inside = strata == stratum
        np.testing.assert_array_equal(drawn[inside].sum(axis=0), counts[inside].sum(axis=0))
    assert (drawn != counts).nnz > 100


def test_explained_from_the_average_cell_with_all_evidence(
    vae: Bundle, dataset: Dataset, request_vae: FitRequest
) -> None:
    twinned = fit_twin(vae, dataset, request_vae)
    found = explain(dataset, twinned, ExplainRequest(target="latent:1", params={"steps": 64}))
    assert found.diagnostics["completeness_gap"] < 0.05
    assert found.provenance.route == "factored"
    assert "every kind" in found.provenance.baseline_text
    ranked = ranking(found)
    assert all(row.twin_rank is not None for row in ranked)
    assert "reinitialised_correlation" in found.diagnostics


def test_a_split_decides_what_is_held_out(dataset: Dataset, request_vae: FitRequest) -> None:
    folds = split(dataset, "random", n_folds=4)
    short = FAST.model_copy(update={"max_epochs": 1})
    made = fit(dataset, replace(request_vae, split=folds, params=short))
    np.testing.assert_array_equal(made.cells.fold == 0, folds.held_out(0))
    assert made.split_scheme == "random"


def test_what_does_not_fit_is_refused_in_a_sentence(dataset: Dataset) -> None:
    labels = read_labels(dataset, "label")
    folds = split(dataset, "random")
    other = planted_dataset(n_cells=120, n_genes=20)
    adata = dataset.adata.copy()
    adata.X = adata.X.toarray() / 3.7
    wrong = read_labels(other, "label")
    for data, request, words in (
        (Dataset(adata), FitRequest(family="vae"), "models raw counts and this file has none"),
        (dataset, FitRequest(family="vae", labels=labels, split=folds), "learns without labels"),
        (dataset, FitRequest(), "learns classes: name the column"),
        (dataset, FitRequest(labels=labels, split=folds, batch=labels), "cannot take a batch out"),
    ):
        with pytest.raises(NotCompatible, match=words):
            fit(data, request)
    with pytest.raises(DataError, match="number of cells"):
        fit(dataset, FitRequest(family="vae", batch=wrong))
    with pytest.raises(ModelError, match="too few"):
        fit(planted_dataset(n_cells=40, n_genes=20), FitRequest(family="vae"))


class Stopping:
    """A job that is cancelled when a word comes up."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.fractions: list[float] = []

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        self.fractions.append(fraction or 0.0)
        if self.word and self.word in text:
            raise JobCancelled


@pytest.mark.parametrize("word", ["preparing", "epoch 2", "encoding", "figures"])
def test_cancel_at_every_stage(dataset: Dataset, request_vae: FitRequest, word: str) -> None:
    with pytest.raises(JobCancelled):
        fit(
            dataset,
            replace(request_vae, params=FAST.model_copy(update={"max_epochs": 2})),
            Stopping(word),
        )
