"""Which domains lie around a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.result import Floats

#: Cells of the domain have so many neighbours on average within the radius.
AROUND = 10.0
_SLACK = 1.05  # neighbours on a grid are equally far up to rounding


def adjoining(
    dataset: Dataset, codes: NDArray[np.integer[Any]], domain: int
) -> tuple[float, tuple[int, ...]]:
    """Find the domains around a domain.

    Within the radius cells of the domain have ten neighbours on average. A domain adjoins when cells of the
    domain meet its cells there more than half as often as it has cells; where none does, the one that is met
    most often.

    Returns
    -------
    The radius, and the domains, those met most often first; none where the domain meets nothing.
    """
    positions_cd = dataset.positions_cd
    if positions_cd is None:
        raise DataError("Nothing says where cells lie: open a file with coordinates.")
    sections = np.asarray(dataset.sections.codes)
    known = np.isfinite(positions_cd).all(axis=1)
    lengths: list[NDArray[Any]] = [np.empty(0)]
    met: list[NDArray[Any]] = [np.empty(0, np.int64)]
    for section in np.unique(sections[known]):
        own = np.flatnonzero(known & (sections == section))
        cells = own[codes[own] == domain]
        found = _nearest(
            np.asarray(positions_cd[own], np.float64), np.asarray(positions_cd[cells], np.float64)
        )
        lengths.append(found[0])
        met.append(codes[own[found[1]]])
    length, code = np.concatenate(lengths), np.concatenate(met)
    n_in = int((codes == domain).sum())
    if not len(length):
        return 0.0, ()
    radius = float(np.sort(length)[min(round(AROUND * n_in), len(length)) - 1]) * _SLACK
    within = code[(length <= radius) & (code >= 0) & (code != domain)]
    n_domains = int(codes.max()) + 1
    count_k = np.bincount(within, minlength=n_domains)
    size_k = np.bincount(codes[codes >= 0], minlength=n_domains)
    ranked = [int(k) for k in np.argsort(-count_k, kind="stable") if count_k[k] > 0]
    adjoin = tuple(k for k in ranked if count_k[k] > 0.5 * size_k[k])
    return radius, adjoin or tuple(ranked[:1])


def _nearest(all_cd: Floats, of_cd: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return distances to, and places of, many nearest other cells, one row after the other."""
    from scipy.spatial import cKDTree

    k = min(4 * int(AROUND), len(all_cd))
    if k < 2 or not len(of_cd):
        return np.empty(0), np.empty(0, np.int64)
    apart, near = cKDTree(all_cd).query(of_cd, k=k)
    return apart[:, 1:].ravel(), np.asarray(near[:, 1:], np.int64).ravel()
