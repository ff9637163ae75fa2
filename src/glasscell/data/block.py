"""Spatial blocks: rectangles of about equally many cells, dealt out so that each fold sees each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from glasscell.data.channel import BoolArray, CodeArray

_STARTS = 8
_SWEEPS = 50
_SMALLEST_BLOCK = 4


def spatial_blocks(
    positions_cd: npt.NDArray[np.float64], section_c: CodeArray, per_side: int
) -> tuple[CodeArray, list[tuple[int, int, int]]]:
    """Cut each section into `per_side` columns of equally many cells, and each column into as many rows.

    Parameters
    ----------
    positions_cd
        x and y, shape ``(n_cells, 2)``.
    section_c
        Section of each cell, -1 for none; blocks never span two sections.
    per_side
        Columns, and rows in each column; fewer in a section with very few cells.

    Returns
    -------
    The block of each cell (-1 without position or section), and (section, column, row) of each block.
    """
    blocks = np.full(len(positions_cd), -1, dtype=np.int32)
    keys: list[tuple[int, int, int]] = []
    placed = np.isfinite(positions_cd).all(axis=1) & (section_c >= 0)
    for section in np.unique(section_c[placed]):
        cells = np.flatnonzero(placed & (section_c == section))
        side = int(max(1, min(per_side, np.sqrt(len(cells) / _SMALLEST_BLOCK))))
        column_c = _equal_parts(positions_cd[cells, 0], side)
        for column in range(side):
            members = cells[column_c == column]
            row_c = _equal_parts(positions_cd[members, 1], side)
            for row in range(side):
                if (row_c == row).any():
                    blocks[members[row_c == row]] = len(keys)
                    keys.append((int(section), column, row))
    return blocks, keys


def assign_blocks(counts_bk: npt.NDArray[np.int64], n_folds: int, seed: int) -> CodeArray:
    """Deal blocks out to folds so that sizes and classes are spread as evenly as whole blocks allow.

    Several random starts are improved by moving and swapping blocks; the best is kept. Each class lands in
    as many folds as it has blocks for, before anything else is weighed.

    Parameters
    ----------
    counts_bk
        Cells of each class in each block, shape ``(n_blocks, n_classes)``.
    n_folds
        Number of folds, at most the number of blocks.
    seed
        Same seed, same folds.

    Returns
    -------
    The fold of each block, int32 of shape ``(n_blocks,)``; no fold is empty.
    """
    rng = np.random.default_rng(seed)
    n_blocks = len(counts_bk)
    best, best_cost = np.zeros(n_blocks, dtype=np.int32), np.inf
    for _ in range(_STARTS):
        folds = (rng.permutation(n_blocks) % n_folds).astype(np.int32)
        cost = _improve(folds, counts_bk, n_folds, rng)
        if cost < best_cost - 1e-12:
            best, best_cost = folds, cost
    return best


def near_other_fold(
    positions_cd: npt.NDArray[np.float64], section_c: CodeArray, folds: CodeArray, n_folds: int, gap: float
) -> BoolArray:
    """Tell which cells lie within `gap` of a fold that is not their own, in the same section.

    Returns
    -------
    bool of shape ``(n_cells, n_folds)``.
    """
    near_cf = np.zeros((len(folds), n_folds), dtype=np.bool_)
    for section in np.unique(section_c[folds >= 0]):
        here = (section_c == section) & (folds >= 0)
        for fold in range(n_folds):
            inside = here & (folds == fold)
            outside = np.flatnonzero(here & (folds != fold))
            if inside.any() and len(outside):
                distance, _ = cKDTree(positions_cd[inside]).query(positions_cd[outside])
                near_cf[outside, fold] = distance <= gap
    return near_cf


def _equal_parts(values: npt.NDArray[np.float64], parts: int) -> npt.NDArray[np.int64]:
    """Cut at quantiles; equal values always fall in the same part, so the cuts are straight lines."""
    edges = np.quantile(values, np.arange(1, parts) / parts)
    return np.searchsorted(edges, values, side="right")


def _improve(
    folds: CodeArray, counts_bk: npt.NDArray[np.int64], n_folds: int, rng: np.random.Generator
) -> float:
    """Move and swap blocks in place while the cost falls; return the cost."""
    n_blocks = len(folds)
    cost = _cost(folds, counts_bk, n_folds)
    for _ in range(_SWEEPS):
        before = cost
        for block in rng.permutation(n_blocks):
            old = folds[block]
            for fold in range(n_folds):
                folds[block] = fold
                new_cost = _cost(folds, counts_bk, n_folds)
                if new_cost < cost - 1e-12:
                    cost, old = new_cost, folds[block]
            folds[block] = old
            for other in range(n_blocks):
                if folds[other] == folds[block]:
                    continue
                folds[[block, other]] = folds[[other, block]]
                new_cost = _cost(folds, counts_bk, n_folds)
                if new_cost < cost - 1e-12:
                    cost = new_cost
                else:
                    folds[[block, other]] = folds[[other, block]]
        if cost >= before - 1e-12:
            break
    return cost


def _cost(folds: CodeArray, counts_bk: npt.NDArray[np.int64], n_folds: int) -> float:
    counts_fk = np.zeros((n_folds, counts_bk.shape[1]))
    np.add.at(counts_fk, folds, counts_bk)
    possible = np.minimum((counts_bk > 0).sum(axis=0), n_folds)
    absent = float((possible - (counts_fk > 0).sum(axis=0)).sum())
    empty = n_folds - len(np.unique(folds))
    total_k = np.maximum(counts_fk.sum(axis=0), 1)
    uneven_class = float(((counts_fk / total_k - 1 / n_folds) ** 2).sum()) / counts_bk.shape[1]
    size_f = counts_fk.sum(axis=1)
    uneven_size = float(((size_f / max(size_f.sum(), 1) - 1 / n_folds) ** 2).sum())
    return float(1000.0 * empty + 10.0 * absent + uneven_class + uneven_size)
