"""What the attribution view shows, as rows: rankings with their evidence, a cell's genes, choices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.session.cells import class_mask
from glasscell.views.row import CellGeneRow, MethodRow, RankingRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.check import Check
    from glasscell.explain.evidence import Ranking
    from glasscell.explain.result import Explanation
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

N_RANKED = 50
N_OF_CELL = 10
#: Which cells can be explained, as (key, words).
CELLS = (("class", "cells of the class"), ("selection", "selected cells"), ("all", "all cells"))


def rank_genes(
    explanation: Explanation,
    bundle: Bundle,
    dataset: Dataset,
    selected: NDArray[np.bool_] | None,
    job: JobHandle,
) -> tuple[Ranking, tuple[Check, ...], str]:
    """Rank genes over the selected cells, or over those of the explained class, and judge the ranking."""
    from glasscell.explain.channel import training_note
    from glasscell.explain.check import checks
    from glasscell.explain.evidence import ranking

    job.report(None, "ranking")
    if selected is not None and not selected.any():
        raise DataError(
            "The selection holds no cells. Select some, or clear it to rank over the explained class."
        )
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


def cell_genes(explanation: Explanation, dataset: Dataset, cell: int) -> tuple[str, tuple[CellGeneRow, ...]]:
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
    """List the baselines, the default first; a model without classes has no other ones to compare with."""
    from glasscell.explain.baseline import BASELINES

    classes = () if bundle is None else bundle.classes
    named = [name for name, _ in BASELINES if not name.startswith("class:")]
    if bundle is not None and not classes:
        named.remove("other_classes")
    return (*named, *(f"class:{name}" for name in classes))
