"""Delete genes and ask the model again, to see whether a ranking names what the model relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.result import Floats
    from glasscell.models.capability.model import Model
    from glasscell.models.target import Target

BLOCK_NUMBERS = 4_000_000


def deletion_drop(
    dataset: Dataset,
    model: Model,
    target: Target,
    cells: NDArray[np.integer],
    gene_sets: Sequence[NDArray[np.integer]],
    baseline_g: Floats,
) -> NDArray[np.float64]:
    """Measure how far a target falls when genes are replaced by the baseline.

    A query of the model, not an attribution: it judges rankings by what happens.

    Parameters
    ----------
    cells
        Cells to change, best ones the model has not seen, ``(n,)``.
    gene_sets
        Sets of gene positions in the model's order; each is replaced on its own.
    baseline_g
        Replacement values in the model's input, ``(n_genes,)``.

    Returns
    -------
    Fall of the score per set and cell, ``(n_sets, n)``; positive when the target goes down.

    Raises
    ------
    DataError
        There are no cells.
    """
    import torch

    from glasscell.models.batch import make_batch

    if not len(cells):
        raise DataError("There are no cells to delete genes from; choose a class with held-out cells.")
    start_g = torch.as_tensor(np.asarray(baseline_g)).to(model.device, model.dtype)
    sets = [torch.as_tensor(np.asarray(genes, np.int64)).to(model.device) for genes in gene_sets]
    drop_sc = np.empty((len(sets), len(cells)))
    size = max(1, BLOCK_NUMBERS // max(1, len(model.genes)))
    for first in range(0, len(cells), size):
        batch = make_batch(dataset, model, cells[first : first + size])
        with torch.no_grad():
            whole_c = model.score(batch, target)
            for row, genes in enumerate(sets):
                changed = batch.expression.clone()
                changed[:, genes] = start_g[genes]
                fall_c = whole_c - model.score(batch.with_expression(changed), target)
                drop_sc[row, first : first + size] = fall_c.double().cpu().numpy()
    return drop_sc


def matched_genes(
    genes: NDArray[np.integer], expression_g: Floats, generator: np.random.Generator, width: int = 25
) -> NDArray[np.int64]:
    """Draw for each gene another one of about the same mean expression, none of them in the set itself.

    Parameters
    ----------
    genes
        The set to match, positions.
    expression_g
        Mean expression of every gene, ``(n_genes,)``.
    width
        How many places up and down the order of mean expression a match may come from.
    """
    by_mean = np.argsort(expression_g, kind="stable")
    place = np.empty(len(by_mean), np.int64)
    place[by_mean] = np.arange(len(by_mean))
    taken = set(np.asarray(genes).tolist())
    chosen: list[int] = []
    for gene in np.asarray(genes):
        near = by_mean[max(0, place[gene] - width) : place[gene] + width + 1]
        free = [int(other) for other in near if int(other) not in taken]
        if not free:
            raise DataError("There are too few genes of similar expression to compare with.")
        chosen.append(int(generator.choice(free)))
        taken.add(chosen[-1])
    return np.asarray(chosen, np.int64)
