"""The worth of gene sets and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.data.channel import ChannelRef
from glasscell.session.worth import KIND, MEASURING
from glasscell.views.presenter import Presenter
from glasscell.views.worth_view import NOT_MEASURED, WorthView, worth_table, worth_words

if TYPE_CHECKING:
    from glasscell.explain.worth.result import SetWorth
    from glasscell.session import Session, State

RUNNING = "It is being measured; cancel it in the list of jobs."


class WorthPresenter(Presenter[WorthView]):
    """Offer the measurement for models of gene sets, show the last one, colour by a clicked set."""

    def __init__(self, session: Session, view: WorthView) -> None:
        super().__init__(session, view)
        self.listen(session.made, self._on_made)
        self.listen(session.jobs.changed, self._offer)
        self.listen(view.worth_requested, self._on_worth)
        self.listen(view.set_clicked, self._on_set)
        self._offer()
        self._show()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.model) != (old.dataset, old.model):
            self._offer()
            self._show()

    def _offer(self) -> None:
        from glasscell.explain.worth.measure import has_sets, why_no_worth

        bundle, dataset = self.session.bundle, self.session.dataset
        reason = why_no_worth(bundle, dataset)
        if any(job.title.startswith(MEASURING) for job in self.session.jobs.active):
            reason = RUNNING
        self.view.set_offer(has_sets(bundle), not reason, reason)

    def _show(self) -> None:
        found: SetWorth | None = self.session.latest(KIND)
        if found is None or found.model != self.session.state.model:
            self.view.set_worth(None, NOT_MEASURED)
            return
        self.view.set_worth(worth_table(found), worth_words(found))

    def _on_made(self, kind: str) -> None:
        if kind == KIND:
            self._show()

    def _on_worth(self, path: bool) -> None:
        with self.spoken("Measuring gene sets"):
            self.session.measure_worth(path=path)
            self._offer()

    def _on_set(self, name: str) -> None:
        with self.spoken("Colouring"):
            self.session.update(channel=ChannelRef.make("latent", name, model=self.session.state.model or ""))
