"""The real cells that come closest to where a sweep leads: whether anything there has been observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Nearest:
    """Real cells beside each step of each sweep.

    Parameters
    ----------
    cells_ksm
        Rows of the dataset, nearest first, ``(n_factors, n_steps, m)`` int32.
    distance_ks
        Mean distance of those, in standard deviations of the latents, ``(n_factors, n_steps)``.
    typical
        Median distance of a starting cell from the middle of the start: what counts as near.
    """

    cells_ksm: NDArray[np.int32]
    distance_ks: NDArray[np.float32]
    typical: float


def nearest_cells(
    latent_cz: NDArray[Any],
    start: NDArray[np.integer[Any]],
    factors: NDArray[np.integer[Any]],
    values_ks: NDArray[Any],
    m: int,
    job: JobHandle = QUIET,
) -> Nearest:
    """Find the cells nearest to the middle of the start with one latent set to each step's value.

    Distance is Euclidean over latents divided by their standard deviation over all cells; a latent that does
    not vary counts for nothing.

    Parameters
    ----------
    latent_cz
        Of all cells, ``(n_cells, n_latent)``.
    start
        Rows the sweep starts from.
    factors
        Numbers of the swept latents, ``(n_factors,)``.
    values_ks
        Values of each, ``(n_factors, n_steps)``.
    m
        Cells per step, fewer when there are not so many.
    """
    latent_cz = np.asarray(latent_cz, np.float64)
    sd_z = latent_cz.std(axis=0)
    scale_z = np.divide(1.0, sd_z, out=np.zeros_like(sd_z), where=sd_z > 0)
    middle_z = latent_cz[start].mean(axis=0)
    square_cz = ((latent_cz - middle_z) * scale_z) ** 2
    whole_c = square_cz.sum(axis=1)
    m = min(m, len(latent_cz))
    cells_ksm = np.empty((*values_ks.shape, m), np.int32)
    distance_ks = np.empty(values_ks.shape, np.float32)
    for row, factor in enumerate(factors):
        job.report(None, "nearest cells")
        others_c = whole_c - square_cz[:, factor]
        for step, value in enumerate(values_ks[row]):
            here_c = others_c + ((latent_cz[:, factor] - value) * scale_z[factor]) ** 2
            few = np.argpartition(here_c, m - 1)[:m] if m < len(here_c) else np.arange(m)
            few = few[np.lexsort((few, here_c[few]))]
            cells_ksm[row, step] = few
            distance_ks[row, step] = np.sqrt(np.maximum(here_c[few], 0.0)).mean()
    typical = float(np.median(np.sqrt(whole_c[start])))
    return Nearest(cells_ksm, distance_ks, typical)
