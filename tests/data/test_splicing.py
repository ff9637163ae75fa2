"""Spliced and unspliced RNA as columns: pairs, moments by hand, bad layers."""

from __future__ import annotations

from collections.abc import Callable

import anndata as ad
import numpy as np
import pytest
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.data.modality import RNA, UNSPLICED, feature_modalities
from glasscell.data.splicing import join_splicing, splicing_pairs
from glasscell.errors import DataError
from glasscell.testing.splicing import make_spliced_cells


def test_layers_are_joined_as_columns() -> None:
    adata = make_spliced_cells(60, 5, n_still=3).adata
    adata.obsm["place"] = np.zeros((60, 2))
    joined = join_splicing(adata, neighbours=0)
    assert joined.shape == (60, 16)
    assert feature_modalities(Dataset(joined)) == (RNA,) * 8 + (UNSPLICED,) * 8
    assert list(joined.var_names[[2, 10]]) == ["gene2", "gene2 unspliced"]
    np.testing.assert_array_equal(joined.X.toarray()[:, 8:], adata.layers["unspliced"].toarray())
    assert "place" in joined.obsm
    assert adata.n_vars == 8, "the caller's table stays as it was"


def test_moments_by_hand() -> None:
    """Counts over the cell's total of both kinds, averaged over the nearest cells, itself included."""
    adata = make_spliced_cells(50, 6, n_still=4).adata
    joined = join_splicing(adata, neighbours=7).X.toarray()
    counts = np.concatenate([adata.layers[key].toarray() for key in ("spliced", "unspliced")], axis=1)
    size_c = counts.sum(axis=1)
    scaled = counts / size_c[:, None] * np.median(size_c)
    logs = np.log1p(scaled[:, :10])
    logs -= logs.mean(axis=0)
    left, size, _ = np.linalg.svd(logs, full_matrices=False)
    place = left[:, :9] * size[:9]
    for cell in range(50):
        near = np.argsort(((place - place[cell]) ** 2).sum(axis=1))[:7]
        np.testing.assert_allclose(joined[cell], scaled[near].mean(axis=0), rtol=1e-4, atol=1e-5)
    assert not np.allclose(joined, scaled)


def test_pairs_are_found_in_any_order() -> None:
    names = ("B unspliced", "A", "C unspliced", "B", "P", "A unspliced")
    kinds = (UNSPLICED, RNA, UNSPLICED, RNA, "protein", UNSPLICED)
    spliced, unspliced = splicing_pairs(names, kinds)
    assert spliced.tolist() == [1, 3]
    assert unspliced.tolist() == [5, 0]
    assert [len(part) for part in splicing_pairs(names[1:2], kinds[1:2])] == [0, 0]


def test_layers_that_do_not_fit_are_said_in_a_sentence() -> None:
    adata = make_spliced_cells(20, 5, n_still=2).adata
    with pytest.raises(DataError, match="Mu"):
        join_splicing(adata, "spliced", "Mu")
    with pytest.raises(DataError, match="average over fewer neighbours than 30"):
        join_splicing(adata)
    adata.layers["odd"] = sparse.csr_matrix(-adata.layers["spliced"])
    adata.layers["gap"] = adata.layers["spliced"].copy()
    adata.layers["gap"].data[3] = np.nan
    for name in ("odd", "gap"):
        with pytest.raises(DataError, match="negative values or gaps"):
            join_splicing(adata, name, neighbours=5)
    with pytest.raises(DataError, match="-1 neighbours cannot"):
        join_splicing(adata, neighbours=-1)
    adata.layers["flat"] = sparse.csr_matrix(np.ones(adata.shape))
    for same in (join_with(adata, "flat"), join_with(adata[:, :1].copy(), "spliced")):
        with pytest.raises(DataError, match="all alike in their spliced RNA"):
            same()


def join_with(adata: ad.AnnData, layer: str) -> Callable[[], ad.AnnData]:
    return lambda: join_splicing(adata, layer, layer, neighbours=5)


def test_simulated_velocities_are_slopes_over_time() -> None:
    """With counts so many that noise vanishes, the slope of spliced RNA over kinetic time is the velocity."""
    made = make_spliced_cells(400, 12, n_still=6, depth=1e7, length=12.0)
    spliced = made.adata.layers["spliced"].toarray().astype(np.float64)
    size_c = spliced[:, 12:].sum(axis=1)
    spliced *= np.median(size_c) / size_c[:, None]
    rose_cg = np.diff(spliced[:, :12], axis=0) / np.diff(made.time_c * 12.0)[:, None]
    middle_cg = (made.velocity_cg[1:, :12] + made.velocity_cg[:-1, :12]) / 2
    apart = np.diff(made.time_c) > 1e-3
    for gene in range(12):
        assert np.corrcoef(rose_cg[apart, gene], middle_cg[apart, gene])[0, 1] > 0.98
        assert np.polyfit(middle_cg[apart, gene], rose_cg[apart, gene], 1)[0] == pytest.approx(1, abs=0.15)
    assert not made.velocity_cg[:, 12:].any()
    assert isinstance(made.adata, ad.AnnData)
