"""A slider on the histogram of every factor, told while it is dragged and once when it is let go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets
from psygnal import Signal

from glasscell.jupyter.home import at_home
from glasscell.views.traversal_table import slider_tip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.traversal_view import FactorRow

HERE = Path(__file__).parent
LONG_NAME = 12  # a longer name stands on a line of its own, with the activity


class FactorSliders(anywidget.AnyWidget):
    """All factors below each other.

    ``moved(factor, step, moving)`` comes while a slider is dragged and once when it is let go; the browser
    tells its newest position only when the former one was heard, so that a slow kernel falls behind by one.
    """

    _esm = HERE / "traversal_slider.js"
    _css = HERE / "traversal_slider.css"
    _rows: Any = traitlets.List().tag(sync=True)
    _steps: Any = traitlets.List().tag(sync=True)
    _hidden: Any = traitlets.List().tag(sync=True)
    _active = traitlets.Int(-1).tag(sync=True)

    moved = Signal(int, int, bool)
    name_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[FactorRow, ...] = ()
        self.on_msg(lambda *said: at_home(self._on_message, *said))

    def set_rows(self, rows: Sequence[FactorRow]) -> None:
        """Show other factors."""
        self.rows = tuple(rows)
        with self.hold_sync():
            self._active, self._hidden = -1, []
            self._steps = [row.step for row in rows]
            self._rows = [_plain(row) for row in rows]

    def set_step(self, factor: int, step: int) -> None:
        """Move the handle of one factor, and mark it."""
        with self.hold_sync():
            self._active = factor
            pairs = zip(self.rows, self._steps, strict=True)
            self._steps = [step if row.factor == factor else old for row, old in pairs]

    def find(self, text: str) -> None:
        """Show only factors whose name holds a text."""
        wanted = text.strip().casefold()
        self._hidden = [row.factor for row in self.rows if wanted not in row.title.casefold()]

    def _on_message(self, widget: Any, content: dict[str, Any], buffers: Any) -> None:
        kind = content.get("type")
        row = next((row for row in self.rows if row.factor == content.get("factor")), None)
        try:
            if kind == "named" and row is not None:
                self.name_clicked.emit(row.factor)
            elif kind == "moved" and row is not None:
                step = min(max(int(content.get("step", 0)), 0), len(row.values_s) - 1)
                self.moved.emit(row.factor, step, bool(content.get("moving")))
        finally:
            if kind == "moved":
                self.send({"type": "heard"})


def _plain(row: FactorRow) -> dict[str, Any]:
    """Put a factor in values that JSON can write; places are shares of the track."""
    return {
        "factor": row.factor,
        "title": row.title,
        "wide": len(row.title) > LONG_NAME,
        "bars": [round(float(height), 3) for height in np.sqrt(row.bars_h)],
        "values": [float(value) for value in row.values_s],
        "places": [round(row.share(float(value)), 4) for value in row.values_s],
        "observed": [bool(row.low <= value <= row.high) for value in row.values_s],
        "low": row.share(row.low),
        "high": row.share(row.high),
        "start": row.share(row.start),
        "activity": f"{row.activity:+.1f} sd",
        "note": row.note,
        "tip": slider_tip(row),
    }
