"""Perturbations against the same change made in the count table, with controls, notes and files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch
from scipy.special import softmax

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError, GlasscellError, NotCompatible
from glasscell.explain.perturbation.arrow import BY_NEIGHBOURS, DIRECTION_ONLY, arrows
from glasscell.explain.perturbation.change import Levels
from glasscell.explain.perturbation.channel import perturbation_ref, resolve_perturbation
from glasscell.explain.perturbation.decoded import decoded_change
from glasscell.explain.perturbation.perturb import perturb
from glasscell.explain.perturbation.request import PerturbationRequest
from glasscell.explain.perturbation.result import Perturbation
from glasscell.explain.perturbation.store import (
    read_perturbations,
    store_perturbation,
    write_perturbation,
)
from glasscell.models.bundle import Bundle
from glasscell.models.preprocessing import Preprocessing
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_latent import ToyLatent, latent_bundle

T = 100.0


@pytest.fixture(scope="module")
def cells() -> Dataset:
    return planted_dataset(n_cells=80, n_genes=40, n_classes=3, seed=11)


@pytest.fixture(scope="module")
def weights_zg() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(3, 40))


@pytest.fixture(scope="module")
def bundle(cells: Dataset, weights_zg: np.ndarray) -> Bundle:
    return latent_bundle(cells, ToyLatent(weights_zg, [str(name) for name in cells.genes.names]))


class Context:
    """What a resolver asks for."""

    def __init__(self, dataset: Dataset, bundle: Bundle, found: Perturbation) -> None:
        self.dataset, self._bundle, self._found = dataset, bundle, found

    def bundle(self, model: str) -> Bundle:
        assert model == self._bundle.id
        return self._bundle

    def result(self, kind: str, name: str) -> Perturbation:
        assert (kind, name) == ("perturbation", self._found.id)
        return self._found


def latents_of_counts(counts_cg: np.ndarray, weights_zg: np.ndarray) -> np.ndarray:
    """Normalise a count table literally and encode it as the toy does."""
    x_cg = np.log1p(counts_cg / counts_cg.sum(axis=1, keepdims=True) * T)
    return np.asarray(x_cg @ weights_zg.T / 40)


@pytest.mark.parametrize("direction", ["out", "down", "up"])
def test_it_equals_the_change_made_in_the_count_table(
    direction: str, cells: Dataset, bundle: Bundle, weights_zg: np.ndarray
) -> None:
    chosen = np.arange(5, 65, dtype=np.int32)
    genes = (str(cells.genes.names[2]), str(cells.genes.names[7]))
    request = PerturbationRequest(genes, direction, cells=chosen, params={"keep": 0.5, "percentile": 90})  # type: ignore[arg-type]
    found = perturb(cells, bundle, request)
    counts_cg = np.asarray(cells.expression_cg("counts").toarray(), np.float64)
    rates_cg = counts_cg / counts_cg.sum(axis=1, keepdims=True)
    changed_cg = rates_cg.copy()
    for place in (2, 7):
        rate_c = rates_cg[:, place]
        if direction == "out":
            changed_cg[:, place] = 0
        elif direction == "down":
            changed_cg[:, place] = 0.5 * rate_c
        else:
            changed_cg[:, place] = np.maximum(rate_c, np.percentile(rate_c[rate_c > 0], 90))
    before_cz = latents_of_counts(counts_cg, weights_zg)[chosen]
    after_cz = latents_of_counts(changed_cg, weights_zg)[chosen]
    np.testing.assert_allclose(found.before_cz, before_cz, atol=2e-6)
    np.testing.assert_allclose(found.after_cz, after_cz, atol=2e-6)
    np.testing.assert_allclose(found.change_g, (after_cz - before_cz).mean(axis=0) @ weights_zg, atol=1e-5)
    size = np.linalg.norm((after_cz - before_cz) / before_cz.std(axis=0), axis=1)
    np.testing.assert_allclose(found.effect_c, size, rtol=1e-3, atol=1e-6)
    assert np.isnan(found.everywhere(found.effect_c)[:5]).all()


def test_a_gene_that_is_nowhere_changes_nothing_when_knocked_out(cells: Dataset, bundle: Bundle) -> None:
    adata = cells.adata.copy()
    table = adata.X.tolil()
    table[:, 3] = 0
    adata.X = table.tocsr()
    silent = Dataset(adata)
    gene = str(cells.genes.names[3])
    found = perturb(silent, bundle, PerturbationRequest((gene,)))
    assert (found.effect_c == 0).all()
    assert found.comparison is not None
    assert found.comparison.as_large == len(found.comparison.controls)
    with pytest.raises(DataError, match="cannot be raised to a level seen"):
        perturb(silent, bundle, PerturbationRequest((gene,), "up"))


def test_a_gene_that_the_model_goes_by_stands_out_among_matched_controls(cells: Dataset) -> None:
    """A random gene does not, which is what an effect without controls would hide."""
    names = [str(name) for name in cells.genes.names]
    weights_zg = np.random.default_rng(1).normal(size=(2, 40)) * 0.02
    mean_g = np.asarray(cells.expression_cg("lognorm").mean(axis=0)).ravel()
    key = int(np.argsort(mean_g)[30])
    weights_zg[0, key] = 5.0
    model = latent_bundle(cells, ToyLatent(weights_zg, names))
    strong = perturb(cells, model, PerturbationRequest((names[key],)))
    plain = perturb(cells, model, PerturbationRequest((names[int(np.argsort(mean_g)[29])],)))
    assert strong.comparison is not None
    assert plain.comparison is not None
    assert strong.comparison.z is not None
    assert strong.comparison.z > 4
    assert strong.comparison.as_large == 0
    assert plain.comparison.as_large > 0


def test_controls_are_other_genes_of_like_expression(cells: Dataset, bundle: Bundle) -> None:
    levels = Levels(cells, bundle.folds[0], 95.0)
    places = np.array([4, 9])
    sets = levels.matched(places, 30, np.random.default_rng(0))
    assert len(sets) == 30
    for one in sets:
        assert len(set(one.tolist())) == 2
        assert not set(one.tolist()) & {4, 9}


def test_classes_flip_and_are_counted(dataset: Dataset, make_bundle: Callable[..., Bundle]) -> None:
    model = make_bundle()
    genes = tuple(str(name) for name in dataset.genes.names[:15])
    found = perturb(dataset, model, PerturbationRequest(genes, name="the first fifteen"))
    assert found.title == "the first fifteen out"
    assert found.classes == ("K1", "K2", "K3")
    assert found.effect_unit == "logits"
    before_c, after_c = found.codes
    flips = found.flips()
    assert sum(row[2] for row in flips) == int((before_c != after_c).sum()) > 0
    most = flips[0]
    here = (before_c == found.classes.index(most[0])) & (after_c == found.classes.index(most[1]))
    assert most[2] == int(here.sum())
    values = resolve_perturbation(Context(dataset, model, found), perturbation_ref(found, "flip"))
    assert values.categories is not None
    assert values.categories[0] == "stays"
    assert (values.codes == 0).sum() == int((before_c == after_c).sum())
    logit = resolve_perturbation(Context(dataset, model, found), perturbation_ref(found, "logit:K2"))
    assert logit.centre == 0.0
    assert found.before_ck is not None
    assert found.after_ck is not None
    moved = found.after_ck - found.before_ck
    np.testing.assert_allclose(logit.values, moved[:, 1] - moved.mean(axis=1), atol=1e-5)
    with pytest.raises(DataError, match="does not decode"):
        decoded_change(dataset, model, found, genes[0])


def test_a_cell_of_which_no_class_is_believed_any_more_becomes_unknown(
    dataset: Dataset, make_bundle: Callable[..., Bundle]
) -> None:
    model = make_bundle()
    genes = tuple(str(name) for name in dataset.genes.names[:15])
    plain = perturb(dataset, model, PerturbationRequest(genes))
    assert plain.names == plain.classes
    assert plain.after_ck is not None
    sure_c = softmax(plain.after_ck.astype(np.float64), axis=1).max(axis=1)
    strict: Any = SimpleNamespace(unknown_below=float(np.median(sure_c)))
    found = perturb(dataset, replace(model, params=strict), PerturbationRequest(genes))
    assert found.names == (*found.classes, "unknown")
    for logits_ck, code_c, plain_c in zip(
        (found.before_ck, found.after_ck), found.codes, plain.codes, strict=True
    ):
        assert logits_ck is not None
        unsure_c = softmax(logits_ck.astype(np.float64), axis=1).max(axis=1) < strict.unknown_below
        assert 0 < unsure_c.sum() < len(unsure_c)
        np.testing.assert_array_equal(code_c, np.where(unsure_c, 3, plain_c))
    assert any(after == "unknown" for _, after, _, _ in found.flips())
    values = resolve_perturbation(Context(dataset, model, found), perturbation_ref(found, "flip"))
    assert "to unknown" in (values.categories or ())


def test_a_decoded_gene_is_a_channel_that_averages_to_the_table(cells: Dataset, bundle: Bundle) -> None:
    names = [str(name) for name in cells.genes.names]
    found = perturb(cells, bundle, PerturbationRequest((names[1],), cells=np.arange(30, dtype=np.int32)))
    assert found.change_g is not None
    values = resolve_perturbation(Context(cells, bundle, found), perturbation_ref(found, f"gene:{names[6]}"))
    assert np.nanmean(values.values) == pytest.approx(found.change_g[6], abs=1e-6)
    assert np.isnan(values.values[30:]).all()
    assert "not measured" in values.note
    assert dict(found.top(40))[names[6]] == pytest.approx(float(found.change_g[6]))
    assert list(found.table()["gene"][:2]) == [name for name, _ in found.top(2)]
    with pytest.raises(DataError, match="not 'nothing'"):
        resolve_perturbation(Context(cells, bundle, found), perturbation_ref(found, "nothing"))


def test_arrows_have_length_where_the_space_allows_it(cells: Dataset, bundle: Bundle) -> None:
    adata = cells.adata.copy()
    names = [str(name) for name in cells.genes.names]
    found = perturb(cells, bundle, PerturbationRequest(tuple(names[:8])))
    adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(80, 2))
    adata.obsm["X_umap_of_pca"] = adata.obsm["X_umap"]
    adata.obsm["X_pca"] = np.random.default_rng(1).normal(size=(80, 3))
    adata.obsm["X_toy"] = np.asarray(found.before_cz)
    shown = Dataset(adata)
    drawn = arrows(shown, found, "X_umap")
    assert not drawn.to_scale
    assert drawn.caption == DIRECTION_ONLY
    lengths = np.linalg.norm(drawn.end_ad - drawn.start_ad, axis=1)
    np.testing.assert_allclose(lengths, lengths[0])
    assert not arrows(shown, found, "X_umap_of_pca").to_scale
    linear = arrows(shown, found, "X_pca")
    assert linear.to_scale
    assert linear.caption == BY_NEIGHBOURS
    assert found.before_cz is not None
    assert found.after_cz is not None
    scale_z = np.asarray(found.before_cz, np.float64).std(axis=0)
    places = np.asarray(adata.obsm["X_pca"])[:, :2]
    moved = []
    for cell in range(80):
        ends = [
            np.argsort((((found.before_cz - latent_cz[cell]) / scale_z) ** 2).sum(axis=1))[:15]
            for latent_cz in (found.before_cz, found.after_cz)
        ]
        moved.append(places[ends[1]].mean(axis=0) - places[ends[0]].mean(axis=0))
    mean_way = np.average(linear.end_ad - linear.start_ad, axis=0, weights=linear.n_cells)
    stay = 80 - linear.n_cells.sum()  # patches whose cells stay have no arrow
    np.testing.assert_allclose(mean_way * (80 - stay) / 80, np.mean(moved, axis=0), atol=1e-6)
    own = arrows(shown, found, "X_toy")
    assert own.to_scale
    assert own.n_cells.sum() == 80
    mean_shift = np.average(own.end_ad - own.start_ad, axis=0, weights=own.n_cells)
    np.testing.assert_allclose(mean_shift, (found.after_cz - found.before_cz).mean(axis=0)[:2], atol=1e-6)
    with pytest.raises(DataError, match="no embedding"):
        arrows(shown, found, "X_tsne")


def test_values_that_are_no_counts_are_lowered_to_the_lowest_measured(weights_zg: np.ndarray) -> None:
    table_cg = np.random.default_rng(2).normal(size=(60, 40)).astype(np.float32)
    protein = Dataset(ad.AnnData(table_cg))
    net = ToyLatent(weights_zg, [str(name) for name in protein.genes.names])
    net.preprocessing = Preprocessing("stored", None, "as stored")
    found = perturb(protein, latent_bundle(protein, net), PerturbationRequest(("5",)))
    changed_cg = table_cg.astype(np.float64)
    changed_cg[:, 5] = changed_cg[:, 5].min()
    np.testing.assert_allclose(found.after_cz, changed_cg @ weights_zg.T / 40, atol=1e-5)
    assert any("lowest value" in note for note in found.notes)


def test_what_cannot_be_is_one_sentence(cells: Dataset, bundle: Bundle) -> None:
    gene = str(cells.genes.names[0])
    for wrong in ({"genes": ()}, {"genes": (gene, gene)}, {"genes": (gene,), "direction": "sideways"}):
        with pytest.raises(DataError):
            PerturbationRequest(**wrong)  # type: ignore[arg-type]
    with pytest.raises(NotCompatible, match="input gene"):
        perturb(cells, bundle, PerturbationRequest(("no such gene",)))
    with pytest.raises(NotCompatible, match="learnt no perturbations"):
        perturb(cells, bundle, PerturbationRequest((), "learned", action="KLF1"))
    with pytest.raises(GlasscellError, match="keep"):
        perturb(cells, bundle, PerturbationRequest((gene,), params={"keep": 2}))


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
def test_it_is_written_and_read_back_equal(
    suffix: str, dataset: Dataset, make_bundle: Callable[..., Bundle], tmp_path: Path
) -> None:
    gene = str(dataset.genes.names[0])
    found = perturb(dataset, make_bundle(), PerturbationRequest((gene,), cells=np.arange(20, dtype=np.int32)))
    adata = dataset.adata.copy()
    key = write_perturbation(adata, found)
    path = tmp_path / f"made{suffix}"
    if suffix == ".h5ad":
        adata.write_h5ad(path)
        again = ad.read_h5ad(path)
    else:
        adata.write_zarr(path)
        again = ad.read_zarr(path)
    (kept,) = read_perturbations(again)
    assert kept.key == key
    assert kept.equals(store_perturbation(found))
    again.uns[key] = "{}"
    with pytest.raises(DataError, match="damaged"):
        read_perturbations(again)


def test_asking_leaves_no_trace(dataset: Dataset, make_bundle: Callable[..., Bundle]) -> None:
    model = make_bundle()
    state = torch.random.get_rng_state()
    request = PerturbationRequest((str(dataset.genes.names[0]),), seed=5)
    first, second = perturb(dataset, model, request), perturb(dataset, model, request)
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.id == second.id
    np.testing.assert_array_equal(first.effect_c, second.effect_c)
    assert first.comparison == second.comparison
