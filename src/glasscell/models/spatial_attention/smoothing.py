"""The cheap row beside every network of neighbours: averages, components, the same mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse

from glasscell.data.neighbour import neighbour_graph
from glasscell.jobs import QUIET
from glasscell.models.batch import preprocessing_for
from glasscell.models.mixture import STARTS, fit_mixture
from glasscell.models.row import input_rows
from glasscell.models.spatial_attention.component import MIN_SCALE, principal_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.data.neighbour import GraphSpec
    from glasscell.jobs import JobHandle

_CLIP = 10.0


def smoothing_domains(
    dataset: Dataset,
    n_domains: int,
    graph: GraphSpec,
    *,
    n_components: int = 15,
    seed: int = 0,
    starts: int = STARTS,
    job: JobHandle = QUIET,
) -> NDArray[np.int32]:
    """Divide cells into domains without any network.

    Standardised expression is averaged over each cell and its neighbours; components of the averages are
    divided by a mixture with one covariance. A network that does no better has learnt nothing from weights.

    Parameters
    ----------
    graph
        How neighbours are found; edges never cross sections.
    n_components
        Principal components the mixture sees.

    Returns
    -------
    Domain of each cell, ``(n_cells,)``.

    Raises
    ------
    DataError
        The cells have no positions.
    ModelError
        There are too few cells for so many domains.
    """
    near = neighbour_graph(dataset, graph)
    job.report(0.0, "averaging neighbours")
    table_cg = input_rows(dataset, preprocessing_for(dataset)).toarray()
    scale_g = np.maximum(table_cg.std(axis=0), MIN_SCALE)
    table_cg = np.clip((table_cg - table_cg.mean(axis=0)) / scale_g, -_CLIP, _CLIP)
    ones = np.ones(near.n_edges, np.float32)
    around = sparse.csr_matrix((ones, near.indices, near.indptr), (len(near), len(near)))
    mean_cg = (around @ table_cg + table_cg) / (near.degree + 1)[:, None].astype(np.float32)
    mean_cg -= mean_cg.mean(axis=0)
    job.report(0.3, "principal components")
    axes = principal_axes(torch.from_numpy(mean_cg), n_components, seed).numpy()
    values_cp = mean_cg @ axes.T
    return fit_mixture(values_cp, n_domains, seed, starts, job).assign(values_cp)
