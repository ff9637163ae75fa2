"""From a traversal to what its view shows: pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.column import categorical_codes, is_continuous
from glasscell.explain.gene_set import CAUTION, overlap
from glasscell.explain.traversal.result import BEYOND
from glasscell.views.traversal_view import (
    FactorPicture,
    FactorRow,
    GatePicture,
    StepPicture,
    SweepPicture,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.explain.gene_set import GeneSet, SetOverlap
    from glasscell.explain.traversal import Traversal

N_BINS, N_TESTED = 48, 100
N_GENES, N_SETS, N_SPECIFIC = 8, 6, 8
VANISHED_NOTE = "carries nothing: it never leaves 0 by more than 0.5"
NOT_MEASURED = "Stability over seeds is not measured for this model."
#: Nearest cells this many times further off than a starting cell from its middle are called far.
FAR = 2.0
#: Columns that say what cells are, the one to summarise neighbours by first.
_LABEL_WORDS = (
    "cell_type",
    "celltype",
    "label",
    "layer",
    "domain",
    "annotation",
    "louvain",
    "leiden",
    "cluster",
)


def sweep_picture(found: Traversal) -> SweepPicture:
    """Lay out one slider per factor; pathways come with the largest effect first, numbers in order."""
    rows = [_factor_row(found, row) for row in range(len(found.factors))]
    if found.named:
        reach_k = np.abs(found.change_ksg).sum(axis=2).max(axis=1)
        rows = [rows[int(k)] for k in np.argsort(-reach_k, kind="stable")]
    few = "" if found.n_drawn == len(found.start) else f" ({found.n_drawn} of them decoded)"
    title = (
        f"{len(rows)} factors of {found.model} from {len(found.start):,} {found.observations}: "
        f"{found.start_name}{few}. Expression here is decoded, not measured."
    )
    return SweepPicture(tuple(rows), title, found.named, found.genes)


def _factor_row(found: Traversal, row: int) -> FactorRow:
    factor = found.factors[row]
    values_c = found.latent_cz[:, factor]
    least, most = float(found.values_ks[row, 0]), float(found.values_ks[row, -1])
    counts, _ = np.histogram(values_c, N_BINS, (least, most if most > least else least + 1))
    sd = float(values_c.std())
    start = float(found.start_k[row])
    return FactorRow(
        factor=factor,
        title=found.title(factor),
        bars_h=counts / max(counts.max(), 1),
        values_s=found.values_ks[row],
        low=float(found.low_k[row]),
        high=float(found.high_k[row]),
        start=start,
        step=int(found.middle_k[row]),
        activity=(start - float(values_c.mean())) / sd if sd > 0 else 0.0,
        note=VANISHED_NOTE if found.is_vanished(factor) else "",
    )


def step_picture(
    found: Traversal, factor: int, step: int, dataset: Dataset | None = None, sets: Sequence[GeneSet] = ()
) -> StepPicture:
    """Say what a factor does at a step: genes, gene sets, and the nearest real cells."""
    row = found.row(factor)
    observed = found.is_observed(factor, step)
    up, down = found.top(factor, step, N_GENES)
    seen = (found.values_ks[row] >= found.low_k[row]) & (found.values_ks[row] <= found.high_k[row])
    title = f"{found.title(factor)} = {found.values_ks[row, step]:.3g} (start {found.start_k[row]:.3g})"
    return StepPicture(
        title=title if observed else f"{title}, {BEYOND}",
        observed=observed,
        up=tuple(up),
        down=tuple(down),
        limit=float(np.abs(found.change_ksg[row, seen]).max(initial=0.0)) or 1.0,
        unit=found.unit,
        near=near_words(found, factor, step, dataset),
        sets=tuple(found.set_changes(sets, factor, step)[:N_SETS]) if sets else (),
    )


def near_words(found: Traversal, factor: int, step: int, dataset: Dataset | None) -> str:
    """Say which real cells are nearest to a step and how near they are."""
    row = found.row(factor)
    cells, distance = found.nearest.cells_ksm[row, step], float(found.nearest.distance_ks[row, step])
    times = distance / found.nearest.typical if found.nearest.typical > 0 else float("inf")
    far = "" if times < FAR else ": no real cell is near"
    words = f"Nearest {len(cells)} real {found.observations}, {times:.1f} x a usual distance away{far}"
    column = None if dataset is None else _label_column(dataset)
    if dataset is None or column is None:
        return f"{words}."
    codes, names = categorical_codes(dataset.obs[column])
    counts = np.bincount(codes[cells] + 1, minlength=len(names) + 1)[1:]
    most = [f"{names[k]} {counts[k]}" for k in np.argsort(-counts, kind="stable")[:3] if counts[k]]
    return f"{words}. {column}: {', '.join(most)}." if most else f"{words}."


def factor_picture(found: Traversal, factor: int, stability: str = "") -> FactorPicture:
    """Say what is known of a factor."""
    return FactorPicture(
        title=found.title(factor),
        specific_up=tuple(found.specific(factor, "up", N_SPECIFIC)),
        specific_down=tuple(found.specific(factor, "down", N_SPECIFIC)),
        links=found.links[found.row(factor)],
        stability=stability or NOT_MEASURED,
    )


def strongest_gene(found: Traversal, factor: int) -> str:
    """Return the gene whose mean change over the observed range is largest."""
    row = found.row(factor)
    seen = (found.values_ks[row] >= found.low_k[row]) & (found.values_ks[row] <= found.high_k[row])
    return found.genes[int(np.abs(found.change_ksg[row, seen]).max(axis=0).argmax())]


def tested_sets(found: Traversal, factor: int, sets: Sequence[GeneSet]) -> tuple[tuple[SetOverlap, ...], str]:
    """Test which sets the genes that a factor moves most over its observed range fall into."""
    row = found.row(factor)
    low, high = (found.step_of(factor, end[row]) for end in (found.low_k, found.high_k))
    change_g = np.abs(found.change_ksg[row, high] - found.change_ksg[row, low])
    most = [found.genes[int(g)] for g in np.argsort(-change_g, kind="stable")[:N_TESTED]]
    return overlap(most, found.genes, sets), f"Of the {len(most)} genes it moves most. {CAUTION}"


def gate_picture(net: Any) -> GatePicture | None:
    """Read the gates and shifts of a model that has them: perturbations by factors."""
    parts = net.parts() if hasattr(net, "parts") else {}
    gates_az = parts.get("gates")
    if gates_az is None:
        return None
    gates_az = np.asarray(gates_az, np.float64)
    actions = tuple(map(str, getattr(net, "actions", ()) or range(gates_az.shape[0])))
    names = tuple(map(str, getattr(net, "latent_names", ()) or range(gates_az.shape[1])))
    if gates_az.shape != (len(actions), len(names)):
        return None
    effects_az = np.asarray(parts.get("effects", ()), np.float64)
    known = effects_az.shape == gates_az.shape
    return GatePicture(actions, names, gates_az, effects_az if known else None)


def _label_column(dataset: Dataset) -> str | None:
    """Choose the column that says best what cells are."""
    columns = [str(c) for c in dataset.obs.columns if not is_continuous(dataset.obs[c])]
    some = [c for c in columns if 2 <= len(categorical_codes(dataset.obs[c])[1]) <= 60]
    for word in _LABEL_WORDS:
        for column in some:
            if word in column.casefold():
                return column
    return some[0] if some else None
