"""Cells set aside for stopping, and labels permuted for the twin."""

from __future__ import annotations

import numpy as np
import pytest

from glasscell.models.plan import permute_labels, set_aside

RNG = np.random.default_rng(0)


def test_whole_blocks_are_set_aside_and_keep_every_class_in_training() -> None:
    blocks, codes = np.repeat(np.arange(12), 50), RNG.integers(0, 4, 600)
    rows = np.arange(1000, 1600)
    made = set_aside(rows, codes, blocks, seed=0)
    assert made.text.startswith("whole blocks")
    assert sorted([*made.train, *made.valid]) == list(rows)
    assert not set(blocks[made.valid - 1000]) & set(blocks[made.train - 1000])
    assert len(np.unique(blocks[made.valid - 1000])) == 2
    assert set(codes[made.train - 1000]) == {0, 1, 2, 3}
    np.testing.assert_array_equal(made.valid, set_aside(rows, codes, blocks, seed=0).valid)


@pytest.mark.parametrize("blocks", [np.zeros(100, int), np.repeat([0, 1, 2, 3, 4], 20)])
def test_random_cells_where_blocks_would_lose_a_class(blocks: np.ndarray) -> None:
    codes = np.repeat([0, 1, 2, 3, 4], 20)
    made = set_aside(np.arange(100), codes, blocks, seed=1)
    assert made.text.startswith("random cells")
    assert np.bincount(codes[made.valid]).tolist() == [3] * 5


def test_labels_are_permuted_within_strata_only() -> None:
    codes, strata = RNG.integers(0, 3, 300), np.repeat([0, 1, 2], 100)
    shuffled, kept = permute_labels(codes, strata, seed=4)
    assert kept
    assert (shuffled != codes).mean() > 0.5
    for stratum in range(3):
        members = strata == stratum
        np.testing.assert_array_equal(np.bincount(shuffled[members]), np.bincount(codes[members]))
    np.testing.assert_array_equal(shuffled, permute_labels(codes, strata, seed=4)[0])


def test_labels_that_are_those_of_donors_are_shuffled_over_all_cells() -> None:
    """Within donors they would all stay, and the twin would learn what the model learnt."""
    strata = np.repeat([0, 1, 2, 3], 50)
    codes = strata // 2
    shuffled, kept = permute_labels(codes, strata, seed=0)
    assert not kept
    assert 0.4 < (shuffled != codes).mean() < 0.6
    np.testing.assert_array_equal(np.bincount(shuffled), np.bincount(codes))
