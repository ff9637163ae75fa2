"""Spearman's correlation, and what it says where nothing varies."""

import math

import numpy as np
import pytest

from glasscell.data.rank import rank_correlation


def test_it_is_the_correlation_of_ranks() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.integers(6, size=(2, 40)).astype(float)
    ranks = [[(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values] for values in (one, two)]
    assert rank_correlation(one, two) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert rank_correlation(one, -one) == pytest.approx(-1)


def test_nothing_to_correlate_is_no_number() -> None:
    assert math.isnan(rank_correlation([1, 2], [2, 1]))
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]))
