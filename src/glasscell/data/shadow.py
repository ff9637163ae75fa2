"""A second AnnData over the same expression, to write results into without touching the first."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from anndata import AnnData

    from glasscell.data.dataset import Dataset

STEP = "prepare"


class Shadow:
    """A shallow copy that shares matrices with its original and owns its tables.

    What the file brought under a name that is written here is kept under ``<name>_stored``; what an earlier
    preparation wrote is replaced.

    Parameters
    ----------
    dataset
        The original; it is not changed.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.adata = shallow_copy(dataset.adata)
        said = dict(self.adata.uns.get("glasscell", {}))
        earlier = said.get(STEP, {}).get("written", ())
        self._ours = {str(name) for name in earlier}
        self._written: list[str] = []

    def set_obs(self, key: str, values: Any) -> None:
        """Write a column of cells."""
        self._set_aside("obs", self.adata.obs, key)
        self.adata.obs[key] = values

    def set_var(self, key: str, values: Any) -> None:
        """Write a column of genes."""
        self._set_aside("var", self.adata.var, key)
        self.adata.var[key] = values

    def set_obsm(self, key: str, values: npt.NDArray[Any]) -> None:
        """Write coordinates of cells, shape ``(n_cells, n)``."""
        self._set_aside("obsm", self.adata.obsm, key)
        self.adata.obsm[key] = values

    def set_obsp(self, key: str, values: Any) -> None:
        """Write a sparse matrix of cells by cells."""
        self._set_aside("obsp", self.adata.obsp, key)
        self.adata.obsp[key] = values

    def finish(self, provenance: Mapping[str, Any]) -> Dataset:
        """Note what was done and return the new dataset."""
        said = dict(self.adata.uns.get("glasscell", {}))
        said[STEP] = {**provenance, "written": self._written}
        self.adata.uns["glasscell"] = said
        return self._dataset.with_adata(self.adata)

    def _set_aside(self, table: str, where: Any, key: str) -> None:
        name = f"{table}/{key}"
        if key in where and name not in self._ours:
            where[f"{key}_stored"] = where[key]
            colours = self.adata.uns.get(f"{key}_colors")
            if table == "obs" and colours is not None:
                self.adata.uns[f"{key}_stored_colors"] = colours
        if table == "obs":
            self.adata.uns.pop(f"{key}_colors", None)
        self._written.append(name)


def shallow_copy(adata: AnnData) -> AnnData:
    """Return a new AnnData that shares X, layers and raw with `adata`, and whose tables can be written to."""
    import anndata as ad

    if adata.isbacked:
        adata = adata.to_memory()
    raw = None
    if adata.raw is not None:
        raw = {"X": adata.raw.X, "var": adata.raw.var, "varm": dict(adata.raw.varm)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*names are not unique.*", category=UserWarning)
        return ad.AnnData(
            X=adata.X,
            obs=adata.obs.copy(),
            var=adata.var.copy(),
            uns=dict(adata.uns),
            obsm=dict(adata.obsm),
            varm=dict(adata.varm),
            layers=dict(adata.layers),
            obsp=dict(adata.obsp),
            varp=dict(adata.varp),
            raw=raw,
        )
