"""The robustness of the current model and the session; a part of the model panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.session.robustness import robustness_offer
from glasscell.views.presenter import Presenter
from glasscell.views.robustness_view import (
    NOT_CHECKED,
    RobustnessView,
    robustness_table,
    robustness_words,
)

if TYPE_CHECKING:
    from glasscell.session import Session, State


class RobustnessPresenter(Presenter[RobustnessView]):
    """Offer the check, show the answer that the model's card keeps.

    Parameters
    ----------
    beside
        A presenter that shares the dock and is closed with this one.
    """

    def __init__(self, session: Session, view: RobustnessView, beside: Presenter[Any] | None = None) -> None:
        super().__init__(session, view)
        self._beside = beside
        self.listen(session.stored, self._on_stored)
        self.listen(session.jobs.changed, self._offer)
        self.listen(view.robustness_requested, self._on_requested)
        self._offer()
        self._show()

    def close(self) -> None:
        """Let go of session and view, and of the presenter beside."""
        super().close()
        if self._beside is not None:
            self._beside.close()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.model) != (old.dataset, old.model):
            self._offer()
            self._show()

    def _on_stored(self, kind: str, name: str) -> None:
        if kind == "bundle" and name == self.session.state.model:
            self._show()

    def _offer(self) -> None:
        self.view.set_offer(*robustness_offer(self.session))

    def _show(self) -> None:
        bundle = self.session.bundle
        found = None if bundle is None else bundle.robustness
        if found is None:
            self.view.set_robustness(None, "" if bundle is None else NOT_CHECKED)
        else:
            self.view.set_robustness(robustness_table(found), robustness_words(found))

    def _on_requested(self) -> None:
        with self.spoken("Checking robustness"):
            self.session.check_robustness()
