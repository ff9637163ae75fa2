"""Weights made comparable: relative to uniform, averaged over groups, set against nets that know nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from glasscell.explain.attention.result import Floats, Ints

#: Weights that add up to less leave room for the one that attends.
WHOLE = 1.0 - 1e-3


def token_room(total_c: Floats, n_tokens: int) -> float:
    """Return how many things share the weights of one cell: its tokens, and itself where it keeps a share.

    Parameters
    ----------
    total_c
        Sum of each cell's weights over tokens, ``(n,)``.
    """
    kept = len(total_c) > 0 and float(np.median(total_c)) < WHOLE
    return float(n_tokens + kept)


def edge_room(weights_e: Floats, receivers: Ints, n_cells: int) -> Floats:
    """Return for each edge how many things share the weights of its receiver, ``(n_edges,)``.

    They are the edges that come in, and the cell itself where the edges' weights leave it a share.
    """
    count_c = np.bincount(receivers, minlength=n_cells).astype(np.float64)
    total_c = np.bincount(receivers, np.asarray(weights_e, np.float64), minlength=n_cells)
    room_c = count_c + (total_c < WHOLE)
    return np.asarray(room_c[receivers])


def group_means(values_ct: Floats, group_c: Ints, n_groups: int) -> tuple[Floats, Ints]:
    """Average rows by group, leaving NaN out.

    Parameters
    ----------
    group_c
        Group of each row, -1 for none.

    Returns
    -------
    Means ``(n_groups, n_columns)``, NaN where nothing was measured, and how many rows stand behind each.
    """
    values = np.asarray(values_ct, np.float64)
    known = np.isfinite(values) & (group_c >= 0)[:, None]
    total, count = np.zeros((2, n_groups, values.shape[1]))
    for group in range(n_groups):
        rows = group_c == group
        total[group] = np.where(known[rows], values[rows], 0.0).sum(axis=0)
        count[group] = known[rows].sum(axis=0)
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return means, count.astype(np.int32)


def edge_means(
    values_e: Floats, receiver_group_e: Ints, sender_group_e: Ints, n_groups: int, n_columns: int
) -> tuple[Floats, Ints]:
    """Average edges by the groups of their two ends, leaving NaN and ungrouped ends out.

    Returns
    -------
    Means ``(n_groups, n_columns)`` of receivers and senders, NaN where there is no edge, and edge counts.
    """
    values = np.asarray(values_e, np.float64)
    known = np.isfinite(values) & (receiver_group_e >= 0) & (sender_group_e >= 0)
    place = receiver_group_e[known].astype(np.int64) * n_columns + sender_group_e[known]
    count = np.bincount(place, minlength=n_groups * n_columns)
    total = np.bincount(place, values[known], minlength=n_groups * n_columns)
    means = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    shape = (n_groups, n_columns)
    return means.reshape(shape), count.reshape(shape).astype(np.int32)


def null_z(observed_gt: Floats, nulls_rgt: Floats) -> Floats:
    """Say how far weights stand out from those of nets that learnt nothing.

    Each weight is set against the same entry of the null nets. With several of them: less their mean, over
    their standard deviation pooled over the columns of the group. With one (the twin): less its entry, over
    the spread of its entries about their mean in the group, times the square root of two since either net
    strays. A net that repeats its twin has z of 0.

    Parameters
    ----------
    observed_gt
        Of the net in question, ``(n_groups, n_columns)``.
    nulls_rgt
        Of the null nets, ``(n_nets, n_groups, n_columns)``.

    Returns
    -------
    z, ``(n_groups, n_columns)``; NaN where the null nets do not vary.
    """
    nulls = np.asarray(nulls_rgt, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        if len(nulls) > 1:
            centre = nulls.mean(axis=0)
            spread = np.sqrt(_nanmean(nulls.var(axis=0, ddof=1)))[:, None]
        else:
            centre = nulls[0]
            about_gt = (centre - _nanmean(centre)[:, None]) ** 2
            spread = np.sqrt(2 * _nanmean(about_gt.reshape(1, -1)))
        z = (np.asarray(observed_gt, np.float64) - centre) / spread
    return np.where(np.isfinite(z), z, np.nan)


def _nanmean(values_gt: Floats) -> Floats:
    """Average over columns without a warning where a group has none."""
    known = np.isfinite(values_gt)
    count = known.sum(axis=1)
    total = np.where(known, values_gt, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0))
