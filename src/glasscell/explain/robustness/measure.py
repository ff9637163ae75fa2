"""Measure what a model stands: thinned counts, a protocol it has not seen, another file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from glasscell.data.thin import thinned
from glasscell.errors import GlasscellError, JobCancelled, NotCompatible
from glasscell.explain.part import Part
from glasscell.explain.robustness import condition as ask
from glasscell.explain.robustness.other import row_of_file
from glasscell.explain.robustness.protocol import find_protocol, keeps_family, protocols, request_without
from glasscell.explain.robustness.request import RobustnessRequest
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.family import Measures
from glasscell.models.fit import FitRequest, fit
from glasscell.models.protocol import Classifies, Encodes
from glasscell.models.registry import FAMILIES
from glasscell.models.robustness import Kind, Robustness, RobustnessRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle

AS_MEASURED = "as measured"
#: Fewer held-out cells say nothing.
LEAST_CELLS = 10


def why_not_robust(bundle: Bundle | None, dataset: Dataset | None) -> str:
    """Say in one sentence why robustness cannot be checked; empty when it can."""
    if bundle is None or dataset is None:
        return "Train or load a model first."
    if bundle.family not in FAMILIES:
        return f"The family {bundle.family} is not installed here."
    net = bundle.folds[0]
    if not isinstance(net, Encodes) and not (bundle.classes and isinstance(net, Classifies)):
        return f"{net.info.title} tells neither classes nor latents, so there is nothing to compare."
    if len(ask.unseen_cells(dataset, bundle)) < LEAST_CELLS:
        return (
            f"Fewer than {LEAST_CELLS} of these cells were held out when the model was trained: open the data "
            "it was trained on, or train it here."
        )
    return ""


def robustness(
    dataset: Dataset,
    bundle: Bundle,
    request: RobustnessRequest | None = None,
    job: JobHandle = QUIET,
    *,
    others: Mapping[str, Dataset] | None = None,
) -> Robustness:
    """Ask a model again about held-out cells, with fewer counts, without their protocol, in other files.

    Every cell is asked of the net that has not seen it. It tells how far accuracy, calibration and reasons
    hold on data like these made worse in a known way; it does not tell what another laboratory will bring.

    Parameters
    ----------
    dataset
        The cells the model was trained on, or some of them.
    bundle
        Of classes: accuracy, macro-F1, calibration error, and the overlap of each class's top genes with
        those as measured. Without classes: how many of a cell's nearest cells stay its nearest, how latents
        correlate, and the family's own figures, best baseline beside.
    request
        Conditions; the default ones when None.
    others
        Further files by name, whose labels stand in a column of the same name.

    Raises
    ------
    NotCompatible
        The model knows neither classes nor latents, or none of the cells was held out.
    DataError
        The column of protocols does not exist.
    JobCancelled
        Somebody asked for it; nothing is kept.
    """
    request = RobustnessRequest() if request is None else request
    if reason := why_not_robust(bundle, dataset):
        raise NotCompatible(reason)
    column = find_protocol(dataset, bundle, request.protocol)
    check = _Check(dataset, bundle, request)
    job.report(0.0, AS_MEASURED)
    check.add(AS_MEASURED, "as measured", dataset, Part(job, 0.0, 0.1, AS_MEASURED))
    low = 0.1
    step = (0.4 if column else 0.8) / max(1, len(request.shares))
    if dataset.is_counts and check.takes_counts:
        for share in request.shares:
            words = f"counts thinned to {share:.0%}".replace("%", " %")
            check.add(words, "thinned", thinned(dataset, share, request.seed), Part(job, low, low + step, words))
            low += step
    else:
        check.notes.append("Counts were not thinned: the model or the file knows no raw counts.")
    if column:
        check.leave_out(column, Part(job, 0.5, 0.9, f"training without one {column}"))
    for name, other in (others or {}).items():
        words = f"file {name}"
        check.attempt(
            words, lambda one=other, said=words: check.rows.append(row_of_file(check, one, said, job))
        )
    job.report(1.0, "done")
    return Robustness(
        tuple(check.rows),
        bundle.fingerprint,
        dataset.fingerprint,
        request.seed,
        tuple(dict.fromkeys(check.notes)),
    )


@dataclass(eq=False)
class _Check:
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

    @property
    def takes_counts(self) -> bool:
        """Whether the model's input is made of counts."""
        return self.bundle.folds[0].preprocessing.kind != "stored"

    @property
    def overlap_name(self) -> str:
        """Name of the figure that compares reasons."""
        return f"top-{ask.n_top(self.bundle, self.request)} overlap"

    def attempt(self, words: str, work: Any) -> None:
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
            figures.update(_own_figures(dataset, self.bundle, self.cells, job))

        self.attempt(f"the figures of its own with {words}", own)
        return figures

    def leave_out(self, column: str, job: JobHandle) -> None:
        """Train without each protocol in turn, and ask about the one left out."""
        if self.bundle.trained_elsewhere:
            self.notes.append("The model was trained elsewhere, so it was not trained without a protocol.")
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
        other = self.bundle if already else fit(self.dataset, keeps_family(asked), job)
        self.notes += () if already else other.notes
        for code, name in enumerate(names):
            cells = self.cells[(codes[self.cells] == code)]
            if len(cells) < LEAST_CELLS:
                continue
            for words, bundle in ((f"{name}, trained on all", self.bundle), (f"{name}, not trained on", other)):
                if already and bundle is self.bundle and words.endswith("all"):
                    continue
                figures = self._within(bundle, cells, words, job)
                if figures:
                    self.rows.append(RobustnessRow(words, "protocol", len(cells), figures))

    def _within(self, bundle: Bundle, cells: NDArray[np.int64], words: str, job: JobHandle) -> dict[str, float]:
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
        for code, name in enumerate(names):
            cells = np.flatnonzero(codes == code)
            asked = request_without(self.dataset, self.bundle, column, codes, names, code)
            low = code / len(names)
            part = Part(job, low, low + 1 / len(names), f"training without {name}")
            other = fit(self.dataset, keeps_family(asked), part)
            both = [ask.encoded(self.dataset, one, cells, part) for one in (self.bundle, other)]
            figures = ask.latent_agreement(both[0], both[1], same_axes=False)
            figures |= _beside_best(other)
            self.rows.append(RobustnessRow(f"{name}, not trained on", "protocol", len(cells), figures))


def _own_figures(
    dataset: Dataset, bundle: Bundle, cells: NDArray[np.int64], job: JobHandle
) -> dict[str, float]:
    """Return what the family measures of itself on cells it was not trained on, best baseline beside."""
    from glasscell.models.row import Rows, input_rows
    from glasscell.models.training_data import training_data

    family, net = FAMILIES[bundle.family], bundle.folds[0]
    if not isinstance(family, Measures):
        return {}
    request = cast("FitRequest", _request_as_trained(dataset, bundle))
    data = training_data(dataset, request, family, str(net.device))
    recipe = net.preprocessing
    data = replace(data, rows=Rows(input_rows(dataset, recipe), str(net.device)), preprocessing=recipe)
    found = family.figures(net, data, cells, job)
    return _beside_best(replace(bundle, figures=found))


def _request_as_trained(dataset: Dataset, bundle: Bundle) -> FitRequest:
    nothing = np.zeros(dataset.n_cells, np.int32)
    asked = request_without(dataset, bundle, "", nothing, ("",), 0)
    return replace(asked, split=None)


def _beside_best(bundle: Bundle) -> dict[str, float]:
    """Return a bundle's own figures, each with the best cheap baseline's; less is better."""
    figures: dict[str, float] = {}
    for name, value in bundle.figures.get(bundle.family, {}).items():
        figures[name] = float(value)
        beside = [float(row[name]) for title, row in bundle.figures.items() if title != bundle.family and name in row]
        if beside:
            figures[f"{name}, best baseline"] = min(beside)
    return figures
