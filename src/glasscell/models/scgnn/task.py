"""What the autoencoders of ``scgnn`` are trained on: counts, and mixtures of counts with what others say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.models.family import TrainingData
    from glasscell.models.scgnn.cluster_autoencoder import Reassembled


class CountTarget:
    """The loss of an autoencoder: how badly counts are foretold, and the pull of latents to the prior.

    Parameters
    ----------
    data
        Rows and counts of the cells that indices count.
    kl_weight
        Of the pull.
    warm_up_steps
        Steps over which it is raised from zero.
    taught, teach
        What the clusters' autoencoders say, and its weight in training; validation is on counts alone.
    """

    def __init__(
        self,
        data: TrainingData,
        kl_weight: float,
        *,
        warm_up_steps: int = 0,
        taught: Reassembled | None = None,
        teach: float = 0.0,
    ) -> None:
        assert data.counts is not None
        assert data.size is not None
        self.rows, self.counts, self.n_genes = data.rows, data.counts, len(data.genes)
        self.size = torch.from_numpy(data.size).to(data.rows.device)
        self.kl_weight, self.warm_up_steps = kl_weight, warm_up_steps
        self.taught, self.teach = taught, teach

    def target(self, indices: Tensor, *, training: bool) -> Tensor:
        """Return what is to be foretold, ``(n, n_genes)``."""
        counts_cg = self.counts.take(indices)
        if self.taught is None or not training or self.teach <= 0:
            return counts_cg
        size_c = self.size[indices.to(self.size.device)]
        said_cg = self.taught.share(indices) * size_c[:, None]
        return (1 - self.teach) * counts_cg + self.teach * said_cg

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the negative bound per gene, the prior's pull warmed up in training."""
        fit_c, divergence_c = network(
            self.rows.take(indices), self.target(indices, training=network.training)
        )
        weight = self.kl_weight
        if network.training and self.warm_up_steps:
            steps = network.steps
            assert isinstance(steps, Tensor)
            steps += 1
            weight *= min(1.0, float(steps) / self.warm_up_steps)
        bound: Tensor = (weight * divergence_c - fit_c).mean() / self.n_genes
        return bound


class ImputationTarget:
    """The loss of the imputing decoder: own counts, those of kept neighbours, and the cluster's mean.

    Parameters
    ----------
    latent_cz
        Smoothed latents of the cells that indices count, ``(n_cells, n_latent)``.
    averaging
        Mean over kept neighbours among training cells, ``(n_cells, n_cells)``; rows of other cells are empty.
    cluster_c
        Cluster of each training cell, -1 for other cells.
    near_weight, cluster_weight
        Of neighbours and cluster beside 1 for the cell's own counts.
    """

    def __init__(
        self,
        data: TrainingData,
        latent_cz: NDArray[np.float32],
        averaging: sparse.csr_matrix,
        cluster_c: NDArray[np.integer],
        near_weight: float,
        cluster_weight: float,
    ) -> None:
        assert data.counts is not None
        assert data.size is not None
        self.counts, self.n_genes, device = data.counts, len(data.genes), data.rows.device
        self.device = device
        self.latent_cz = torch.from_numpy(latent_cz).to(device)
        self.size_c = np.maximum(np.asarray(data.size, np.float64), 1.0)
        table = data.counts.table_cg
        self.share_cg = sparse.csr_matrix(sparse.diags(1.0 / self.size_c) @ table, dtype=np.float32)
        self.averaging = sparse.csr_matrix(averaging, dtype=np.float32)
        self.cluster_c = np.asarray(cluster_c)
        n_clusters = int(self.cluster_c.max()) + 1
        known = np.flatnonzero(self.cluster_c >= 0)
        member = sparse.csr_matrix(
            (np.ones(len(known), np.float32), (self.cluster_c[known], known)), (n_clusters, len(cluster_c))
        )
        sizes = np.maximum(np.asarray(member.sum(axis=1)), 1.0)
        self.mean_kg = np.asarray((member @ self.share_cg).toarray() / sizes, np.float32)
        self.near_weight, self.cluster_weight = near_weight, cluster_weight

    def target(self, indices: Tensor, *, training: bool) -> Tensor:
        """Return what is to be foretold, at the cell's own size, ``(n, n_genes)``."""
        counts_cg = self.counts.take(indices)
        total = self.near_weight + self.cluster_weight
        if not training or total <= 0:
            return counts_cg
        rows = indices.cpu().numpy()
        others_cg = self.near_weight * (self.averaging[rows] @ self.share_cg).toarray()
        others_cg += self.cluster_weight * self.mean_kg[self.cluster_c[rows]]
        others_cg *= self.size_c[rows, None].astype(np.float32)
        said_cg = torch.from_numpy(np.asarray(others_cg, np.float32)).to(self.device)
        return (counts_cg + said_cg) / (1.0 + total)

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the negative fit per gene."""
        log_share_cg = network(self.latent_cz[indices.to(self.device)], None)
        target_cg = self.target(indices, training=network.training)
        loss: Tensor = -(target_cg * log_share_cg).sum(dim=1).mean() / self.n_genes
        return loss
