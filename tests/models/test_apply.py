"""A bundle on other data: missing genes are named, unlike cells flagged, nothing is filled with zeros."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

import glasscell
from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.sample import sample_dataset
from glasscell.data.split import split
from glasscell.errors import ModelError, NotCompatible
from glasscell.models.applied import Applied
from glasscell.models.apply import apply
from glasscell.models.apply_input import Inputs
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.gene_match import IGNORE_CASE, match_genes


def taken(dataset: Dataset, cells: object = slice(None), genes: object = slice(None)) -> Dataset:
    adata = ad.AnnData(dataset.expression_cg("counts"), obs=dataset.obs)
    adata.obs_names = dataset.cell_names
    adata.var_names = dataset.genes.names
    return Dataset(adata[cells].copy()[:, adata.var_names[genes]].copy())  # type: ignore[index]


def accuracy(found: Applied, truth: np.ndarray) -> float:
    return float(np.mean(np.array([*found.classes, ""])[found.codes] == truth.astype(str)))


def test_the_training_file_itself_gets_the_nets_own_predictions(bundle: Bundle, dataset: Dataset) -> None:
    found = apply(bundle, dataset)
    cells = np.arange(dataset.n_cells)
    want = np.mean([net.probabilities(make_batch(dataset, net, cells)).numpy() for net in bundle.folds], 0)
    np.testing.assert_allclose(found.probabilities_ck, want, atol=1e-5)
    assert not found.match.missing
    assert found.flagged_share < 0.1


def test_missing_genes_are_named_and_stand_at_the_training_mean(bundle: Bundle, dataset: Dataset) -> None:
    fewer = taken(dataset, genes=slice(0, 30))
    found = apply(bundle, fewer)
    assert found.match.missing == bundle.genes[30:]
    assert bundle.genes[30] in " ".join(found.notes)
    assert bundle.reference is not None
    match = match_genes(fewer.genes, bundle.genes)
    net = bundle.folds[0]
    inputs = Inputs(fewer, match, bundle.reference, net.preprocessing)
    x = inputs.batch(np.arange(20), net).expression.numpy()
    np.testing.assert_array_equal(x[:, 30:], np.tile(bundle.reference.mean_g[30:], (20, 1)))
    assert (bundle.reference.mean_g[30:] > 0).all(), "a mean of zero could not be told from a zero"
    assert accuracy(found, dataset.obs["label"].to_numpy()) > 0.6
    assert found.expected is not None
    assert min(found.expected.with_all, found.expected.with_present) > found.expected.majority
    said = next(note for note in found.notes if "held-out cells the model is right" in note)
    for name in ("logistic", "coordinates"):
        assert f"{name} {bundle.baselines[name].accuracy:.0%}" in said
    assert found.to_json()["expected"]["baselines"]["logistic"] == bundle.baselines["logistic"].accuracy


def test_genes_in_common_keep_their_scale(bundle: Bundle, dataset: Dataset) -> None:
    """With half of the genes a cell's total halves; what remains must not look twice as high."""
    fewer = taken(dataset, genes=slice(0, 20))
    assert bundle.reference is not None
    net = bundle.folds[0]
    inputs = Inputs(fewer, match_genes(fewer.genes, bundle.genes), bundle.reference, net.preprocessing)
    x = inputs.batch(np.arange(dataset.n_cells), net).expression.numpy()[:, :20]
    want = bundle.reference.mean_g[:20]
    np.testing.assert_allclose(x.mean(axis=0), want, rtol=0.25, atol=0.05)


def test_too_few_genes_in_common_are_refused_unless_asked_for(bundle: Bundle, dataset: Dataset) -> None:
    few = taken(dataset, genes=slice(0, 8))
    with pytest.raises(NotCompatible, match="8 of the model's 40 genes"):
        apply(bundle, few)
    assert apply(bundle, few, min_overlap=0.1).match.n_present == 8
    adata = ad.AnnData(dataset.expression_cg("counts"))
    adata.var_names = [f"other{i}" for i in range(adata.n_vars)]
    with pytest.raises(NotCompatible, match="Without any gene"):
        apply(bundle, Dataset(adata), min_overlap=0.0)
    with pytest.raises(ModelError, match="between 0 and 1"):
        apply(bundle, few, level=2.0)


def test_a_model_saved_without_reference_cells_says_so(bundle: Bundle, dataset: Dataset) -> None:
    with pytest.raises(NotCompatible, match="train it again"):
        apply(replace(bundle, reference=None), dataset)


def test_cells_of_another_kind_are_flagged_and_cells_of_this_kind_are_not(
    bundle: Bundle, dataset: Dataset
) -> None:
    rng = np.random.default_rng(0)
    counts = dataset.expression_cg("counts").toarray()
    shuffled = ad.AnnData(counts[:, rng.permutation(counts.shape[1])].astype(np.float32))
    shuffled.var_names = dataset.genes.names
    assert apply(bundle, Dataset(shuffled)).flagged_share > 0.9
    assert "out of the model's range" in " ".join(apply(bundle, Dataset(shuffled)).notes)
    assert apply(bundle, dataset).flagged_share < 0.1


def test_a_cell_without_counts_gets_no_prediction(bundle: Bundle, dataset: Dataset) -> None:
    counts = dataset.expression_cg("counts").toarray()
    counts[3, :30] = 0
    adata = ad.AnnData(counts[:, :30].astype(np.float32))
    adata.var_names = dataset.genes.names[:30]
    found = apply(bundle, Dataset(adata))
    assert found.codes[3] == -1
    assert np.isnan(found.probabilities_ck[3]).all()
    assert found.flagged[3]
    assert "1 cell has no counts" in " ".join(found.notes)


def test_a_saved_bundle_applies_alike(bundle: Bundle, dataset: Dataset, tmp_path: Path) -> None:
    glasscell.save_bundle(bundle, tmp_path / "model")
    fewer = taken(dataset, genes=slice(0, 30))
    found, again = apply(bundle, fewer), glasscell.apply(tmp_path / "model", fewer)
    np.testing.assert_array_equal(found.probabilities_ck, again.probabilities_ck)
    np.testing.assert_array_equal(found.typicality_c, again.typicality_c)
    assert list(found.table()) == ["cell", "prediction", "probability", "typicality", "flagged"]


@pytest.mark.slow
def test_acceptance_dlpfc_on_other_samples(real_data: Callable[[str], Path]) -> None:
    dlpfc = glasscell.read(real_data("dlpfc_151673.h5ad"))
    folds = split(dlpfc, "blocks", seed=0, labels=read_labels(dlpfc, "layer")).folds
    there = taken(dlpfc, folds == 0, slice(0, None, 2))
    here = dlpfc.with_adata(dlpfc._adata[folds > 0].copy())
    labels = read_labels(here, "layer")
    bundle = fit(here, FitRequest(labels, split(here, "blocks", seed=0, labels=labels)))

    truth = there.obs["layer"].to_numpy()
    found = apply(bundle, there, min_overlap=0.4)
    right, majority = accuracy(found, truth), float(max(np.mean(truth == name) for name in found.classes))
    print(
        f"\nDLPFC blocks held out, every other gene: {found.match.n_present} of {len(bundle.genes)} genes, "
        f"accuracy {right:.3f} (majority {majority:.3f}), flagged {found.flagged_share:.3f}"
    )
    assert right > 0.6
    assert right > majority + 0.2
    assert found.flagged_share < 0.15

    sample = sample_dataset()
    starmap = glasscell.read(real_data("starmap_v1_BY3_1207x1020.h5ad"))
    for name, data, rename in (
        ("sample tissue", sample, ""),
        ("starmap_v1, case ignored", starmap, IGNORE_CASE),
    ):
        with pytest.raises(NotCompatible, match="At least 50% are asked for"):
            apply(bundle, data, rename=rename)
        found = apply(bundle, data, rename=rename, min_overlap=0.02)
        ours = {gene.casefold() for gene in bundle.genes} if rename else set(bundle.genes)
        theirs = [str(gene).casefold() if rename else str(gene) for gene in data.genes.names]
        assert found.match.n_present == len(ours & set(theirs))
        assert found.match.n_present + len(found.match.missing) == len(bundle.genes)
        print(
            f"{name}: {found.match.n_present} of {len(bundle.genes)} genes,",
            f"flagged {found.flagged_share:.3f}",
            *found.notes[1:],
        )
        assert found.flagged_share > 0.9
        assert "do not rely" in " ".join(found.notes)
