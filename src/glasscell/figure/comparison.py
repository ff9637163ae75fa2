"""Models side by side: every seed a dot, cheap baselines below, one panel per figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.figure.matrix import draw_matrix, matrix_inches
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
from glasscell.figure.pair import PairLook, draw_pair, pair_figure, pair_inches, pair_look
from glasscell.views.compare_picture import agreement_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glasscell.explain.comparison.result import ModelComparison, Score
    from glasscell.jobs import JobHandle
    from glasscell.session import Session

_ROW, _GAP, _LEFT, _WIDTH = 0.2, 0.62, 2.9, 6.8
_OURS, _CHEAP = "#2c7fb8", "#9aa3ae"


def comparison_figure(found: ModelComparison, pair: PairLook | None = None) -> Figure:
    """Draw every figure of a comparison as a panel of its own, so that unlike figures share no axis.

    Below them stand how far reasons agree, as a matrix, and two maps with their difference.

    Parameters
    ----------
    found
        See ``explain.comparison.compare``.
    pair
        Two maps to put beside each other; none without it.
    """
    panels = found.sections()
    notes = [wrap(text, 124) for text in found.notes]
    below = 0.3 + 0.15 * sum(text.count("\n") + 1 for text in notes)
    said = f"{_seeds(found)} · {found.split or 'a random tenth held out'}"
    top = title_inches(said) + 0.1
    reasons = agreement_picture(found)
    matrix = 0.0 if reasons is None else matrix_inches(reasons)
    maps = 0.0 if pair is None else pair_inches(pair)
    height = top + below + matrix + maps + sum(_GAP + _ROW * len(rows) for rows in panels.values())
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
            words = elide(f"{head} ({rows[0].better} is better)", 112)
            over = (y + 0.3 + size[1] + 0.07) / height
            sheet.text(0.02, over, words, fontsize=8, color=INK, va="bottom")
        if reasons is not None:
            y -= matrix
            name = found.target.partition(":")[2] or found.target
            title = f"Do they give the same reasons for {name}?"
            draw_matrix(sheet, reasons, y, title)
        if pair is not None:
            y -= maps
            draw_pair(sheet, pair, y)
        y = below - 0.3
        for text in notes:
            sheet.text(0.02, (y + 0.2) / height, text, va="top", color=WARN, fontsize=7)
            y -= 0.15 * (text.count("\n") + 1)
    return sheet


def plan_comparison(session: Session) -> Callable[[JobHandle], Figure]:
    """Take a snapshot of the comparison and of the two maps that a session shows, and return what draws them.

    Raises
    ------
    DataError
        Nothing is compared yet.
    """
    found: ModelComparison | None = session.latest("comparison")
    pair = pair_look(session)
    if found is not None:
        return lambda job: comparison_figure(found, pair)
    if pair is None:
        raise DataError("Nothing is compared yet: compare models first.")
    return lambda job: pair_figure(pair)


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


def _seeds(found: ModelComparison) -> str:
    return (
        f"seed {found.seeds[0]}" if len(found.seeds) == 1 else f"{len(found.seeds)} seeds, bars at the mean"
    )
