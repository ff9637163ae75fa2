"""Which channels of the pictures below the cells are shown, and in which light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from glasscell.data.palette import to_hex, to_rgb
from glasscell.jupyter.panel import fold, show
from glasscell.jupyter.sheet import Column, Sheet
from glasscell.views.sight import first_channels

if TYPE_CHECKING:
    from glasscell.views.picture import TissuePicture
    from glasscell.views.sight import Light

_SHOWN, _LIGHT = 0, 1


class Channels:
    """A folded table of channels: a tick, the light, the name.

    ``chosen`` holds what a person has changed: whether it is shown and its light, by name.
    """

    changed = Signal()

    def __init__(self) -> None:
        columns = (
            Column("", "Whether it is shown", "check", "2em"),
            Column("", "Its light", "swatch", "3em"),
            Column(),
        )
        self.sheet = Sheet(columns, "12em", heads=False)
        self.widget = fold("Channels of the picture", self.sheet)
        self.chosen: dict[str, tuple[bool, Light]] = {}
        self._known: dict[str, tuple[bool, Light]] = {}
        self.sheet.changed.connect(self._on_changed)
        self.set_picture(None)

    def set_picture(self, picture: TissuePicture | None) -> None:
        """List the channels of another tissue; a lone one needs no list."""
        self.chosen, self._known = {}, {} if picture is None else first_channels(picture)
        show(self.widget, len(self._known) > 1)
        self._list()

    def _list(self) -> None:
        states = {**self._known, **self.chosen}
        self.sheet.show(
            [(shown, to_hex(np.array([light]))[0], name) for name, (shown, light) in states.items()]
        )

    def _on_changed(self, row: int, column: int, value: object) -> None:
        name = list(self._known)[row]
        shown, light = self.chosen.get(name, self._known[name])
        if column == _SHOWN:
            shown = bool(value)
        elif column == _LIGHT:
            red, green, blue = (float(part) for part in to_rgb([str(value)])[0])
            light = (red, green, blue)
        self.chosen[name] = (shown, light)
        self._list()
        self.changed.emit()
