"""Two maps of the same cells beside each other, and their difference, on paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.figure.cell import stamp_axes
from glasscell.figure.key import draw_scale
from glasscell.figure.page import INK, MUTED, WARN, add_title, bare, elide, new_sheet, plain_style, wrap
from glasscell.session.resolve import Ready
from glasscell.views.legend_words import clipped, short, without_value
from glasscell.views.paint import selected_cells
from glasscell.views.pair_choice import PairChoice
from glasscell.views.pair_picture import pair_picture
from glasscell.views.picture import resolve_tissue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from glasscell.data.channel import CellValues
    from glasscell.data.dataset import Dataset
    from glasscell.session import Session
    from glasscell.session.comparing import Pair
    from glasscell.views.colour import ColourTable

PIXELS = 900
_WIDTH, _RIM, _GAP = 6.8, 0.14, 0.14
_LINE, _KEY_COLUMN = 0.15, 1.45


@dataclass(frozen=True, eq=False)
class PairLook:
    """Two maps, and where their cells lie.

    Parameters
    ----------
    dataset
        The cells.
    left, right
        Both numbers or both names, ``(n_cells,)``.
    selected
        Cells that stand out; None for all.
    embedding
        Places ``(n_cells, 2)`` for cells that have none in a tissue.
    names
        Whose maps they are; empty where their titles say so.
    """

    dataset: Dataset
    left: CellValues
    right: CellValues
    selected: NDArray[np.bool_] | None = None
    embedding: NDArray[np.float64] | None = None
    names: tuple[str, str] = ("", "")

    def title(self, side: int, title: str) -> str:
        """Say what stands above a picture, with the name of its side where the title lacks it."""
        name = self.names[side] if side < 2 else ""
        return title if not name or title.startswith(name) else f"{name}: {title}"


def pair_figure(look: PairLook) -> Figure:
    """Draw two maps with equal limits and their difference, centred at zero, each with what its colours mean.

    Raises
    ------
    DataError
        The two have no difference, or the cells no place.
    """
    with plain_style():
        sheet = new_sheet(_WIDTH, 0.4 + pair_inches(look))
        add_title(sheet, "Two maps beside each other")
        draw_pair(sheet, look, 0.0)
    return sheet


def pair_look(session: Session) -> PairLook | None:
    """Return the two maps that a session looks at; None where there are none, or no places."""
    pair: Pair | None = session.latest("pair")
    dataset, views = session.dataset, session.state.views
    if pair is None or dataset is None:
        return None
    found = [session.resolve(ref) for ref in (pair.left, pair.right)]
    values = [one.values for one in found if isinstance(one, Ready)]
    embedding = None
    if resolve_tissue(dataset) is None:
        if views.embedding not in dataset.embeddings:
            return None
        embedding = np.asarray(dataset.embeddings[views.embedding], np.float64)[:, list(views.components)]
    if len(values) < 2:
        return None
    names = PairChoice(session).words(pair.left, pair.right)
    return PairLook(dataset, values[0], values[1], selected_cells(session), embedding, names)


def pair_inches(look: PairLook) -> float:
    """Height that three pictures take with titles and keys."""
    picture = pair_picture(look.left, look.right, look.selected, "light")
    keys = max(_key_inches(picture.left, 2 * _side()), _key_inches(picture.difference, _side()))
    return 0.62 + _tall(look) + keys + 0.35


def draw_pair(sheet: Figure, look: PairLook, bottom: float) -> None:
    """Draw the three pictures on a sheet, ``bottom`` inches above its lower edge."""
    picture = pair_picture(look.left, look.right, look.selected, "light")
    tables = (picture.left, picture.right, picture.difference)
    height, side, tall = sheet.get_size_inches()[1], _side(), _tall(look)
    keys = max(_key_inches(picture.left, 2 * side), _key_inches(picture.difference, side))
    y = bottom + 0.35 + keys
    raster, bounds = _raster(look)
    said = [picture.summary, "; ".join(picture.notes)]
    head = y + tall + 0.50
    sheet.text(
        _RIM / _WIDTH,
        head / height,
        wrap(" ".join(filter(None, said)), 118),
        color=MUTED,
        fontsize=7,
        va="top",
    )
    for number, (table, title) in enumerate(zip(tables, picture.titles, strict=True)):
        x = _RIM + number * (side + _GAP)
        axes = sheet.add_axes((x / _WIDTH, y / height, side / _WIDTH, tall / height))
        x0, y0, x1, y1 = bounds
        axes.imshow(raster.paint(table.table_u32), extent=(x0, x1, y1, y0), interpolation="nearest")
        bare(axes)
        sheet.text(
            x / _WIDTH,
            (y + tall + 0.04) / height,
            elide(look.title(number, title), 44),
            fontsize=7,
            color=INK,
            va="bottom",
        )
        if not number and look.embedding is None:
            tissue = resolve_tissue(look.dataset)
            if tissue is not None:
                draw_scale(axes, tissue.unit, tissue.microns_per_unit)
    top = y - 0.3
    _key(sheet, picture.left, (_RIM, top, 2 * side + _GAP), (picture.right,), "both: ")
    _key(sheet, picture.difference, (_RIM + 2 * (side + _GAP), top, side), (), "")


def _side() -> float:
    return (_WIDTH - 2 * _RIM - 2 * _GAP) / 3


def _raster(look: PairLook) -> tuple[Any, tuple[float, float, float, float]]:
    tissue = resolve_tissue(look.dataset)
    if tissue is not None:
        raster = tissue.raster(tissue.overview(PIXELS))
    elif look.embedding is not None:
        raster = stamp_axes(look.embedding * np.array([1.0, -1.0]))
    else:
        raise DataError("These cells have no places to draw them at: prepare the data first.")
    return raster, raster.viewport.bounds


def _tall(look: PairLook) -> float:
    x0, y0, x1, y1 = _raster(look)[1]
    shape = (y1 - y0) / (x1 - x0) if look.embedding is None else 1.0
    return float(np.clip(_side() * shape, 0.6, 4.0))


def _columns(width: float) -> int:
    return max(int(width / _KEY_COLUMN), 1)


def _key_inches(table: ColourTable, width: float) -> float:
    if table.legend is None:
        return 0.75
    shown = len(table.legend.items) + bool(table.legend.missing)
    return _LINE * -(-shown // _columns(width)) + 0.1


def _key(
    sheet: Figure,
    table: ColourTable,
    place: tuple[float, float, float],
    more: Sequence[ColourTable],
    whose: str,
) -> None:
    """Say what the colours of one or of several pictures mean, from (left, top, width) in inches down."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.patches import Rectangle

    left, top, width = place
    height = sheet.get_size_inches()[1]
    if table.legend is not None:
        entries = [(one.name, one.colour, one.count) for one in table.legend.items]
        if table.legend.missing:
            entries.append(("no value", table.legend.missing_colour, table.legend.missing))
        for number, (name, colour, count) in enumerate(entries):
            row, column = divmod(number, _columns(width))
            x, y = left + column * _KEY_COLUMN, top - row * _LINE
            box = Rectangle((x / _WIDTH, (y - 0.05) / height), 0.1 / _WIDTH, 0.1 / height, color=colour, lw=0)
            sheet.add_artist(box)
            words = elide(name, 20) if more else f"{elide(name, 16)} ({count:,})"
            sheet.text((x + 0.15) / _WIDTH, y / height, words, fontsize=7, va="center")
        return
    bar = table.bar
    assert bar is not None
    bars = [bar, *(one.bar for one in more if one.bar is not None)]
    below, above = any(one.below for one in bars), any(one.above for one in bars)
    ends = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    strip = sheet.add_axes(
        ((left + 0.1) / _WIDTH, (top - 0.02) / height, (width - 0.2) / _WIDTH, 0.09 / height)
    )
    scale = ScalarMappable(Normalize(bar.low, bar.high), ListedColormap(list(bar.colours)))
    extend: Any = ends[below, above]
    colours = sheet.colorbar(scale, cax=strip, orientation="horizontal", extend=extend)
    colours.outline.set_linewidth(0.5)
    middle = 0.0 if bar.centre == 0 else (bar.low + bar.high) / 2
    at = [bar.low, middle, bar.high]
    colours.set_ticks(at, labels=[short(value) for value in at], fontsize=7)
    sheet.text(
        (left + width / 2) / _WIDTH, (top - 0.24) / height, elide(f"{whose}{bar.unit}", 60), fontsize=7,
        color=MUTED, ha="center", va="top",
    )  # fmt: skip
    said = dict.fromkeys(text for one in bars for text in (clipped(one), without_value(one)) if text)
    sheet.text(
        left / _WIDTH, (top - 0.4) / height, wrap("; ".join(said), int(22 * width)), fontsize=6.5, color=WARN,
        va="top",
    )  # fmt: skip
