"""Thinned counts: a binomial draw of every molecule, repeatable, the rest of the file as it was."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.data.thin import thin_counts, thinned
from glasscell.errors import DataError
from glasscell.testing.planted import planted_adata


def test_each_molecule_is_kept_on_its_own() -> None:
    counts_cg = np.full((400, 50), 8)
    kept = thin_counts(counts_cg, 0.25, 3).toarray()
    assert kept.max() <= 8
    assert kept.mean() == pytest.approx(2.0, abs=0.03)
    assert kept.var() == pytest.approx(8 * 0.25 * 0.75, abs=0.05), "not a plain product with the share"
    np.testing.assert_array_equal(kept, thin_counts(sparse.csc_matrix(counts_cg), 0.25, 3).toarray())
    assert (kept != thin_counts(counts_cg, 0.25, 4).toarray()).any()
    np.testing.assert_array_equal(thin_counts(counts_cg, 1.0, 3).toarray(), counts_cg)
    assert (thin_counts(counts_cg, 0.1, 0).data > 0).all(), "zeros are not stored"


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5])
def test_a_share_is_one(share: float) -> None:
    with pytest.raises(DataError, match="share of counts"):
        thin_counts(np.ones((2, 2)), share, 0)


def test_only_counts_are_thinned() -> None:
    with pytest.raises(DataError, match="Only counts"):
        thin_counts(np.full((2, 2), 0.5), 0.5, 0)
    made = planted_adata(n_cells=30, n_genes=12)
    made.X = sparse.csr_matrix(np.log1p(made.X.toarray()))
    with pytest.raises(DataError, match="no raw counts"):
        thinned(Dataset(made), 0.5, 0)


@pytest.mark.parametrize("place", ["X", "layers/counts", "raw"])
def test_the_rest_of_the_file_stays(place: str) -> None:
    made = planted_adata(n_cells=60, n_genes=20, n_sections=2, seed=1)
    counts_cg = made.X.copy()
    if place != "X":
        if place == "raw":
            made.raw = made.copy()
        else:
            made.layers["counts"] = made.X.copy()
        made.X = sparse.csr_matrix(np.log1p(made.X.toarray()))
    dataset = Dataset(made, section="section")
    thin = thinned(dataset, 0.5, 0)
    assert dataset.counts == place
    assert list(thin.cell_names) == list(dataset.cell_names)
    assert list(thin.genes.names) == list(dataset.genes.names)
    assert thin.sections.names == dataset.sections.names
    np.testing.assert_array_equal(thin.positions_cd, dataset.positions_cd)
    assert thin.sizes_c is not None
    assert thin.sizes_c.sum() == pytest.approx(0.5 * counts_cg.sum(), rel=0.02)
    np.testing.assert_array_equal(dataset.expression_cg("counts").toarray(), counts_cg.toarray())
