"""Autoencoders of single clusters: each is handed the rows of its own cells and nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from glasscell.models.loop import LoopSettings, fit_loop
from glasscell.models.row import Rows
from glasscell.models.scgnn.network import FeatureNetwork, decoded_hidden
from glasscell.models.scgnn.task import CountTarget
from glasscell.models.span import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.scgnn.params import ScgnnParams

#: Clusters with fewer cells keep the feature autoencoder as theirs.
FEWEST_CELLS = 32
_BLOCK = 1024


def only(data: TrainingData, members: NDArray[np.int64]) -> TrainingData:
    """Return the data of some cells alone, renumbered from 0; the other cells cannot be reached from it."""
    assert data.counts is not None
    assert data.size is not None
    device = str(data.rows.device)
    return replace(
        data,
        rows=Rows(data.rows.table_cg[members], device),
        counts=Rows(data.counts.table_cg[members], device),
        size=data.size[members],
        codes=data.codes[members],
    )


def fit_cluster(
    start: FeatureNetwork, own: TrainingData, params: ScgnnParams, *, seed: int, device: str, job: JobHandle
) -> FeatureNetwork:
    """Train the autoencoder of one cluster on its own cells, from the weights of the feature autoencoder.

    Parameters
    ----------
    own
        What ``only`` gave: every row of it is trained on.
    """
    n = len(own.rows)
    settings = LoopSettings(
        max_epochs=params.cluster_epochs,
        batch_size=min(params.batch_size, max(16, n // 4)),
        learning_rate=params.learning_rate / 4,
        weight_decay=params.weight_decay,
        patience=params.cluster_epochs,
        epochs=params.cluster_epochs,
    )
    target = CountTarget(own, params.kl_weight)
    result = fit_loop(
        start,
        target.loss,
        np.arange(n, dtype=np.int64),
        np.empty(0, np.int64),
        settings,
        seed=seed,
        device=device,
        job=job,
    )
    network = result.network
    assert isinstance(network, FeatureNetwork)
    return network


class Reassembled:
    """What the clusters' autoencoders say of each training cell, put back in the cells' own order.

    Parameters
    ----------
    cells
        Row numbers of the training cells in the data.
    cluster_c
        Cluster of each of them.
    networks
        One per cluster.
    """

    def __init__(
        self,
        data: TrainingData,
        cells: NDArray[np.int64],
        cluster_c: NDArray[np.integer],
        networks: list[FeatureNetwork],
        job: JobHandle,
    ) -> None:
        device = data.rows.device
        self.weights = [network.decoder.genes for network in networks]
        self.cluster = torch.full((len(data.rows),), -1, dtype=torch.int64)
        self.cluster[torch.from_numpy(cells)] = torch.from_numpy(np.asarray(cluster_c, np.int64))
        hidden = networks[0].decoder.genes.in_features
        self.hidden_ch = torch.zeros(len(data.rows), hidden, device=device)
        for number, network in enumerate(networks):
            members = cells[np.asarray(cluster_c) == number]
            for first in range(0, len(members), _BLOCK):
                job.report(number / len(networks), "reassembling")
                rows = torch.from_numpy(members[first : first + _BLOCK])
                self.hidden_ch[rows.to(device)] = self._hidden(network, data, rows)

    @staticmethod
    @torch.no_grad()
    def _hidden(network: FeatureNetwork, data: TrainingData, rows: Tensor) -> Tensor:
        latent_cz, _ = network.encoder(data.rows.take(rows), None)
        return decoded_hidden(network.decoder, latent_cz)

    @torch.no_grad()
    def share(self, indices: Tensor) -> Tensor:
        """Return the share of each gene as the cell's own cluster foretells it, ``(n, n_genes)``.

        Parameters
        ----------
        indices
            Row numbers of training cells in the data.
        """
        hidden_ch, cluster_c = self.hidden_ch[indices.to(self.hidden_ch.device)], self.cluster[indices]
        made = torch.empty(len(indices), self.weights[0].out_features, device=hidden_ch.device)
        for number in sorted(set(cluster_c.tolist())):
            at = (cluster_c == number).to(hidden_ch.device)
            made[at] = functional.softmax(self.weights[number](hidden_ch[at]), dim=1)
        return made


def fit_clusters(
    start: FeatureNetwork,
    data: TrainingData,
    cells: NDArray[np.int64],
    cluster_c: NDArray[np.integer],
    params: ScgnnParams,
    *,
    seed: int,
    device: str,
    job: JobHandle,
) -> Reassembled:
    """Train one autoencoder per cluster, each on its own cells, and put what they say together.

    Parameters
    ----------
    cells
        Row numbers of the cells that may be trained on.
    cluster_c
        Their clusters.
    """
    networks: list[FeatureNetwork] = []
    n_clusters = int(cluster_c.max()) + 1
    for number in range(n_clusters):
        part = Span(job, number / (n_clusters + 1), (number + 1) / (n_clusters + 1), f"cluster {number}")
        members = cells[cluster_c == number]
        if len(members) < FEWEST_CELLS:
            networks.append(deepcopy(start).eval())
            continue
        networks.append(
            fit_cluster(start, only(data, members), params, seed=seed + number, device=device, job=part)
        )
    return Reassembled(data, cells, cluster_c, networks, Span(job, 1 - 1 / (n_clusters + 1), 1.0))
