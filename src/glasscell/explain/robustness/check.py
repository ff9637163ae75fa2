"""The rows of a check of robustness as they are found, and what they are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import GlasscellError, JobCancelled
from glasscell.explain.part import Part
from glasscell.explain.robustness import condition as ask
from glasscell.explain.robustness.other import scores_of_file, top_genes_of_file
from glasscell.explain.robustness.own import beside_best, own_figures
from glasscell.explain.robustness.protocol import protocols, request_without
from glasscell.models.fit import fit
from glasscell.models.registry import FAMILIES
from glasscell.models.robustness import LOGISTIC, Kind, RobustnessRow
from glasscell.models.row import input_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.data.dataset import Dataset
    from glasscell.explain.robustness.request import RobustnessRequest
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

#: How a split says that cells near a fold were not trained on.
GAP = "with a gap of"
#: Fewer held-out cells say nothing.
LEAST_CELLS = 10


@dataclass(eq=False)
class Check:
    """The rows found so far, and what they are compared with."""

    dataset: Dataset
    bundle: Bundle
    request: RobustnessRequest
    rows: list[RobustnessRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells: NDArray[np.int64] = ask.unseen_cells(self.dataset, self.bundle)
        self.truth = self.bundle.cells.truth[self.bundle.rows(self.dataset, self.cells)]
        self.sample = ask.sample_of_class(self.bundle, self.dataset, self.cells, self.request)
        self.top: ask.TopGenes = {}
        self.latent_cz: Any = None
        self._recipe = ask.fair_recipe(self.dataset, self.bundle)
        self._tables: list[sparse.csr_matrix] = []

    @property
    def takes_counts(self) -> bool:
        """Whether the model's input is made of counts."""
        return self.bundle.folds[0].preprocessing.kind != "stored"

    @property
    def overlap_name(self) -> str:
        """Name of the figure that compares reasons."""
        return f"top-{ask.n_top(self.bundle, self.request)} overlap"

    def attempt(self, words: str, work: Callable[[], object]) -> None:
        """Do a part that may not be possible; say why in the notes."""
        try:
            work()
        except JobCancelled:
            raise
        except GlasscellError as error:
            self.notes.append(f"Not measured, {words}: {error}")

    def add(self, words: str, kind: Kind, dataset: Dataset, job: JobHandle) -> None:
        """Add the row of one state of the data."""
        figures = (self._of_classes if self.bundle.classes else self._of_latents)(dataset, words, job)
        self.rows.append(RobustnessRow(words, kind, len(self.cells), figures))
        if self.bundle.classes:
            self._tables.append(input_rows(dataset, self._recipe))

    def add_logistic(self, job: JobHandle) -> None:
        """Put the accuracy of logistic regression, trained as measured, beside the rows so far."""
        if self._tables:
            if GAP in self.bundle.split_text:
                self.notes.append(
                    "Logistic regression was trained on the cells of the gap between folds too, the model "
                    "was not: its file does not name them."
                )
            found = ask.logistic_accuracies(self.dataset, self.bundle, self.cells, self._tables, job)
            for number, value in enumerate(found):
                row = self.rows[number]
                self.rows[number] = replace(row, figures={**row.figures, LOGISTIC: value})

    def _of_classes(self, dataset: Dataset, words: str, job: JobHandle) -> dict[str, float]:
        figures = ask.scores(self.truth, ask.predicted(dataset, self.bundle, self.cells, job))

        def explain() -> None:
            found = ask.top_genes(dataset, self.bundle, self.sample, self.request, job)
            self.top = self.top or found
            figures[self.overlap_name] = ask.overlap(self.top, found)

        self.attempt(f"the top genes with {words}", explain)
        return figures

    def _of_latents(self, dataset: Dataset, words: str, job: JobHandle) -> dict[str, float]:
        latent_cz = ask.encoded(dataset, self.bundle, self.cells, job)
        self.latent_cz = latent_cz if self.latent_cz is None else self.latent_cz
        figures = ask.latent_agreement(self.latent_cz, latent_cz)

        def own() -> None:
            figures.update(own_figures(dataset, self.bundle, self.cells, job))

        self.attempt(f"the figures of its own with {words}", own)
        return figures

    def add_file(self, words: str, other: Dataset, job: JobHandle) -> None:
        """Add the row of another file."""
        figures, n_cells = scores_of_file(self.bundle, other, job)

        def explain() -> None:
            found = top_genes_of_file(self.dataset, self.bundle, other, self.request, job)
            figures[self.overlap_name] = ask.overlap(self.top, found)

        self.attempt(f"the top genes of {words}", explain)
        self.rows.append(RobustnessRow(words, "other file", n_cells, figures))

    def leave_out(self, column: str, job: JobHandle) -> None:
        """Train without each protocol in turn, and ask about the one left out."""
        if self.bundle.trained_elsewhere:
            self.notes.append("The model was trained elsewhere, so it was not trained without a protocol.")
            return
        if self.bundle.family not in FAMILIES:
            self.notes.append(f"The family {self.bundle.family} is not installed, so nothing was trained.")
            return
        codes, names = protocols(self.dataset, column)
        if column == self.bundle.provenance.get("batch", ""):
            self.notes.append(f'The effect of "{column}" was not taken out when one value was left out.')
        work = self._classes_without if self.bundle.classes else self._latents_without
        self.attempt(f"training without one {column}", lambda: work(column, codes, names, job))

    def _classes_without(
        self, column: str, codes: NDArray[np.int32], names: tuple[str, ...], job: JobHandle
    ) -> None:
        asked = request_without(self.dataset, self.bundle, column, codes, names, None)
        already = self.bundle.split_scheme == f"obs:{column}"
        other = self.bundle if already else fit(self.dataset, asked, job)
        self.notes += () if already else other.notes
        table_cg = input_rows(self.dataset, self._recipe)

        def ask_about(name: str, cells: NDArray[np.int64]) -> None:
            if not already:
                self._protocol_row(f"{name}, trained on all", self.bundle, cells, job)
            row = self._protocol_row(f"{name}, not trained on", other, cells, job)
            if row is not None:
                (value,) = ask.logistic_accuracies(self.dataset, other, cells, [table_cg], job)
                self.rows[-1] = replace(row, figures={**row.figures, LOGISTIC: value})

        for code, name in enumerate(names):
            cells = self.cells[codes[self.cells] == code]
            self.attempt(f"without {name}", partial(ask_about, name, cells))

    def _protocol_row(
        self, words: str, bundle: Bundle, cells: NDArray[np.int64], job: JobHandle
    ) -> RobustnessRow | None:
        if len(cells) < LEAST_CELLS:
            return None
        figures = self._within(bundle, cells, words, job)
        if figures:
            self.rows.append(RobustnessRow(words, "protocol", len(cells), figures))
        return self.rows[-1] if figures else None

    def _within(
        self, bundle: Bundle, cells: NDArray[np.int64], words: str, job: JobHandle
    ) -> dict[str, float]:
        """Figures on some cells by a bundle of the same classes or some of them; genes against our own."""
        rows = bundle.rows(self.dataset, cells)
        truth = bundle.cells.truth[rows]
        known = (truth >= 0) & (bundle.cells.fold[rows] >= 0)
        if known.sum() < LEAST_CELLS:
            return {}
        figures = ask.scores(truth[known], ask.predicted(self.dataset, bundle, cells[known], job))

        def explain() -> None:
            sample = ask.sample_of_class(self.bundle, self.dataset, cells[known], self.request)
            sample = {name: own for name, own in sample.items() if name in bundle.classes}
            first, second = (
                ask.top_genes(self.dataset, one, sample, self.request, job) for one in (self.bundle, bundle)
            )
            figures[self.overlap_name] = ask.overlap(first, second)

        if bundle is not self.bundle:
            self.attempt(f"the top genes of {words}", explain)
        return figures

    def _latents_without(
        self, column: str, codes: NDArray[np.int32], names: tuple[str, ...], job: JobHandle
    ) -> None:
        def train_without(code: int, name: str) -> None:
            cells = np.flatnonzero(codes == code)
            asked = request_without(self.dataset, self.bundle, column, codes, names, code)
            low = code / len(names)
            part = Part(job, low, low + 1 / len(names), f"training without {name}")
            other = fit(self.dataset, asked, part)
            both = [ask.encoded(self.dataset, one, cells, part) for one in (self.bundle, other)]
            figures = ask.latent_agreement(both[0], both[1], same_axes=False)
            figures |= beside_best(other)
            self.rows.append(RobustnessRow(f"{name}, not trained on", "protocol", len(cells), figures))

        for code, name in enumerate(names):
            self.attempt(f"training without {name}", partial(train_without, code, name))
