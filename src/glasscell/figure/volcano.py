"""A contrast of two groups as a volcano, with what must be said beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
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
from glasscell.views.contrast_table import clipped_words
from glasscell.views.volcano import apart, kinds, lead_inks, limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glasscell.views.contrast_view import ContrastPicture, Volcano

N_LABELS = 10
_LABEL_SHARE = 0.035  # of the height, so that no label lies on another
_CONTEXT = "#9aa3ae"


def volcano_figure(picture: ContrastPicture) -> Figure:
    """Draw every gene by its change and its p, or its level where there is no p.

    Parameters
    ----------
    picture
        See ``views.contrast_picture.contrast_picture``.

    Raises
    ------
    DataError
        There are no genes.
    """
    shown = picture.volcano
    if not len(shown.genes):
        raise DataError("There is no contrast to draw: compare two groups first.")
    said = [*([picture.agreement] if picture.agreement else []), *picture.notes, *clipped_words(shown)]
    below_lines = [wrap(text, 108) for text in said]
    foot = 0.62 + 0.15 * sum(text.count("\n") + 1 for text in below_lines)
    top = title_inches(picture.title) + 0.28
    width, height = 6.4, 4.0 + top + foot
    with plain_style():
        sheet = new_sheet(width, height)
        add_title(sheet, f"{elide(picture.a_name, 34)} against {elide(picture.b_name, 34)}", picture.title)
        axes = sheet.add_axes((0.62 / width, foot / height, (width - 0.82) / width, 4.0 / height))
        _draw(axes, picture)
        _names(axes, shown)
        y = foot - 0.5
        for number, text in enumerate(below_lines):
            colour = INK if number == 0 and picture.agreement else WARN
            sheet.text(0.02, y / height, text, va="top", color=colour, fontsize=7)
            y -= 0.15 * (text.count("\n") + 1)
    return sheet


def _draw(axes: Axes, picture: ContrastPicture) -> None:
    """Draw dots, axes and key."""
    shown = picture.volcano
    _dots(axes, shown, (elide(picture.a_name, 30), elide(picture.b_name, 30)))
    axes.set_xlabel(shown.x_name)
    axes.set_ylabel(shown.y_name)
    axes.axvline(0, color=MUTED, lw=0.6, zorder=1)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=2,
        frameon=False,
        borderpad=0,
        handletextpad=0.1,
    )


def _dots(axes: Axes, shown: Volcano, names: tuple[str, str]) -> None:
    """Draw all genes grey, then those that lead a side in its colour; triangles where one is clipped."""
    n_genes = len(shown.genes)
    kind, clipped = kinds(shown), np.zeros(n_genes, np.bool_)
    clipped[list(shown.clipped)] = True
    inks = (_CONTEXT, *lead_inks())
    labels = ("", f"more in {names[0]}", f"more in {names[1]}")
    for number, (ink, label, size) in enumerate(zip(inks, labels, (5, 14, 14), strict=True)):
        for marker, wanted in (("o", ~clipped), ("^", clipped)):
            of_kind = (kind == number) & wanted
            axes.scatter(
                shown.x_g[of_kind], shown.y_g[of_kind], s=size, color=ink, marker=marker, lw=0,
                alpha=0.6 if number == 0 else 1.0, zorder=2 + (number > 0),
                rasterized=number == 0,
            )  # fmt: skip
        if label:
            axes.scatter([], [], s=14, color=ink, lw=0, label=label)
    _, low, widest, high = limits(shown)
    room = 0.05 * ((high - low) or 1.0)
    axes.set_xlim(-1.2 * widest, 1.2 * widest)
    axes.set_ylim(low - room, high + room)


def _names(axes: Axes, shown: Volcano) -> None:
    """Name the genes that lead, as far as their names do not lie on each other."""
    least = _LABEL_SHARE * float(np.ptp(axes.get_ylim()))
    for lead, side, shift in ((shown.lead_a, "left", 4), (shown.lead_b, "right", -4)):
        for g in apart(lead, shown.y_g, least, N_LABELS):
            axes.annotate(
                elide(shown.genes[g], 14), (shown.x_g[g], shown.y_g[g]), (shift, 0),
                textcoords="offset points", ha=side, va="center", fontsize=7, zorder=4,
            )  # fmt: skip
