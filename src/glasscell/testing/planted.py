"""Toy datasets whose answers are known: planted markers with passengers, a linear truth, a striped grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anndata as ad
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from glasscell.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class LinearTruth:
    """A score that is exactly linear in the genes, so every attribution is known in closed form.

    Parameters
    ----------
    values_cg
        Inputs, float32, shape ``(n_cells, n_genes)``.
    weights_gk
        Weights, float32, shape ``(n_genes, n_classes)``; some rows are exactly zero.
    bias_k
        Bias of each class, float32.
    """

    values_cg: npt.NDArray[np.float32]
    weights_gk: npt.NDArray[np.float32]
    bias_k: npt.NDArray[np.float32]

    def score(self, target: int) -> npt.NDArray[np.float64]:
        """Return the exact score of one class for every cell."""
        weights_g = self.weights_gk[:, target].astype(np.float64)
        return np.asarray(self.values_cg.astype(np.float64) @ weights_g + float(self.bias_k[target]))

    def attribution(self, target: int, baseline_g: npt.ArrayLike = 0.0) -> npt.NDArray[np.float64]:
        """Return the only complete attribution of a linear score: weight times distance from the baseline."""
        distance_cg = self.values_cg.astype(np.float64) - np.asarray(baseline_g, dtype=np.float64)
        return np.asarray(distance_cg * self.weights_gk[:, target].astype(np.float64))


def linear_truth(n_cells: int = 40, n_genes: int = 12, n_classes: int = 3, seed: int = 0) -> LinearTruth:
    """Draw a linear score over non-negative inputs; every third gene has no weight at all."""
    rng = np.random.default_rng(seed)
    values_cg = rng.gamma(1.0, 1.0, size=(n_cells, n_genes)).astype(np.float32)
    weights_gk = rng.normal(size=(n_genes, n_classes)).astype(np.float32)
    weights_gk[::3] = 0
    return LinearTruth(values_cg, weights_gk, rng.normal(size=n_classes).astype(np.float32))


def planted_adata(
    n_cells: int = 300,
    n_genes: int = 60,
    n_classes: int = 3,
    *,
    n_markers: int = 4,
    n_passengers: int = 0,
    fold_change: float = 4.0,
    depth: float = 1000.0,
    n_sections: int = 1,
    seed: int = 0,
) -> ad.AnnData:
    """Draw negative-binomial counts in which each class has markers of its own.

    Passengers are noisy copies of a class's markers: they go with the class but did not make it. Each
    section is a square grid cut into vertical stripes, one per class, so a spatial block holds few classes
    and neighbours agree.

    Parameters
    ----------
    n_cells, n_genes, n_classes
        Sizes; the genes must hold all markers and passengers.
    n_markers, n_passengers
        Per class.
    fold_change
        How much higher a marker is in its class.
    depth
        Median counts of a cell.
    n_sections
        Sections of equal size, written to `obs["section"]`, each with a donor of its own.
    seed
        Same seed, same data.

    Returns
    -------
    AnnData with CSR counts in X; obs `label` (categorical), `section`, `donor`; obsm `spatial`; varm `truth`
    and `passenger`, bool of shape ``(n_genes, n_classes)``; uns `classes`.
    """
    rng = np.random.default_rng(seed)
    positions_cd, section_c, label_c = _stripes(n_cells, n_sections, n_classes)
    truth_gk = np.zeros((n_genes, n_classes), dtype=np.bool_)
    passenger_gk = np.zeros_like(truth_gk)
    for code in range(n_classes):
        truth_gk[code * n_markers : (code + 1) * n_markers, code] = True
        first = n_classes * n_markers + code * n_passengers
        passenger_gk[first : first + n_passengers, code] = True
    rate_g = rng.gamma(2.0, 0.5, size=n_genes) + 0.2
    rate_cg = np.tile(rate_g, (n_cells, 1))
    marker_cg = truth_gk.T[label_c]
    rate_cg[marker_cg] *= fold_change
    for code in range(n_classes):
        activity_c = rate_cg[:, truth_gk[:, code]].mean(axis=1)
        noise_cp = rng.lognormal(0.0, 0.25, size=(n_cells, n_passengers))
        rate_cg[:, passenger_gk[:, code]] = activity_c[:, None] * noise_cp
    size_c = depth * rng.lognormal(0.0, 0.25, size=n_cells)
    mean_cg = rate_cg / rate_cg.sum(axis=1, keepdims=True) * size_c[:, None]
    counts_cg = rng.poisson(mean_cg * rng.gamma(5.0, 1 / 5.0, size=mean_cg.shape))
    classes = [f"K{code + 1}" for code in range(n_classes)]
    obs = pd.DataFrame(
        {
            "label": pd.Categorical.from_codes(label_c, pd.Index(classes)),
            "section": pd.Categorical([f"S{number + 1}" for number in section_c]),
            "donor": pd.Categorical([f"D{number + 1}" for number in section_c]),
        },
        index=[f"cell{number:05d}" for number in range(n_cells)],
    )
    return ad.AnnData(
        sparse.csr_matrix(counts_cg.astype(np.float32)),
        obs=obs,
        var=pd.DataFrame(index=[f"GENE{number:04d}" for number in range(n_genes)]),
        obsm={"spatial": positions_cd},
        varm={"truth": truth_gk, "passenger": passenger_gk},
        uns={"classes": np.array(classes)},
    )


def planted_dataset(**options: Any) -> Dataset:
    """Return `planted_adata` as a dataset; takes the same options."""
    return Dataset(planted_adata(**options))


def hard_dataset(seed: int = 0, n_cells: int = 4000) -> Dataset:
    """Return five classes whose twelve markers each are barely twice as high: few labels don't suffice.

    The simulator S1-hard.
    """
    return planted_dataset(
        n_cells=n_cells, n_genes=500, n_classes=5, n_markers=12, fold_change=1.8, depth=1000.0, seed=seed
    )


def tiny_adata(n_cells: int = 120, n_genes: int = 30, *, seed: int = 0, **options: Any) -> ad.AnnData:
    """Return the smallest useful AnnData: counts, three labels, positions, PCA-like and UMAP-like embeddings.

    Other options are those of `planted_adata`.
    """
    adata = planted_adata(n_cells, n_genes, seed=seed, **options)
    rng = np.random.default_rng(seed + 1)
    code_c = adata.obs["label"].cat.codes.to_numpy()
    centre_k2 = np.stack([np.cos(np.arange(code_c.max() + 1)), np.sin(np.arange(code_c.max() + 1))], axis=1)
    adata.obsm["X_umap"] = (5 * centre_k2[code_c] + rng.normal(0, 0.5, (n_cells, 2))).astype(np.float32)
    adata.obsm["X_pca"] = np.column_stack([adata.obsm["X_umap"], rng.normal(size=(n_cells, 3))]).astype(
        np.float32
    )
    adata.obs["score"] = rng.normal(size=n_cells).astype(np.float32)
    return adata


def tiny_dataset(n_cells: int = 120, n_genes: int = 30, *, seed: int = 0, **options: Any) -> Dataset:
    """Return `tiny_adata` as a dataset; takes the same options."""
    return Dataset(tiny_adata(n_cells, n_genes, seed=seed, **options))


def _stripes(
    n_cells: int, n_sections: int, n_classes: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Lay each section out as a grid of unit spacing; stripes repeat, so that every class has many blocks."""
    section_c = (np.arange(n_cells) * n_sections // n_cells).astype(np.int32)
    positions_cd = np.empty((n_cells, 2))
    label_c = np.empty(n_cells, dtype=np.int32)
    for section in range(n_sections):
        cells = np.flatnonzero(section_c == section)
        side = int(np.ceil(np.sqrt(len(cells))))
        column, row = np.arange(len(cells)) % side, np.arange(len(cells)) // side
        positions_cd[cells] = np.stack([column + section * (side + 4), row], axis=1)
        stripe = column * 2 * n_classes // side
        label_c[cells] = stripe % n_classes
    return positions_cd, section_c, label_c
