"""Single molecules as points: read with bounded memory, thinned at random, the number said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.tissue import Extent

if TYPE_CHECKING:
    from glasscell.data.affine import Affine
    from glasscell.data.tissue import Pair

#: More points than this are not drawn.
DRAWN_POINTS = 50_000
GENE_COLUMNS = ("feature_name", "gene", "target", "target_name", "gene_name", "feature", "genes")


@dataclass(frozen=True, eq=False)
class TissuePoints:
    """Points of a section, such as transcripts: all of them, or a random part.

    Parameters
    ----------
    name
        Their name in the file.
    positions_pd
        (x, y) of each point that is drawn, float64 of shape ``(n_points, 2)``.
    total
        How many there are in the file.
    codes
        Index into ``genes`` of each point, -1 for none; int32 of shape ``(n_points,)``.
    genes
        Names.
    z_p
        Height of each point, float64; None in a flat file.
    """

    name: str
    positions_pd: npt.NDArray[np.float64]
    total: int
    codes: npt.NDArray[np.int32]
    genes: tuple[str, ...] = ()
    z_p: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.positions_pd)

    @property
    def extent(self) -> Extent | None:
        """World rectangle of the points; None when there are none."""
        return Extent.of_points(self.positions_pd)

    def told(self, drawn: int | None = None) -> str:
        """Say how many of them are drawn, such as ``showing 50,000 of 213,191 transcripts``."""
        drawn = len(self) if drawn is None else drawn
        return f"showing {drawn:,} of {self.total:,} {'transcripts' if self.genes else 'points'}"

    def of_gene(self, gene: str) -> npt.NDArray[np.bool_]:
        """Tell which points are of a gene, bool of shape ``(n_points,)``."""
        return np.asarray(self.codes == (self.genes.index(gene) if gene in self.genes else -2))

    def gene_names(self) -> npt.NDArray[np.object_]:
        """Name of each point's gene, empty text for none, shape ``(n_points,)``."""
        return np.array([*self.genes, ""], dtype=object)[self.codes]

    def shifted(self, offset: Pair) -> TissuePoints:
        """Move the points by (dx, dy)."""
        return replace(self, positions_pd=self.positions_pd + np.asarray(offset, np.float64))

    def transformed(self, affine: Affine) -> TissuePoints:
        """Move the points by a 3 x 3 map of (x, y)."""
        return replace(self, positions_pd=self.positions_pd @ affine[:2, :2].T + affine[:2, 2])


def thin(total: int, wanted: int = DRAWN_POINTS, seed: int = 0) -> npt.NDArray[np.int64]:
    """Choose which of ``total`` points to draw: all, or a random ``wanted`` of them, in their order."""
    if total <= wanted:
        return np.arange(total, dtype=np.int64)
    return np.sort(np.random.default_rng(seed).choice(total, wanted, replace=False)).astype(np.int64)


def read_points(element: Any, name: str, wanted: int = DRAWN_POINTS, seed: int = 0) -> TissuePoints:
    """Read a part of a lazy table of points, one partition at a time.

    Parameters
    ----------
    element
        Dask table with columns x and y, perhaps z and one that names the gene.
    name
        Its name in the file.
    wanted
        At most this many points are kept.
    seed
        The same seed keeps the same points.
    """
    import pandas as pd

    key = gene_column(element)
    columns = [column for column in ("x", "y", "z", key) if column is not None and column in element.columns]
    lengths = np.asarray(element.map_partitions(len).compute(), dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    chosen = thin(int(starts[-1]), wanted, seed)
    kept = []
    for part in range(len(lengths)):
        rows = chosen[(chosen >= starts[part]) & (chosen < starts[part + 1])] - starts[part]
        if len(rows):
            kept.append(
                element[columns].get_partition(part).compute().iloc[rows].astype({key: str} if key else {})
            )
    table = pd.concat(kept) if kept else pd.DataFrame({column: [] for column in columns})
    named = pd.Categorical(table[key]) if key is not None and len(table) else pd.Categorical([])
    codes = np.asarray(named.codes, np.int32) if len(named) else np.full(len(table), -1, np.int32)
    return TissuePoints(
        name,
        table[["x", "y"]].to_numpy(dtype=np.float64),
        int(starts[-1]),
        codes,
        tuple(str(gene) for gene in named.categories),
        table["z"].to_numpy(dtype=np.float64) if "z" in columns else None,
    )


def gene_column(element: Any) -> str | None:
    """Name the column of a table of points that holds the gene: what the file says, else a usual name."""
    said = getattr(element, "attrs", {}).get("spatialdata_attrs", {})
    key = said.get("feature_key") if isinstance(said, dict) else None
    if key in element.columns:
        return str(key)
    return next((name for name in GENE_COLUMNS if name in element.columns), None)


def gene_names(element: Any) -> list[str]:
    """List every gene a table of points names, in natural order; one without a name is left out."""
    from glasscell.data.section import natural_key

    key = gene_column(element)
    if key is None:
        return []
    column = element[key]
    dtype = column.dtype
    known = getattr(dtype, "categories", None) if getattr(column, "cat", None) is not None else None
    if known is None or not getattr(column.cat, "known", False):
        known = column.dropna().unique().compute()
    return sorted({str(name) for name in known if str(name)}, key=natural_key)
