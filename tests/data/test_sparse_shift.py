"""Planted sparse shifts: what was planted is what is there."""

from __future__ import annotations

import numpy as np

from glasscell.testing.sparse_shift import ShiftSizes, sparse_shift_adata

SIZES = ShiftSizes(n_actions=20, n_cells=60, n_latent=5, n_genes=30, depth=500.0)


def test_latents_lie_around_their_shifts() -> None:
    made = sparse_shift_adata(SIZES, seed=2)
    targets, shifts = made.uns["targets"], made.uns["shifts"]
    assert set(targets[1:].sum(axis=1)) <= {1, 2, 3}
    assert not targets[0].any()
    assert (np.abs(shifts[targets]) > 2.5).all()
    assert not shifts[~targets].any()
    codes = np.asarray(made.obs["action"].cat.codes)
    means = np.stack([made.obsm["z_true"][codes == code].mean(axis=0) for code in range(21)])
    assert np.abs(means - shifts).max() < 0.6
    assert list(made.obs["action"].cat.categories) == list(made.uns["actions"])


def test_rates_are_shares_of_a_cell_or_of_a_gene() -> None:
    cells = np.asarray(sparse_shift_adata(SIZES, seed=2).X.sum(axis=1)).ravel()
    assert abs(np.median(cells) / 500 - 1) < 0.1
    genes = np.asarray(sparse_shift_adata(SIZES, seed=2, mode="reference").X.sum(axis=0)).ravel()
    assert genes.std() / genes.mean() < 0.05, "gene totals are constant in the published simulator"
    own = np.asarray(sparse_shift_adata(SIZES, seed=2).X.sum(axis=0)).ravel()
    assert own.std() / own.mean() > 0.1


def test_the_same_seed_gives_the_same_counts() -> None:
    one, two, three = (sparse_shift_adata(SIZES, seed=seed).X for seed in (2, 2, 3))
    assert (one != two).nnz == 0
    assert (one != three).nnz > 0
