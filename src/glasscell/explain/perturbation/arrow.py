"""Where cells go on an embedding: arrows from groups of cells, true to scale where the space allows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.perturbation.result import Perturbation

DIRECTION_ONLY = "Arrows show the direction only: lengths on this embedding mean nothing."
TO_SCALE = "Arrows end where the model expects the cells."
BY_NEIGHBOURS = "Arrows are as long as the way to the real cells nearest to where the model expects them."
#: Embeddings with the first in their name are linear, so that a way along them has a length, unless one
#: of the others stands there too.
LINEAR, BENT = "pca", ("umap", "tsne", "phate", "draw_graph")
#: Real cells whose mean place stands for a latent on an embedding that cannot place new cells.
NEIGHBOURS = 15
#: Cells of the file that are searched for those.
MOST_CELLS = 20_000
GRID = 12


@dataclass(frozen=True, eq=False)
class Arrows:
    """Arrows on two axes of an embedding.

    Parameters
    ----------
    start_ad, end_ad
        Ends, ``(n_arrows, 2)``, in the embedding's coordinates.
    n_cells
        Cells behind each arrow, ``(n_arrows,)``.
    to_scale
        Whether lengths mean distances; else all arrows are equally long.
    caption
        What a reader must know.
    """

    start_ad: NDArray[np.float64]
    end_ad: NDArray[np.float64]
    n_cells: NDArray[np.int64]
    to_scale: bool
    caption: str


def arrows(
    dataset: Dataset, found: Perturbation, embedding: str, components: tuple[int, int] = (0, 1)
) -> Arrows:
    """Draw where the perturbed cells go on an embedding, one arrow per patch of it.

    In the model's own latent space an arrow ends at the mean expected latent. Everywhere else a latent stands
    where the mean of its nearest real cells is: on a PCA, which is linear, arrows keep the length of that
    way, which is short of the model's (a mean of cells lies further in); on a UMAP they show a direction and
    have one length.

    Raises
    ------
    DataError
        The model has no latent space, or there is no such embedding.
    """
    if found.before_cz is None or found.after_cz is None:
        raise DataError("This model has no latent space, so nothing moves on an embedding.")
    if embedding not in dataset.embeddings:
        raise DataError(f"There is no embedding {embedding}; there are {', '.join(dataset.embeddings)}.")
    places_cd = np.asarray(dataset.embeddings[embedding], np.float64)[:, list(components)]
    own = embedding == f"X_{found.provenance.family}"
    if own:
        start_cd = np.asarray(found.before_cz, np.float64)[:, list(components)]
        end_cd = np.asarray(found.after_cz, np.float64)[:, list(components)]
    else:
        start_cd = places_cd[found.cells]
        end_cd = start_cd + _moved(found, places_cd)
    extent = float(np.nanmax(np.ptp(places_cd, axis=0))) or 1.0
    start_ad, end_ad, n_cells = _patches(start_cd, end_cd, extent / GRID)
    if own:
        return Arrows(start_ad, end_ad, n_cells, True, TO_SCALE)
    shift_ad = end_ad - start_ad
    length_a = np.linalg.norm(shift_ad, axis=1)
    kept = length_a > 1e-9 * extent
    start_ad, shift_ad, n_cells = start_ad[kept], shift_ad[kept], n_cells[kept]
    name = embedding.casefold()
    if LINEAR in name and not any(word in name for word in BENT):
        return Arrows(start_ad, start_ad + shift_ad, n_cells, True, BY_NEIGHBOURS)
    end_ad = start_ad + shift_ad / length_a[kept, None] * extent / GRID
    return Arrows(start_ad, end_ad, n_cells, False, DIRECTION_ONLY)


def _moved(found: Perturbation, places_cd: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far the nearest real cells' mean place moves for each cell, ``(n, 2)``."""
    from scipy.spatial import cKDTree

    before_cz = np.asarray(found.before_cz, np.float64)
    after_cz = np.asarray(found.after_cz, np.float64)
    sd_z = before_cz.std(axis=0)
    scale_z = np.where(sd_z > 1e-6, sd_z, 1.0)
    known = np.flatnonzero(np.isfinite(places_cd[found.cells]).all(axis=1))
    if len(known) > MOST_CELLS:
        known = np.sort(np.random.default_rng(0).permutation(known)[:MOST_CELLS])
    tree: Any = cKDTree(before_cz[known] / scale_z)
    m = min(NEIGHBOURS, len(known))
    real_cd = places_cd[found.cells[known]]

    def place(latent_cz: NDArray[np.float64]) -> NDArray[np.float64]:
        near = tree.query(latent_cz / scale_z, k=m)[1].reshape(len(latent_cz), m)
        mean_cd: NDArray[np.float64] = real_cd[near].mean(axis=1)
        return mean_cd

    return place(after_cz) - place(before_cz)


def _patches(
    start_cd: NDArray[np.float64], end_cd: NDArray[np.float64], side: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Average starts and ends over square patches of the starts."""
    fine = np.isfinite(start_cd).all(axis=1) & np.isfinite(end_cd).all(axis=1)
    start_cd, end_cd = start_cd[fine], end_cd[fine]
    _, patch_c = np.unique(np.floor(start_cd / side).astype(np.int64), axis=0, return_inverse=True)
    patch_c = np.asarray(patch_c).ravel()
    n_cells = np.bincount(patch_c)

    def mean(values_cd: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = [np.bincount(patch_c, weights=values_cd[:, axis]) for axis in range(2)]
        return np.stack(sums, axis=1) / n_cells[:, None]

    return mean(start_cd), mean(end_cd), n_cells
