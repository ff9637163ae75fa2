"""Which training cells are set aside to decide when a net has learnt enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]

VALID_SHARE = 0.15
#: Of the labels that a shuffle among all cells moves, the share that one within strata must move.
LEAST_MOVED = 0.5
_TRIES = 200
_MOST_BLOCKS = 4


@dataclass(frozen=True, eq=False)
class Holdout:
    """Row numbers to train on, row numbers to validate on, and a phrase on how they were chosen."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    text: str


def set_aside(rows: Ints, codes: Ints, blocks: Ints, seed: int) -> Holdout:
    """Divide training cells into those to learn from and those that stop the training.

    Whole blocks are set aside where that leaves every class something to learn from; otherwise random cells
    of each class.

    Parameters
    ----------
    rows
        Training cells, ``(n,)``; never a cell of the held-out fold.
    codes, blocks
        Class and block of those cells, ``(n,)``.
    seed
        The same seed sets the same cells aside.
    """
    rng = np.random.default_rng([seed, 0xB10C])
    aside = _whole_blocks(codes, blocks, rng)
    text = "whole blocks of the training cells"
    if aside is None:
        aside = _random_cells(codes, rng)
        text = "random cells of each class among the training cells"
    return Holdout(rows[~aside].astype(np.int64), rows[aside].astype(np.int64), text)


def _whole_blocks(codes: Ints, blocks: Ints, rng: np.random.Generator) -> NDArray[np.bool_] | None:
    """Choose the blocks whose classes come nearest to the share wanted; None where no choice is fair."""
    names, block_of = np.unique(blocks, return_inverse=True)
    if len(names) < 4:
        return None
    n_classes = int(codes.max()) + 1
    counts_bk = np.zeros((len(names), n_classes))
    np.add.at(counts_bk, (block_of, codes), 1)
    counts_bk = counts_bk[:, counts_bk.sum(axis=0) > 0]
    total_k = counts_bk.sum(axis=0)
    n_aside = min(max(1, round(VALID_SHARE * len(names))), max(1, len(names) // 2), 10 * _MOST_BLOCKS)
    best, chosen = np.inf, None
    for _ in range(_TRIES):
        pick = rng.choice(len(names), n_aside, replace=False)
        aside_k = counts_bk[pick].sum(axis=0)
        if (total_k - aside_k < total_k / 3).any() or aside_k.sum() == 0:
            continue
        cost = float(np.abs(aside_k / total_k - VALID_SHARE).sum())
        if cost < best:
            best, chosen = cost, pick
    return None if chosen is None else np.isin(block_of, chosen)


def _random_cells(codes: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    aside = np.zeros(len(codes), np.bool_)
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        aside[rng.permutation(members)[: max(1, round(VALID_SHARE * len(members)))]] = len(members) > 1
    return aside


def permute_labels(codes: Ints, strata: Ints, seed: int) -> tuple[NDArray[np.int32], bool]:
    """Shuffle labels among the cells of each stratum, so that only the link to genes is lost.

    Where labels hardly vary within a stratum (a condition within a donor) that would leave them as they are;
    then they are shuffled among all cells.

    Parameters
    ----------
    codes, strata
        Class, and section and donor, of each cell, ``(n,)``.

    Returns
    -------
    The shuffled classes, and whether the strata were kept.
    """
    rng = np.random.default_rng([seed, 0x7371])
    within = np.array(codes, np.int32)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        within[members] = within[rng.permutation(members)]
    anywhere = np.array(codes, np.int32)[rng.permutation(len(codes))]
    kept = bool((within != codes).mean() >= LEAST_MOVED * (anywhere != codes).mean())
    return (within, True) if kept else (anywhere, False)
