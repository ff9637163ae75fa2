"""Bundles: which net explains which cell, and what a damaged table gets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.errors import ModelError
from glasscell.models.bundle import Bundle


def test_one_net_for_all(bundle: Bundle, dataset: Dataset) -> None:
    nets = bundle.net_for_cells(dataset, np.arange(10), "fold:2")
    assert nets.tolist() == [2] * 10
    for wrong in ("fold:3", "fold:x", "best", "fold:-1"):
        with pytest.raises(ModelError, match="held_out, or fold:0 to fold:2"):
            bundle.net_for_cells(dataset, np.arange(3), wrong)


def test_cells_are_found_by_name(bundle: Bundle, dataset: Dataset) -> None:
    shuffled = Dataset(dataset.adata[::-1].copy())
    nets = bundle.net_for_cells(shuffled, np.arange(400))
    np.testing.assert_array_equal(nets, bundle.cells.fold[::-1])
    strangers = dataset.adata[:20].copy()
    strangers.obs_names = [f"new{number}" for number in range(20)]
    new = Dataset(strangers)
    nets = bundle.net_for_cells(new, np.arange(20))
    assert not bundle.seen_in_training(new, np.arange(20), nets).any()


def test_the_twin_is_not_part_of_the_fingerprint(bundle: Bundle) -> None:
    assert replace(bundle, twin=None).fingerprint == bundle.fingerprint
    assert bundle.id.startswith("classifier-")


def test_a_table_with_columns_of_two_lengths_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ModelError, match="damaged"):
        replace(bundle.cells, fold=bundle.cells.fold[:-1])


def test_the_table_cannot_be_changed(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="read-only"):
        bundle.cells.fold[0] = 3
