"""A table of cells by genes: its names and sizes, and what one row of it is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from glasscell.data.genes import gene_choices, make_unique, read_genes
from glasscell.data.observation import KINDS, checked, find_embeddings, find_observation, find_platform
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from anndata import AnnData

    from glasscell.data.genes import GeneTable


class Table:
    """The part of a dataset that is told from its table alone; nothing in the table is changed.

    Parameters
    ----------
    adata
        The table, in memory or backed.
    observation
        ``"cell"``, ``"spot"`` or ``"bin"``; found out when None.
    genes
        ``"symbols"`` or ``"ids"``: what genes are called by; found out when None.
    may_be_empty
        There may be no cells, because there are points to look at.

    Raises
    ------
    DataError
        The table is empty, or the observation is none of these.
    """

    def __init__(
        self,
        adata: AnnData,
        observation: str | None = None,
        *,
        genes: str | None = None,
        may_be_empty: bool = False,
    ) -> None:
        if not hasattr(adata, "obs") or not hasattr(adata, "var"):
            raise DataError(f"A Dataset is made from an AnnData, not from {type(adata).__name__}.")
        if (adata.n_obs == 0 or adata.n_vars == 0) and not may_be_empty:
            raise DataError(f"The table holds {adata.n_obs:,} cells and {adata.n_vars:,} genes: it is empty.")
        self._adata = adata
        self._said_genes = genes
        if genes is not None:
            read_genes(adata.var, genes)  # refuse what cannot be now, not when somebody first asks
        self._said_observation = (
            observation if observation is None else checked(observation, KINDS, "observation")
        )

    @property
    def adata(self) -> AnnData:
        """The AnnData behind this view; treat it as read-only."""
        return self._adata

    @property
    def n_cells(self) -> int:
        """Number of rows."""
        return int(self._adata.n_obs)

    @property
    def n_genes(self) -> int:
        """Number of columns."""
        return int(self._adata.n_vars)

    @property
    def obs(self) -> pd.DataFrame:
        """Table of cells; treat it as read-only."""
        obs: pd.DataFrame = self._adata.obs
        return obs

    @cached_property
    def cell_names(self) -> npt.NDArray[np.str_]:
        """Unique names of cells, repeated ones numbered, shape ``(n_cells,)``."""
        return make_unique([str(name) for name in self._adata.obs_names.tolist()])[0]

    @cached_property
    def genes(self) -> GeneTable:
        """Names, symbols and identifiers of genes."""
        return read_genes(self._adata.var, self._said_genes)

    @cached_property
    def gene_choices(self) -> tuple[str, ...]:
        """What genes can be called by: ``symbols``, ``ids`` or both."""
        return gene_choices(self._adata.var)

    @property
    def named_by(self) -> str:
        """What genes are called by now: ``symbols`` or ``ids``."""
        choices = self.gene_choices
        return self._said_genes or ("ids" if choices == ("ids",) else "symbols")

    @cached_property
    def observation(self) -> str:
        """What one row is: ``"cell"``, ``"spot"`` or ``"bin"``."""
        return self._said_observation or find_observation(self._adata)

    @property
    def observations(self) -> str:
        """The word for several rows: cells, spots or bins."""
        return f"{self.observation}s"

    @cached_property
    def platform(self) -> str:
        """``"Visium"`` where that is certain, else empty."""
        return find_platform(self._adata, self.observation)

    @cached_property
    def embeddings(self) -> Mapping[str, npt.NDArray[Any]]:
        """Low-dimensional coordinates by obsm key, the one to show first."""
        return find_embeddings(self._adata)

    def editable(self) -> AnnData:
        """Return an AnnData whose tables and keys can be changed freely while this one stays as it is.

        Large arrays are shared: replace them, never write into them.
        """
        from anndata import AnnData

        source = self._adata.to_memory() if self._adata.isbacked else self._adata
        raw = source.raw
        return AnnData(
            X=source.X,
            obs=source.obs.copy(),
            var=source.var.copy(),
            uns=dict(source.uns),
            obsm=dict(source.obsm),
            varm=dict(source.varm),
            layers=dict(source.layers),
            obsp=dict(source.obsp),
            varp=dict(source.varp),
            raw=None if raw is None else {"X": raw.X, "var": raw.var, "varm": dict(raw.varm)},
        )
