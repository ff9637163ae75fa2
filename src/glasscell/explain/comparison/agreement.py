"""How far models give the same reasons for the same cells, and those reasons cell by cell."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.rank import rank_correlation
from glasscell.explain.comparison.result import ReasonAgreement, ReasonMaps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.explain.result import Explanation

MEAN_DIFFERENCE = "mean difference"
#: So many genes of each model, by mean attribution, are kept cell by cell.
N_LEADING = 20


def rank_agreements(explained: Mapping[str, Sequence[Explanation]]) -> list[ReasonAgreement]:
    """Correlate mean attributions by rank over the genes two explanations share.

    Two rankings agree also because they look at the same data: the row with the plain mean difference says
    how much of an agreement needs no model at all.

    Parameters
    ----------
    explained
        Explanations of the same target and cells by model, one per seed.

    Returns
    -------
    Each model with itself over all pairs of seeds, all pairs of models seed by seed, each with the mean
    difference where the target is a class.
    """
    found = []
    for name, results in explained.items():
        pairs = tuple(_correlation(a, b) for a, b in combinations(map(_means, results), 2))
        if pairs:
            found.append(ReasonAgreement(name, name, pairs))
    for first, second in combinations(explained, 2):
        pairs = tuple(
            _correlation(_means(a), _means(b))
            for a, b in zip(explained[first], explained[second], strict=False)
        )
        found.append(ReasonAgreement(first, second, pairs))
    for name, results in explained.items():
        plain = tuple(
            _correlation(_means(one), dict(zip(one.genes, one.mean_difference_g, strict=True)))
            for one in results
            if one.mean_difference_g is not None
        )
        if plain:
            found.append(ReasonAgreement(name, MEAN_DIFFERENCE, plain))
    return found


def reason_maps(explained: Mapping[str, Sequence[Explanation]]) -> dict[str, ReasonMaps]:
    """Keep, of every model, the maps of the genes that lead in any model, mean over seeds."""
    leading = dict.fromkeys(gene for results in explained.values() for gene in _leading(results))
    found = {}
    for name, results in explained.items():
        genes = tuple(gene for gene in leading if gene in results[0].genes)
        cells = np.asarray(results[0].cells, np.int32)
        values_gc = np.zeros((len(genes), len(cells)), np.float32)
        for at, gene in enumerate(genes):
            values_gc[at] = np.mean([np.asarray(one.gene(gene))[cells] for one in results], axis=0)
        found[name] = ReasonMaps(genes, cells, values_gc, results[0].unit)
    return found


def _leading(results: Sequence[Explanation]) -> list[str]:
    """Name the genes of the largest mean attribution of one model, over seeds."""
    mean_g = np.mean([np.asarray(one.mean()) for one in results], axis=0)
    return [results[0].genes[int(g)] for g in np.argsort(-np.abs(mean_g), kind="stable")[:N_LEADING]]


def _means(result: Explanation) -> dict[str, float]:
    return dict(zip(result.genes, map(float, result.mean()), strict=True))


def _correlation(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    shared = [gene for gene in first if gene in second]
    a, b = ([values[gene] for gene in shared] for values in (first, second))
    return rank_correlation(a, b)
