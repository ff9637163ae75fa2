"""What a session says without changing its state: sentences, the hovered cell, cells that stand out."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.errors import GlasscellError
from glasscell.session.message import Message, sentence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)
KEPT_MESSAGES = 100


class Voice:
    """Light signals; they leave no trace in the state and none in its past."""

    hovered = Signal(object)
    message = Signal(str, str)
    lit = Signal(object)  # indices of cells to stand out in every view, or None

    def __init__(self) -> None:
        self.hovered_cell: int | None = None
        self.lit_cells: NDArray[np.int32] | None = None
        self.messages: deque[Message] = deque(maxlen=KEPT_MESSAGES)

    def hover(self, cell: int | None) -> None:
        """Say which cell the pointer is over."""
        if cell != self.hovered_cell:
            self.hovered_cell = cell
            self.hovered.emit(cell)

    def light(self, cells: NDArray[np.int32] | None, *, tell: bool = True) -> None:
        """Let some cells stand out in every view; untold when another change of colours follows at once."""
        self.lit_cells = cells
        if tell:
            self.lit.emit(cells)

    def say(self, level: str, text: str, details: str = "") -> None:
        """Tell the user one sentence; level is ``info``, ``warning`` or ``error``."""
        self.messages.append(Message(level, text, details))
        self.message.emit(level, text)

    def report(self, error: BaseException, doing: str, details: str = "") -> None:
        """Tell the user in one sentence what went wrong; the details are kept in ``messages``."""
        if not isinstance(error, GlasscellError):
            log.debug("%s failed", doing, exc_info=error)
        self.say("error", sentence(error, doing), details or "".join(traceback.format_exception(error)))
