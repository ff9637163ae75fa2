"""Codes by another list of names."""

import numpy as np

from glasscell.data.column import recode


def test_each_code_keeps_its_name_and_unknown_ones_become_none() -> None:
    codes = np.array([0, 2, -1, 1, 1])
    assert recode(codes, ("B", "NK", "T"), ("T", "B")).tolist() == [1, 0, -1, -1, -1]
    assert recode(codes, ("B", "NK", "T"), ()).tolist() == [-1] * 5
    assert recode(codes[2:3], (), ("T",)).tolist() == [-1]
