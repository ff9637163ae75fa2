"""What all docks of one viewer share: its session, its tissue view, and the end of both."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from glasscell.plugin.closing import ClosingGuard
from glasscell.plugin.restoring import RestoreOffer
from glasscell.plugin.tissue_view import NapariTissueView
from glasscell.qt.dispatcher import QtDispatcher
from glasscell.qt.style import set_theme
from glasscell.session import Session
from glasscell.session.journal import KEEPING, Journal
from glasscell.views.tissue_presenter import TissuePresenter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari.viewer import Viewer

    from glasscell.jobs import Dispatcher, Job
    from glasscell.views.view import View

_DESKS: dict[int, Desk] = {}

#: How long a worker may keep Python to itself while a window waits: drawing asks for it many times over.
SWITCH_INTERVAL_S = 0.0005
_usual_interval_s = sys.getswitchinterval()


class Desk:
    """One viewer's session and tissue; made by :func:`desk_for`.

    Parameters
    ----------
    viewer
        The viewer itself, not a proxy.
    session
        A notebook's session to share: while the viewer is open its calls come through Qt, and it goes on
        as long as either shows it. The viewer's own when left out.
    """

    closed = Signal()

    def __init__(self, viewer: Viewer, session: Session | None = None) -> None:
        self.viewer = viewer
        self.session = Session(QtDispatcher()) if session is None else session
        self._former = None if session is None else session.jobs.dispatcher
        if session is not None:
            session.users.join()
            session.jobs.dispatcher = QtDispatcher()
        self.tissue = NapariTissueView(viewer, self.session.jobs)
        self.is_dark = _is_dark(viewer)
        self._presenter = TissuePresenter(self.session, self.tissue)
        canvas = self.tissue.canvas
        self._guard = ClosingGuard(canvas.main_window, canvas.native, self.running, self.close)
        self._views: list[View] = []
        viewer.events.theme.connect(self._on_theme)
        self.journal = self._follow()
        self._offer = None
        if session is None:
            self._offer = RestoreOffer(canvas.main_window, self.session, self.journal)
        self.session.restored.connect(self._on_restored)

    def pictures(self) -> dict[str, dict[str, float]]:
        """Where the tissue is looked at, to be saved with the session."""
        camera = self.viewer.scene.camera
        row, column = (float(value) for value in camera.center[-2:])
        return {"tissue": {"row": row, "column": column, "zoom": float(camera.zoom)}}

    def running(self) -> tuple[str, ...]:
        """Titles of the jobs that closing would stop; none of a session that goes on."""
        if self.session.users.count > 1:
            return ()
        jobs = self.session.jobs.active
        return tuple(job.title for job in jobs if job.lane != "view" and not job.title.startswith(KEEPING))

    def open(self, path: Path | Sequence[Path] | None) -> Job[Any]:
        """Open a file, several as one table, or the sample tissue, in the background."""
        if path is None:
            from glasscell.data.sample import sample_path

            path = sample_path()
        job: Job[Any] = self.session.open(path)
        return job

    def join(self, view: View) -> None:
        """Let a dock's view follow the theme of the viewer."""
        self._views.append(view)
        self._style(view)

    def leave(self, view: View) -> None:
        """Forget a view that is going away."""
        self._views = [known for known in self._views if known is not view]

    def close(self) -> None:
        """End the jobs and let go of the viewer."""
        if _DESKS.pop(id(self.viewer), None) is None:
            return
        self.viewer.events.theme.disconnect(self._on_theme)
        if self._offer is not None:
            self._offer.close()
        self.closed.emit()
        self._presenter.close()
        self.tissue.close()
        if self._former is None:
            self.session.close()
        else:
            self.session.restored.disconnect(self._on_restored, missing_ok=True)
            self._give_back(self._former)
            self.session.users.leave(0.0)  # nor does the kernel wait
        self._views.clear()
        if not _DESKS:
            sys.setswitchinterval(_usual_interval_s)

    def _give_back(self, former: Dispatcher) -> None:
        """Let the notebook's loop bring the calls of the session again."""
        self.session.jobs.dispatcher = former
        if self.journal is not None:
            self.journal.close()

    def _follow(self) -> Journal | None:
        try:
            return Journal(self.session, pictures=self.pictures)
        except OSError as error:
            self.session.say(
                "warning", f"Work is not kept for recovery ({error}): save the session yourself."
            )
            return None

    def _on_restored(self, pictures: dict[str, dict[str, float]]) -> None:
        seen = pictures.get("tissue", {})
        if {"row", "column", "zoom"} <= set(seen) and seen["zoom"] > 0:
            camera = self.viewer.scene.camera
            camera.center = (*camera.center[:-2], seen["row"], seen["column"])
            camera.zoom = seen["zoom"]

    def _on_theme(self, event: Any = None) -> None:
        self.is_dark = _is_dark(self.viewer)
        for view in self._views:
            self._style(view)

    def _style(self, view: View) -> None:
        set_theme(self.is_dark, view.widget)
        theme = "dark" if self.is_dark else "light"
        if view.theme != theme:
            view.theme = theme
            view.theme_changed.emit()


def desk_for(viewer: Any, session: Session | None = None) -> Desk:
    """Return the desk of a viewer, making it at the first call; proxies of one viewer share it.

    Parameters
    ----------
    viewer
        A napari viewer, or napari's proxy of one.
    session
        What a desk that is made now is to share; one that is there keeps its own.
    """
    real = getattr(viewer, "__wrapped__", viewer)
    desk = _DESKS.get(id(real))
    if desk is None:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        desk = _DESKS[id(real)] = Desk(real, session)
    return desk


def session_for(viewer: Any) -> Session:
    """Return the session of a viewer, making it at the first call.

    Parameters
    ----------
    viewer
        A napari viewer, or the proxy of one that napari hands to widgets.
    """
    return desk_for(viewer).session


def _is_dark(viewer: Viewer) -> bool:
    """Whether the viewer's theme is dark, judged by its background."""
    from napari.utils.theme import get_theme

    red, green, blue = get_theme(viewer.theme).background.as_rgb_tuple()[:3]
    return bool(0.299 * red + 0.587 * green + 0.114 * blue < 128)
