"""Measure what a model stands: thinned counts, a protocol it has not seen, another file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from glasscell.data.thin import thinned
from glasscell.errors import NotCompatible
from glasscell.explain.part import Part
from glasscell.explain.robustness import condition as ask
from glasscell.explain.robustness.check import LEAST_CELLS, Check
from glasscell.explain.robustness.protocol import find_protocol
from glasscell.explain.robustness.request import RobustnessRequest
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.robustness import Robustness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle

AS_MEASURED = "as measured"


def why_not_robust(bundle: Bundle | None, dataset: Dataset | None) -> str:
    """Say in one sentence why robustness cannot be checked; empty when it can."""
    if bundle is None or dataset is None:
        return "Train or load a model first."
    if len(ask.unseen_cells(dataset, bundle)) < LEAST_CELLS:
        return (
            f"Fewer than {LEAST_CELLS} of these cells were held out when the model was trained: open the "
            "data it was trained on, or train it here."
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
        (or, without any, the scores of the first targets) correlate, and the family's own figures, best
        baseline beside.
    request
        Conditions; the default ones when None.
    others
        Further files by name, whose labels stand in a column of the same name.

    Raises
    ------
    NotCompatible
        Hardly any of the cells was held out.
    DataError
        The column of protocols does not exist.
    JobCancelled
        Somebody asked for it; nothing is kept.
    """
    request = RobustnessRequest() if request is None else request
    if reason := why_not_robust(bundle, dataset):
        raise NotCompatible(reason)
    column = find_protocol(dataset, bundle, request.protocol)
    check = Check(dataset, bundle, request)
    job.report(0.0, AS_MEASURED)
    check.add(AS_MEASURED, "as measured", dataset, Part(job, 0.0, 0.1, AS_MEASURED))
    low = 0.1
    step = (0.4 if column else 0.8) / max(1, len(request.shares))
    if dataset.is_counts and check.takes_counts:
        for share in request.shares:
            words = f"counts thinned to {share:.0%}".replace("%", " %")
            check.add(
                words, "thinned", thinned(dataset, share, request.seed), Part(job, low, low + step, words)
            )
            low += step
    else:
        check.notes.append("Counts were not thinned: the model or the file knows no raw counts.")
    check.add_logistic(Part(job, 0.5 if column else 0.9, 0.5 if column else 0.9, "logistic regression"))
    if column:
        check.leave_out(column, Part(job, 0.5, 0.9, f"training without one {column}"))
    for name, other in (others or {}).items():
        words = f"file {name}"
        part = Part(job, 0.9, 1.0, words)
        check.attempt(words, partial(check.add_file, words, other, part))
    job.report(1.0, "done")
    return Robustness(
        tuple(check.rows),
        bundle.fingerprint,
        dataset.fingerprint,
        request.seed,
        tuple(dict.fromkeys(check.notes)),
    )
