"""Rankings with their evidence, loss curves, and scores beside their baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.palette import categorical, diverging_map
from glasscell.errors import DataError
from glasscell.figure.page import (
    INK,
    MUTED,
    WARN,
    add_title,
    bare,
    elide,
    new_sheet,
    plain_style,
    title_inches,
    wrap,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glasscell.explain.check import Check
    from glasscell.views.row import Curve, FigureRow, MetricRow, RankingRow

CANNOT_TELL = "?"
_ROW = 0.19
_HEADS = ("by mean\ndifference", "permuted-\nlabel twin", "spread\nover nets")


def ranking_figure(
    rows: Sequence[RankingRow], caption: str, unit: str, checks: Sequence[Check] = (), longest: int = 30
) -> Figure:
    """Draw ranked genes as bars, evidence beside every one and the checks below.

    Each bar has two parts: from cells with more of the gene than the baseline and, hatched, with less.

    Parameters
    ----------
    rows
        Largest first; see ``views.evidence.ranking_rows``.
    caption
        What was ranked over which cells, and whether the nets had seen them.
    unit
        Of the bars.
    checks
        Judgements of the ranking.
    longest
        Genes drawn.

    Raises
    ------
    DataError
        There are no rows, or none has any evidence.
    """
    rows = tuple(rows)[:longest]
    if not rows:
        raise DataError("There is no ranking to draw: explain a target first.")
    if all(row.twin_rank is None and row.mean_difference_rank is None for row in rows):
        raise DataError("This ranking has no evidence beside it: train the twin, or explain a class, first.")
    sentences = [wrap(f"{check.name}: {check.sentence}", 104) for check in checks]
    below = 0.62 + 0.15 * sum(text.count("\n") + 1 for text in sentences)
    top = title_inches(caption) + 0.42
    width, height = 6.8, top + below + _ROW * len(rows)
    with plain_style():
        sheet = new_sheet(width, height)
        add_title(sheet, "Genes that decide", caption)
        axes = sheet.add_axes((1.15 / width, below / height, 3.3 / width, _ROW * len(rows) / height))
        _bars(axes, rows)
        axes.set_yticks(range(len(rows)), [f"{elide(row.gene, 16)}  {row.rank}" for row in rows], color=INK)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.axvline(0, color=MUTED, lw=0.6)
        axes.tick_params(length=0)
        axes.set_xlabel(f"mean attribution ({unit})", loc="left")
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        _evidence_columns(sheet, rows, (4.6 / width, below / height, 2.1 / width, _ROW * len(rows) / height))
        _check_lines(sheet, checks, sentences, below - 0.52)
    return sheet


def _bars(axes: Axes, rows: Sequence[RankingRow]) -> None:
    """Draw both parts of every bar, coloured by sign and told apart by hatching, with a mark at their sum."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    against, towards = diverging_map()[40], diverging_map()[-40]
    for place, row in enumerate(rows):
        ends = {True: 0.0, False: 0.0}
        for size, hatched in ((row.presence, False), (row.absence, True)):
            ink = towards if size > 0 else against
            axes.barh(
                place, size, left=ends[size > 0], height=0.68, lw=0.6 if hatched else 0,
                facecolor="white" if hatched else ink, edgecolor=ink, hatch="//////" if hatched else None,
            )  # fmt: skip
            ends[size > 0] += size
        if row.presence * row.absence < 0:
            net = row.presence + row.absence
            axes.plot([net, net], [place - 0.4, place + 0.4], color=INK, lw=1.4, solid_capstyle="butt")
    keys: list[Artist] = [
        Patch(facecolor=MUTED, label="from cells with more of it"),
        Patch(facecolor="white", edgecolor=MUTED, hatch="//////", lw=0.6, label="with less"),
    ]
    if any(row.presence * row.absence < 0 for row in rows):
        keys.append(Line2D([], [], color=INK, lw=0, marker="|", mew=1.4, label="sum"))
    axes.legend(
        handles=keys, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, frameon=False, fontsize=7,
        handlelength=1.4, borderpad=0, columnspacing=1.2,
    )  # fmt: skip


def _evidence_columns(
    sheet: Figure, rows: Sequence[RankingRow], box: tuple[float, float, float, float]
) -> None:
    """Write the evidence beside every bar."""
    side = sheet.add_axes(box)
    bare(side)
    side.set_xlim(0, 3)
    side.set_ylim(len(rows) - 0.4, -0.6)
    for column, head in enumerate(_HEADS):
        side.text(column + 0.5, -0.8, head, ha="center", va="bottom", color=MUTED, fontsize=7)
    for place, row in enumerate(rows):
        for column, number in enumerate((row.mean_difference_rank, row.twin_rank, row.rank_spread)):
            text = CANNOT_TELL if number is None else f"{number:g}"
            warned = column == 1 and number is not None and number <= len(rows)
            side.text(column + 0.5, place, text, ha="center", va="center", color=WARN if warned else INK)


def _check_lines(sheet: Figure, checks: Sequence[Check], sentences: Sequence[str], y: float) -> None:
    """Write the checks from so many inches above the lower edge downwards."""
    height = float(sheet.get_size_inches()[1])
    for check, text in zip(checks, sentences, strict=True):
        colour = INK if check.verdict == "ok" else WARN
        sheet.text(0.02, y / height, text, va="top", color=colour, fontsize=7)
        y -= 0.15 * (text.count("\n") + 1)


def curve_figure(curves: Sequence[Curve], title: str = "Training") -> Figure:
    """Draw the loss of each net over epochs: training dotted, validation solid, in one colour a net.

    Raises
    ------
    DataError
        There are no curves.
    """
    from matplotlib.ticker import MaxNLocator

    if not any(curve.train for curve in curves):
        raise DataError("There is no loss curve: train a model first.")
    with plain_style():
        sheet = new_sheet(5.2, 3.4)
        add_title(sheet, title, "Dotted: cells the net learns from. Solid: cells it is stopped by.")
        axes = sheet.add_axes((0.13, 0.13, 0.68, 0.68))
        for curve, colour in zip(curves, categorical(len(curves)), strict=True):
            axes.plot(
                np.arange(1, len(curve.train) + 1),
                curve.train,
                color=colour,
                lw=1.2,
                ls=":",
                label=None if curve.valid else elide(curve.name, 18),
            )
            if curve.valid:
                axes.plot(
                    np.arange(1, len(curve.valid) + 1),
                    curve.valid,
                    color=colour,
                    lw=1.2,
                    label=elide(curve.name, 18),
                )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return sheet


def metrics_figure(rows: Sequence[MetricRow]) -> Figure:
    """Draw accuracy and macro F1 of the model beside those of its baselines, on one axis from 0 to 1.

    Raises
    ------
    DataError
        A model's row without a baseline's is not shown.
    """
    if not any(row.is_baseline for row in rows):
        raise DataError("Scores are drawn beside baselines only: train the model with its baselines.")
    heads = ("", "accuracy", "macro F1", "ECE")
    lines = [
        (
            row.name,
            *("-" if v is None else f"{v:.3f}" for v in (row.accuracy, row.macro_f1, row.calibration_error)),
        )
        for row in rows
    ]
    bars = [(row.accuracy, row.macro_f1) for row in rows]
    note = (
        f"Held-out cells, split by {rows[0].scheme}. Bold: the model; the others are cheap baselines. "
        "ECE: calibration error, small is good."
    )
    return _score_sheet(heads, lines, [row.is_baseline for row in rows], note, bars)


def figures_figure(names: Sequence[str], rows: Sequence[FigureRow]) -> Figure:
    """Write the figures of a model without labels beside those of its baselines.

    Raises
    ------
    DataError
        A model's row without a baseline's is not shown.
    """
    if not any(row.is_baseline for row in rows):
        raise DataError("Figures are shown beside baselines only: train the model with its baselines.")
    lines = [(row.name, *("-" if v is None else f"{v:.4f}" for v in row.values)) for row in rows]
    note = "Bold: the model; the others are cheap ways to do the same."
    return _score_sheet(("", *names), lines, [row.is_baseline for row in rows], note)


def _score_sheet(
    heads: Sequence[str],
    lines: Sequence[Sequence[str]],
    baseline: Sequence[bool],
    note: str,
    bars: Sequence[tuple[float, float]] = (),
) -> Figure:
    """Lay out a table, with two bars a row on the right where there are any."""
    table, width = 1.9 + 1.0 * (len(heads) - 1), 0.0
    width = table + (2.4 if bars else 0.2)
    top = title_inches(note) + 0.3
    height = top + 0.24 * len(lines) + (0.45 if bars else 0.15)
    foot = (height - top - 0.24 * len(lines)) / height
    with plain_style():
        sheet = new_sheet(width, height)
        add_title(sheet, "How well", wrap(note, int(width * 15)))
        for column, head in enumerate(heads):
            sheet.text(
                _column(column, width), 1 - (top - 0.05) / height, elide(head, 18), ha="right", color=MUTED
            )
        for number, (line, is_baseline) in enumerate(zip(lines, baseline, strict=True)):
            y = 1 - (top + 0.24 * number + 0.12) / height
            for column, text in enumerate(line):
                sheet.text(
                    0.02 if column == 0 else _column(column, width),
                    y,
                    elide(text, 26),
                    ha="left" if column == 0 else "right",
                    va="center",
                    weight="normal" if is_baseline else "bold",
                )
        if bars:
            axes = sheet.add_axes(((table + 0.2) / width, foot, 2.0 / width, 0.24 * len(lines) / height))
            places = np.arange(len(lines))
            for shift, part, colour, name in ((-0.17, 0, INK, "accuracy"), (0.17, 1, "#8fa3b5", "macro F1")):
                axes.barh(places + shift, [pair[part] for pair in bars], height=0.3, color=colour, label=name)
            axes.set_xlim(0, 1)
            axes.set_ylim(len(lines) - 0.5, -0.5)
            axes.set_yticks([])
            for side in ("top", "right", "left"):
                axes.spines[side].set_visible(False)
            axes.legend(
                loc="lower left",
                bbox_to_anchor=(0, 1.0),
                ncols=2,
                frameon=False,
                fontsize=7,
                handlelength=1,
                borderpad=0,
            )
    return sheet


def _column(column: int, width: float) -> float:
    return (1.8 + 1.0 * column) / width
