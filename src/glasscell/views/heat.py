"""Heatmaps as pictures: named rows and columns, panels side by side that share them, and their order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.palette import diverging_map, sequential_map, to_rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Up to so many rows the order is also turned so that neighbours are alike.
BEST_ORDER = 150
#: Before the end of a range of colours where values beyond it have the same colour.
BELOW, ABOVE = "≤ ", "≥ "


@dataclass(frozen=True, eq=False)
class HeatPanel:
    """One table of numbers.

    Parameters
    ----------
    key, title
        What is asked for when it is clicked, and what stands above it.
    values_rc
        ``(n_rows, n_columns)``, NaN where nothing is known.
    limits
        Values at the ends of the colours; symmetric about 0 for a diverging map.
    unit
        Of the values.
    diverging
        Whether 0 is the neutral middle.
    written
        Whether the values are written into a table of few places.
    """

    key: str
    title: str
    values_rc: NDArray[np.floating[Any]]
    limits: tuple[float, float]
    unit: str
    diverging: bool
    written: bool = False

    def text(self, row: int, column: int) -> str:
        """Return what is written at a place; nothing where values are not written or none is known."""
        value = float(self.values_rc[row, column])
        return f"{value:+.2f}" if self.written and np.isfinite(value) else ""

    @property
    def colours(self) -> tuple[str, ...]:
        """The colour map, low to high."""
        return diverging_map() if self.diverging else sequential_map()

    @property
    def ends(self) -> tuple[str, str]:
        """The values at the ends of the colours in words; a mark says that values beyond share the colour."""
        return end_words(self.limits, self.values_rc)

    def rgba(self, missing: str) -> NDArray[np.uint8]:
        """Return the colour of every entry, ``(n_rows, n_columns, 4)``; ``missing`` is that of NaN."""
        low, high = self.limits
        lut = (to_rgb(self.colours) * 255).round().astype(np.uint8)
        known = np.isfinite(self.values_rc)
        share = (np.where(known, self.values_rc, low) - low) / ((high - low) or 1.0)
        place = (np.clip(share, 0, 1) * (len(lut) - 1)).round().astype(int)
        image = np.full((*self.values_rc.shape, 4), 255, np.uint8)
        image[..., :3] = lut[place]
        image[~known, :3] = (to_rgb([missing])[0] * 255).round()
        return image

    def hexes(self, missing: str) -> list[list[str]]:
        """Return the colour of every entry as ``#rrggbb``, row by row."""
        rgb = self.rgba(missing)[..., :3].astype(np.uint32)
        packed = (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
        return [[f"#{entry:06x}" for entry in line] for line in packed.tolist()]


@dataclass(frozen=True, eq=False)
class HeatPicture:
    """Panels that share rows and columns.

    Parameters
    ----------
    rows, columns
        Names, in the order drawn.
    corner
        What columns and rows are, for the corner between their names.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    panels: tuple[HeatPanel, ...]
    corner: tuple[str, str] = ("", "")

    @cached_property
    def row_labels(self) -> tuple[str, ...]:
        """Names of rows as they are drawn: without a beginning that nearly all of them share."""
        return without_prefix(self.rows)


def end_words(limits: tuple[float, float], *tables: NDArray[np.floating[Any]]) -> tuple[str, str]:
    """Write the ends of a range of colours, with a mark at an end beyond which there are values.

    Parameters
    ----------
    limits
        Values at the ends.
    tables
        All that is drawn in these colours, NaN for nothing.
    """
    from glasscell.views.legend_words import short

    low, high = limits
    near = 1e-9 * max(abs(low), abs(high))
    below = any((table < low - near).any() for table in tables)
    above = any((table > high + near).any() for table in tables)
    return f"{BELOW if below else ''}{short(low)}", f"{ABOVE if above else ''}{short(high)}"


def without_prefix(names: Sequence[str]) -> tuple[str, ...]:
    """Leave out a first word, such as ``HALLMARK_``, where four of five names or more begin with it."""
    words = Counter(name.partition("_")[0] for name in names if "_" in name.strip("_"))
    word, count = words.most_common(1)[0] if words else ("", 0)
    start = f"{word}_"
    if len(names) < 3 or count < 0.8 * len(names):
        return tuple(names)
    kept = tuple(name.removeprefix(start) or name for name in names)
    return kept if len(set(kept)) == len(set(names)) else tuple(names)


def symmetric_limits(*tables: NDArray[np.floating[Any]], share: float = 0.99) -> tuple[float, float]:
    """Return limits about 0 that hold nearly all values of all tables, so that they can be compared."""
    values = np.concatenate([np.abs(table[np.isfinite(table)]).ravel() for table in tables] or [np.zeros(0)])
    end = float(np.quantile(values, share)) if len(values) else 0.0
    end = end or float(values.max(initial=0.0)) or 1.0
    return -end, end


def rising_limits(*tables: NDArray[np.floating[Any]], share: float = 0.99) -> tuple[float, float]:
    """Return limits from 0 that hold nearly all values of all tables."""
    return 0.0, symmetric_limits(*tables, share=share)[1]


def cluster_order(values_rc: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the order of rows that puts alike ones side by side, ``(n_rows,)``.

    Average linkage on Euclidean distance between rows less their mean; NaN counts as the row's mean.
    """
    n_rows = len(values_rc)
    if n_rows < 3:
        return np.arange(n_rows)
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import pdist

    known = np.isfinite(values_rc)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, values_rc, 0.0).sum(axis=1, keepdims=True) / count
    centred = np.where(known, values_rc - mean, 0.0)
    distances = pdist(centred)
    tree = linkage(distances, "average")
    if n_rows <= BEST_ORDER:
        tree = optimal_leaf_ordering(tree, distances)
    return np.asarray(leaves_list(tree), np.int64)
