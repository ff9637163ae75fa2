"""Every layer and head of a model as a small picture in a notebook, with a button that chooses it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
from psygnal import Signal

from glasscell.jupyter.home import at_home
from glasscell.jupyter.panel import button, close, column
from glasscell.views.theme import LIGHT

if TYPE_CHECKING:
    from glasscell.views.attention_view import Multiples
    from glasscell.views.heat import HeatPanel

_SIDE = 46


class MultiplesGrid:
    """Draws ``Multiples``, a row for each layer; ``chosen`` carries the key of one."""

    chosen = Signal(str)

    def __init__(self) -> None:
        self.keys: tuple[str, ...] = ()
        self.images: list[ipywidgets.Image] = []
        self.buttons: list[ipywidgets.Button] = []
        self.widget = ipywidgets.GridBox(layout=ipywidgets.Layout(width="100%", grid_gap="4px"))

    def set_multiples(self, multiples: Multiples | None, current: str) -> None:
        """Draw other tables and mark the chosen one."""
        keys = () if multiples is None else multiples.keys
        if keys != self.keys:
            self._build(keys, multiples)
        if multiples is None:
            return
        for number, panel in enumerate(multiples.picture.panels):
            self.images[number].value = _png(panel)
            self.buttons[number].button_style = "info" if keys[number] == current else ""

    def _build(self, keys: tuple[str, ...], multiples: Multiples | None) -> None:
        former, self.keys = self.widget.children, keys
        self.images, self.buttons, cells = [], [], []
        for number, key in enumerate(keys if multiples is not None else ()):
            assert multiples is not None
            image = ipywidgets.Image(format="png")
            image.layout.width, image.layout.height = "100%", f"{_SIDE}px"
            press = button(multiples.label(number), f"{multiples.picture.panels[number].title}: see it large")
            press.layout.width, press.layout.height, press.layout.padding = "auto", "22px", "0"
            press.layout.margin = "0"
            press.on_click(lambda _, key=key: at_home(self.chosen.emit, key))
            self.images.append(image)
            self.buttons.append(press)
            cells.append(column(press, image, min_width="0"))
        if multiples is not None:
            self.widget.layout.grid_template_columns = f"repeat({multiples.shape[1]}, minmax(0, 1fr))"
        self.widget.children = cells
        for part in former:
            close(part)


def _png(panel: HeatPanel) -> bytes:
    from PIL import Image

    rgba = panel.rgba(LIGHT.edge)
    times = [max(1, -(-4 * _SIDE // max(length, 1))) for length in rgba.shape[:2]]
    written = io.BytesIO()
    large = np.ascontiguousarray(rgba.repeat(times[0], axis=0).repeat(times[1], axis=1))
    Image.fromarray(large).quantize(64).save(written, "PNG")
    return written.getvalue()
