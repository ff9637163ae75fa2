"""Edges held against knock-outs: what a network foretells of an arm, and what was measured in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from glasscell.data.control import USUAL, find_control
from glasscell.data.rank import rank_correlation
from glasscell.errors import DataError, NotCompatible
from glasscell.explain.edge.beside import TREES, forest_importance, rank_correlations
from glasscell.explain.edge.knock_out_result import ARM_WAYS, KnockOutArm, KnockOuts
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.batch import make_batch
from glasscell.models.grn.figure import straight_lines
from glasscell.models.grn.model import GrnModel
from glasscell.models.span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.models.bundle import Bundle

Floats = Any
#: Arms with fewer cells are left out; cells of each arm and of the control that are looked at, at most.
FEWEST_CELLS, MOST_CELLS, FOREST_CELLS = 10, 2000, 1000
#: A gene has changed in an arm when it passes at this false discovery rate (Welch's test, over genes) and its
#: mean moved by so many standard deviations.
LEAST_Q, LEAST_SHIFT = 0.05, 0.5
#: Rounds of propagation: edges of edges have acted by then; more change little.
STEPS = 4
_BLOCK = 512
_WORDS = {"ko", "kd", "oe", "del", "crispri", "crispra", *USUAL}


def knock_outs(
    dataset: Dataset,
    bundle: Bundle,
    action: Labels,
    control: str = "",
    *,
    steps: int = STEPS,
    trees: int = TREES,
    seed: int = 0,
    job: JobHandle = QUIET,
) -> KnockOuts:
    """Compare what a network foretells of each single knock-out with what was measured in its cells.

    The regulator is set to its mean level in the arm, in control cells, and the predictions of the other
    genes are read off, once or round after round. An arm whose name holds two regulators is left out.

    Parameters
    ----------
    dataset
        Control cells and arms; it need not be the data the model was trained on, and better is not.
    bundle
        Of the family ``grn``.
    action, control
        What was done to each cell, and which of the names is the control (empty: as it is usually called).
    steps
        Rounds in which predicted genes act on further ones; 1 reads direct effects only.
    trees, seed
        Of the forest, and of the choice of cells.

    Raises
    ------
    NotCompatible
        The model is of another family, or the data lack its genes.
    DataError
        No arm is a single known regulator, or control cells are too few.
    """
    net = bundle.folds[0]
    if not isinstance(net, GrnModel):
        raise NotCompatible(f"{net.info.title} has no edges between genes: train the family grn.")
    control = find_control(action.classes, control)
    arms = single_arms(action.classes, net.regulators)
    rng = np.random.default_rng([seed, 0x60])
    cells_of = {
        name: np.sort(rng.permutation(np.flatnonzero(action.codes == code))[:MOST_CELLS])
        for code, name in enumerate(action.classes)
    }
    arms = {arm: gene for arm, gene in arms.items() if arm != control and len(cells_of[arm]) >= FEWEST_CELLS}
    if not arms or len(cells_of[control]) < FEWEST_CELLS:
        raise DataError(
            f'No arm of "{action.name}" with {FEWEST_CELLS} cells is called after one regulator: '
            "choose the column of perturbations, or train with their genes as regulators."
        )
    job.report(0.0, "reading control cells")
    control_cg = _standard(net, dataset, cells_of[control])
    beside = _beside(net, control_cg, rng, seed, trees, Span(job, 0.0, 0.5))
    found = []
    for number, (arm, gene) in enumerate(arms.items()):
        job.report(0.5 + 0.5 * number / len(arms), arm)
        arm_cg = _standard(net, dataset, cells_of[arm])
        found.append(_compare(net, arm, gene, control_cg, arm_cg, beside, steps))
    used = np.concatenate([cells_of[arm] for arm in arms])
    first = np.zeros(len(used), np.int32)
    return KnockOuts(
        arms=tuple(found),
        control=control,
        steps=steps,
        seen=int(bundle.seen_in_training(dataset, used, first).sum()),
        model=bundle.id,
    )


def single_arms(names: Sequence[str], regulators: Sequence[str]) -> dict[str, str]:
    """Find the regulator each arm is called after, alone; arms of none or of two are left out.

    ``KO_GATA1``, ``GATA1+ctrl`` and ``GATA1`` are all GATA1; letter case is ignored.
    """
    known = {name.casefold(): name for name in regulators}
    found = {}
    for name in names:
        if name.casefold() in known:
            found[name] = known[name.casefold()]
            continue
        words = [word for word in re.split(r"[+_,;|/\s]+", name.casefold()) if word and word not in _WORDS]
        if len(words) == 1 and words[0] in known:
            found[name] = known[words[0]]
    return found


def propagate(
    net: GrnModel, standard_cg: torch.Tensor, source: int, level: float, steps: int
) -> torch.Tensor:
    """Return the mean shift of every used gene when one is set to a level, ``(n_used,)``.

    Each round adds to a cell's own values what the predictions have moved by since nothing was set.

    Parameters
    ----------
    standard_cg
        Cells, used genes in standard deviations, ``(n, n_used)``.
    source
        Place of the gene that is set among the used ones.
    level
        Where it is set to, in standard deviations from its mean.
    """
    network, total = net.network, torch.zeros(standard_cg.shape[1], dtype=standard_cg.dtype)
    with torch.no_grad():
        for part_cg in torch.split(standard_cg, _BLOCK):
            first_cg, moved_cg = network(part_cg), part_cg.clone()
            moved_cg[:, source] = level
            for _ in range(steps):
                moved_cg = part_cg + network(moved_cg) - first_cg
                moved_cg[:, source] = level
            total += (moved_cg - part_cg).sum(dim=0).cpu()
    return total / len(standard_cg)


def _standard(net: GrnModel, dataset: Dataset, cells: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(cells), _BLOCK):
        batch = make_batch(dataset, net, cells[start : start + _BLOCK])
        parts.append(net.network.standard(net.inputs(batch)).cpu().numpy())
    return np.concatenate(parts)


def _beside(
    net: GrnModel, control_cg: Floats, rng: np.random.Generator, seed: int, trees: int, job: JobHandle
) -> Mapping[str, Floats]:
    """Return what other ways say of each edge, from the control cells alone, ``(n_used, n_sources)`` each."""
    sources = net.network.sources.cpu().numpy()
    some = rng.permutation(len(control_cg))[:FOREST_CELLS]
    return {
        "spearman": np.nan_to_num(rank_correlations(control_cg, sources)),
        "lines": straight_lines(control_cg - control_cg.mean(axis=0), sources).T,
        "forest": np.nan_to_num(forest_importance(control_cg[some], sources, seed, job, trees)),
    }


def _compare(
    net: GrnModel,
    arm: str,
    gene: str,
    control_cg: Floats,
    arm_cg: Floats,
    beside: Mapping[str, Floats],
    steps: int,
) -> KnockOutArm:
    """Hold every way's prediction of one arm against what was measured in it."""
    source, at = net.place(gene, acting=True), net.place(gene)
    level = float(arm_cg[:, at].mean())
    others = np.arange(control_cg.shape[1]) != at
    shift_g = (arm_cg.mean(axis=0) - control_cg.mean(axis=0))[others]
    changed_g = changed(control_cg[:, others], arm_cg[:, others])
    values = torch.from_numpy(control_cg).to(net.device, net.dtype)
    said = {"network": propagate(net, values, at, level, steps).numpy()[others]}
    step = level - float(control_cg[:, at].mean())
    said |= {name: values_gr[others, source] * step for name, values_gr in beside.items()}
    auprc: dict[str, float] = {}
    rank: dict[str, float] = {}
    for name in ARM_WAYS:
        auprc[name] = average_precision(changed_g, np.abs(said[name]))
        going_together = np.nan_to_num(rank_correlation(said[name], shift_g))
        rank[name] = float("nan" if name == "forest" else going_together)
    return KnockOutArm(arm, gene, len(arm_cg), step, int(changed_g.sum()), len(shift_g), auprc, rank)


def changed(control_cg: Floats, arm_cg: Floats) -> NDArray[np.bool_]:
    """Tell which genes moved from control to arm: far enough, and by Welch's test over genes.

    Parameters
    ----------
    control_cg, arm_cg
        Cells of either, in standard deviations, ``(n, n_genes)``.

    References
    ----------
    Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    from scipy.stats import false_discovery_control
    from scipy.stats import t as student

    one, two = np.asarray(control_cg, np.float64), np.asarray(arm_cg, np.float64)
    share = [values.var(axis=0, ddof=1) / len(values) for values in (one, two)]
    error = np.maximum(share[0] + share[1], 1e-12)
    freedom = error**2 / np.maximum(share[0] ** 2 / (len(one) - 1) + share[1] ** 2 / (len(two) - 1), 1e-24)
    moved = np.abs(two.mean(axis=0) - one.mean(axis=0))
    q = false_discovery_control(2 * student.sf(moved / np.sqrt(error), freedom))
    return np.asarray((q < LEAST_Q) & (moved >= LEAST_SHIFT))


def average_precision(true_g: NDArray[np.bool_], score_g: Floats) -> float:
    """Return the area under precision and recall; NaN where all are true or none is."""
    from sklearn.metrics import average_precision_score

    if true_g.all() or not true_g.any():
        return float("nan")
    return float(average_precision_score(true_g, cast("Any", score_g)))
