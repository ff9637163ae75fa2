"""A heatmap in a notebook: panels side by side that share their rows, and what their colours mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.jupyter.panel import Panel, button, column, row, show
from glasscell.jupyter.sheet import Column, Heat, Sheet
from glasscell.views.legend_words import short
from glasscell.views.theme import LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glasscell.views.heat import HeatPanel, HeatPicture

    Tip = Callable[[int, int, int], str]

LARGER = "Make the tables larger; they scroll within the panel"
_SHADES = 24
_MISSING = LIGHT.edge
#: How many times as wide as the panel the tables can be.
ZOOMS = (1.0, 1.5, 2.0, 3.0, 4.0)
_NAMES_SHARE = 34.0  # of the panel's width, in per cent
_LEGEND = (
    Column("", "", "words", "46%"),
    Column("", "", "number", "2.9em"),
    *(Column("", "", "heat") for _ in range(_SHADES)),
    Column("", "", "text", "2.9em"),
)


class HeatSheet(Panel):
    """Draws a ``HeatPicture``, with buttons that make it larger and smaller.

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
        self.smaller, self.larger = button("−", "Make the tables smaller"), button("+", LARGER)
        self._zooms = row(self.smaller, self.larger, justify_content="flex-end")
        self.widget = column(self.legend, self._zooms, self.sheet)
        self.hear_press(self.smaller, lambda: self.zoom(-1))
        self.hear_press(self.larger, lambda: self.zoom(1))
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
        show(self._zooms, picture is not None)
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
        for at in self._rows:
            line: list[object] = [picture.row_labels[at]]
            for number, shade in enumerate(shades):
                line += [""] if number else []
                panel = picture.panels[number]
                line += [
                    Heat(back, panel.text(at, place), says(at, place, number))
                    for place, back in enumerate(shade[at])
                ]
            lines.append(line)
        self.sheet.show(lines, [picture.rows[row] for row in self._rows], columns=self._columns())
        self.zoom(0)

    def zoom(self, steps: int) -> None:
        """Make the tables wider and higher, or less so; beyond the panel they scroll, and names stay."""
        at = min(max(ZOOMS.index(self.sheet._zoom) + steps, 0), len(ZOOMS) - 1)
        self.smaller.disabled, self.larger.disabled = at == 0, at == len(ZOOMS) - 1
        if self.sheet._zoom != ZOOMS[at]:
            with self.sheet.hold_sync():
                self.sheet._zoom = ZOOMS[at]
                self.sheet.set_columns(self._columns())

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

    def _columns(self) -> tuple[Column, ...]:
        assert self.picture is not None
        corner = " ".join(word for word in self.picture.corner if word)
        heads = [Column(corner, "", "text", f"{_NAMES_SHARE / self.sheet._zoom:.3g}%")]
        for number, panel in enumerate(self.picture.panels):
            heads += [Column("", "", "text", "6px")] if number else []
            heads += [Column(name, f"{name}: {panel.title}", "heat") for name in self.picture.columns]
        return tuple(heads)

    def _on_clicked(self, row: int, at: int) -> None:
        place = self._place(row, at)
        if place is not None:
            self.clicked.emit(*place)

    def _on_hovered(self, where: tuple[int, int] | None) -> None:
        self.hovered.emit(None if where is None else self._place(*where))


def _sides(panels: int) -> tuple[str, ...]:
    return ("left: ", "right: ") if panels == 2 else ("",) * panels


def _legend(panel: HeatPanel, side: str) -> list[object]:
    last = len(panel.colours) - 1
    shades = [Heat(panel.colours[round(n * last / (_SHADES - 1))]) for n in range(_SHADES)]
    words = f"{side}{panel.title} ({panel.unit})"
    low, high = panel.ends
    return [words, low, *shades, high]
