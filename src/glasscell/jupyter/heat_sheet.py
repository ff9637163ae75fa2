"""A heatmap in a notebook: panels side by side that share their rows, and what their colours mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.jupyter.panel import column
from glasscell.jupyter.sheet import Column, Heat, Sheet
from glasscell.views.legend_words import short
from glasscell.views.theme import LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glasscell.views.heat import HeatPanel, HeatPicture

    Tip = Callable[[int, int, int], str]

_SHADES = 24
_MISSING = LIGHT.edge
_LEGEND = (
    Column("", "", "words", "46%"),
    Column("", "", "number", "2.9em"),
    *(Column("", "", "heat") for _ in range(_SHADES)),
    Column("", "", "text", "2.9em"),
)


class HeatSheet:
    """Draws a ``HeatPicture``.

    ``clicked`` carries (row, column, panel), ``hovered`` the same or None off the tables.

    Parameters
    ----------
    height
        CSS height beyond which the rows scroll.
    """

    clicked = Signal(int, int, int)
    hovered = Signal(object)

    def __init__(self, height: str = "24em", *, hover: bool = True) -> None:
        self.picture: HeatPicture | None = None
        self._rows: tuple[int, ...] = ()
        self.legend = Sheet(_LEGEND, heads=False)
        self.sheet = Sheet(height=height, hover=hover)
        for sheet in (self.legend, self.sheet):
            sheet.add_class("glasscell-fixed")
        self.widget = column(self.legend, self.sheet)
        self.sheet.clicked.connect(self._on_clicked)
        self.sheet.hovered.connect(self._on_hovered)

    def set_picture(
        self, picture: HeatPicture | None, rows: Sequence[int] | None = None, tip: Tip | None = None
    ) -> None:
        """Draw another picture, or only some of its rows.

        Parameters
        ----------
        rows
            Which rows, in their order; all when left out.
        tip
            What hovering a place (row, column, panel) says; its value when left out.
        """
        self.picture = picture
        if picture is None:
            self._rows = ()
            self.sheet.show([], columns=())
            self.legend.show([])
            return
        self._rows = tuple(range(len(picture.rows)) if rows is None else rows)
        self.legend.show(
            [
                _legend(panel, side)
                for panel, side in zip(picture.panels, _sides(len(picture.panels)), strict=True)
            ],
        )
        says = tip or self._value
        shades = [panel.hexes(_MISSING) for panel in picture.panels]
        lines: list[list[object]] = []
        for row in self._rows:
            line: list[object] = [picture.row_labels[row]]
            for number, shade in enumerate(shades):
                line += [""] if number else []
                line += [Heat(back, tip=says(row, place, number)) for place, back in enumerate(shade[row])]
            lines.append(line)
        self.sheet.show(lines, [picture.rows[row] for row in self._rows], columns=_columns(picture))

    def mark(self, place: tuple[int, int, int] | None) -> None:
        """Frame a place in every panel."""
        picture = self.picture
        if picture is None or place is None or place[0] not in self._rows:
            self.sheet.mark([])
            return
        row, at, _ = place
        self.sheet.mark(
            [
                (self._rows.index(row), 1 + at + panel * (len(picture.columns) + 1))
                for panel in range(len(picture.panels))
            ]
        )

    def _value(self, row: int, place: int, panel: int) -> str:
        assert self.picture is not None
        of = self.picture.panels[panel]
        value = short(float(of.values_rc[row, place]))
        return f"{self.picture.rows[row]}, {self.picture.columns[place]}: {value} {of.unit}"

    def _place(self, row: int, at: int) -> tuple[int, int, int] | None:
        """Return row, column and panel of a place of the sheet; None for names and gaps."""
        if self.picture is None or not at:
            return None
        panel, place = divmod(at - 1, len(self.picture.columns) + 1)
        return (self._rows[row], place, panel) if place < len(self.picture.columns) else None

    def _on_clicked(self, row: int, at: int) -> None:
        place = self._place(row, at)
        if place is not None:
            self.clicked.emit(*place)

    def _on_hovered(self, where: tuple[int, int] | None) -> None:
        self.hovered.emit(None if where is None else self._place(*where))


def _columns(picture: HeatPicture) -> tuple[Column, ...]:
    names = Column(" ".join(word for word in picture.corner if word), "", "text", "34%")
    heads: list[Column] = [names]
    for number, panel in enumerate(picture.panels):
        heads += [Column("", "", "text", "6px")] if number else []
        heads += [Column(name, f"{name}: {panel.title}", "heat") for name in picture.columns]
    return tuple(heads)


def _sides(panels: int) -> tuple[str, ...]:
    return ("left: ", "right: ") if panels == 2 else ("",) * panels


def _legend(panel: HeatPanel, side: str) -> list[object]:
    last = len(panel.colours) - 1
    shades = [Heat(panel.colours[round(n * last / (_SHADES - 1))]) for n in range(_SHADES)]
    words = f"{side}{panel.title} ({panel.unit})"
    return [words, short(panel.limits[0]), *shades, short(panel.limits[1])]
