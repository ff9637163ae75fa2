"""Components of some genes: those of a dense decomposition, of training cells alone, by either road."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from glasscell.jobs import QUIET
from glasscell.models import component
from glasscell.models.component import GeneComponents


@pytest.mark.parametrize("most_dense", [1000, 5])
def test_axes_are_those_of_the_genes_asked_for(monkeypatch: pytest.MonkeyPatch, most_dense: int) -> None:
    monkeypatch.setattr(component, "_MOST_DENSE", most_dense)
    rng = np.random.default_rng(0)
    table_cg = rng.gamma(0.3, 2.0, (90, 4)) @ rng.random((4, 20)) + 0.05 * rng.random((90, 20))
    train, genes = np.arange(70), np.array([1, 4, 5, 9, 13, 14, 19])
    mean_g, scale_g = table_cg[train].mean(axis=0), table_cg[train].std(axis=0)
    changed_cg = table_cg.copy()
    changed_cg[70:] *= 5.0  # cells that may not be looked at
    found, size = GeneComponents(
        sparse.csr_matrix(changed_cg.astype(np.float32))[train], mean_g, scale_g, seed=1
    ).of(genes, 3, QUIET)
    standard_cg = ((table_cg - mean_g) / scale_g)[:, genes]
    _, _, right = np.linalg.svd(standard_cg[train], full_matrices=False)
    assert found.shape == (7, 3)
    cosine = np.abs((right[:3] * found.T).sum(axis=1)) / np.linalg.norm(found, axis=0)
    np.testing.assert_allclose(cosine, 1.0, atol=2e-3)
    places_cp = standard_cg[train] @ found
    np.testing.assert_allclose(size, np.sqrt(np.mean(places_cp**2, axis=0)), rtol=1e-3)
    assert np.sqrt(np.mean(places_cp**2)) == pytest.approx(1.0, rel=1e-3)


def test_no_more_axes_than_genes() -> None:
    table_cg = sparse.csr_matrix(np.random.default_rng(1).random((30, 6), np.float32))
    found = GeneComponents(table_cg, np.full(6, 0.5), np.ones(6), seed=0)
    assert found.of(np.array([0, 3]), 5, QUIET)[0].shape == (2, 2)
