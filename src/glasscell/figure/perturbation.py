"""A perturbation: the genes that are expected to follow, and the cells that change class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.palette import diverging_map
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
from glasscell.views.perturbation_picture import perturbation_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glasscell.explain.perturbation.result import Perturbation
    from glasscell.jobs import JobHandle
    from glasscell.session import Session
    from glasscell.views.perturbation_view import PerturbationPicture

N_GENES, N_FLIPS = 20, 12
_ROW, _WIDTH = 0.17, 6.4


def plan_perturbation(session: Session) -> Callable[[JobHandle], Figure]:
    """Take a snapshot of the last perturbation and return what draws it.

    Raises
    ------
    DataError
        Nothing was perturbed.
    """
    found: Perturbation | None = session.latest("perturbation")
    if found is None:
        raise DataError("There is no perturbation to draw: perturb cells first.")
    words = "cells" if session.dataset is None else session.dataset.observations
    picture = perturbation_picture(found, words)
    return lambda job: perturbation_figure(picture)


def perturbation_figure(picture: PerturbationPicture) -> Figure:
    """Draw the genes whose decoded expression changes most as bars, changes of class below, evidence beside.

    Parameters
    ----------
    picture
        See ``views.perturbation_picture.perturbation_picture``.

    Raises
    ------
    DataError
        Neither genes nor classes can change.
    """
    genes, flips = picture.genes[:N_GENES], picture.flips[:N_FLIPS]
    if not genes and not picture.sorts:
        raise DataError("This model gives neither genes nor classes that could change: there is no picture.")
    evidence = wrap(picture.evidence, 108)
    foot = [wrap(text, 108) for text in picture.notes]
    lines = evidence.count("\n") + 1 + sum(text.count("\n") + 1 for text in foot)
    bars = _ROW * max(len(genes), 1) if genes else 0.0
    listed = 0.2 + 0.15 * max(len(flips), 1) if picture.sorts else 0.0
    top = title_inches(picture.title)
    height = top + bars + (0.55 if genes else 0.0) + listed + 0.15 * lines + 0.3
    with plain_style():
        sheet = new_sheet(_WIDTH, height)
        add_title(sheet, "What the model expects of a change", picture.title)
        y = height - top - 0.05
        if genes:
            axes = sheet.add_axes((0.24, (y - bars) / height, 0.70, bars / height))
            _bars(axes, genes, picture.unit)
            y -= bars + 0.5
        if picture.sorts:
            y = _flips(sheet, picture, y, height)
        colour = WARN if picture.stands_out is False else INK
        sheet.text(0.02, y / height, evidence, va="top", color=colour)
        y -= 0.15 * (evidence.count("\n") + 1) + 0.05
        for text in foot:
            sheet.text(0.02, y / height, text, va="top", color=WARN, fontsize=7)
            y -= 0.15 * (text.count("\n") + 1)
    return sheet


def _bars(axes: Axes, genes: tuple[tuple[str, float, float], ...], unit: str) -> None:
    """Draw one bar per gene, largest change first, from 0 to either side on one scale."""
    ramp = diverging_map()
    change_g = np.array([change for _, _, change in genes])
    places = np.arange(len(genes))
    colours = [ramp[-40] if change > 0 else ramp[40] for change in change_g]
    axes.barh(places, change_g, color=colours, height=0.8)
    axes.set_yticks(places, [elide(name, 22) for name, _, _ in genes])
    axes.invert_yaxis()
    reach = float(np.abs(change_g).max(initial=0.0)) or 1.0
    axes.set_xlim(-1.05 * reach, 1.05 * reach)
    axes.axvline(0.0, color=MUTED, lw=0.6)
    axes.set_xlabel(f"mean decoded change, not measured ({elide(unit, 40)})", color=INK, labelpad=1)
    axes.tick_params(length=2, labelsize=7)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _flips(sheet: Figure, picture: PerturbationPicture, y: float, height: float) -> float:
    """List how many cells change class; return where the list ends."""
    sheet.text(0.02, y / height, f"Cells that change their {picture.sorts}", va="top", weight="bold")
    y -= 0.17
    shown = picture.flips[:N_FLIPS]
    rows = [
        f"{elide(before, 30)} to {elide(after, 30)}: {n:,} ({share:.0%})" for before, after, n, share in shown
    ]
    if len(picture.flips) > N_FLIPS:
        rows[-1] += f"; {len(picture.flips) - N_FLIPS} more kinds of change are in the table"
    for text in rows or ["none"]:
        sheet.text(0.04, y / height, text, va="top")
        y -= 0.15
    return y - 0.05
