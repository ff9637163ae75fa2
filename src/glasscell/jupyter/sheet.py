"""A table in a notebook: texts, bars, colours and heat, clicked and hovered; no text is read as markup."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from psygnal import Signal

from glasscell.jupyter.home import at_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    head, tip
        Its name and what it means.
    kind
        ``text`` (str, cut off where there is no room), ``words`` (str, on as many lines as needed),
        ``number`` (str, to the right), ``bar`` (`Bar`), ``heat`` (`Heat`), ``swatch`` (#rrggbb, recoloured
        by a person where ``changed`` is listened to), ``check`` (bool), ``progress`` (0 to 1, or None while
        unknown) or ``button`` (its words). An empty string leaves a place of any kind empty, and a `Heat`
        is drawn as such in each of them.
    width
        CSS width, empty for what it needs.
    """

    head: str = ""
    tip: str = ""
    kind: str = "text"
    width: str = ""


@dataclass(frozen=True)
class Bar:
    """A bar from zero: its solid and its hatched part, the ends of the scale, and its colour."""

    solid: float
    hatched: float = 0.0
    low: float = 0.0
    high: float = 1.0
    colour: str = ""


@dataclass(frozen=True)
class Heat:
    """One place of a heatmap: its colour, what is written on it, and what hovering says."""

    back: str
    text: str = ""
    tip: str = ""


class Sheet(anywidget.AnyWidget):
    """Rows under heads.

    ``clicked(row, column)`` and ``hovered((row, column) | None)`` name places; ``changed(row, column,
    value)`` tells a ticked box or a new colour.

    Parameters
    ----------
    columns
        What stands in each column.
    height
        CSS height beyond which the rows scroll.
    heads
        Whether the heads are shown.
    """

    _esm = HERE / "sheet.js"
    _css = HERE / "sheet.css"
    _columns: Any = traitlets.List().tag(sync=True)
    _body: Any = traitlets.Dict().tag(sync=True)
    _height = traitlets.Unicode().tag(sync=True)
    _heads = traitlets.Bool(True).tag(sync=True)
    _hover = traitlets.Bool(False).tag(sync=True)
    _zoom = traitlets.Float(1.0).tag(sync=True)

    clicked = Signal(int, int)
    hovered = Signal(object)
    changed = Signal(int, int, object)

    def __init__(
        self, columns: Sequence[Column] = (), height: str = "22em", *, heads: bool = True, hover: bool = False
    ) -> None:
        super().__init__()
        self.columns: tuple[Column, ...] = tuple(columns)
        self.rows: list[tuple[Any, ...]] = []
        self._height, self._heads, self._hover = height, heads, hover
        self._columns = [asdict(column) for column in self.columns]
        self._body = {"rows": [], "tips": [], "warned": [], "marked": [], "strong": [], "keys": []}
        self.on_msg(lambda *said: at_home(self._on_message, *said))

    def show(
        self,
        rows: Iterable[Sequence[Any]],
        tips: Sequence[str] = (),
        *,
        columns: Sequence[Column] | None = None,
        warned: Iterable[tuple[int, int]] = (),
        marked: Iterable[tuple[int, int]] = (),
        strong: Iterable[int] = (),
        keys: Sequence[str | int] = (),
    ) -> None:
        """Show other rows.

        Parameters
        ----------
        rows
            One value per column, of the kind the column says.
        tips
            What hovering a row says.
        columns
            Other columns than before.
        warned, marked
            Places (row, column) written in the colour of a warning, or framed.
        strong
            Rows written in bold.
        keys
            What tells each row from the others, where rows move: a click that comes late then still means the
            row that was clicked, or nothing when that is gone.
        """
        self.rows = [tuple(each) for each in rows]
        body = {
            "rows": [[_plain(value) for value in each] for each in self.rows],
            "tips": list(tips),
            "warned": [list(place) for place in warned],
            "marked": [list(place) for place in marked],
            "strong": list(strong),
            "keys": list(keys),
        }
        with self.hold_sync():  # rows never stand under the heads of others
            if columns is not None:
                self.set_columns(columns)
            self._body = body

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show the same rows under other heads, of as many columns."""
        if tuple(columns) != self.columns:
            self.columns = tuple(columns)
            self._columns = [asdict(column) for column in self.columns]

    def mark(self, marked: Iterable[tuple[int, int]]) -> None:
        """Frame other places."""
        self._body = {**self._body, "marked": [list(place) for place in marked]}

    def _on_message(self, widget: Any, content: dict[str, Any], buffers: Any) -> None:
        row, key, keys = content.get("row", -1), content.get("key"), self._body["keys"]
        if key is not None and keys:
            row = keys.index(key) if key in keys else -1
        kind, at = content.get("type"), (row, content.get("column", -1))
        known = 0 <= at[0] < len(self.rows) and 0 <= at[1] < len(self.columns)
        if kind == "hovered":
            self.hovered.emit(at if known else None)
        elif known and kind == "clicked":
            self.clicked.emit(*at)
        elif known and kind == "changed":
            self.changed.emit(*at, content.get("value"))


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, Bar | Heat) else value
