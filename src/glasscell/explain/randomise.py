"""Does the map depend on what the net learnt? The same explanation of nets with random weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.explain.assemble import explain_nets

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from numpy.typing import NDArray

    from glasscell.explain.plan import Plan
    from glasscell.explain.result import Explanation, Floats
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.model import Model

SAMPLE_CELLS = 128
RANDOM_NETS = 3


def reinitialise(bundle: Bundle, model: Model, seed: int) -> Model:
    """Return the same network with freshly drawn weights; normalisation of inputs and layers is kept.

    The random state of the process is not touched.

    Raises
    ------
    NotCompatible
        The family is not known.
    """
    from glasscell.models.registry import family

    made = family(bundle.family)
    tensors = random_tensors(made.tensors(model), seed)
    return made.restore(
        made.describe(model),
        tensors,
        params=bundle.params,
        genes=tuple(model.genes),
        classes=tuple(bundle.classes),
    )


def random_tensors(tensors: Mapping[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """Draw every weight matrix and its bias anew, uniform within 1 / sqrt(inputs), as layers begin."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    drawn: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        matrix = tensors.get(name.removesuffix("bias") + "weight") if name.endswith("bias") else tensor
        if matrix is None or matrix.ndim < 2 or not len(matrix) or not tensor.is_floating_point():
            drawn[name] = tensor.clone()
            continue
        bound = float(matrix[0].numel()) ** -0.5
        values = (torch.rand(tensor.shape, generator=generator, dtype=torch.float64) * 2 - 1) * bound
        drawn[name] = values.to(tensor.device, tensor.dtype)
    return drawn


def reinitialised_correlation(plan: Plan, bundle: Bundle, result: Explanation, job: JobHandle) -> float:
    """Return the mean |signed rank correlation| between the map and those of random nets.

    Signed, because sizes alone share the factor |input - baseline| and correlate for any two nets. NaN when
    the model's family cannot be rebuilt.

    References
    ----------
    Adebayo et al. 2018, arXiv:1810.03292.
    """
    from glasscell.models.registry import FAMILIES

    if bundle.family not in FAMILIES:
        return float("nan")
    generator = np.random.default_rng(plan.seed)
    rows = np.sort(generator.permutation(len(plan.cells))[:SAMPLE_CELLS])
    sample = replace(plan, cells=plan.cells[rows])
    nobody, first = np.zeros(len(rows), bool), np.zeros(len(rows), np.int32)
    ours_cg = result.block(rows)
    found = []
    for turn in range(RANDOM_NETS):
        job.report(turn / RANDOM_NETS)
        net = reinitialise(bundle, bundle.folds[0], plan.seed * RANDOM_NETS + turn)
        theirs = explain_nets(sample, (net,), first, nobody, job)
        found.append(signed_rank_correlation(ours_cg, theirs.block(np.arange(len(rows)))))
    return float(np.mean(np.abs(found)))


def signed_rank_correlation(ours_cg: Floats, theirs_cg: Floats) -> float:
    """Return Spearman's correlation over genes, averaged over cells; cells without spread are left out."""
    ours, theirs = _centred_ranks(ours_cg), _centred_ranks(theirs_cg)
    size_c = np.sqrt((ours**2).sum(1) * (theirs**2).sum(1))
    good = size_c > 0
    if not good.any():
        return float("nan")
    return float(np.mean((ours * theirs).sum(1)[good] / size_c[good]))


def _centred_ranks(values_cg: Floats) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    ranks_cg = rankdata(values_cg, axis=1)
    return np.asarray(ranks_cg - ranks_cg.mean(axis=1, keepdims=True))
