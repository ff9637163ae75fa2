"""Explain a bundle's nets: every cell by the net that did not see it, with evidence to judge the result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import ModelError
from glasscell.explain.assemble import explain_nets
from glasscell.explain.modality_share import with_shares
from glasscell.explain.part import Part
from glasscell.explain.plan import Plan, make_plan
from glasscell.explain.request import ExplainRequest
from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.explain.result import Explanation
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.model import Model


def explain(dataset: Dataset, bundle: Bundle, request: ExplainRequest, job: JobHandle = QUIET) -> Explanation:
    """Attribute a model's output to genes, cell by cell.

    It tells how the model came to its output relative to the baseline. It does not tell what causes what in
    the tissue, nor what the model would do if a gene were changed.

    Parameters
    ----------
    dataset
        The cells to explain; its genes must contain the model's.
    bundle
        Trained nets. Each cell is explained by the net that held it out, unless ``nets`` says otherwise.
    request
        Method, target, cells, baseline, settings.
    job
        Progress and cancel point.

    Returns
    -------
    A ``FactoredAttribution`` where the network begins with a linear layer, else a ``DenseAttribution``.

    Raises
    ------
    NotCompatible
        The method does not fit the model, the target or baseline does not exist, or a gene is missing.
    """
    plan = make_plan(dataset, bundle, request)
    nets = bundle.net_for_cells(dataset, plan.cells, request.nets)
    seen = bundle.seen_in_training(dataset, plan.cells, nets)
    share = 0.9 if not request.evidence else 0.45
    result = with_shares(
        explain_nets(plan, bundle.folds, nets, seen, Part(job, 0.0, share, "Explaining")), bundle.folds[0]
    )
    if not request.evidence:
        return result
    from glasscell.explain.randomise import reinitialised_correlation

    correlation = reinitialised_correlation(plan, bundle, result, Part(job, share, share + 0.1, "Random net"))
    diagnostics = {**result.diagnostics, "reinitialised_correlation": correlation, **_accuracies(bundle)}
    result = replace(result, diagnostics=diagnostics)
    if bundle.twin is not None:
        result = replace(result, twin=_explain_twin(plan, bundle.twin, Part(job, share + 0.1, 1.0, "Twin")))
    job.report(1.0, "Explained")
    return result


def _accuracies(bundle: Bundle) -> dict[str, float]:
    """Return how often the model and its baselines are right on held-out cells, where that is known."""
    if bundle.metrics is None:
        return {}
    rows = {"held_out": bundle.metrics, **bundle.baselines}
    found = {f"{name}_accuracy": float(row.accuracy) for name, row in rows.items()}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def with_twin(
    explanation: Explanation, dataset: Dataset, bundle: Bundle, job: JobHandle = QUIET
) -> Explanation:
    """Add the twin's explanation to a result made before the twin was trained.

    Raises
    ------
    ModelError
        The bundle has no twin, or is not the one explained.
    """
    if bundle.twin is None:
        raise ModelError(
            "The twin trained on permuted labels is not there yet; wait for its training to end."
        )
    known = explanation.provenance
    if known.model != bundle.fingerprint:
        raise ModelError("This explanation is of another model; explain this one first.")
    request = ExplainRequest(
        method=known.method,
        target=known.target,
        cells=explanation.cells,
        baseline=known.baseline,
        params=known.params,
        nets=known.nets,
        seed=known.seeds[0] if known.seeds else 0,
    )
    plan = make_plan(dataset, bundle, request)
    return replace(explanation, twin=_explain_twin(plan, bundle.twin, Part(job, 0.0, 1.0, "Twin")))


def _explain_twin(plan: Plan, twin: Model, job: JobHandle) -> Explanation:
    nobody = np.zeros(len(plan.cells), bool)
    return explain_nets(plan, (twin,), np.zeros(len(plan.cells), np.int32), nobody, job)
