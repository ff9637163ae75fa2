"""Which of a session's results is the newest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.session.kept import APPLIED, results_of

if TYPE_CHECKING:
    from glasscell.session import Session, State


class Newest:
    """Follows the results of a session; after a saved one was opened, its explanation or another result.

    Parameters
    ----------
    session
        Whose results are followed.
    """

    def __init__(self, session: Session) -> None:
        self._session, self._kind = session, ""
        self._links: tuple[tuple[Any, Any], ...] = (
            (session.made, self._on_made),
            (session.changed, self._on_changed),
            (session.restored, self._on_restored),
        )
        for signal, slot in self._links:
            signal.connect(slot)

    @property
    def result(self) -> Any:
        """The newest result that was made of the open data; None before any."""
        found, kind = self._session, self._kind
        return found.explanation if kind == "explanation" else found.latest(kind)

    def close(self) -> None:
        """Follow no more."""
        for signal, slot in self._links:
            signal.disconnect(slot, missing_ok=True)

    def _on_made(self, kind: str) -> None:
        self._kind = kind

    def _on_changed(self, new: State, old: State) -> None:
        if new.explanation and new.explanation != old.explanation:
            self._kind = "explanation"

    def _on_restored(self, pictures: object) -> None:
        others = [kind for kind, _ in results_of(self._session) if kind != APPLIED]
        self._kind = "explanation" if self._session.state.explanation else others[-1] if others else ""
