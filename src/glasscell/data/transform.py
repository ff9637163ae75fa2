"""The expression an embedding is made from: counts, stored values, intensities, or counts per area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from glasscell.data.column import missing_name
from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

AREA_COLUMNS = ("volume", "cell_volume", "area", "cell_area", "cell_size")
# Values beyond this are intensities rather than something already on a log or unit scale.
_LARGEST_SCALED = 20.0


@dataclass(frozen=True, eq=False)
class Transformed:
    """Expression as an embedding takes it.

    Parameters
    ----------
    name
        What was done: "lognorm", "stored", "arcsinh_z" or "area".
    values_cg
        float32, CSR or dense, shape ``(n_cells, n_genes)``.
    notes
        Sentences on what was chosen.
    """

    name: str
    values_cg: Any
    notes: tuple[str, ...] = ()


def transform_expression(dataset: Dataset, name: str, cofactor: float, area_column: str) -> Transformed:
    """Return the expression under one of the transforms of `PrepareParams`.

    Parameters
    ----------
    dataset
        The dataset; it is not changed.
    name
        "auto", "lognorm", "stored", "arcsinh_z" or "area".
    cofactor
        Divisor before arcsinh.
    area_column
        obs column of areas or volumes; empty finds one by name.

    Raises
    ------
    DataError
        The transform does not fit the values.
    """
    notes: tuple[str, ...] = ()
    if name == "auto":
        name, note = _choose(dataset)
        notes = (note,)
    if name == "lognorm":
        if not dataset.is_counts:
            raise DataError(
                'There are no counts to normalise in this file; choose the expression "stored" or '
                '"arcsinh_z".'
            )
        return Transformed(name, dataset.expression_cg("lognorm"), notes)
    if name == "area":
        return Transformed(name, _per_area(dataset, area_column), notes)
    stored_cg = dataset.expression_cg("counts" if dataset.is_counts else "lognorm").toarray()
    if name == "arcsinh_z":
        stored_cg = np.arcsinh(stored_cg / np.float32(cofactor))
    return Transformed(name, unit_variance(stored_cg), notes)


def unit_variance(values_cg: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Centre each gene and scale it to unit variance; a constant gene becomes zero."""
    mean_g = values_cg.mean(axis=0, dtype=np.float64)
    spread_g = values_cg.std(axis=0, dtype=np.float64)
    spread_g[spread_g < 1e-8] = np.inf
    return np.asarray((values_cg - mean_g) / spread_g, dtype=np.float32)


def _choose(dataset: Dataset) -> tuple[str, str]:
    if dataset.is_counts:
        return "lognorm", "Counts were found: log1p of size-normalised counts."
    values = dataset.expression_cg("lognorm").data
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    if low < 0 or high <= _LARGEST_SCALED:
        return "stored", f"No counts; values from {low:.3g} to {high:.3g} were taken as scaled already."
    return "arcsinh_z", f"No counts; values up to {high:.3g} were taken as intensities."


def _per_area(dataset: Dataset, column: str) -> sparse.csr_matrix:
    by_name = {str(name).casefold(): str(name) for name in dataset.obs.columns}
    if column and column not in dataset.obs.columns:
        raise DataError(missing_name("obs column", column, dataset.obs.columns))
    found = column or next((by_name[name] for name in AREA_COLUMNS if name in by_name), "")
    if not found:
        raise DataError(
            "No obs column holds an area or a volume; name one as the area column, or choose another "
            "expression."
        )
    area_c = pd.to_numeric(dataset.obs[found], errors="coerce").to_numpy(np.float64)
    if not (area_c > 0).all():
        raise DataError(f'The obs column "{found}" has values that are not a positive area; choose another.')
    matrix = dataset.expression_cg("counts" if dataset.is_counts else "lognorm")
    if matrix.nnz and matrix.data.min() < 0:
        raise DataError(
            "Values below zero cannot be divided by an area and logged; choose another expression."
        )
    scaled = sparse.diags_array(np.median(area_c) / area_c) @ matrix
    return sparse.csr_matrix(scaled.log1p(), dtype=np.float32)
