"""Perturbations and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.report import why_no_cells
from glasscell.data.selection import Everything, Selection
from glasscell.session.learning import why_not_now
from glasscell.session.perturbing import ALL, PERTURBING
from glasscell.views.cell_choice import cell_choices
from glasscell.views.perturbation_picture import perturbation_picture
from glasscell.views.perturbation_view import PerturbationView
from glasscell.views.presenter import Presenter

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.explain.perturbation.result import Perturbation
    from glasscell.jobs import Job, JobHandle
    from glasscell.session import Session, State

MOST_SETS = 5000
CHOOSE = "Nothing is asked yet."


class PerturbationPresenter(Presenter[PerturbationView]):
    """Offer genes, learned perturbations and cells; show the last result; paint what is clicked."""

    def __init__(self, session: Session, view: PerturbationView) -> None:
        super().__init__(session, view)
        self._job: Job[Any] | None = None
        self._choices: dict[str, str | Selection] = {}
        self._reason, self._no_learning = "", ""
        self.listen(session.made, self._on_made)
        self.listen(session.jobs.changed, self._follow)
        self.listen(view.perturb_requested, self._on_perturb)
        self.listen(view.learn_requested, self._on_learn)
        self.listen(view.cancel_requested, self._on_cancel)
        self.listen(view.channel_chosen, self._on_channel)
        self.listen(view.gene_sets_requested, self._on_gene_sets)
        self.listen(view.table_requested, self._on_table)
        view.set_busy(False)
        view.set_gene_sets((), "")
        self._offer()
        self._show()
        self._follow()

    def _on_changed(self, new: State, old: State) -> None:
        all_now, all_before = (isinstance(state.selection, Everything) for state in (new, old))
        if (new.dataset, new.groups, new.model, all_now) != (old.dataset, old.groups, old.model, all_before):
            self._offer()
        if new.dataset != old.dataset:
            self._show()

    def _offer(self) -> None:
        bundle, self._reason = self.session.bundle, self._why_not()
        if bundle is None:
            self.view.set_genes(())
            self.view.set_actions(())
        else:
            from glasscell.explain.perturbation.answer import learned_actions

            self.view.set_genes(bundle.genes)
            self.view.set_actions(learned_actions(bundle.folds[0]))
        choices = cell_choices(self.session)
        self._choices = {key: choice for key, _, choice in choices}
        self.view.set_cells([(key, words) for key, words, _ in choices])
        self.view.set_enabled(not self._reason, self._reason)
        self._no_learning = self._why_not_learn()
        self.view.set_learning(not self._no_learning, self._no_learning)

    def _why_not_learn(self) -> str:
        bundle = self.session.bundle
        return self._reason or (why_not_now(self.session, bundle) if bundle else "")

    def _why_not(self) -> str:
        dataset, bundle = self.session.dataset, self.session.bundle
        if dataset is None:
            return "Open data first."
        if why_no_cells(dataset):
            return why_no_cells(dataset)
        if bundle is None:
            return "Train or load a model first."
        from glasscell.explain.perturbation.answer import why_not_perturb
        from glasscell.models.capability.neighbour import UsesNeighbours

        model = bundle.folds[0]
        reason = why_not_perturb(model)
        if reason is not None:
            return reason
        if isinstance(model, UsesNeighbours) and dataset.positions_cd is None:
            return "This model looks at neighbours, and these data say nowhere where cells lie."
        absent = [gene for gene in bundle.genes if gene not in dataset.genes]
        return f"These data lack {len(absent):,} of the model's genes, {absent[0]} for one." if absent else ""

    def _on_perturb(self, wish: dict[str, Any]) -> None:
        with self.spoken("Perturbing"):
            cells = self._choices.get(wish["cells"], ALL)
            self.session.perturb(**{**wish, "cells": cells})

    def _on_learn(self, wish: dict[str, Any]) -> None:
        with self.spoken("Learning a perturbation"):
            self.session.learn_action(wish["name"], self._choices.get(wish["cells"], ALL))

    def _current(self) -> Perturbation | None:
        found: Perturbation | None = self.session.latest("perturbation")
        return found

    def _on_made(self, kind: str) -> None:
        if kind != "perturbation":
            return
        self._show()
        if self._current() is not None:
            self._on_channel("effect")

    def _show(self) -> None:
        found, dataset = self._current(), self.session.dataset
        if found is None or dataset is None:
            self.view.set_result(None, CHOOSE)
            return
        picture = perturbation_picture(found, dataset.observations)
        self.view.set_result(picture, picture.title)

    def _on_channel(self, key: str) -> None:
        from glasscell.explain.perturbation.channel import perturbation_ref

        found = self._current()
        if found is not None:
            self.session.update(channel=perturbation_ref(found, key))

    def _on_gene_sets(self, path: Path) -> None:
        genes = self._known_genes()

        def work(job: JobHandle) -> list[tuple[str, tuple[str, ...]]]:
            from glasscell.data.gene_set import read_gmt

            job.report(None, f"Reading {path.name}")
            known = [(one.name, tuple(g for g in one.genes if g in genes)) for one in read_gmt(path)]
            return [one for one in known if one[1]][:MOST_SETS]

        def done(job: Job[list[tuple[str, tuple[str, ...]]]]) -> None:
            if not self._links:
                return
            if job.result is not None:
                said = f"{len(job.result):,} sets of {path.name} have genes that the model takes."
                self.view.set_gene_sets(job.result, said)
            elif job.error is not None:
                self.session.report(job.error, "Reading gene sets", job.details)

        self.session.jobs.submit(
            work, title="Read gene sets", lane="view", key=("gene sets", id(self)), on_done=done
        )

    def _known_genes(self) -> frozenset[str]:
        """Return the model's genes by name, and by symbol where the file has symbols."""
        bundle, dataset = self.session.bundle, self.session.dataset
        if bundle is None or dataset is None:
            return frozenset()
        own = frozenset(bundle.genes)
        pairs = zip(map(str, dataset.genes.names), map(str, dataset.genes.symbols), strict=True)
        return own | {symbol for name, symbol in pairs if name in own}

    def _on_table(self, path: Path) -> None:
        with self.spoken("Saving the table"):
            self.session.save_table("perturbation", path)

    def _follow(self) -> None:
        reason = self._why_not_learn()
        if reason != self._no_learning:  # jobs come and go while a slider moves: nothing is told twice
            self._no_learning = reason
            self.view.set_learning(not reason, reason)
        running = [job for job in self.session.jobs.active if job.title.startswith(PERTURBING)]
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
