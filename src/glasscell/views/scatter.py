"""How cells look on two axes: the size of a dot, and whether the numbers on the axes mean anything."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The last choice among the embeddings.
TWO_NAMES = "two genes…"
NO_EMBEDDING = "No embedding yet. Open a file and prepare it."
_WITHOUT_UNIT = re.compile(
    r"(?i)^(x_|umap|t-?sne|pca?\b|pc[\s_]?\d|phate|draw_graph|diffmap|mde|densmap|latent)"
)
_NUMBER = re.compile(r"[\s_\-]*\(?\d+\)?$")


def dot_radius(area: float, n_cells: int, zoom: float) -> float:
    """Radius of a dot in logical pixels: as large as there is room for, growing slowly while zooming in.

    Parameters
    ----------
    area
        Of the canvas, in logical pixels.
    zoom
        How much larger everything is than when all cells are shown.
    """
    at_home = min(max(0.38 * (area / max(n_cells, 1)) ** 0.5, 0.5), 3.5)
    return float(min(at_home * max(zoom, 1e-6) ** 0.5, 9.0))


def has_no_unit(x_label: str, y_label: str) -> bool:
    """Whether the axes are two components of one embedding, whose numbers mean nothing."""
    stems = {_NUMBER.sub("", label) for label in (x_label, y_label)}
    return len(stems) == 1 and all(_WITHOUT_UNIT.match(label) for label in (x_label, y_label))


def tick_places(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two, at least two where possible and at most so many."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return []
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(step * power for step in (1, 2, 5, 10) if span / (step * power) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def embedding_words(name: str) -> str:
    """Write the key of an embedding for people."""
    plain = name.removeprefix("X_")
    return plain.upper() if plain in ("umap", "pca", "tsne") else plain.replace("_", " ")


def bounds_of(positions_cd: NDArray[np.float64] | None) -> tuple[float, float, float, float] | None:
    """Rectangle ``(x0, y0, x1, y1)`` round all cells that have a place; None when none has."""
    if positions_cd is None:
        return None
    finite = np.isfinite(positions_cd).all(axis=1)
    if not finite.any():
        return None
    (x0, y0), (x1, y1) = positions_cd[finite].min(axis=0), positions_cd[finite].max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)
