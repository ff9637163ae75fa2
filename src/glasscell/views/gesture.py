"""What a pointer on a canvas means: moving the view, or drawing an outline round cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Container

    from numpy.typing import NDArray

Point = tuple[float, float]
TOOLS = ("move", "lasso", "rectangle")
MODES = ("replace", "add", "subtract", "intersect")
#: What a tool does, for its tooltip.
TOOL_TIPS = {
    "move": "Move: drag to pan, wheel to zoom",
    "lasso": "Lasso: draw round cells. Shift adds, Alt subtracts, Shift+Alt intersects",
    "rectangle": "Rectangle: drag over cells. Shift adds, Alt subtracts, Shift+Alt intersects",
}
#: How an outline combines with the selection, in words.
MODE_WORDS = {
    "replace": "New selection",
    "add": "Add to the selection (Shift)",
    "subtract": "Subtract from the selection (Alt)",
    "intersect": "Intersect with the selection (Shift+Alt)",
}
#: A drag shorter than this many logical pixels is a click.
CLICK_PIXELS = 4.0
#: Points of an outline lie at least this many logical pixels apart.
STEP_PIXELS = 2.0


def selection_mode(modifiers: Container[str], otherwise: str = "replace") -> str:
    """Read the modifier keys: Shift adds, Alt (or Ctrl) subtracts, both intersect."""
    less = "Alt" in modifiers or "Control" in modifiers
    if "Shift" in modifiers:
        return "intersect" if less else "add"
    return "subtract" if less else otherwise


class Stroke:
    """An outline while it is drawn.

    Parameters
    ----------
    tool
        ``lasso`` or ``rectangle``.
    start
        World point where it begins.
    """

    def __init__(self, tool: str, start: Point) -> None:
        self.tool = tool
        self._points = [start]

    def extend(self, point: Point, step: Point) -> None:
        """Go on to a world point; one nearer than ``step`` (world units along x and y) adds nothing."""
        if self.tool == "rectangle":
            self._points[1:] = [point]
        elif any(
            abs(now - last) >= far for now, last, far in zip(point, self._points[-1], step, strict=True)
        ):
            self._points.append(point)

    @property
    def outline_vd(self) -> NDArray[np.float64]:
        """The outline so far, ``(n_vertices, 2)``."""
        if self.tool == "rectangle" and len(self._points) == 2:
            (x0, y0), (x1, y1) = self._points
            return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        return np.array(self._points, np.float64)

    def is_click(self, pixel: Point) -> bool:
        """Whether it is too small to mean anything; ``pixel`` is the size of one along x and y."""
        return bool((np.ptp(self.outline_vd, axis=0) / pixel).max() < CLICK_PIXELS)

    @property
    def encloses(self) -> bool:
        """Whether there is an area inside."""
        x, y = self.outline_vd.T
        return len(x) > 2 and bool(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) > 0)


class Gesture:
    """The pointer tool of a canvas.

    ``tool`` is one of `TOOLS`; ``mode`` the way of combining that is used without modifier keys::

        IDLE --press, move tool or middle button--> PANNING --release--> IDLE
        IDLE --press, lasso or rectangle----------> DRAWING --release: drawn, or clicked--> IDLE
                                                            --cancel--> IDLE
    """

    panned = Signal(float, float)  # logical pixels across and down
    outlined = Signal()  # the outline being drawn is another one, or gone
    drawn = Signal(object, str)  # outline (n_vertices, 2) in world units, mode
    clicked = Signal(str)  # mode

    def __init__(self) -> None:
        self._tool = "move"
        self.mode = "replace"
        self.stroke: Stroke | None = None
        self.stroke_mode = "replace"
        self._grip: Point | None = None

    @property
    def tool(self) -> str:
        """One of `TOOLS`."""
        return self._tool

    @tool.setter
    def tool(self, name: str) -> None:
        self.cancel()
        self._tool = name if name in TOOLS else "move"

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being dragged."""
        return self.stroke is None and self._grip is None

    def press(self, screen: Point, world: Point, button: int, modifiers: Container[str]) -> None:
        """Begin; buttons are 1 for left, 3 for the middle one."""
        self.cancel()
        if button == 3 or (button == 1 and self._tool == "move"):
            self._grip = screen
        elif button == 1:
            self.stroke = Stroke(self._tool, world)
            self.stroke_mode = selection_mode(modifiers, self.mode)

    def move(self, screen: Point, world: Point, pixel: Point) -> None:
        """Go on; ``pixel`` holds the world units per logical pixel along x and y."""
        if self._grip is not None:
            (x, y), self._grip = self._grip, screen
            if (x, y) != screen:
                self.panned.emit(screen[0] - x, screen[1] - y)
        elif self.stroke is not None:
            self.stroke.extend(world, (STEP_PIXELS * pixel[0], STEP_PIXELS * pixel[1]))
            self.outlined.emit()

    def release(self, screen: Point, world: Point, pixel: Point) -> None:
        """End: tell what was drawn, or that it was a click."""
        self.move(screen, world, pixel)
        self._grip = None
        stroke, self.stroke = self.stroke, None
        if stroke is None:
            return
        self.outlined.emit()
        if stroke.is_click(pixel):
            self.clicked.emit(self.stroke_mode)
        elif stroke.encloses:
            self.drawn.emit(stroke.outline_vd, self.stroke_mode)

    def cancel(self) -> None:
        """Drop what is being dragged."""
        was, self.stroke, self._grip = self.stroke, None, None
        if was is not None:
            self.outlined.emit()
