"""Contrasts and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.channel import ChannelRef
from glasscell.data.column import categorical_codes, is_continuous
from glasscell.data.report import why_no_cells
from glasscell.data.selection import Category, Everything, Selection
from glasscell.errors import DataError
from glasscell.session.contrasting import COMPARING, GROUP, REST, SELECTED, listed_genes
from glasscell.views.contrast_picture import contrast_picture
from glasscell.views.contrast_view import ContrastView
from glasscell.views.presenter import Presenter

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.data.dataset import Dataset
    from glasscell.explain.contrast import By, Contrast
    from glasscell.explain.gene_set import SetOverlap
    from glasscell.jobs import Job, JobHandle
    from glasscell.session import Session, State

MOST_VALUES, MOST_SIDES = 40, 300
N_LISTED = 100
FOUND = ""


class ContrastPresenter(Presenter[ContrastView]):
    """Offer groups to compare, show the last contrast, paint the clicked gene, test gene sets."""

    def __init__(self, session: Session, view: ContrastView) -> None:
        super().__init__(session, view)
        self._job: Job[Any] | None = None
        self._selections: dict[str, Selection | str] = {}
        self._words: dict[str, str] = {}
        self._order: tuple[By, str] = ("expression", "a")
        self._sets: Path | None = None
        self.listen(session.made, self._on_made)
        self.listen(session.jobs.changed, self._follow)
        self.listen(view.contrast_requested, self._on_contrast)
        self.listen(view.cancel_requested, self._on_cancel)
        self.listen(view.order_chosen, self._on_order)
        self.listen(view.gene_clicked, self._on_gene)
        self.listen(view.gene_sets_requested, self._on_gene_sets)
        view.set_busy(False)
        view.set_gene_sets(None, "")
        self._offer()
        self._show()
        self._follow()

    def _on_changed(self, new: State, old: State) -> None:
        all_now, all_before = (isinstance(state.selection, Everything) for state in (new, old))
        if (new.dataset, new.groups, all_now) != (old.dataset, old.groups, all_before):
            self._offer()
        if new.dataset != old.dataset:
            self._show()

    def _offer(self) -> None:
        dataset = self.session.dataset
        sides = [] if dataset is None else self._sides(dataset)
        self._selections = {key: choice for key, _, choice in sides}
        self._words = {key: words for key, words, _ in sides}
        self.view.set_sides([(key, words) for key, words, _ in sides])
        if dataset is None:
            self.view.set_donors([])
            self.view.set_enabled(False, "Open data first.")
            return
        columns = [str(c) for c in dataset.obs.columns if not is_continuous(dataset.obs[c])]
        self.view.set_donors(
            [(FOUND, "as found in the data"), *((c, c) for c in columns), *_patterns(dataset)]
        )
        reason = why_no_cells(dataset)
        self.view.set_enabled(not reason, reason)

    def _sides(self, dataset: Dataset) -> list[tuple[str, str, Selection | str]]:
        """List what can stand on a side: key, words, and what it is."""
        sides: list[tuple[str, str, Selection | str]] = []
        if not isinstance(self.session.state.selection, Everything):
            sides.append((SELECTED, "selected cells", SELECTED))
        sides.append((REST, "all other cells (B)", REST))
        sides += [
            (f"{GROUP}{group.name}", f"group {group.name}", f"{GROUP}{group.name}")
            for group in self.session.state.groups
        ]
        for column in dataset.obs.columns:
            if is_continuous(dataset.obs[column]):
                continue
            _, names = categorical_codes(dataset.obs[column])
            if not 2 <= len(names) <= MOST_VALUES:
                continue
            ref = ChannelRef("obs", str(column))
            sides += [(f"obs:{column}={name}", f"{column}: {name}", Category(ref, (name,))) for name in names]
        return sides[:MOST_SIDES]

    def _on_contrast(self, wish: dict[str, Any]) -> None:
        with self.spoken("Comparing"):
            a, b = (self._selections.get(wish[side]) for side in ("a", "b"))
            if a is None or b is None:
                raise DataError("Choose cells for A and for B.")
            words = {f"{side}_name": self._words[wish[side]] for side in ("a", "b")}
            words = {key: word.removesuffix(" (B)") for key, word in words.items()}
            self.session.contrast(a, b, **words, donor=wish["donor"], independent=wish["independent"])

    def _current(self) -> Contrast | None:
        found: Contrast | None = self.session.latest("contrast")
        return found

    def _on_made(self, kind: str) -> None:
        if kind != "contrast":
            return
        self._order = ("expression", "a")
        self._show()
        self._test_sets()

    def _on_order(self, by: str, side: str) -> None:
        self._order = ("attribution" if by == "attribution" else "expression", side)
        self._show()
        self._test_sets()

    def _show(self) -> None:
        found = self._current()
        if found is None:
            self.view.set_result(None, "Nothing is compared yet.")
            return
        picture = contrast_picture(found, *self._order)
        self.view.set_result(picture, picture.title)

    def _follow(self) -> None:
        running = [job for job in self.session.jobs.active if job.title.startswith(COMPARING)]
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

    def _on_gene(self, gene: str, by: str) -> None:
        from glasscell.explain.channel import attribution_ref

        explanation = self.session.explanation
        if by == "attribution" and explanation is not None and gene in explanation.genes:
            self.session.update(channel=attribution_ref(explanation, gene))
        else:
            self.session.update(channel=ChannelRef("gene", gene))

    def _on_gene_sets(self, path: Path) -> None:
        self._sets = path
        self._test_sets()

    def _test_sets(self) -> None:
        found, path = self._current(), self._sets
        if found is None or path is None:
            return
        by, side = self._order
        words = found.a_name if side == "a" else found.b_name

        def work(job: JobHandle) -> tuple[SetOverlap, ...]:
            from glasscell.explain.gene_set import overlap, read_gmt

            job.report(None, f"Reading {path.name}")
            measured = [found.genes[int(g)] for g in found.order_of(by)]
            return overlap(listed_genes(found, N_LISTED, by, side), measured, read_gmt(path))

        def done(job: Job[tuple[SetOverlap, ...]]) -> None:
            from glasscell.explain.gene_set import CAUTION

            if not self._links or self._current() is not found:
                return
            if job.result is not None:
                said = f"{path.name}: first {N_LISTED} genes of {words} by {by}. {CAUTION}"
                self.view.set_gene_sets(job.result, said)
            elif job.error is not None:
                self.view.set_gene_sets(None, "")
                self.session.report(job.error, "Testing gene sets", job.details)

        key = ("gene sets", id(self))
        self.session.jobs.submit(work, title="Test gene sets", lane="view", key=key, on_done=done)


def _patterns(dataset: Dataset) -> list[tuple[str, str]]:
    """Offer to split sample columns that hold condition and donor, either way round."""
    from glasscell.data.design import SAMPLE_COLUMNS, split_column

    found = []
    for column in map(str, dataset.obs.columns):
        if column.casefold() not in SAMPLE_COLUMNS:
            continue
        for pattern in ("{condition}{donor}", "{condition}_{donor}", "{donor}_{condition}"):
            try:
                split_column(dataset.obs, f"{column}={pattern}")
            except DataError:
                continue
            found.append((f"{column}={pattern}", f"{column} as {pattern}"))
            break
    return found
