"""Every gene of a contrast as a dot, drawn in the page from its place and kind; a click on one names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets
from psygnal import Signal

from glasscell.jupyter.home import at_home
from glasscell.views.scatter import tick_places
from glasscell.views.volcano import apart, kinds, lead_inks, limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.views.contrast_view import ContrastPicture, Volcano

HERE = Path(__file__).parent
N_NAMES = 5
_X_ROOM, _Y_ROOM = 1.06, 0.06  # beyond the outermost dots
_NAME_SHARE = 0.085  # of the height, so that no name lies on another
_NEAR_ZERO = 0.2  # of the width: names of the two sides would meet there
_TRIANGLE = 4  # added to the kind of a dot that is drawn lower than it is


class JupyterVolcano(anywidget.AnyWidget):
    """Dots in the colours of the page's theme; those that lead a side stand out and some are named.

    Names come to the page only where they are written or hovered.
    """

    _esm = HERE / "volcano.js"
    _css = HERE / "volcano.css"
    _picture: Any = traitlets.Dict().tag(sync=True)
    _dots: Any = traitlets.Bytes().tag(sync=True)
    _said: Any = traitlets.Dict().tag(sync=True)

    gene_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.genes: tuple[str, ...] = ()
        self._drawn: ContrastPicture | None = None
        self._number = 0
        self.on_msg(lambda *said: at_home(self._on_message, *said))

    def set_picture(self, picture: ContrastPicture) -> None:
        """Draw other dots; the same ones are not sent again."""
        if self._drawn is not None and _same(picture, self._drawn):
            return
        self._drawn, self.genes = picture, picture.volcano.genes
        self._number += 1
        with self.hold_sync():
            self._said = {}
            self._dots, self._picture = _page(picture, self._number) if self.genes else (b"", {})

    def _on_message(self, widget: Any, content: dict[str, Any], buffers: Any) -> None:
        dot, kind = content.get("dot", -1), content.get("type")
        known = content.get("number") == self._number and 0 <= dot < len(self.genes)
        if kind == "hovered":
            self._said = {"dot": dot, "name": self.genes[dot]} if known else {}
        elif kind == "clicked" and known:
            self.gene_clicked.emit(self.genes[dot])


def _page(picture: ContrastPicture, number: int) -> tuple[bytes, dict[str, Any]]:
    """Put dots and words in values for the page; places are shares of the plot from the lower left."""
    shown = picture.volcano
    left, low, right, high = limits(shown)
    room = _Y_ROOM * ((high - low) or 1.0)
    low, high, left, right = low - room, high + room, _X_ROOM * left, _X_ROOM * right
    x_g = (np.asarray(shown.x_g) - left) / (right - left)
    y_g = (np.asarray(shown.y_g) - low) / (high - low)
    kind_g = kinds(shown)
    kind_g[list(shown.clipped)] += _TRIANGLE
    dots = x_g.astype("<f4").tobytes() + y_g.astype("<f4").tobytes() + kind_g.tobytes()
    inks = lead_inks()
    words = {
        "number": number,
        "x": f"{shown.x_name} →",
        "y": f"{shown.y_name} ↑",
        "inks": list(inks),
        "key": [f"more in {name}" for name in (picture.a_name, picture.b_name)],
        "xticks": _ticks(left, right),
        "yticks": _ticks(low, high),
        "names": [
            *_names(shown, shown.lead_a, x_g, y_g, "left"),  # towards the middle: there is room
            *_names(shown, shown.lead_b, x_g, y_g, "right"),
        ],
    }
    return dots, words


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    return [((value - low) / (high - low), f"{value:g}") for value in tick_places(low, high, 6)]


def _names(
    shown: Volcano, lead: Sequence[int], x_g: NDArray[np.float64], y_g: NDArray[np.float64], side: str
) -> list[dict[str, Any]]:
    """Name the first that lead a side, as far as their names do not lie on each other."""
    clear = [g for g in lead if np.isfinite(y_g[g]) and abs(x_g[g] - 0.5) > _NEAR_ZERO]
    return [
        {"x": float(x_g[g]), "y": float(y_g[g]), "text": shown.genes[g], "side": side}
        for g in apart(clear, y_g, _NAME_SHARE, N_NAMES)
    ]


def _same(picture: ContrastPicture, drawn: ContrastPicture) -> bool:
    """Whether two pictures have the same dots and words."""
    new, old = picture.volcano, drawn.volcano
    return (
        (picture.a_name, picture.b_name, new.genes, new.y_name, new.clipped)
        == (drawn.a_name, drawn.b_name, old.genes, old.y_name, old.clipped)
        and np.array_equal(new.x_g, old.x_g, equal_nan=True)
        and np.array_equal(new.y_g, old.y_g, equal_nan=True)
    )
