"""The colour bar: a range with unit, its ends marked where values are clipped, and controls to change it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import ipywidgets
from psygnal import Signal

from glasscell.jupyter.panel import WIDE, Panel, Words, button, column, row, show
from glasscell.views.bar_picture import bar_pixels
from glasscell.views.legend_words import (
    AUTOMATIC,
    AUTOMATIC_TIP,
    HIGH_TIP,
    LOW_FOLLOWS,
    LOW_TIP,
    clipped,
    end_text,
    read_end,
    short,
    ticks,
    wished_limits,
    without_value,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.views.legend import ColourBar

#: Ranges that can be on offer beside the automatic one.
_OFFERS = 3


class JupyterColourBar(Panel):
    """The bar with boxes for its ends and buttons for usual ranges."""

    limits_requested = Signal(object)  # (low, high), or None for automatic

    def __init__(self) -> None:
        self._bar: ColourBar | None = None
        self._drawn: tuple[object, ...] = ()
        self.unit = Words("", "muted")
        self.strip = ipywidgets.Image(format="png", layout=ipywidgets.Layout(width=WIDE, height="18px"))
        self.ticks = (Words(), Words(), Words())
        self.marks, self.missing = Words("", "warning"), Words("", "muted")
        self.low, self.high = _box(LOW_TIP), _box(HIGH_TIP)
        self.automatic = button(AUTOMATIC, AUTOMATIC_TIP)
        self.offers = [button("") for _ in range(_OFFERS)]
        self.widget = column(
            self.unit,
            self.strip,
            row(*self.ticks, justify_content="space-between", padding="0 3%"),
            self.marks,
            self.missing,
            row(self.low, Words("to", "muted"), self.high, flex_flow="row nowrap"),
            row(*self.offers, self.automatic),
        )
        for box in (self.low, self.high):
            self.hear(box, lambda _: self._on_edited())
        for number, offer in enumerate(self.offers):
            self.hear_press(offer, lambda number=number: self._on_offer(number))  # type: ignore[misc]
        self.hear_press(self.automatic, lambda: self.limits_requested.emit(None))

    def set_bar(self, bar: ColourBar | None) -> None:
        """Show a range."""
        self._bar = bar
        if bar is None:
            return
        look = (bar.colours, bool(bar.below), bool(bar.above))
        if look != self._drawn:
            self._drawn = look
            self.strip.value = png(bar_pixels(bar))
        for place, text in zip(self.ticks, ticks(bar), strict=True):
            place.say(text)
        self.unit.say(bar.unit, "muted")
        self.marks.say(clipped(bar), "warning")
        self.missing.say(without_value(bar), "muted")
        with self.telling():
            self.low.value, self.high.value = end_text(bar.low), end_text(bar.high)
        self.low.disabled = bar.centre is not None
        self.low.tooltip = LOW_TIP if bar.centre is None else LOW_FOLLOWS
        for number, offer in enumerate(self.offers):
            show(offer, number < len(bar.percentiles))
            if number < len(bar.percentiles):
                label, low, high = bar.percentiles[number]
                offer.description, offer.tooltip = label, f"{short(low)} to {short(high)}"
        self.automatic.disabled = bar.automatic

    def _on_edited(self) -> None:
        bar = self._bar
        if bar is None:
            return
        limits = wished_limits(bar, read_end(self.low.value, bar.low), read_end(self.high.value, bar.high))
        if limits is None or limits == (bar.low, bar.high):
            self.set_bar(bar)  # what was typed is no range: show the one that there is
        else:
            self.limits_requested.emit(limits)

    def _on_offer(self, number: int) -> None:
        if self._bar is not None and number < len(self._bar.percentiles):
            _, low, high = self._bar.percentiles[number]
            self.limits_requested.emit((low, high))


def png(pixels_yxc: NDArray) -> bytes:  # type: ignore[type-arg]
    """Write a picture as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels_yxc).save(buffer, "PNG")
    return buffer.getvalue()


def _box(tip: str) -> ipywidgets.Text:
    return ipywidgets.Text(continuous_update=False, tooltip=tip, layout=ipywidgets.Layout(width="7em"))
