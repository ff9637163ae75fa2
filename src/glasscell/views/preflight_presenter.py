"""The check before training and applying, and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.labels import GROUPS
from glasscell.data.report import why_no_cells
from glasscell.errors import GlasscellError
from glasscell.models.preflight import MIN_OVERLAP
from glasscell.session.applying import applied_now
from glasscell.views.preflight_view import PreflightView
from glasscell.views.presenter import Presenter

if TYPE_CHECKING:
    from glasscell.data.labels import Labels
    from glasscell.session import Session, State


class PreflightPresenter(Presenter[PreflightView]):
    """Show what would stand in the way, before anything runs; apply the model when asked.

    Parameters
    ----------
    beside
        A presenter that shares the dock and is closed with this one.
    """

    def __init__(self, session: Session, view: PreflightView, beside: Presenter[Any] | None = None) -> None:
        super().__init__(session, view)
        self._beside = beside
        self._terms: tuple[str, float] = "", MIN_OVERLAP
        self.listen(view.asked, self._show_training)
        self.listen(view.terms_changed, self._on_terms)
        self.listen(view.apply_requested, self._on_apply)
        self.listen(session.stored, lambda kind, name: self._show_applying())
        self._show_training()
        self._show_applying()

    def close(self) -> None:
        """Let go of session and view, and of the presenter beside."""
        super().close()
        if self._beside is not None:
            self._beside.close()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.groups) != (old.dataset, old.groups):
            self._show_training()
        if (new.dataset, new.model) != (old.dataset, old.model):
            self._show_applying()

    def _show_training(self) -> None:
        from glasscell.models.preflight import check

        dataset, (family, labels, batch) = self.session.dataset, self.view.question()
        if dataset is None or not family or why_no_cells(dataset):
            self.view.set_training("", ())
            return
        try:
            action, control = self.view.done()
            found = check(family, dataset, self._labels(labels), batch, action=action, control=control)
        except GlasscellError:
            self.view.set_training("", ())
            return
        self.view.set_training(found.title, found.lines)

    def _labels(self, name: str) -> str | Labels:
        """Make labels of the named groups, where these are meant."""
        context = self.session.context
        if name != GROUPS or context is None or GROUPS in context.dataset.obs.columns:
            return name
        from glasscell.data.labels import labels_from_groups

        return labels_from_groups({group.name: group.cells.mask(context) for group in context.groups})

    def _show_applying(self) -> None:
        from glasscell.models.preflight import check

        dataset, bundle = self.session.dataset, self.session.bundle
        if dataset is None or bundle is None or why_no_cells(dataset):
            self.view.set_applying("", ())
            self.view.set_notes(())
            return
        found = check(bundle, dataset, rename=self._terms[0], min_overlap=self._terms[1])
        self.view.set_applying(found.title, found.lines)
        applied = applied_now(self.session)
        self.view.set_notes(() if applied is None else applied.notes)

    def _on_terms(self, rename: str, min_overlap: float) -> None:
        self._terms = (rename, min_overlap)
        with self.spoken("Looking whether the model fits"):
            self._show_applying()

    def _on_apply(self, rename: str, min_overlap: float) -> None:
        with self.spoken("Applying the model"):
            self.session.apply_model(rename=rename, min_overlap=min_overlap)
