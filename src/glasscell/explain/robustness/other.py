"""The same model asked about another file with labels of the same name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.column import categorical_codes, missing_name
from glasscell.errors import DataError, NotCompatible
from glasscell.explain.assemble import explain_nets
from glasscell.explain.plan import make_plan
from glasscell.explain.request import ExplainRequest
from glasscell.explain.robustness import condition as ask
from glasscell.explain.training import input_table
from glasscell.models.apply import apply
from glasscell.models.robustness import RobustnessRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

_FEWEST = 10


def row_of_file(check: Any, other: Dataset, words: str, job: JobHandle) -> RobustnessRow:
    """Ask all nets about another file; cells are new to each of them.

    Parameters
    ----------
    check
        Dataset, bundle, request and top genes as measured.

    Raises
    ------
    NotCompatible
        The model learns no classes, or too few genes are in common.
    DataError
        The file has no labels of that name.
    """
    bundle: Bundle = check.bundle
    if not bundle.classes:
        raise NotCompatible("a model without classes has no truth to be held against in another file.")
    truth = _truth(other, bundle)
    known = np.flatnonzero(truth >= 0)
    if len(known) < _FEWEST:
        raise DataError(f'hardly a cell of it has one of the classes of "{bundle.labels_name}".')
    job.report(None, words)
    applied = apply(bundle, other, job)
    figures = ask.scores(truth[known], np.asarray(applied.probabilities_ck[known], np.float64))

    def explain() -> None:
        figures[check.overlap_name] = ask.overlap(check.top, _top_genes(check, other, truth, job))

    check.attempt(f"the top genes of {words}", explain)
    return RobustnessRow(words, "other file", len(known), figures)


def _truth(other: Dataset, bundle: Bundle) -> NDArray[np.int32]:
    name = bundle.labels_name
    if name not in other.obs.columns:
        raise DataError(missing_name("obs column", name, other.obs.columns))
    codes, names = categorical_codes(other.obs[name])
    place = {one: code for code, one in enumerate(bundle.classes)}
    own = np.array([place.get(one, -1) for one in names] + [-1], np.int32)
    return np.asarray(own[codes], np.int32)


def _top_genes(check: Any, other: Dataset, truth: NDArray[np.int32], job: JobHandle) -> ask.TopGenes:
    """Explain the other file's cells by the first net, against the baseline of the model's own cells."""
    bundle: Bundle = check.bundle
    rng = np.random.default_rng([check.request.seed, 0x70B])
    inputs_cg = input_table(other, bundle.folds[0])
    found: ask.TopGenes = {}
    for code, name in enumerate(bundle.classes):
        cells = np.flatnonzero(truth == code)
        if not len(cells):
            continue
        cells = np.sort(rng.permutation(cells)[: check.request.cells_per_class]).astype(np.int32)
        asked = ExplainRequest(check.request.method, f"class:{name}", evidence=False)
        plan = make_plan(check.dataset, bundle, asked)
        nowhere = np.zeros(other.n_cells, bool)
        plan = replace(
            plan,
            dataset=other,
            training=replace(plan.training, inputs_cg=inputs_cg, codes=truth, trained=nowhere, size=None),
            baseline=replace(plan.baseline, of_cell=np.zeros(other.n_cells, np.int32)),
            cells=cells,
        )
        net_c, seen = np.zeros(len(cells), np.int32), np.zeros(len(cells), bool)
        one = explain_nets(plan, bundle.folds, net_c, seen, job)
        found[name] = frozenset(gene for gene, _ in one.top(ask.n_top(bundle, check.request)))
    return found
