"""The same model asked about another file with labels of the same name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.column import categorical_codes, missing_name, recode
from glasscell.errors import DataError, NotCompatible
from glasscell.explain.assemble import explain_nets
from glasscell.explain.plan import make_plan
from glasscell.explain.request import ExplainRequest
from glasscell.explain.robustness import condition as ask
from glasscell.explain.training import input_table
from glasscell.models.apply import apply

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.robustness.request import RobustnessRequest
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

_FEWEST = 10


def scores_of_file(bundle: Bundle, other: Dataset, job: JobHandle) -> tuple[dict[str, float], int]:
    """Ask all nets about another file; its cells are new to each of them.

    Returns
    -------
    Figures, and the number of cells they are made of.

    Raises
    ------
    NotCompatible
        The model learns no classes, or too few genes are in common.
    DataError
        The file has no labels of that name.
    """
    if not bundle.classes:
        raise NotCompatible("a model without classes has no truth to be held against in another file.")
    truth = _truth(other, bundle)
    known = np.flatnonzero(truth >= 0)
    if len(known) < _FEWEST:
        raise DataError(f'hardly a cell of it has one of the classes of "{bundle.labels_name}".')
    applied = apply(bundle, other, job)
    found = ask.scores(truth[known], np.asarray(applied.probabilities_ck[known], np.float64))
    return found, len(known)


def _truth(other: Dataset, bundle: Bundle) -> NDArray[np.int32]:
    name = bundle.labels_name
    if name not in other.obs.columns:
        raise DataError(missing_name("obs column", name, other.obs.columns))
    codes, names = categorical_codes(other.obs[name])
    return recode(codes, names, bundle.classes)


def top_genes_of_file(
    dataset: Dataset, bundle: Bundle, other: Dataset, request: RobustnessRequest, job: JobHandle
) -> ask.TopGenes:
    """Explain another file's cells by the first net, against the baseline of the model's own ``dataset``.

    Raises
    ------
    NotCompatible
        The file lacks a gene of the model.
    """
    truth = _truth(other, bundle)
    rng = np.random.default_rng([request.seed, 0x70B])
    inputs_cg = input_table(other, bundle.folds[0])
    found: ask.TopGenes = {}
    for code, name in enumerate(bundle.classes):
        cells = np.flatnonzero(truth == code)
        if not len(cells):
            continue
        picked = np.sort(rng.permutation(cells)[: request.cells_per_class]).astype(np.int32)
        asked = ExplainRequest(request.method, f"class:{name}", evidence=False)
        plan = make_plan(dataset, bundle, asked)
        nowhere = np.zeros(other.n_cells, bool)
        plan = replace(
            plan,
            dataset=other,
            training=replace(plan.training, inputs_cg=inputs_cg, codes=truth, trained=nowhere, size=None),
            baseline=replace(plan.baseline, of_cell=np.zeros(other.n_cells, np.int32)),
            cells=picked,
        )
        net_c, seen = np.zeros(len(picked), np.int32), np.zeros(len(picked), bool)
        one = explain_nets(plan, bundle.folds, net_c, seen, job)
        found[name] = frozenset(gene for gene, _ in one.top(ask.n_top(bundle, request)))
    return found
