"""How far models give the same reasons for the same cells."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from scipy.stats import spearmanr

from glasscell.explain.comparison.result import Agreement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.explain.result import Explanation

MEAN_DIFFERENCE = "mean difference"


def rank_agreements(explained: Mapping[str, Sequence[Explanation]]) -> list[Agreement]:
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
            found.append(Agreement(name, name, pairs))
    for first, second in combinations(explained, 2):
        pairs = tuple(
            _correlation(_means(a), _means(b))
            for a, b in zip(explained[first], explained[second], strict=False)
        )
        found.append(Agreement(first, second, pairs))
    for name, results in explained.items():
        plain = tuple(
            _correlation(_means(one), dict(zip(one.genes, one.mean_difference_g, strict=True)))
            for one in results
            if one.mean_difference_g is not None
        )
        if plain:
            found.append(Agreement(name, MEAN_DIFFERENCE, plain))
    return found


def _means(result: Explanation) -> dict[str, float]:
    return dict(zip(result.genes, map(float, result.mean()), strict=True))


def _correlation(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    shared = [gene for gene in first if gene in second]
    a, b = ([values[gene] for gene in shared] for values in (first, second))
    if len(shared) < 3 or len(set(a)) < 2 or len(set(b)) < 2:
        return float("nan")
    return float(spearmanr(a, b).statistic)
