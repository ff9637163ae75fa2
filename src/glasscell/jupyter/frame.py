"""Frames from the kernel to the browser, and what a pointer does back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jupyter_rfb
from IPython.utils.capture import capture_output
from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.jobs.dispatcher import Dispatcher, Timer

#: A frame is sent once more, sharper, when it has stood for so long.
REST_MS = 300


class Frame(jupyter_rfb.RemoteFrameBuffer):
    """A picture that the kernel draws whenever it is asked to, of exactly the pixels that are shown.

    Parameters
    ----------
    compose
        Draws, as RGB ``(rows, columns, 3)``.
    dispatcher
        Gives the dispatcher of the present front end.
    height
        CSS height.
    """

    _event_compatibility = 2  # each event once, with "type" and "ratio"

    happened = Signal(dict)  # an event of the pointer, the wheel, a key or the size

    def __init__(
        self,
        compose: Callable[[], NDArray[np.uint8]],
        dispatcher: Callable[[], Dispatcher | None],
        height: str,
    ) -> None:
        with capture_output():  # its place for errors would be shown in the cell that makes it
            super().__init__(css_width="100%", css_height=height, resizable=False)
        self.errors = self._output_context
        self._compose, self._find_dispatcher = compose, dispatcher
        self._asked = self._ended = False
        self._rest: Timer | None = None

    def draw(self) -> None:
        """Draw soon; asking twice before that draws once."""
        if self._asked or self._ended:
            return
        dispatcher = self._find_dispatcher()
        if dispatcher is None:
            self._draw()
        else:
            self._asked = True
            dispatcher.call_soon(self._draw)

    def get_frame(self) -> NDArray[np.uint8] | None:
        """Draw now."""
        return None if self._ended else self._compose()

    def handle_event(self, event: dict[str, Any]) -> None:
        """Pass on what a person did."""
        if not self._ended:
            self.happened.emit(event)

    def close_down(self) -> None:
        """Draw no more and leave the page."""
        self._ended = True
        self._rfb_cancel_lossless_draw()
        self.errors.close()
        self.close()

    def _draw(self) -> None:
        # Not request_draw(): it waits for asyncio's loop, which stands still while Qt's runs in the kernel.
        self._asked = False
        if not self._ended:
            self._rfb_draw_requested = True
            self._rfb_cancel_lossless_draw()
            self._rfb_maybe_draw()
