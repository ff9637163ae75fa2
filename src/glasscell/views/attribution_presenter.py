"""Explaining and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.report import why_no_cells
from glasscell.data.selection import Everything
from glasscell.errors import GlasscellError
from glasscell.explain.evidence import UNSHOWN, has_evidence
from glasscell.session.explaining import EXPLAINING
from glasscell.views.evidence import (
    baseline_names,
    cell_genes,
    method_rows,
    rank_genes,
    ranking_rows,
)
from glasscell.views.form import fields
from glasscell.views.node_presenter import NodePresenter
from glasscell.views.presenter import Presenter
from glasscell.views.view import AttributionView

if TYPE_CHECKING:
    from glasscell.explain.check import Check
    from glasscell.explain.evidence import Ranking
    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session import Session, State
    from glasscell.views.row import CellGeneRow

DEFAULT_METHOD = "integrated_gradients"
COMES = f"{UNSHOWN} It is being trained (see the job strip), or train the model again."
ELSEWHERE = (
    f"{UNSHOWN} This model was trained elsewhere and cannot have one: colour by a gene's attribution through "
    "the search, or train a model here."
)
NEVER = (
    f"{UNSHOWN} Models of this kind have none: colour by a gene's attribution through the search, and look "
    "at what removing things changes."
)


class AttributionPresenter(Presenter[AttributionView]):
    """Offer targets, methods and baselines; show rankings with their evidence; colour by a clicked gene."""

    def __init__(self, session: Session, view: AttributionView) -> None:
        super().__init__(session, view)
        self._job: Job[Any] | None = None
        self._method = ""
        self.listen(session.hovered, self._on_hovered)
        self.listen(session.stored, self._on_stored)
        self.listen(view.explain_requested, self._on_explain)
        self.listen(view.cancel_requested, self._on_cancel)
        self.listen(view.method_chosen, self._on_method)
        self.listen(view.gene_clicked, self._on_gene)
        self.listen(session.jobs.changed, self._follow)
        view.set_busy(False)
        self._follow()
        self._on_method(DEFAULT_METHOD)
        self._show_choices()
        self._show_ranking()
        self._nodes = NodePresenter(session, view)

    def close(self) -> None:
        """Let go of session and view, for the part of named nodes too."""
        super().close()
        self._nodes.close()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.model, new.dataset) != (old.model, old.dataset):
            self._show_choices()
        if (new.explanation, new.selection, new.dataset) != (old.explanation, old.selection, old.dataset):
            self._show_ranking()

    def _on_stored(self, kind: str, name: str) -> None:
        if name in (self.session.state.explanation, self.session.state.model):
            self._show_ranking()

    def _show_choices(self) -> None:
        bundle, dataset = self.session.bundle, self.session.dataset
        self.view.set_targets(
            () if bundle is None else tuple(str(target) for target in bundle.folds[0].targets())
        )
        methods = method_rows(bundle)
        self.view.set_methods(methods)
        usable = [row.id for row in methods if not row.why_not]
        if usable and self._method not in usable:
            self._on_method(usable[0])  # the one that a view falls back to
        self.view.set_baselines(baseline_names(bundle))
        if dataset is None:
            self.view.set_enabled(False, "Open data first.")
        elif why_no_cells(dataset):
            self.view.set_enabled(False, why_no_cells(dataset))
        elif bundle is None:
            self.view.set_enabled(False, "Train or load a model first.")
        else:
            absent = [gene for gene in bundle.genes if gene not in dataset.genes]
            reason = (
                f"These data lack {len(absent):,} of the model's genes, {absent[0]} for one."
                if absent
                else ""
            )
            self.view.set_enabled(not absent, reason)

    def _on_method(self, method: str) -> None:
        from glasscell.explain.method import method_info

        with self.spoken("Choosing a method"):
            self._method = method
            self.view.set_form(fields(method_info(method).params))

    def _on_explain(self, wish: dict[str, Any]) -> None:
        with self.spoken("Explaining"):
            self.session.explain(**wish)

    def _follow(self) -> None:
        """Follow the explanation that runs now, whoever asked for it."""
        running = [job for job in self.session.jobs.active if job.title.startswith(EXPLAINING)]
        if self._job is None and running:
            self._job = running[-1]
            self.view.set_busy(True)
            self._job.finished.connect(self._on_finished)

    def _on_finished(self, job: Job[Any]) -> None:
        if job is self._job and self._links:
            self._job = None
            self.view.set_busy(False)
            self._follow()

    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _on_gene(self, gene: str) -> None:
        from glasscell.explain.channel import attribution_ref

        explanation = self.session.explanation
        if explanation is not None:
            self.session.update(channel=attribution_ref(explanation, gene))

    def _show_ranking(self) -> None:
        session = self.session
        explanation, dataset, bundle = session.explanation, session.dataset, session.bundle
        if explanation is None or dataset is None or bundle is None:
            self._show_none("Nothing is explained yet.")
            return
        if not has_evidence(explanation):
            self._show_none(_why_unshown(bundle))
            return
        selected = None if isinstance(session.state.selection, Everything) else session.mask()

        def work(job: JobHandle) -> tuple[Ranking, tuple[Check, ...], str]:
            return rank_genes(explanation, bundle, dataset, selected, job)

        def done(job: Job[tuple[Ranking, tuple[Check, ...], str]]) -> None:
            if not self._links or session.explanation is not explanation:
                return
            if job.result is not None:
                ranked, judged, caption = job.result
                self.view.set_ranking(ranking_rows(ranked), caption)
                self.view.set_checks(judged)
            elif isinstance(job.error, GlasscellError):
                self._show_none(str(job.error))
            elif job.error is not None:
                session.report(job.error, "Ranking genes", job.details)

        session.jobs.submit(work, title="Rank genes", lane="view", key=("ranking", id(self)), on_done=done)

    def _show_none(self, message: str) -> None:
        self.view.set_ranking(None, message)
        self.view.set_checks(())

    def _on_hovered(self, cell: int | None) -> None:
        title: str = ""
        rows: tuple[CellGeneRow, ...] = ()
        explanation, dataset = self.session.explanation, self.session.dataset
        if cell is not None and explanation is not None and dataset is not None:
            title, rows = cell_genes(explanation, dataset, cell)
        self.view.set_cell_genes(title, rows)


def _why_unshown(bundle: Bundle) -> str:
    """Say why there is no twin, and what to do."""
    from glasscell.models.family import Aligns
    from glasscell.models.registry import FAMILIES

    if bundle.trained_elsewhere:
        return ELSEWHERE
    can = bool(bundle.classes) or isinstance(FAMILIES.get(bundle.family), Aligns)
    return COMES if can else NEVER
