"""Attention as a heatmap, the change on removal always beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.figure.page import INK, WARN, add_title, elide, new_sheet, plain_style, title_inches, wrap
from glasscell.views.legend_words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glasscell.views.attention_view import AttentionPicture
    from glasscell.views.heat import HeatPanel

#: Rows that get a name; of more, those whose removal changes most are drawn.
MOST_ROWS = 60
_ROW, _NAMES, _BAR = 0.15, 2.0, 0.55
_MISSING = "#c9cdd2"


def attention_figure(picture: AttentionPicture) -> Figure:
    """Draw attention of groups beside the change on removal, in the order of the window.

    Parameters
    ----------
    picture
        See ``views.attention_picture.attention_picture``.

    Raises
    ------
    DataError
        There is nothing to draw.
    """
    heat = picture.heat
    if not heat.rows or not heat.columns:
        raise DataError("There is no attention to draw: work it out first.")
    kept = _kept(picture)
    said = [wrap(text, 108) for text in (*_left_out(picture, kept), *picture.notes)]
    foot = _BAR + 0.1 + 0.15 * sum(text.count("\n") + 1 for text in said)
    heads = 0.1 + 0.062 * min(max(len(name) for name in heat.columns), 24)
    top = title_inches(picture.title) + heads + 0.2
    table = max(_ROW * len(kept), 0.6)
    width, height = 7.0, table + top + foot
    with plain_style():
        sheet = new_sheet(width, height)
        add_title(sheet, "Attention, and the change when it is taken away", picture.title)
        each = (width - _NAMES - 0.3 - 0.25) / 2
        for number, panel in enumerate(heat.panels):
            left = _NAMES + number * (each + 0.25)
            box = (left / width, foot / height, each / width, table / height)
            axes = sheet.add_axes(box)
            _table(axes, panel, kept)
            axes.set_yticks(
                range(len(kept)), [elide(heat.row_labels[row], 28) for row in kept] if not number else []
            )
            axes.set_xticks(range(len(heat.columns)), [elide(name, 24) for name in heat.columns], rotation=90)
            bar = sheet.add_axes((left / width, (foot - 0.3) / height, each / width, 0.08 / height))
            _bar(bar, panel)
        y = foot - _BAR - 0.08
        for number, text in enumerate(said):
            colour = INK if number == 0 and len(said) > len(picture.notes) else WARN
            sheet.text(0.02, y / height, text, va="top", color=colour, fontsize=7)
            y -= 0.15 * (text.count("\n") + 1)
    return sheet


def _kept(picture: AttentionPicture) -> list[int]:
    """Return the rows drawn, in the order of the window."""
    heat = picture.heat
    if len(heat.rows) <= MOST_ROWS:
        return list(range(len(heat.rows)))
    change_r = np.nan_to_num(np.abs(heat.panels[-1].values_rc)).max(axis=1)
    return sorted(int(row) for row in np.argsort(-change_r, kind="stable")[:MOST_ROWS])


def _left_out(picture: AttentionPicture, kept: list[int]) -> tuple[str, ...]:
    n_rows = len(picture.heat.rows)
    if n_rows == len(kept):
        return ()
    return (f"The {len(kept)} of {n_rows:,} rows whose removal changes most; the table has them all.",)


def _table(axes: Axes, panel: HeatPanel, kept: list[int]) -> None:
    axes.imshow(panel.rgba(_MISSING)[kept], aspect="auto", interpolation="nearest")
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=7)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _bar(axes: Axes, panel: HeatPanel) -> None:
    """Draw the colours of a table with title and unit; an end beyond which there are values is marked."""
    from matplotlib.colors import to_rgb

    ramp = np.array([[to_rgb(colour) for colour in panel.colours]])
    axes.imshow(ramp, aspect="auto", extent=(*panel.limits, 0.0, 1.0))
    low, high = panel.limits
    middle = 0.0 if panel.diverging else (low + high) / 2
    axes.set_xticks([low, middle, high], [panel.ends[0], short(middle), panel.ends[1]])
    axes.set_yticks([])
    axes.tick_params(length=2, labelsize=7)
    axes.set_xlabel(f"{panel.title} ({panel.unit})", fontsize=7, labelpad=1)
