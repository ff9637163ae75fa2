"""Models side by side: every seed a dot, cheap baselines below, one panel per figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.figure.page import (
    INK,
    MUTED,
    WARN,
    add_title,
    elide,
    new_sheet,
    plain_style,
    title_inches,
    wrap,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glasscell.explain.comparison.result import Comparison, Score

_ROW, _GAP, _LEFT, _WIDTH = 0.2, 0.62, 2.9, 6.8
_OURS, _CHEAP = "#2c7fb8", "#9aa3ae"


def comparison_figure(found: Comparison) -> Figure:
    """Draw every figure of a comparison as a panel of its own, so that unlike figures share no axis.

    Parameters
    ----------
    found
        See ``explain.comparison.compare``.
    """
    panels = found.sections()
    notes = [wrap(text, 104) for text in found.notes]
    below = 0.3 + 0.15 * sum(text.count("\n") + 1 for text in notes)
    said = f"{_seeds(found)} · {found.split or 'a random tenth held out'}"
    top = title_inches(said) + 0.3
    height = top + below + sum(_GAP + _ROW * len(rows) for rows in panels.values())
    with plain_style():
        sheet = new_sheet(_WIDTH, height)
        add_title(sheet, "Models side by side", said)
        y = height - top
        for (section, metric), rows in panels.items():
            y -= _ROW * len(rows) + _GAP
            size = (_WIDTH - _LEFT - 0.7, _ROW * len(rows))
            axes = sheet.add_axes((_LEFT / _WIDTH, (y + 0.3) / height, size[0] / _WIDTH, size[1] / height))
            _panel(axes, rows)
            head = metric if section.startswith(metric) else f"{metric} · {section}"
            axes.set_title(f"{head} ({rows[0].better} is better)", loc="left", fontsize=8, color=INK, x=-0.0)
        y = below - 0.3
        for text in notes:
            sheet.text(0.02, (y + 0.2) / height, text, va="top", color=WARN, fontsize=7)
            y -= 0.15 * (text.count("\n") + 1)
    return sheet


def _panel(axes: Axes, rows: tuple[Score, ...]) -> None:
    for place, row in enumerate(rows):
        colour = _CHEAP if row.baseline else _OURS
        axes.plot(row.values, [place] * len(row.values), "o", ms=3.5, color=colour, alpha=0.6, mew=0)
        axes.plot([row.mean] * 2, [place - 0.32, place + 0.32], color=colour, lw=1.6)
        axes.annotate(
            f"{row.mean:.3f}",
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7,
            color=INK,
        )
    axes.set_yticks(range(len(rows)), [elide(row.model, 46) for row in rows], fontsize=7)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(MUTED if row.baseline else INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(axis="x", color="#e3e6ea", lw=0.6)
    axes.set_axisbelow(True)
    values = np.concatenate([row.values for row in rows])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.06 * (high - low) or 0.05
    axes.set_xlim(low - room, high + room)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _seeds(found: Comparison) -> str:
    return (
        f"seed {found.seeds[0]}" if len(found.seeds) == 1 else f"{len(found.seeds)} seeds, bars at the mean"
    )
