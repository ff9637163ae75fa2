"""The result of an explanation: one value per cell and gene, and where it comes from."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]


PARTS = ("own", "neighbours", "all")


class GeneValue(NamedTuple):
    """A gene and its mean attribution over a selection."""

    gene: str
    value: float


class Evidence(NamedTuple):
    """Mean attribution per gene, split by the sign of input - baseline; presence + absence = total."""

    total_g: Floats
    presence_g: Floats
    absence_g: Floats


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Everything needed to make an explanation again and to judge whether it is out of date."""

    method: str
    target: str
    baseline: str
    baseline_text: str
    params: Mapping[str, Any]
    nets: str
    seeds: tuple[int, ...]
    model: str
    data: str
    unit: str
    source: str
    route: str
    labels: str = ""

    def __post_init__(self) -> None:
        """Refuse a result that cannot say what it is of."""
        for name in ("method", "target", "baseline", "model", "data", "unit", "source"):
            if not getattr(self, name):
                raise DataError(f"An explanation needs its provenance: {name} is empty.")

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {**asdict(self), "params": dict(self.params), "seeds": list(self.seeds)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Provenance:
        """Rebuild what ``to_json`` gave."""
        return cls(**{**values, "seeds": tuple(values["seeds"])})


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation(ABC):
    """Values on the axes cells x genes, in units of the target, answering by gene, cell or selection.

    Parameters
    ----------
    provenance
        Method, target, baseline, settings, fingerprints.
    n_cells
        Cells in the dataset; answers over cells have this length, NaN where nothing was explained.
    cells
        Sorted indices of the explained cells, ``(n,)``.
    genes
        Names in the model's order, ``(n_genes,)``.
    fold_of_cell
        The net that explained each explained cell, ``(n,)``.
    in_training
        Whether that net saw the cell in training, ``(n,)``.
    diagnostics
        Named figures: ``completeness_gap``, ``reinitialised_correlation``, ...
    mean_difference_g
        Target class minus the rest in log-normalised expression, the plain comparison; None without classes.
    twin
        The same explanation of the net trained on permuted labels; None when there is none.
    """

    provenance: Provenance
    n_cells: int
    cells: Ints
    genes: tuple[str, ...]
    fold_of_cell: Ints
    in_training: Bools
    diagnostics: Mapping[str, float] = field(default_factory=dict)
    mean_difference_g: Floats | None = None
    twin: Explanation | None = None

    def __post_init__(self) -> None:
        """Refuse axes that do not fit each other."""
        n = len(self.cells)
        if len(self.fold_of_cell) != n or len(self.in_training) != n:
            raise DataError(f"Fold and training flag are needed for each of the {n} explained cells.")
        if n and (np.any(np.diff(self.cells) <= 0) or self.cells[0] < 0 or self.cells[-1] >= self.n_cells):
            raise DataError("Explained cells must be sorted, unique indices of the dataset's cells.")
        for values in (self.cells, self.fold_of_cell, self.in_training):
            values.setflags(write=False)

    @cached_property
    def id(self) -> str:
        """A short name that changes with anything the result depends on."""
        digest = hashlib.sha256(json.dumps(self.provenance.to_json(), sort_keys=True).encode())
        digest.update(np.ascontiguousarray(self.cells).tobytes())
        digest.update(np.ascontiguousarray(self.fold_of_cell).tobytes())
        return f"{self.method}-{digest.hexdigest()[:12]}"

    @property
    def method(self) -> str:
        """Id of the method."""
        return self.provenance.method

    @property
    def target(self) -> str:
        """What is explained, as text."""
        return self.provenance.target

    @property
    def baseline(self) -> str:
        """Name of the baseline."""
        return self.provenance.baseline

    @property
    def unit(self) -> str:
        """Unit of every value."""
        return self.provenance.unit

    @property
    def completeness_gap(self) -> float:
        """Gap as defined for methods whose values add up; NaN for the others."""
        return float(self.diagnostics.get("completeness_gap", np.nan))

    @cached_property
    def _gene_index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.genes)}

    @cached_property
    def _row_of_cell(self) -> Ints:
        rows = np.full(self.n_cells, -1, np.int32)
        rows[self.cells] = np.arange(len(self.cells), dtype=np.int32)
        return rows

    def gene_index(self, gene: str) -> int:
        """Return the place of a gene on the gene axis."""
        try:
            return self._gene_index[gene]
        except KeyError:
            raise DataError(
                f"The model was not trained on gene {gene!r}, so it has no attribution."
            ) from None

    def rows(self, mask: Bools | None = None) -> NDArray[np.intp]:
        """Return the rows of this result inside a mask over the dataset's cells, ``(n_cells,)``."""
        if mask is None:
            return np.arange(len(self.cells))
        mask = np.asarray(mask, bool)
        if mask.shape != (self.n_cells,):
            raise DataError(f"A selection of {self.n_cells} cells is needed; this one has {mask.size}.")
        return np.flatnonzero(mask[self.cells])

    def gene(self, gene: str) -> Floats:
        """Return the attribution to one gene, ``(n_cells,)``, NaN where a cell was not explained."""
        values = self._gene_rows(self.gene_index(gene))
        out = np.full(self.n_cells, np.nan, values.dtype)
        out[self.cells] = values
        return out

    def cell(self, index: int) -> Floats:
        """Return the attribution to every gene for one cell of the dataset, ``(n_genes,)``."""
        row = self._row_of_cell[index] if 0 <= index < self.n_cells else -1
        if row < 0:
            raise DataError(f"Cell {index} was not explained; explain a selection that contains it.")
        values_g: Floats = self.block(np.array([row]))[0]
        return values_g

    def mean(self, mask: Bools | None = None) -> Floats:
        """Return the mean attribution per gene over a selection, ``(n_genes,)``."""
        return self.evidence(mask).total_g

    def evidence(self, mask: Bools | None = None) -> Evidence:
        """Return the mean per gene, and its parts from genes above and below the baseline."""
        rows = self.rows(mask)
        if not len(rows):
            raise DataError("None of the selected cells was explained; choose others or explain these.")
        return self._evidence_rows(rows)

    def top(self, k: int, mask: Bools | None = None) -> tuple[GeneValue, ...]:
        """Return the k genes that raise the target most over a selection, largest mean first."""
        mean_g = self.mean(mask)
        return tuple(GeneValue(self.genes[g], float(mean_g[g])) for g in order(mean_g)[:k])

    def top_of_cell(self, index: int, k: int) -> tuple[GeneValue, ...]:
        """Return the k genes of largest attribution, by size of either sign, for one cell."""
        values_g = self.cell(index)
        return tuple(GeneValue(self.genes[g], float(values_g[g])) for g in order(np.abs(values_g))[:k])

    def part(self, which: str) -> Explanation:
        """Return what comes from the cells' own genes (``own``) or those of their ``neighbours``; or ``all``.

        Raises
        ------
        DataError
            The model looks at one cell at a time, or there is no such part.
        """
        if which not in PARTS:
            raise DataError(f"There is no part {which!r}; there are {', '.join(PARTS)}.")
        if which != "all":
            raise DataError("This model looks at one cell at a time, so its neighbours have no part.")
        return self

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Memory held, in bytes."""

    @abstractmethod
    def block(self, rows: Sequence[int] | NDArray[np.intp]) -> Floats:
        """Return dense attributions of a few rows of this result, ``(len(rows), n_genes)``."""

    @abstractmethod
    def row_sums(self) -> Floats:
        """Return the sum of each explained cell's attributions, ``(n,)``."""

    @abstractmethod
    def _gene_rows(self, index: int) -> Floats:
        """Return one gene's values for the explained cells."""

    @abstractmethod
    def _evidence_rows(self, rows: NDArray[np.intp]) -> Evidence:
        """Return means over rows, total and split by the sign of input - baseline."""


def order(values_g: Floats) -> NDArray[np.intp]:
    """Sort genes by falling value; ties keep the gene order, so a ranking is reproducible."""
    return np.argsort(-np.asarray(values_g), kind="stable")


def rank(values_g: Floats) -> Ints:
    """Return each gene's place when sorted by falling value, 1 for the largest."""
    ranks = np.empty(len(values_g), np.int32)
    ranks[order(values_g)] = np.arange(1, len(values_g) + 1, dtype=np.int32)
    return ranks
