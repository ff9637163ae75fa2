"""A small matrix with its values written into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.figure.page import INK, MUTED, elide

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from glasscell.views.compare_view import AgreementPicture

_CELL, _WIDE, _NAMES, _HEADS, _BAR = 0.3, 0.85, 1.5, 0.42, 0.66
_MISSING = "#d5d9de"


def matrix_inches(picture: AgreementPicture) -> float:
    """Height that a matrix takes, with its names, bar and title."""
    return _HEADS + _CELL * len(picture.heat.rows) + _BAR + 0.35


def draw_matrix(sheet: Figure, picture: AgreementPicture, bottom: float, title: str) -> None:
    """Draw a matrix on a sheet, ``bottom`` inches above its lower edge."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    width, height = sheet.get_size_inches()
    (panel,) = picture.heat.panels
    n = len(picture.heat.rows)
    wide = min(_WIDE * n, width - _NAMES - 0.3)
    y = bottom + _BAR
    sheet.text(0.02, (y + _CELL * n + _HEADS) / height, elide(title, 96), color=INK, fontsize=8, va="bottom")
    axes = sheet.add_axes((_NAMES / width, y / height, wide / width, _CELL * n / height))
    pixels = panel.rgba(_MISSING)
    axes.imshow(pixels, aspect="auto", interpolation="nearest")
    for row in range(n):
        for column in range(n):
            red, green, blue = pixels[row, column, :3] / 255
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
            axes.text(
                column, row, panel.text(row, column) or "?", ha="center", va="center", fontsize=7,
                color="white" if dark else INK,
            )  # fmt: skip
    names = [elide(name, 24) for name in picture.heat.rows]
    axes.set_yticks(range(n), names, fontsize=7)
    axes.xaxis.tick_top()
    room = int(wide / n / 0.062)
    axes.set_xticks(range(n), [elide(name, room) for name in picture.heat.columns], fontsize=7)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    strip = sheet.add_axes((_NAMES / width, (y - 0.16) / height, wide / width, 0.07 / height))
    low, high = panel.limits
    scale = ScalarMappable(Normalize(low, high), ListedColormap(list(panel.colours)))
    bar = sheet.colorbar(scale, cax=strip, orientation="horizontal")
    bar.outline.set_linewidth(0.5)
    bar.set_ticks([low, 0.0, high], labels=[f"{value:g}" for value in (low, 0.0, high)], fontsize=7)
    said = f"{panel.unit}; on the diagonal each model with itself over seeds"
    if not np.isfinite(panel.values_rc).all():
        said += "; ? not measured"
    sheet.text(_NAMES / width, (y - 0.36) / height, said, color=MUTED, fontsize=7, va="top")
