"""SCVIVA of scvi-tools: niches as its own, latents equal, and a planted answer to neighbours found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.stats import spearmanr
from tests.scvi_warnings import SCVI_WARNINGS

from glasscell.data.channel import ChannelRef, resolve_channel
from glasscell.data.column import DataContext
from glasscell.data.dataset import Dataset
from glasscell.data.labels import Labels, read_labels
from glasscell.data.neighbour import GraphSpec, neighbour_graph
from glasscell.errors import DataError, ModelError, NotCompatible
from glasscell.explain import ExplainRequest, FactoredAttribution, explain
from glasscell.models.batch import make_batch
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.preflight import check
from glasscell.models.registry import family
from glasscell.models.request_again import request_of
from glasscell.models.scvi import train_niche
from glasscell.models.scvi.niche import niches_of
from glasscell.models.scvi.params import NicheParams
from glasscell.models.target import Target
from glasscell.session import resolve  # noqa: F401 - makes the channels of models known
from glasscell.testing.check import check_model
from glasscell.testing.neighbour_effect import NeighbourEffect, make_neighbour_effect
from glasscell.views.family_choice import family_rows, why_not_these

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")

pytestmark = SCVI_WARNINGS
FAST = NicheParams(n_latent=4, n_hidden=16, max_epochs=3, batch_size=64, k=6, n_components=5)


def answering(made: NeighbourEffect, seed: int = 0) -> ad.AnnData:
    """Return counts of cells some of whose genes answer to the types around them."""
    source = made.dataset.adata
    mean_cg = 4 * np.exp(0.5 * np.asarray(source.X))
    counts_cg = np.random.default_rng(seed).poisson(mean_cg).astype(np.float32)
    kept = {"spatial": source.obsm["spatial"]}
    return ad.AnnData(sparse.csr_matrix(counts_cg), obs=source.obs.copy(), obsm=kept)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    made = answering(make_neighbour_effect(n_cells=300, n_types=3, n_genes=24, n_pairs=2))
    made.obs["chip"] = np.array(["one", "two"])[np.random.default_rng(0).integers(0, 2, 300)]
    made.obs["chip"] = made.obs["chip"].astype("category")
    return Dataset(made)


@pytest.fixture(scope="module")
def trained(dataset: Dataset) -> tuple[Any, Any]:
    """Return our bundle, of which some cells have no type, and the model of scvi-tools it was made of."""
    kept, run = [], train_niche.run
    types = read_labels(dataset, "type")
    some = Labels("type", np.where(np.arange(300) % 10 == 0, -1, types.codes), types.classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_niche, "run", lambda model, *rest: (run(model, *rest), kept.append(model))[0])
        batch = read_labels(dataset, "chip")
        asked = FitRequest(labels=some, family="scviva", params=FAST, device="cpu", batch=batch)
        return fit(dataset, asked), kept[0]


def test_niches_are_those_of_scvi_tools(dataset: Dataset) -> None:
    import scvi

    theirs = dataset.adata.copy()
    theirs.obs["slice"] = np.array(["a", "b"])[(theirs.obsm["spatial"][:, 0] > 9).astype(int)]
    rng = np.random.default_rng(0)
    theirs.obsm["few"] = rng.normal(size=(300, 4))
    maker = scvi.external.SCVIVA
    maker.preprocessing_anndata(
        theirs, k_nn=7, sample_key="slice", labels_key="type", expression_embedding_key="few"
    )
    theirs.obs["section"] = theirs.obs["slice"].astype("category")
    mine = Dataset(theirs)
    types = theirs.obsm["niche_composition"].columns
    codes = np.array([list(types).index(name) for name in theirs.obs["type"]])
    near = neighbour_graph(mine, GraphSpec("knn", 7))
    ours = niches_of(near, np.arange(300), codes, theirs.obsm["few"])
    np.testing.assert_allclose(ours.composition_ct, theirs.obsm["niche_composition"].to_numpy())
    np.testing.assert_allclose(ours.mean_ctd, theirs.obsm["niche_activation"])
    some = rng.permutation(300)[:150]
    fewer = niches_of(near, some, codes[some], theirs.obsm["few"][some])
    cell = int(np.argmax(fewer.size_c))
    around = np.intersect1d(near.of(some[cell]), some)
    np.testing.assert_allclose(
        fewer.composition_ct[cell], np.bincount(codes[around], minlength=3) / len(around)
    )
    assert fewer.size_c.max() < 8
    assert fewer.size_c.mean() < ours.size_c.mean()


def test_latents_and_niches_equal_those_of_scvi_tools(dataset: Dataset, trained: tuple[Any, Any]) -> None:
    bundle, theirs = trained
    rows = np.array([int(name) for name in theirs.adata.obs_names])
    assert not (rows % 10 == 0).any(), "cells without a type teach nothing"
    assert not (bundle.cells.fold[rows] == 0).any(), "nor do cells held out"
    assert np.isfinite(bundle.cells.latent_cz).all(), "yet all are encoded"
    latent_cz = theirs.get_latent_representation()
    gap = np.abs(bundle.cells.latent_cz[rows] - latent_cz).max() / np.abs(latent_cz).max()
    print(f"\nSCVIVA: latents differ from scvi-tools' own by at most {gap:.1e} of their largest value")
    assert gap <= 1e-5
    assert np.abs(bundle.cells.latent_cz[rows[::-1]] - latent_cz).max() > 1e-3 * np.abs(latent_cz).max()
    net = bundle.folds[0]
    check_model(net, make_batch(dataset, net, np.arange(12)))
    batch = make_batch(dataset, net, rows)
    share_ct = theirs.predict_neighborhood()
    with torch.no_grad():
        np.testing.assert_allclose(net.niche(batch).numpy(), share_ct, atol=1e-5)
        for code, name in enumerate(net.types):
            odds_c = np.log(share_ct[:, code] / (1 - share_ct[:, code]))
            np.testing.assert_allclose(net.score(batch, Target("niche", name)).numpy(), odds_c, atol=1e-3)
    assert np.abs(share_ct - share_ct[::-1]).max() > 1e-3


def test_it_is_saved_explained_and_trained_again(
    dataset: Dataset, trained: tuple[Any, Any], tmp_path: Path
) -> None:
    bundle, _ = trained
    again = load_bundle(save_bundle(bundle, tmp_path))
    batch = make_batch(dataset, bundle.folds[0], np.arange(20))
    for text in ("latent:1", "niche:T2"):
        kind, name = text.split(":")
        target = Target(kind, name)
        assert torch.equal(again.folds[0].score(batch, target), bundle.folds[0].score(batch, target))
        result = explain(dataset, again, ExplainRequest(target=text, baseline="depth_matched"))
        assert isinstance(result, FactoredAttribution)
        assert result.completeness_gap < 0.05
        assert result.unit == ("logit" if kind == "niche" else "latent units")
    asked = request_of(dataset, again)
    assert asked.labels is not None
    assert (asked.labels.name, asked.family) == ("type", "scviva")


def test_the_share_expected_around_is_a_colour(dataset: Dataset, trained: tuple[Any, Any]) -> None:
    bundle, _ = trained
    context = DataContext(dataset, bundles={bundle.id: bundle})
    values = resolve_channel(context, ChannelRef.make("niche", "T1", model=bundle.id))
    net = bundle.folds[0]
    with torch.no_grad():
        wanted = net.niche(make_batch(dataset, net, np.arange(300)))[:, net.types.index("T1")]
    np.testing.assert_allclose(values.values, wanted.numpy(), rtol=1e-6)
    assert "not counted" in values.note
    with pytest.raises(DataError, match="foretells no share of neuron"):
        resolve_channel(context, ChannelRef.make("niche", "neuron", model=bundle.id))


def test_what_it_cannot_do_without_is_said_in_a_sentence(dataset: Dataset) -> None:
    sentence = "must be told what kind each cell is"
    with pytest.raises(NotCompatible, match=sentence):
        fit(dataset, FitRequest(family="scviva", params=FAST, device="cpu"))
    said = check("scviva", dataset)
    assert not said
    assert any(sentence in reason for reason in said.reasons)
    assert check("scviva", dataset, "type").verdict != "no"
    row = next(row for row in family_rows() if row.key == "scviva")
    assert sentence in why_not_these(row, dataset, ())
    assert why_not_these(row, dataset, ("type",)) == ""
    nowhere = dataset.adata.copy()
    del nowhere.obsm["spatial"]
    types = read_labels(dataset, "type")
    with pytest.raises(NotCompatible, match="says nowhere where cells lie"):
        fit(Dataset(nowhere), FitRequest(labels=types, family="scviva", params=FAST, device="cpu"))
    lonely = Labels("type", np.where(np.arange(300) < 2, types.codes, -1), types.classes)
    with pytest.raises(ModelError, match="Fewer than two types lie next to each other"):
        fit(dataset, FitRequest(labels=lonely, family="scviva", params=FAST, device="cpu"))
    assert family("scviva").info.needs_kinds


@pytest.mark.slow
def test_a_planted_answer_to_neighbours_is_foretold_and_explained() -> None:
    """Where the tissue is shuffled, neither is; nor are types foretold to which nothing answers."""
    made = make_neighbour_effect(0, n_cells=3000, n_types=4, n_genes=60, n_pairs=4, effect=1.5)
    real = answering(made)
    moved = real.copy()
    moved.obsm["spatial"] = moved.obsm["spatial"][np.random.default_rng(0).permutation(3000)]
    found = {name: _follows(made, real, Dataset(one)) for name, one in (("real", real), ("moved", moved))}
    (planted, others, rank), (chance, _, chance_rank) = found["real"], found["moved"]
    print(f"\nSCVIVA: planted {planted:.2f}, others {others:.2f}, moved {chance:.2f}")
    print(f"SCVIVA: mean rank of planted genes {rank:.1f}, moved {chance_rank:.1f}, of 60")
    assert planted > 0.15
    assert abs(others) < 0.1
    assert chance < 0.1
    assert rank < 15 < chance_rank


def _follows(made: NeighbourEffect, real: ad.AnnData, dataset: Dataset) -> tuple[float, float, float]:
    """Return how foretold shares follow true ones in held-out cells, planted and not; ranks of genes."""
    params = NicheParams(k=8, max_epochs=100)
    types = read_labels(dataset, "type")
    bundle = fit(dataset, FitRequest(labels=types, family="scviva", params=params, device="cpu"))
    net: Any = bundle.folds[0]
    senders, receivers = neighbour_graph(Dataset(real), GraphSpec("knn", 8)).edges()
    true_ct = np.zeros((len(types.codes), 4))
    np.add.at(true_ct, (receivers, types.codes[senders]), 1 / 8)
    with torch.no_grad():
        share_ct = net.niche(make_batch(dataset, net, np.arange(dataset.n_cells))).numpy()
    rho_rs, ranks = np.empty((4, 4)), []
    for receiver in range(4):
        mine = (types.codes == receiver) & (bundle.cells.fold == 0)
        for sender in range(4):
            rho_rs[receiver, sender] = spearmanr(share_ct[mine, sender], true_ct[mine, sender])[0]
            if made.planted_rs[receiver, sender]:
                asked = ExplainRequest(target=f"niche:T{sender}", baseline="mean", evidence=False)
                rows = np.flatnonzero(types.codes == receiver)
                size_g = np.abs(explain(dataset, bundle, asked).block(rows)).mean(axis=0)
                genes = np.flatnonzero(made.effect_rsg[receiver, sender])
                ranks.append(np.argsort(np.argsort(-size_g))[genes].mean())
    planted = made.planted_rs
    return float(rho_rs[planted].mean()), float(rho_rs[~planted].mean()), float(np.mean(ranks))
