"""Explaining and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.selection import Everything
from glasscell.errors import GlasscellError
from glasscell.session.cells import class_mask
from glasscell.views.form import fields
from glasscell.views.presenter import Presenter
from glasscell.views.row import CellGeneRow, MethodRow, RankingRow
from glasscell.views.view import AttributionView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.explain.check import Check
    from glasscell.explain.evidence import Ranking
    from glasscell.explain.result import Explanation
    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session import Session, State

N_RANKED = 50
N_OF_CELL = 10
DEFAULT_METHOD = "integrated_gradients"
NO_TWIN = (
    "The ranking is shown when its twin, a net trained on permuted labels, has been explained too; "
    "without it nobody could tell what was learnt. See the job strip, or train the model again."
)


class AttributionPresenter(Presenter[AttributionView]):
    """Offer targets, methods and baselines; show rankings with their evidence; colour by a clicked gene."""

    def __init__(self, session: Session, view: AttributionView) -> None:
        super().__init__(session, view)
        self._job: Job[Any] | None = None
        self.listen(session.hovered, self._on_hovered)
        self.listen(session.stored, self._on_stored)
        self.listen(view.explain_requested, self._on_explain)
        self.listen(view.cancel_requested, self._on_cancel)
        self.listen(view.method_chosen, self._on_method)
        self.listen(view.gene_clicked, self._on_gene)
        view.set_busy(False)
        self._show_choices()
        self._on_method(DEFAULT_METHOD)
        self._show_ranking()

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
        self.view.set_methods(method_rows(bundle))
        self.view.set_baselines(baseline_names(bundle))
        if dataset is None:
            self.view.set_enabled(False, "Open data first.")
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
            self.view.set_form(fields(method_info(method).params))

    def _on_explain(self, wish: dict[str, Any]) -> None:
        with self.spoken("Explaining"):
            job = self._job = self.session.explain(**wish)
            self.view.set_busy(True)
            job.finished.connect(self._on_finished)

    def _on_finished(self, job: Job[Any]) -> None:
        if job is self._job and self._links:
            self._job = None
            self.view.set_busy(False)

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
        if explanation.twin is None or "reinitialised_correlation" not in explanation.diagnostics:
            self._show_none(NO_TWIN)
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


def rank_genes(
    explanation: Explanation, bundle: Bundle, dataset: Any, selected: NDArray[np.bool_] | None, job: JobHandle
) -> tuple[Ranking, tuple[Check, ...], str]:
    """Rank genes over the selected cells, or over those of the explained class, and judge the ranking."""
    from glasscell.explain.channel import training_note
    from glasscell.explain.check import checks
    from glasscell.explain.evidence import ranking

    job.report(None, "ranking")
    mask = class_mask(bundle, dataset, explanation.target) if selected is None else selected
    ranked = ranking(explanation, mask, dataset, N_RANKED)
    job.report(0.5)
    judged = checks(explanation, mask)
    of = "the selection" if selected is not None else explanation.target.partition(":")[2]
    note = training_note(explanation)
    caption = f"{explanation.target} over {ranked.n_cells:,} {dataset.observations} of {of}, {note}."
    return ranked, judged, " ".join((caption, *ranked.missing))


def ranking_rows(ranked: Ranking) -> tuple[RankingRow, ...]:
    """Put ranked genes into rows with every evidence column."""
    return tuple(
        RankingRow(
            place,
            one.gene,
            one.value,
            one.presence,
            one.absence,
            one.mean_difference_rank,
            one.twin_rank,
            one.rank_spread,
        )
        for place, one in enumerate(ranked, start=1)
    )


def cell_genes(explanation: Explanation, dataset: Any, cell: int) -> tuple[str, tuple[CellGeneRow, ...]]:
    """List one cell's own genes with their expression, marked when its net has seen it in training."""
    at = int(np.searchsorted(explanation.cells, cell))
    name = str(dataset.cell_names[cell])
    if at >= len(explanation.cells) or explanation.cells[at] != cell:
        return f"{name} was not explained", ()
    top = explanation.top_of_cell(cell, N_OF_CELL)
    rows = tuple(CellGeneRow(one.gene, one.value, float(dataset.gene_column(one.gene)[cell])) for one in top)
    seen = "seen in training" if explanation.in_training[at] else "held out"
    return f"{name} ({seen})", rows


def method_rows(bundle: Bundle | None) -> Sequence[MethodRow]:
    """List the methods, those that do not fit the model with their reason."""
    from glasscell.explain.method import METHODS, why_not

    model = None if bundle is None else bundle.folds[0]
    return tuple(
        MethodRow(key, info.title, "" if model is None else why_not(info, model) or "")
        for key, info in METHODS.items()
    )


def baseline_names(bundle: Bundle | None) -> tuple[str, ...]:
    """List the baselines, the default first."""
    from glasscell.explain.baseline import BASELINES

    named = [name for name, _ in BASELINES if not name.startswith("class:")]
    return (*named, *(f"class:{name}" for name in (() if bundle is None else bundle.classes)))
