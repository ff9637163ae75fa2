"""Frames from the kernel to the browser, and what a pointer does back."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import jupyter_rfb
from IPython.utils.capture import capture_output
from jupyter_rfb._utils import array2compressed
from PIL import Image, features
from psygnal import Signal

from glasscell.jupyter.home import at_home

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.jobs.dispatcher import Dispatcher, Timer
    from glasscell.jobs.runner import JobRunner

#: No frame is larger than this many bytes, nor are one in motion and its sharper self together than that.
FRAME_BYTES, BOTH_BYTES = 1_000_000, 1_100_000
#: A frame is sent once more, exactly, when it has stood for so long.
REST_MS = 300
#: JPEG qualities: those tried when a frame is too large, and when its sharper self would be.
_ROUGHER, _FINER = (60, 40, 20), (95, 90)


class Frame(jupyter_rfb.RemoteFrameBuffer):
    """A picture that the kernel draws whenever it is asked to, of exactly the pixels that are shown.

    While anything moves it is sent as JPEG; one that stands is sent again without loss, packed in the
    background.

    Parameters
    ----------
    compose
        Draws, as RGB ``(rows, columns, 3)``.
    dispatcher
        Of the kernel; that of the runner where there is one.
    runner
        Packs in its ``view`` lane.
    height
        CSS height.
    """

    _event_compatibility = 2  # each event once, with "type" and "ratio"

    happened = Signal(dict)  # an event of the pointer, the wheel, a key or the size

    def __init__(
        self,
        compose: Callable[[], NDArray[np.uint8]],
        dispatcher: Dispatcher | None = None,
        runner: JobRunner | None = None,
        height: str = "420px",
    ) -> None:
        with capture_output():  # its place for errors would be shown in the cell that makes it
            super().__init__(css_width="100%", css_height=height, resizable=False)
        self.errors = self._output_context
        self._compose, self._dispatcher, self._runner = compose, dispatcher, runner
        self._asked = self._ended = False
        self._rest: Timer | None = None
        self._sent_bytes = 0

    def request_draw(self) -> None:
        """Draw soon; asking twice before that draws once."""
        # Not as the base does: asyncio's loop stands still while Qt's runs in the kernel.
        if self._asked or self._ended:
            return
        dispatcher = self._now()
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
            at_home(self.happened.emit, event)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send a message; a frame that is too large is packed more roughly first."""
        if buffers and content.get("mimetype") == "image/jpeg":
            for quality in _ROUGHER:
                if len(buffers[0]) <= FRAME_BYTES:
                    break
                buffers = [array2compressed(self._rfb_last_frame, quality)[1]]
            self._sent_bytes = len(buffers[0])
        super().send(content, buffers)

    def close_down(self) -> None:
        """Draw no more and leave the page."""
        self._ended = True
        self._rfb_cancel_lossless_draw()
        self.errors.close()
        self.close()

    def _rfb_schedule_maybe_draw(self, *args: Any) -> None:
        """Draw what was asked for now that the page has taken in the frame before."""
        at_home(self._on_taken)

    def _on_taken(self) -> None:
        if not self._ended:
            self._rfb_maybe_draw()

    def _now(self) -> Dispatcher | None:
        """Return the dispatcher of the present front end."""
        return self._dispatcher if self._runner is None else self._runner.dispatcher

    def _draw(self) -> None:
        self._asked = False
        if not self._ended:
            self._rfb_draw_requested = True
            self._rfb_cancel_lossless_draw()
            self._rfb_maybe_draw()

    def _rfb_schedule_lossless_draw(self, array: NDArray[np.uint8], delay: float = REST_MS / 1000) -> None:
        self._rfb_cancel_lossless_draw()
        dispatcher = self._now()
        if dispatcher is not None and self._runner is not None:
            self._rest = dispatcher.call_later(round(delay * 1000), lambda: self._refine(array))

    def _rfb_cancel_lossless_draw(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _refine(self, array: NDArray[np.uint8]) -> None:
        """Pack a frame without loss in the background, and send it if it is still the one shown."""
        self._rest, number = None, self._rfb_frame_index
        room = BOTH_BYTES - self._sent_bytes
        if self._ended or self._runner is None or self._runner.closed:
            return

        def done(job: Any) -> None:
            if job.result is not None and not self._ended and number == self._rfb_frame_index:
                self._send_packed(*job.result)

        key = ("frame", id(self))
        self._runner.submit(
            lambda _: pack(array, room), title="Sharpen the picture", lane="view", key=key, on_done=done
        )

    def _send_packed(self, mimetype: str, data: bytes) -> None:
        self._rfb_frame_index += 1
        self._rfb_last_confirmed_index = self._rfb_frame_index  # not of those whose round trip is measured
        message = {"type": "framebufferdata", "mimetype": mimetype, "data_b64": None}
        super().send({**message, "index": self._rfb_frame_index, "timestamp": time.time()}, [data])


def pack(array: NDArray[np.uint8], room: int) -> tuple[str, bytes] | None:
    """Pack a frame into so many bytes without loss, or nearly so; None when nothing good enough fits."""
    if features.check("webp"):
        held = io.BytesIO()
        Image.fromarray(array).save(held, "WEBP", lossless=True, quality=0, method=0)
        exact = "image/webp", held.getvalue()
    else:
        exact = array2compressed(array, 100)
    if len(exact[1]) <= room:
        return exact
    nearly = (array2compressed(array, quality) for quality in _FINER)
    return next((packed for packed in nearly if len(packed[1]) <= room), None)
