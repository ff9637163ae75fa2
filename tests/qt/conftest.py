"""What the window tests share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("qtpy")


@pytest.fixture
def pixels(qtbot: Any) -> Callable[[Any], NDArray[np.uint8]]:
    """Give what a widget shows, as RGB."""

    def grab(widget: Any) -> NDArray[np.uint8]:
        from qtpy.QtGui import QImage

        qtbot.waitExposed(widget)
        image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
        bits = image.constBits()
        if hasattr(bits, "setsize"):
            bits.setsize(image.sizeInBytes())
        raw = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
        return raw[:, : image.width(), :3].copy()

    return grab
