"""Preparation: from a bare table to quality figures, variable genes, PCA, UMAP and clusters, as one job.

The expression itself is never replaced: models read it through the dataset, and the prepared one gains
columns and coordinates only, so what was trained before stays valid.
"""

from __future__ import annotations

import json
import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from glasscell.data.shadow import Shadow
from glasscell.data.transform import Transformed, transform_expression
from glasscell.errors import DataError
from glasscell.jobs import QUIET

if TYPE_CHECKING:
    from anndata import AnnData

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle

PANEL_SIZE = 1000
_LEAST_SECTION = 100
_ADVANCED: dict[str, Any] = {"advanced": True}


class PrepareParams(BaseModel):
    """Settings of `prepare`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transform: Literal["auto", "lognorm", "stored", "arcsinh_z", "area"] = Field(
        "auto",
        title="Expression",
        description="auto: log1p of size-normalised counts; without counts the values as stored, or arcsinh "
        "when they are raw intensities. area: divided by each cell's area or volume, then log1p. arcsinh_z "
        "and stored values are scaled to unit variance per gene.",
    )
    n_variable_genes: int = Field(
        2000,
        ge=10,
        le=50000,
        title="Variable genes",
        description="Panels under 1,000 genes keep all of theirs.",
    )
    n_components: int = Field(
        50, ge=2, le=500, title="Principal components", description="At most one fewer than cells or genes."
    )
    n_neighbors: int = Field(
        15, ge=2, le=200, title="Neighbours", description="Neighbours of each cell in the graph."
    )
    min_dist: float = Field(
        0.5,
        ge=0,
        le=1,
        title="UMAP spread",
        description="Smaller packs points closer.",
        json_schema_extra=_ADVANCED,
    )
    resolution: float = Field(
        1.0, gt=0, le=20, title="Leiden resolution", description="Higher gives more clusters."
    )
    cofactor: float = Field(
        5.0,
        gt=0,
        title="arcsinh cofactor",
        description="Intensities are divided by it before arcsinh.",
        json_schema_extra=_ADVANCED,
    )
    area_column: str = Field(
        "",
        title="Area column",
        description="The obs column with each cell's area or volume; empty finds it by name.",
        json_schema_extra=_ADVANCED,
    )
    seed: int = Field(
        0, ge=0, title="Seed", description="Same seed, same result.", json_schema_extra=_ADVANCED
    )


def prepare(dataset: Dataset, params: PrepareParams | None = None, job: JobHandle = QUIET) -> Dataset:
    """Work out quality figures, variable genes, PCA, neighbours, UMAP and Leiden clusters.

    Clusters and coordinates describe the data; p-values for genes between such clusters would be circular.

    Parameters
    ----------
    dataset
        Any dataset; it is not changed.
    params
        Settings; the defaults suit most files.
    job
        Told how far it is between the steps, where it can also be cancelled.

    Returns
    -------
    A new dataset of the same cells with obs `total_counts`, `n_genes_by_counts`, `pct_counts_mt` (counts
    only), `all_zero` and `leiden`; var `highly_variable`; obsm `X_pca` and `X_umap`; obsp `distances` and
    `connectivities`; and ``uns["glasscell"]["prepare"]``. Columns of those names that came with the file are
    kept as `..._stored`.

    Raises
    ------
    DataError
        Too few cells or genes, values that are not numbers, or a transform that does not fit the data.

    References
    ----------
    Wolf et al. 2018, doi:10.1186/s13059-017-1382-0 (scanpy); Stuart et al. 2019,
    doi:10.1016/j.cell.2019.05.031 (seurat_v3); McInnes et al. 2018, arXiv:1802.03426 (UMAP); Traag et al.
    2019, doi:10.1038/s41598-019-41695-z (Leiden).
    """
    params = params or PrepareParams()
    if dataset.n_cells < 4 or dataset.n_genes < 3:
        raise DataError(
            f"{dataset.n_cells} cells x {dataset.n_genes} genes are too few to prepare; it takes 4 cells "
            f"and 3 genes."
        )
    job.report(0.0, "quality control")
    shadow = Shadow(dataset)
    expressed = transform_expression(dataset, params.transform, params.cofactor, params.area_column)
    _quality(dataset, shadow)
    job.report(0.05, "loading scanpy")
    work = _working_copy(dataset, expressed)
    job.report(0.15, "variable genes")
    flavour = _variable_genes(dataset, work, params.n_variable_genes)
    shadow.set_var("highly_variable", work.var["highly_variable"].to_numpy())
    _embed(work, params, job)
    for key in ("X_pca", "X_umap"):
        shadow.set_obsm(key, work.obsm[key])
    for key in ("distances", "connectivities"):
        shadow.set_obsp(key, work.obsp[key])
    shadow.set_obs("leiden", pd.Categorical(work.obs["leiden"].astype(str), _natural(work.obs["leiden"])))
    n_variable = int(work.var["highly_variable"].sum())
    job.report(0.98, "writing down what was done")
    return shadow.finish(
        {
            "params": json.dumps(params.model_dump(), sort_keys=True),
            "transform": expressed.name,
            "variable_genes": flavour,
            "n_variable_genes": n_variable,
            "data_fingerprint": dataset.fingerprint,
            "scanpy": version("scanpy"),
            "umap-learn": version("umap-learn"),
            "igraph": version("igraph"),
            "notes": np.array(expressed.notes, dtype=object)
            if expressed.notes
            else np.array([], dtype=object),
        }
    )


def _quality(dataset: Dataset, shadow: Shadow) -> None:
    matrix = dataset.expression_cg("counts" if dataset.is_counts else "stored")
    n_genes_c = np.asarray((matrix != 0).sum(axis=1)).ravel()
    shadow.set_obs("n_genes_by_counts", n_genes_c.astype(np.int32))
    shadow.set_obs("all_zero", n_genes_c == 0)
    sizes_c = dataset.sizes_c
    if sizes_c is None:
        return
    shadow.set_obs("total_counts", sizes_c.astype(np.float32))
    mitochondrial = np.array([str(symbol).upper().startswith("MT-") for symbol in dataset.genes.symbols])
    if mitochondrial.any():
        own_c = np.asarray(matrix[:, np.flatnonzero(mitochondrial)].sum(axis=1)).ravel()
        shadow.set_obs("pct_counts_mt", (100 * own_c / np.maximum(sizes_c, 1)).astype(np.float32))


def _working_copy(dataset: Dataset, expressed: Transformed) -> AnnData:
    import anndata as ad

    work = ad.AnnData(
        expressed.values_cg,
        obs=pd.DataFrame(index=pd.RangeIndex(dataset.n_cells).astype(str)),
        var=pd.DataFrame(index=pd.RangeIndex(dataset.n_genes).astype(str)),
    )
    work.uns["log1p"] = {"base": None}
    return work


def _variable_genes(dataset: Dataset, work: AnnData, n_genes: int) -> str:
    """Fill `var["highly_variable"]` and say how."""
    import scanpy as sc

    if dataset.n_genes < PANEL_SIZE or n_genes >= dataset.n_genes:
        work.var["highly_variable"] = True
        return "all genes"
    codes = dataset.sections.codes
    sizes = np.bincount(codes[codes >= 0])
    batch = None
    if (codes >= 0).all() and len(sizes) > 1 and sizes.min() >= _LEAST_SECTION:
        work.obs["section"] = pd.Categorical(codes.astype(str))
        batch = "section"
    where = "" if batch is None else " per section"
    if dataset.is_counts:
        work.layers["counts"] = dataset.expression_cg("counts")
        try:
            sc.pp.highly_variable_genes(
                work, layer="counts", flavor="seurat_v3", n_top_genes=n_genes, batch_key=batch
            )
        except (ImportError, ValueError):
            # Without scikit-misc, or where its local fit has too few distinct genes to stand on.
            work.var = work.var[[]]
        else:
            del work.layers["counts"]
            return f"seurat_v3{where}"
        del work.layers["counts"]
    if np.asarray(work.X.min()) < 0:
        work.var["highly_variable"] = _most_variance(work, n_genes)
        return "variance"
    sc.pp.highly_variable_genes(work, flavor="seurat", n_top_genes=n_genes, batch_key=batch)
    return f"seurat{where}"


def _most_variance(work: AnnData, n_genes: int) -> npt.NDArray[np.bool_]:
    variance = np.asarray(work.X.var(axis=0)).ravel()
    chosen = np.zeros(len(variance), dtype=np.bool_)
    chosen[np.argsort(-variance, kind="stable")[:n_genes]] = True
    return chosen


def _embed(work: AnnData, params: PrepareParams, job: JobHandle) -> None:
    """Fill PCA, neighbours, UMAP and clusters, reporting between the steps."""
    import scanpy as sc

    n_variable = int(work.var["highly_variable"].sum())
    n_components = max(1, min(params.n_components, work.n_obs - 1, n_variable - 1))
    job.report(0.25, "principal components")
    sc.pp.pca(work, n_comps=n_components, mask_var="highly_variable", random_state=params.seed)
    job.report(0.45, "neighbours")
    n_neighbors = max(2, min(params.n_neighbors, work.n_obs - 1))
    sc.pp.neighbors(work, n_neighbors=n_neighbors, use_rep="X_pca", random_state=params.seed)
    job.report(0.6, "UMAP")
    with warnings.catch_warnings():
        # A spectral start can fail on a graph in pieces; UMAP then says so and starts at random.
        warnings.filterwarnings("ignore", message=".*pectral.*")
        start = "spectral" if work.n_obs > 50 else "random"
        sc.tl.umap(work, min_dist=params.min_dist, init_pos=start, random_state=params.seed)
    job.report(0.9, "Leiden clusters")
    sc.tl.leiden(
        work,
        resolution=params.resolution,
        flavor="igraph",
        n_iterations=2,
        directed=False,
        random_state=params.seed,
    )


def _natural(names: Any) -> list[str]:
    return sorted({str(name) for name in names}, key=int)
