"""One factor of a traversal: genes that change along it, over how often its values were observed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.palette import categorical
from glasscell.errors import DataError
from glasscell.figure.page import INK, MUTED, add_title, elide, new_sheet, plain_style, title_inches, wrap
from glasscell.views.traversal_picture import strongest_gene, sweep_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glasscell.explain.traversal import Traversal
    from glasscell.jobs import JobHandle
    from glasscell.session import Session

N_CURVES = 5
_GREY, _BARS = "#e3e3e3", "#9aa3ae"


def plan_traversal(session: Session) -> Callable[[JobHandle], Figure]:
    """Take a snapshot of the factor that was moved last, or else of the first, and return what draws it.

    Raises
    ------
    DataError
        Nothing was traversed.
    """
    found: Traversal | None = session.latest("traversal")
    if found is None:
        raise DataError("There is no traversal to draw: sweep the factors of a model first.")
    factor, channel = sweep_picture(found).rows[0].factor, session.state.colouring.channel
    if channel is not None and channel.kind == "traversal" and channel.param("result") == found.id:
        factor = int(channel.param("factor") or 0)
    return lambda job: traversal_figure(found, factor)


def traversal_figure(found: Traversal, factor: int) -> Figure:
    """Draw the genes a factor moves most as curves over its values; beyond the observed range all is grey.

    Parameters
    ----------
    found
        A traversal.
    factor
        One of its factors.

    Raises
    ------
    DataError
        The factor was not swept.
    """
    row = found.row(factor)
    says = (
        f"Decoded, not measured, from {found.start_name} ({found.n_drawn} of {len(found.start):,} "
        f"{found.observations} decoded). Grey: beyond the observed 1-99 %."
    )
    title = wrap(says, 90)
    top = title_inches(title)
    width, height = 6.4, 3.55 + top
    with plain_style():
        sheet = new_sheet(width, height)
        add_title(sheet, f"{elide(found.title(factor), 60)} of {elide(found.model, 30)}", title)
        curves = sheet.add_axes((0.14, 1.32 / height, 0.62, 2.1 / height))
        bars = sheet.add_axes((0.14, 0.5 / height, 0.62, 0.68 / height), sharex=curves)
        _curves(curves, found, row)
        values_s = found.values_ks[row]
        bars.hist(found.latent_cz[:, factor], bins=48, color=_BARS, range=_range(values_s))
        bars.set_xlabel(f"{elide(found.title(factor), 40)} (latent mean)")
        bars.set_ylabel(found.observations)
        for axes in (curves, bars):
            for end, limit in ((values_s[0], found.low_k[row]), (values_s[-1], found.high_k[row])):
                axes.axvspan(min(end, limit), max(end, limit), color=_GREY, lw=0, zorder=0)
            axes.axvline(float(found.start_k[row]), color=MUTED, lw=0.7, ls="--", zorder=1)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        curves.tick_params(labelbottom=False)
        curves.set_xlim(*_range(values_s))
    return sheet


def _curves(axes: Axes, found: Traversal, row: int) -> None:
    values_s, factor = found.values_ks[row], found.factors[row]
    seen_s = (values_s >= found.low_k[row]) & (values_s <= found.high_k[row])
    change_g = (
        found.change_ksg[row, np.flatnonzero(seen_s)[-1]] - found.change_ksg[row, np.flatnonzero(seen_s)[0]]
    )
    order = np.argsort(-change_g, kind="stable")
    genes = [*order[:N_CURVES], *order[::-1][:N_CURVES][::-1]]
    strongest = strongest_gene(found, factor)
    for colour, g in zip(categorical(len(genes)), dict.fromkeys(map(int, genes)), strict=False):
        change_s = found.change_ksg[row, :, g]
        wide = 1.8 if found.genes[g] == strongest else 1.1
        axes.plot(values_s, change_s, color=_BARS, lw=0.8, zorder=2)
        axes.plot(
            values_s[seen_s],
            change_s[seen_s],
            color=colour,
            lw=wide,
            zorder=3,
            label=elide(found.genes[g], 16),
        )
    axes.axhline(0, color=MUTED, lw=0.6, zorder=1)
    axes.set_ylabel(f"decoded change\n({elide(found.unit, 30)})", color=INK)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.02), frameon=False, fontsize=7)


def _range(values_s: np.ndarray) -> tuple[float, float]:
    low, high = float(values_s[0]), float(values_s[-1])
    return (low, high) if high > low else (low - 0.5, high + 0.5)
