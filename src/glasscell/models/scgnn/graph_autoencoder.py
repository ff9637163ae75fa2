"""The graph autoencoder: two graph convolutions to an embedding whose inner products tell who is joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.layer import seed_weights
from glasscell.models.vae.layer import divergence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle

_RATE = 1e-2
_SMALLEST = 1e-6


class GraphAutoencoder(nn.Module):
    """Two graph convolutions, the second one to mean and log variance of the embedding.

    Parameters
    ----------
    n_features, hidden, n_latent
        Sizes.

    References
    ----------
    Kipf & Welling 2016, arXiv:1611.07308; the convolution is arXiv:1609.02907, eq. 2.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_features: int, hidden: int, n_latent: int) -> None:
        super().__init__()
        self.first = nn.Linear(n_features, hidden, bias=False)
        self.centre = nn.Linear(hidden, n_latent, bias=False)
        self.log_variance = nn.Linear(hidden, n_latent, bias=False)
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    def forward(self, passing_cc: Tensor, features_cz: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance of each cell's embedding, ``(n, n_latent)`` each."""
        standard_cz = (features_cz - self.mean) / self.scale
        hidden_ch = functional.relu(torch.sparse.mm(passing_cc, self.first(standard_cz)))
        passed_ch = torch.sparse.mm(passing_cc, hidden_ch)
        return self.centre(passed_ch), self.log_variance(passed_ch).clamp(-8.0, 4.0).exp()


def message_passing(adjacency: sparse.csr_matrix) -> Tensor:
    """Return D^-1/2 (A + I) D^-1/2 as a sparse tensor, ``(n, n)``, D the row sums of A + I."""
    whole = sparse.csr_matrix(adjacency + sparse.identity(adjacency.shape[0], format="csr"))
    root_c = 1.0 / np.sqrt(np.asarray(whole.sum(axis=1)).ravel())
    scaled = sparse.coo_matrix(sparse.diags(root_c) @ whole @ sparse.diags(root_c))
    places = torch.from_numpy(np.stack([scaled.row, scaled.col]).astype(np.int64))
    values = torch.from_numpy(scaled.data.astype(np.float32))
    return torch.sparse_coo_tensor(places, values, scaled.shape, check_invariants=False).coalesce()


def fit_graph_autoencoder(
    features_cz: NDArray[np.floating[Any]],
    adjacency: sparse.csr_matrix,
    *,
    hidden: int,
    n_latent: int,
    epochs: int,
    seed: int,
    job: JobHandle,
) -> GraphAutoencoder:
    """Train on all cells of a graph at once, on the CPU.

    As many pairs that are not joined as there are edges are drawn anew at each step, so that no table of
    all pairs is needed.

    Parameters
    ----------
    features_cz
        Of each cell, ``(n, n_features)``; they are standardised.
    adjacency
        Ones where cells are joined, symmetric, ``(n, n)``.
    """
    with torch.random.fork_rng(devices=[]):
        network = GraphAutoencoder(features_cz.shape[1], hidden, n_latent)
    seed_weights(network, seed)
    features = torch.from_numpy(np.asarray(features_cz, np.float32))
    network.mean.copy_(features.mean(dim=0))
    network.scale.copy_(features.std(dim=0).clamp(min=_SMALLEST))
    passing_cc = message_passing(adjacency)
    upper = sparse.coo_matrix(sparse.triu(adjacency, k=1))
    joined = torch.from_numpy(np.stack([upper.row, upper.col]).astype(np.int64))
    noise = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
    n = len(features)
    for epoch in range(epochs):
        job.report(epoch / epochs, "graph autoencoder")
        mean_cz, variance_cz = network(passing_cc, features)
        drawn = torch.empty_like(mean_cz).normal_(generator=noise)
        embedded_cz = mean_cz + variance_cz.sqrt() * drawn
        apart = torch.randint(0, n, joined.shape, generator=noise)
        loss = (
            functional.softplus(-_products(embedded_cz, joined)).mean()
            + functional.softplus(_products(embedded_cz, apart)).mean()
            + divergence(mean_cz, variance_cz).mean() / n
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    return network.eval().requires_grad_(False)


@torch.no_grad()
def graph_embedding(
    network: GraphAutoencoder, features_cz: NDArray[np.floating[Any]], adjacency: sparse.csr_matrix
) -> NDArray[np.float32]:
    """Return the mean embedding of each cell of a graph, ``(n, n_latent)``."""
    features = torch.from_numpy(np.asarray(features_cz, np.float32))
    return np.asarray(network(message_passing(adjacency), features)[0].numpy(), np.float32)


def _products(embedded_cz: Tensor, pairs: Tensor) -> Tensor:
    return (embedded_cz[pairs[0]] * embedded_cz[pairs[1]]).sum(dim=1)
