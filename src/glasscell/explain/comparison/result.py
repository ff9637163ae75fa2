"""The result of a comparison: scores by seed, and how far explanations agree."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

Better = Literal["more", "less"]


@dataclass(frozen=True)
class Score:
    """One figure of one model over seeds. Figures of one section and metric mean the same and may be ranked.

    Parameters
    ----------
    section
        What was measured on which cells; likelihoods of different kinds stand in different sections.
    metric, better
        Name of the figure, and which way is good.
    model
        Family, or baseline.
    values
        One per seed; a baseline that no seed changes has one.
    baseline
        Whether it is one of the cheap rows.
    """

    section: str
    metric: str
    better: Better
    model: str
    values: tuple[float, ...]
    baseline: bool = False

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """Largest less smallest value; NaN of a single one."""
        return float(np.ptp(self.values)) if len(self.values) > 1 else float("nan")


@dataclass(frozen=True)
class ReasonAgreement:
    """Spearman correlation over genes of two rankings of the same cells; of one model, between its seeds."""

    first: str
    second: str
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over pairs."""
        return float(np.mean(self.values))


@dataclass(frozen=True, eq=False)
class ReasonMaps:
    """One model's attributions cell by cell, of the genes that lead in any of the models; mean over seeds.

    Parameters
    ----------
    genes
        Names.
    cells
        Which cells were explained, ``(n_explained,)`` int32.
    values_gc
        In units of the target, ``(n_genes, n_explained)`` float32.
    unit
        Of the values.
    """

    genes: tuple[str, ...]
    cells: NDArray[np.int32]
    values_gc: NDArray[np.float32]
    unit: str

    def gene(self, gene: str, n_cells: int) -> NDArray[np.float32]:
        """Return a gene's attribution over all cells, NaN where none was explained, ``(n_cells,)``.

        Raises
        ------
        DataError
            The gene is not among those kept.
        """
        if gene not in self.genes:
            raise DataError(f"No map of {gene} was kept: choose one of {', '.join(self.genes[:8])}, ...")
        values = np.full(n_cells, np.nan, np.float32)
        values[self.cells] = self.values_gc[self.genes.index(gene)]
        return values


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelComparison:
    """Models on the same cells, split and seeds.

    Parameters
    ----------
    models, seeds
        What was trained.
    scores
        Baselines after models within a section and metric.
    agreements
        Of every pair of explained models, of each with itself over seeds, and with the mean difference.
    target
        What was explained; empty where nothing was.
    labels, split
        Judge and folds in words.
    maps
        Of each model that sorts cells into classes the probability it gives to each cell's own label, by
        the net that held the cell out, mean over seeds, ``(n_cells,)`` float32; NaN without a label.
    calibrated
        Models whose probabilities are calibrated.
    classes, calls
        Names of the classes, and of each model the class it gives to each cell, ``(n_cells,)`` int32, -1 for
        none: the likeliest over seeds for a net that had not seen the cell, or, of models that learn without
        labels and of principal components, what most seeds' votes of the nearest cells of other folds say.
    reasons
        Of each explained model the maps of leading genes.
    notes
        Sentences a reader must see.
    fingerprints, data
        Of the trained bundles, and of the dataset.
    method
        Of the explanations.
    """

    models: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: tuple[Score, ...]
    agreements: tuple[ReasonAgreement, ...]
    target: str
    labels: str
    split: str
    maps: dict[str, NDArray[np.float32]]
    calibrated: tuple[str, ...]
    classes: tuple[str, ...]
    calls: dict[str, NDArray[np.int32]]
    reasons: dict[str, ReasonMaps]
    notes: tuple[str, ...]
    fingerprints: tuple[str, ...]
    data: str
    method: str = ""

    @property
    def id(self) -> str:
        """A short name that changes with the models, the data, and all that was asked of them."""
        asked = [self.models, self.seeds, self.labels, self.classes, self.split, self.target, self.method]
        digest = hashlib.sha256(json.dumps([self.fingerprints, self.data, asked]).encode())
        for name, calls in self.calls.items():  # groups drawn anew may have their old names
            digest.update(name.encode() + calls.tobytes())
        return f"comparison-{digest.hexdigest()[:12]}"

    @property
    def n_cells(self) -> int:
        """How many cells the maps are of; 0 without any."""
        return len(next(iter({**self.maps, **self.calls}.values()), ()))

    def sections(self) -> dict[tuple[str, str], tuple[Score, ...]]:
        """Return rows that may be ranked against each other, by section and metric."""
        found: dict[tuple[str, str], list[Score]] = {}
        for score in self.scores:
            found.setdefault((score.section, score.metric), []).append(score)
        return {key: tuple(rows) for key, rows in found.items()}

    def best(self, section: str, metric: str) -> str:
        """Name the row with the best mean, baselines included; empty where no row has a mean."""
        rows = [row for row in self.sections()[section, metric] if np.isfinite(row.mean)]
        sign = 1.0 if rows and rows[0].better == "more" else -1.0
        return max(rows, key=lambda row: sign * row.mean).model if rows else ""

    def difference(self, first: str, second: str) -> NDArray[np.float32]:
        """Return where one model believes a cell's own label more than another does, ``(n_cells,)``."""
        return np.asarray(self.maps[first] - self.maps[second], np.float32)

    def table(self) -> pd.DataFrame:
        """Return one row per figure, with a column per seed."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for score in self.scores:
            row = {"section": score.section, "metric": score.metric, "model": score.model}
            rows.append({**row, "baseline": score.baseline, **_numbers(score.values, score.mean, self.seeds)})
        for pair in self.agreements:
            name = f"{pair.first} and {pair.second}"
            row = {"section": f"explanations of {self.target}", "metric": "Spearman over genes"}
            rows.append({**row, "model": name, "baseline": False, "mean": pair.mean})
        return pd.DataFrame(rows)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; maps are left out."""
        return {
            "id": self.id,
            "models": list(self.models),
            "seeds": list(self.seeds),
            "labels": self.labels,
            "split": self.split,
            "target": self.target,
            "scores": [{**asdict(score), "mean": score.mean} for score in self.scores],
            "agreements": [{**asdict(pair), "mean": pair.mean} for pair in self.agreements],
            "notes": list(self.notes),
        }


def _numbers(values: Sequence[float], mean: float, seeds: Sequence[int]) -> dict[str, float]:
    numbers = {"mean": mean}
    if len(values) == len(seeds):
        numbers |= {f"seed {seed}": value for seed, value in zip(seeds, values, strict=True)}
    return numbers
