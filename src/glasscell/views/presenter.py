"""What every presenter does: connect a session with one view, and let go of both at the end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from glasscell.data.selection import Everything
from glasscell.errors import GlasscellError
from glasscell.views.gesture import MODES
from glasscell.views.paint import Paint, paint, warm_up
from glasscell.views.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psygnal import SignalInstance

    from glasscell.data.selection import Selection
    from glasscell.jobs import Job
    from glasscell.session import Session, State

ViewT = TypeVar("ViewT", bound=View)


class Presenter(Generic[ViewT]):
    """The only wiring between a session and a view; keep it alive as long as the view.

    Intents that cannot be met are told in one sentence through the session and change nothing.
    """

    def __init__(self, session: Session, view: ViewT) -> None:
        self.session = session
        self.view = view
        self._links: list[tuple[SignalInstance, Callable[..., Any]]] = []
        self._awaited: Job[Any] | None = None
        self.listen(session.changed, self._on_changed)
        self.listen(session.closed, self.close)

    def listen(self, signal: SignalInstance, slot: Callable[..., Any]) -> None:
        """Connect a slot until the presenter is closed."""
        signal.connect(slot)
        self._links.append((signal, slot))

    def close(self) -> None:
        """Let go of session and view."""
        for signal, slot in self._links:
            signal.disconnect(slot, missing_ok=True)
        self._links.clear()

    @contextmanager
    def spoken(self, doing: str) -> Iterator[None]:
        """Tell the user what went wrong inside, instead of raising it into a toolkit."""
        try:
            yield
        except Exception as error:
            self.session.report(error, doing)
            if not isinstance(error, GlasscellError | OSError | MemoryError):
                raise

    def when_finished(self, job: Job[Any], then: Callable[[], None]) -> None:
        """Call ``then`` once when a job has ended, unless a later job is awaited by then."""
        if self._awaited is job:
            return
        self._awaited = job

        def ended(finished: Job[Any]) -> None:
            if self._awaited is finished and self._links:
                self._awaited = None
                then()

        job.finished.connect(ended)

    def _on_changed(self, new: State, old: State) -> None:
        """Show what has changed."""


class PaintingPresenter(Presenter[ViewT]):
    """A presenter of a view whose cells are coloured."""

    def __init__(self, session: Session, view: ViewT) -> None:
        super().__init__(session, view)
        warm_up(session)
        self.listen(view.theme_changed, self.repaint)
        self.listen(session.stored, self._on_stored)
        self.listen(session.lit, self._on_lit)

    def repaint(self) -> None:
        """Colour the cells by the state, now or when the values have been worked out."""
        painted = paint(self.session, self.view.theme)
        if painted is not None and painted.job is not None:
            self.show_stale(True)
            self.when_finished(painted.job, self.repaint)
            return
        self.show_stale(False)
        self.show_paint(painted)

    def show_paint(self, painted: Paint | None) -> None:
        """Show the colours; None when nothing is open."""

    def show_stale(self, stale: bool) -> None:
        """Mark the view while its colours are those of the previous question."""

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.colouring, new.selection, new.groups) != (
            old.dataset,
            old.colouring,
            old.selection,
            old.groups,
        ):
            self.repaint()

    def _on_lit(self, cells: object) -> None:
        self.repaint()

    def _on_stored(self, kind: str, name: str) -> None:
        channel = self.session.state.colouring.channel
        if channel is not None and name in dict(channel.params).values():
            self.repaint()


def combine(old: Selection, drawn: Selection, mode: str) -> Selection:
    """Combine what was drawn with what was selected: ``replace``, ``add``, ``subtract`` or ``intersect``.

    Adding to everything would change nothing, so there it replaces.
    """
    if mode not in MODES:
        raise GlasscellError(f"A selection is combined by {', '.join(MODES)}, not by {mode!r}.")
    if mode == "replace" or (mode == "add" and isinstance(old, Everything)):
        return drawn
    if mode == "add":
        return old | drawn
    if mode == "subtract":
        return ~drawn if isinstance(old, Everything) else old - drawn
    return drawn if isinstance(old, Everything) else old & drawn
