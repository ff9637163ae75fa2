"""The three front ends, each put together as people get it, around a session that a test can hurry."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from psygnal import Signal

from glasscell.data.channel import ChannelRef
from glasscell.jobs import InlineDispatcher
from glasscell.models.bundle import Bundle
from glasscell.session import Session, State
from glasscell.testing.fake_views import fake
from glasscell.views.view import View

#: Parts of other panels, with views of their own.
PARTS = ("Preflight", "Edges", "Worth", "Robustness", "Pair")
#: Told when a worker comes round to it, or of how long something took: not the same from one run to the next.
OF_THE_MOMENT = ("Jobs.", "Model.set_progress", "set_stale", "set_busy")


class Front:
    """A session with a view of every kind, what the views were told, and what they said unasked.

    Parameters
    ----------
    session
        Empty; its calls come through an ``InlineDispatcher``.
    views
        By the names on the tabs, and ``PARTS``.
    """

    def __init__(self, session: Session, views: dict[str, Any]) -> None:
        self.session, self.views = session, views
        self.toy: State | None = None  # as it was when the toy had just been opened
        self.told: dict[str, Any] = {}
        self.unasked: list[str] = []
        self._asking = False
        for name, view in views.items():
            self._listen(name, view)

    def say(self, view: str, intent: str, *values: Any) -> None:
        """Utter an intent of a view as a person would, and let everything it sets off end."""
        self.begin(view, intent, *values)
        self.settle()

    def begin(self, view: str, intent: str, *values: Any) -> None:
        """Utter an intent, and wait for nothing."""
        self._asking = True
        try:
            getattr(self.views[view], intent).emit(*values)
        finally:
            self._asking = False

    def settle(self) -> None:
        """Let every job end and every late call happen."""
        assert self.session.jobs.wait_idle(120)
        dispatcher = self.session.jobs.dispatcher
        assert isinstance(dispatcher, InlineDispatcher)
        dispatcher.advance(500)
        assert self.session.jobs.wait_idle(120)

    def answers(self) -> dict[str, Any]:
        """Return what every view was told last, apart from what belongs to the moment."""
        return {at: said for at, said in self.told.items() if not any(part in at for part in OF_THE_MOMENT)}

    def _listen(self, name: str, view: Any) -> None:
        """Note every intent that is uttered while nobody asked, and all that the view is told."""
        kind, telling = interface(type(view)), [False]
        for intent in intents(kind):
            at = f"{name}.{intent}"
            getattr(view, intent).connect(lambda *_, at=at: self._on_intent(at), check_nargs=False)
        for setter in sorted(each for each in dir(kind) if each.startswith("set_")):
            self._note(f"{name}.{setter}", view, setter, telling)

    def _note(self, at: str, view: Any, setter: str, telling: list[bool]) -> None:
        own = getattr(view, setter)

        def told(*values: Any, **named: Any) -> Any:
            if telling[0]:  # the view tells itself, as each toolkit likes
                return own(*values, **named)
            self.told[at], telling[0] = plain([*values, *named.values()]), True
            try:
                return own(*values, **named)
            finally:
                telling[0] = False

        setattr(view, setter, told)

    def _on_intent(self, at: str) -> None:
        if not self._asking:
            self.unasked.append(at)


def interface(kind: type[View]) -> type[View]:
    """Return what a view is an implementation of."""
    return next(
        one for one in kind.__mro__ if one.__module__.startswith("glasscell.views.") and one is not View
    )


def intents(kind: type[View]) -> Iterator[str]:
    """Name the signals of an interface but the one that the window emits for every view."""
    yield from (name for name, found in vars(kind).items() if isinstance(found, Signal))


def plain(value: Any) -> Any:
    """Write what a view is told with plain values, so that it can be compared."""
    if isinstance(value, bool | int | str | type(None)):
        return value
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return f"array {value.shape}"
    if dataclasses.is_dataclass(value):
        parts = {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return {"is": type(value).__name__, **parts}
    return type(value).__name__


def load(rank: str, place: str) -> Any:
    """Import ``module:name`` of a rank."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"glasscell.{rank}.{module}"), name)


@contextmanager
def fake_front(patch: Any) -> Iterator[Front]:
    """Wire views that remember to the presenters of the notebook's table of views."""
    from glasscell.jupyter.layout import ALWAYS, TABS
    from glasscell.views.attention_edge import EdgePresenter, EdgeView
    from glasscell.views.pair_presenter import PairPresenter
    from glasscell.views.pair_view import PairView
    from glasscell.views.preflight_presenter import PreflightPresenter
    from glasscell.views.preflight_view import PreflightView
    from glasscell.views.robustness_presenter import RobustnessPresenter
    from glasscell.views.robustness_view import RobustnessView
    from glasscell.views.worth_presenter import WorthPresenter
    from glasscell.views.worth_view import WorthView

    class FakePreflight(fake(PreflightView)):  # type: ignore[misc]
        def question(self) -> tuple[str, str, str]:
            return "classifier", "label", ""

    session = Session(InlineDispatcher())
    views: dict[str, Any] = {
        "Preflight": FakePreflight(),
        "Edges": fake(EdgeView)(),
        "Worth": fake(WorthView)(),
        "Pair": fake(PairView)(),
        "Robustness": fake(RobustnessView)(),
    }
    presenters: list[Any] = []
    for name, place in {**ALWAYS, **TABS}.items():
        views[name] = fake(interface(load("jupyter", place.view)))()
        presenters.append(load("views", place.presenter)(session, views[name]))
    presenters.append(PreflightPresenter(session, views["Preflight"]))
    presenters.append(EdgePresenter(session, views["Edges"], views["Attention"]))
    presenters.append(WorthPresenter(session, views["Worth"]))
    presenters.append(PairPresenter(session, views["Pair"]))
    presenters.append(RobustnessPresenter(session, views["Robustness"]))
    yield Front(session, views)
    for presenter in presenters:
        presenter.close()
    assert session.close()


@contextmanager
def notebook_front(patch: Any) -> Iterator[Front]:
    """Open the explorer of a notebook with every panel."""
    from glasscell.jupyter.explorer import explore
    from glasscell.jupyter.layout import TABS
    from glasscell.views.attention_edge import EdgePresenter

    session = Session(InlineDispatcher())
    explorer = explore(session, theme="dark")
    for name in TABS:
        explorer.open(name)
    layout = explorer.layout
    (edges,) = (one.view for one in layout._presenters if isinstance(one, EdgePresenter))
    worth = layout.views["Traversal"].worth
    model = layout.views["Model"]
    parts = {
        "Preflight": model.preflight,
        "Edges": edges,
        "Worth": worth,
        "Pair": layout.views["Compare"].pair,
        "Robustness": model.robustness,
    }
    yield Front(session, {**layout.views, **parts})
    explorer.close()
    assert session.close()


@contextmanager
def window_front(patch: Any) -> Iterator[Front]:
    """Open the window in napari with every dock, its calls hurried like those of the others."""
    from napari import Viewer
    from qtpy.QtCore import QEventLoop, QTimer

    from glasscell.plugin import desk as desks
    from glasscell.plugin.window import open_window

    def spin() -> None:
        loop = QEventLoop()
        QTimer.singleShot(50, loop.quit)
        loop.exec()

    patch.setattr(desks, "QtDispatcher", InlineDispatcher)
    session = Session(InlineDispatcher())
    window = open_window(shared=session, show=False)
    views = {name: dock.view for name, dock in window.docks.items()}
    parts = {
        "Preflight": views["Model"].preflight,
        "Edges": window.docks["Attention"].edges,
        "Worth": views["Traversal"].worth,
        "Pair": views["Compare"].pair,
        "Robustness": views["Model"].robustness,
    }
    spin()
    yield Front(session, {**views, **parts, "Tissue": window.desk.tissue})
    window.viewer.close()
    Viewer._instances.discard(window.viewer)
    spin()
    assert not desks._DESKS, "a desk outlived its viewer"
    assert session.close()


def give(front: Front, bundle: Bundle) -> None:
    front.session.update(model=front.session.hold("bundle", bundle))
    front.settle()


def channel(front: Front) -> ChannelRef:
    found = front.session.state.colouring.channel
    assert found is not None
    return found


def left_half(front: Front) -> np.ndarray:
    """An outline round the left half of the tissue."""
    positions_cd = front.session.dataset.positions_cd  # type: ignore[union-attr]
    (x0, y0), (x1, y1) = np.min(positions_cd, axis=0) - 1, np.max(positions_cd, axis=0) + 1
    return np.array([(x0, y0), ((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1), (x0, y1)])
