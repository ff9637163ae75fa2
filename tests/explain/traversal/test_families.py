"""Traversal of trained families: what they have beside a decoder is used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.explain.traversal import traverse
from glasscell.models.fit import FitRequest, fit
from glasscell.models.registry import family
from glasscell.testing.planted import planted_dataset
from glasscell.views.traversal_picture import gate_picture, sweep_picture


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return planted_dataset(n_cells=150, n_genes=30, n_sections=2)


@pytest.mark.slow
def test_a_vae_moves_the_markers_of_the_label_its_factor_follows(dataset: Dataset) -> None:
    params = family("vae").params(n_latent=4, hidden=32, max_epochs=30, batch_size=32)
    bundle = fit(dataset, FitRequest(family="vae", params=params, seed=1))
    found = traverse(dataset, bundle)
    np.testing.assert_array_equal(found.latent_cz, bundle.cells.latent_cz)
    best = max(range(4), key=lambda k: abs(found.links[k][0].strength))
    link = found.links[best][0]
    assert abs(link.strength) > 0.6
    expression_cg = np.log1p(dataset.adata.X.toarray())
    inside = (dataset.obs[link.column].astype(str) == link.value).to_numpy()
    difference_g = expression_cg[inside].mean(axis=0) - expression_cg[~inside].mean(axis=0)
    low, high = (found.step_of(best, float(end[best])) for end in (found.low_k, found.high_k))
    moved_g = np.sign(link.strength) * (found.change_ksg[best, high] - found.change_ksg[best, low])
    assert np.corrcoef(moved_g, difference_g)[0, 1] > 0.5
    shuffled_g = np.random.default_rng(0).permutation(difference_g)
    assert abs(np.corrcoef(moved_g, shuffled_g)[0, 1]) < 0.45, "an impostor does not"


def test_an_additive_decoder_says_its_own_effects(dataset: Dataset) -> None:
    params = family("additive_vae").params(n_latent=4, max_epochs=4)
    bundle = fit(dataset, FitRequest(family="additive_vae", params=params))
    found = traverse(dataset, bundle)
    np.testing.assert_array_equal(found.highest_kdg, bundle.folds[0].effects.highest_kdg)
    np.testing.assert_array_equal(found.lowest_kdg, bundle.folds[0].effects.lowest_kdg)


@pytest.mark.slow
def test_pathways_keep_their_names(dataset: Dataset, tmp_path: Path) -> None:
    genes = [str(name) for name in dataset.genes.names]
    sets = tmp_path / "sets.gmt"
    lines = [f"<b>SET{k}</b>\tx\t" + "\t".join(genes[6 * k : 6 * k + 6]) for k in range(4)]
    sets.write_text("\n".join(lines) + "\n")
    params = family("pathway_vae").params(gene_sets=str(sets), min_genes=4, max_epochs=4)
    bundle = fit(dataset, FitRequest(family="pathway_vae", params=params))
    found = traverse(dataset, bundle)
    assert found.named
    assert found.names == bundle.folds[0].latent_names
    assert "<b>SET2</b>" in {row.title for row in sweep_picture(found).rows}
    assert gate_picture(bundle.folds[0]) is None


@pytest.mark.slow
def test_gates_of_perturbations_are_the_models_own(dataset: Dataset) -> None:
    params = family("svae").params(n_latent=5, max_epochs=4)
    request = FitRequest(family="svae", params=params, action=read_labels(dataset, "label"), control="K1")
    bundle = fit(dataset, request)
    net = bundle.folds[0]
    picture = gate_picture(net)
    assert picture is not None
    assert picture.actions == net.actions
    np.testing.assert_array_equal(picture.gates_az, net.parts()["gates"])
    found = traverse(dataset, bundle)
    assert not found.named
    assert found.title(0) == "factor 0"
