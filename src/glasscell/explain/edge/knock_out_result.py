"""Knock-outs beside predictions: the result and its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

#: Ways of foretelling an arm: the network, rank correlation, ridge regression, a forest (without sign).
ARM_WAYS = ("network", "spearman", "lines", "forest")
TITLES = {"network": "the network", "spearman": "Spearman", "lines": "straight lines", "forest": "the forest"}


@dataclass(frozen=True)
class KnockOutArm:
    """One arm and what each way foretold of it.

    Parameters
    ----------
    arm, regulator, n_cells
        Name, gene that was knocked out (or raised), and cells looked at.
    step
        How far the regulator's own level moved, in standard deviations.
    changed, n_genes
        Genes that changed, of how many others.
    auprc
        Area under precision and recall of the changed genes by the size of the foretold shift, by way.
    rank
        Rank correlation of foretold and measured shifts over genes, by way; NaN for the forest.
    """

    arm: str
    regulator: str
    n_cells: int
    step: float
    changed: int
    n_genes: int
    auprc: Mapping[str, float]
    rank: Mapping[str, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class KnockOuts:
    """Every single knock-out of a dataset beside what is foretold of it.

    Parameters
    ----------
    arms
        One per knock-out.
    control, steps
        Name of the control, and rounds of propagation.
    seen
        Cells of the arms that the model was trained on, or that stopped its training.
    model
        Id of the bundle.
    """

    arms: tuple[KnockOutArm, ...]
    control: str
    steps: int
    seen: int
    model: str

    def auprc(self, way: str) -> float:
        """Average over arms in which some genes changed and others did not; NaN without any."""
        return _mean([arm.auprc[way] for arm in self.arms])

    def rank(self, way: str) -> float:
        """Average the rank correlation over arms; NaN for the forest, which has no sign."""
        return _mean([arm.rank[way] for arm in self.arms])

    @property
    def chance(self) -> float:
        """Mean share of changed genes: what a draw would reach as area."""
        return _mean([arm.changed / arm.n_genes for arm in self.arms if np.isfinite(arm.auprc["network"])])

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences a reader must see, who wins among them."""
        areas = {way: self.auprc(way) for way in ARM_WAYS}
        ranks = {way: self.rank(way) for way in ARM_WAYS if way != "forest"}
        said = [
            f"Changed genes of {len(self.arms)} arms, mean area under precision and recall: {_words(areas)}, "
            f"chance {self.chance:.2f}. {_winner(areas)}",
            f"Rank correlation of foretold and measured shifts: {_words(ranks)}. {_winner(ranks)}",
        ]
        if self.seen:
            said.append(
                f"{self.seen:,} cells of the arms were among those of the training: train on control cells "
                "alone for a check of its own."
            )
        return tuple(said)

    def table(self) -> pd.DataFrame:
        """One row per arm: ``arm, regulator, cells, step, changed, genes``, then areas and correlations."""
        import pandas as pd

        rows = [
            {
                "arm": arm.arm,
                "regulator": arm.regulator,
                "cells": arm.n_cells,
                "step": arm.step,
                "changed": arm.changed,
                "genes": arm.n_genes,
                **{f"auprc {way}": arm.auprc[way] for way in ARM_WAYS},
                **{f"rank {way}": arm.rank[way] for way in ARM_WAYS if way != "forest"},
            }
            for arm in self.arms
        ]
        return pd.DataFrame(rows)


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _words(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{TITLES[way]} {value:.2f}" for way, value in figures.items())


def _winner(figures: Mapping[str, float]) -> str:
    """Say plainly who wins; ties within a hundredth are ties."""
    known = {way: value for way, value in figures.items() if np.isfinite(value)}
    if not known:
        return "No arm can be judged."
    best = max(known, key=lambda way: known[way])
    rest = {way: value for way, value in known.items() if known[best] - value <= 0.01}
    names = " and ".join(TITLES[way] for way in known if way in rest)
    return f"{names[0].upper()}{names[1:]} {'wins' if len(rest) == 1 else 'tie'}."
