"""A canvas of cells in a notebook: a scene, a pointer tool, what lies over the cells, and the frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from glasscell.jupyter.frame import Frame
from glasscell.jupyter.overlay import Overlay
from glasscell.jupyter.panel import column
from glasscell.views.camera import Camera
from glasscell.views.gesture import Gesture
from glasscell.views.scene import Scene
from glasscell.views.theme import DARK, LIGHT, Theme

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs.dispatcher import Dispatcher, Timer
    from glasscell.jobs.runner import JobRunner

#: Colours that come sooner replace the old ones in one frame.
PATIENCE_MS = 150


class JupyterCanvas:
    """Cells that are looked at, hovered and drawn round.

    Parameters
    ----------
    dispatcher
        Of the kernel; that of the runner where there is one.
    runner
        Stamps in its ``view`` lane; without one in place.
    up
        y runs up the screen.
    reach
        Logical pixels beside a cell that still pick it.
    height
        CSS height.
    """

    hovered = Signal(object)  # cell or None
    drawn = Signal(object, str)  # outline (n_vertices, 2) in world units, mode
    cleared = Signal()

    def __init__(
        self,
        dispatcher: Dispatcher | None = None,
        runner: JobRunner | None = None,
        *,
        up: bool = False,
        reach: float = 0.0,
        height: str = "420px",
    ) -> None:
        self.theme: Theme = DARK
        self.scene, self.overlay, self.gesture = Scene(dispatcher, runner), Overlay(), Gesture()
        self.scene.camera, self.scene.reach = Camera(up=up), reach
        self.frame = Frame(self.compose, dispatcher, runner, height)
        self.widget = column(self.frame, self.frame.errors)
        self._dispatcher, self._runner = dispatcher, runner
        self._under: int | None = None
        self._pressed = 0.0  # when the button went down, by the clock of the page
        self._patience: Timer | None = None
        self.scene.redrawn.connect(self.frame.request_draw)
        self.gesture.panned.connect(self._on_panned)
        self.gesture.outlined.connect(self._on_outlined)
        self.gesture.drawn.connect(self._on_drawn)
        self.gesture.clicked.connect(self._on_clicked)
        self.frame.happened.connect(self._on_event)

    def compose(self) -> NDArray[np.uint8]:
        """Draw the frame that is to be seen now."""
        return self.overlay.draw(self.scene.frame(), self.scene.eye, self.theme)

    def show(self, *what: Any, **how: Any) -> None:
        """Show other cells, as :meth:`Scene.show` does; the pointer is over none of them yet."""
        self._under = None
        self.scene.show(*what, **how)

    def set_overlay(self, **parts: Any) -> None:
        """Change parts of what lies over the cells, and draw if any is another."""
        changed = [name for name, value in parts.items() if getattr(self.overlay, name) is not value]
        changed = [name for name in changed if not _same(getattr(self.overlay, name), parts[name])]
        for name in changed:
            setattr(self.overlay, name, parts[name])
        if changed:
            self.frame.request_draw()

    def set_stale(self, stale: bool, badge: str = "") -> None:
        """Dim the cells, with a word at the top right, unless their new colours come at once."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        dispatcher = self._dispatcher if self._runner is None else self._runner.dispatcher
        if stale and dispatcher is not None:
            self._patience = dispatcher.call_later(PATIENCE_MS, lambda: self._show_stale(True, badge))
        else:
            self._show_stale(stale, badge)

    def set_theme(self, name: str) -> None:
        """Draw on a light or a dark ground."""
        self.theme = LIGHT if name == "light" else DARK
        red, green, blue = bytes.fromhex(self.theme.canvas[1:])
        self.scene.set_look(ground=(red, green, blue))
        self.frame.request_draw()

    def set_tool(self, name: str) -> None:
        """Take another pointer tool in hand."""
        self.gesture.tool = name
        self.frame.cursor = "default" if self.gesture.tool == "move" else "crosshair"

    def close_down(self) -> None:
        """Draw and stamp no more."""
        if self._patience is not None:
            self._patience.cancel()
        self.scene.close()
        self.frame.close_down()

    def _show_stale(self, stale: bool, badge: str) -> None:
        self.scene.set_look(stale=stale)
        self.set_overlay(badge=badge if stale else "")

    def _on_event(self, event: dict[str, Any]) -> None:
        kind, camera = event["type"], self.scene.camera
        if kind == "resize":
            self.scene.resize(event["width"], event["height"], event.get("ratio", 1.0))
        elif kind == "wheel":
            self.scene.look(camera.wheeled(event["dy"], event["x"], event["y"], self.scene.home_pixel))
        elif kind == "key_down" and event.get("key") == "Escape":
            self.gesture.cancel()
        elif kind == "pointer_leave":
            self._hover(None)
        elif kind in ("pointer_down", "pointer_move", "pointer_up"):
            self._on_pointer(kind, event)

    def _on_pointer(self, kind: str, event: dict[str, Any]) -> None:
        camera = self.scene.camera
        screen = float(event["x"]), float(event["y"])
        world, pixel = camera.to_world(*screen), (camera.pixel, camera.pixel_y)
        if kind == "pointer_move" and not self.gesture.is_idle and not event.get("buttons", True):
            if event.get("timestamp", 0.0) < self._pressed:
                return  # the page holds moves back a little: this one was before the button went down
            self.gesture.cancel()  # the button was let go where nobody saw it
        if kind == "pointer_down":
            self._pressed = event.get("timestamp", 0.0)
            self.gesture.press(screen, world, event.get("button", 0), event.get("modifiers", ()))
        elif kind == "pointer_up":
            self.gesture.release(screen, world, pixel)
        else:
            self.gesture.move(screen, world, pixel)
        self._hover(self.scene.pick(*screen) if self.gesture.is_idle else None)

    def _on_panned(self, across: float, down: float) -> None:
        self.scene.look(self.scene.camera.panned(across, down))

    def _on_outlined(self) -> None:
        stroke = self.gesture.stroke
        outline_vd = None if stroke is None else stroke.outline_vd
        self.set_overlay(outline_vd=outline_vd, mode=self.gesture.stroke_mode)

    def _on_drawn(self, outline_vd: NDArray[np.float64], mode: str) -> None:
        self.drawn.emit(outline_vd, mode)

    def _on_clicked(self, mode: str) -> None:
        if mode == "replace":
            self.cleared.emit()

    def _hover(self, cell: int | None) -> None:
        if cell != self._under:
            self._under = cell
            self.hovered.emit(cell)


def _same(one: Any, other: Any) -> bool:
    """Whether nothing is to be drawn anew; arrays, also those of a tuple, count as others."""
    parts = [*one, *other] if isinstance(one, tuple) and isinstance(other, tuple) else [one, other]
    return not any(isinstance(part, np.ndarray) for part in parts) and bool(one == other)
