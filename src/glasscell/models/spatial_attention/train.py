"""Training of the family ``spatial_attention``: foretell cells, then divide them into domains."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasscell.models.loop import LoopSettings, fit_loop
from glasscell.models.mixture import fit_mixture
from glasscell.models.span import Span
from glasscell.models.spatial_attention.component import component_table, set_components
from glasscell.models.spatial_attention.network import SpatialNetwork

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.spatial_attention.family import SpatialParams

_BLOCK = 8192


class Trained:
    """The trained network with its domains, its curve, and sentences worth showing."""

    def __init__(self, network: SpatialNetwork, curve: Curve, notes: tuple[str, ...]) -> None:
        self.network, self.curve, self.notes = network, curve, notes


def train_network(
    network: SpatialNetwork, data: TrainingData, plan: FoldPlan, params: SpatialParams, job: JobHandle
) -> Trained:
    """Train and find domains.

    Components and weights come from the training cells. Domains are a description of this tissue, so they
    are found among the latents of all cells.
    """
    set_components(network, data, plan.train, plan.seed, Span(job, 0.0, 0.05))
    parts_cp = component_table(network, data, plan.device, Span(job, 0.05, 0.1))
    task = _Task(data, network, parts_cp, plan, params)
    settings = LoopSettings(
        max_epochs=params.max_epochs,
        batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        weight_decay=params.weight_decay,
        patience=params.patience,
        epochs=plan.epochs,
    )
    result = fit_loop(
        network.cpu(),
        task.loss,
        plan.train,
        plan.valid,
        settings,
        seed=plan.seed,
        device=plan.device,
        job=Span(job, 0.1, 0.85),
    )
    trained = result.network
    assert isinstance(trained, SpatialNetwork)
    latent_cz = task.latents(trained, Span(job, 0.85, 0.9, "encoding"))
    set_domains(trained.cpu(), latent_cz, plan.seed, params.starts, Span(job, 0.9, 1.0))
    alone = int((task.neighbours.degree == 0).sum())
    notes = (
        (*result.notes, f"{alone:,} cells have no neighbours and are described alone.")
        if alone
        else result.notes
    )
    return Trained(trained, result.curve, notes)


@torch.no_grad()
def set_domains(
    network: SpatialNetwork, latent_cz: NDArray[np.float32], seed: int, starts: int, job: JobHandle
) -> None:
    """Divide cells by their latents and keep what rebuilds the division."""
    mixture = fit_mixture(latent_cz, len(network.domain_mean), seed, starts, job)
    weight_kz, offset_k = mixture.discriminant()
    for buffer, values in (
        (network.domain_weight, weight_kz),
        (network.domain_offset, offset_k),
        (network.domain_mean, mixture.mean_kz),
        (network.domain_covariance, mixture.factor_zz @ mixture.factor_zz.T),
    ):
        buffer.copy_(torch.from_numpy(values))


class _Task:
    """Components of all cells, their graph, and the loss.

    In training a cell either does not see itself at all, or sees some of its genes, so that a network
    which copies learns nothing: what is hidden must be foretold from the rest and from neighbours.
    """

    def __init__(
        self,
        data: TrainingData,
        network: SpatialNetwork,
        parts_cp: Tensor,
        plan: FoldPlan,
        params: SpatialParams,
    ) -> None:
        assert data.neighbours is not None
        self.data, self.parts_cp, self.params, self.seed = data, parts_cp, params, plan.seed
        self.neighbours = data.neighbours
        self.reader = deepcopy(network).to(parts_cp.device).eval()
        self.noise = torch.Generator(device=parts_cp.device).manual_seed(plan.seed)

    def around(self, indices: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return components of some cells and their neighbours, edges and centres."""
        ego = self.neighbours.ego(indices.cpu().numpy(), 1, disjoint=False)
        device = self.parts_cp.device
        rows, edges, centre = (
            torch.from_numpy(part).to(device) for part in (ego.rows, ego.edges, ego.centre)
        )
        return self.parts_cp[rows], edges, centre

    def loss(self, network: nn.Module, indices: Tensor) -> Tensor:
        """Return the squared error, per component or per hidden gene.

        Validation hides the same every time: where cells are hidden in training, all of them.
        """
        parts_cp, edges, centre = self.around(indices)
        device, hide_own = parts_cp.device, self.params.hide_own
        noise = self.noise if network.training else torch.Generator(device=device).manual_seed(self.seed)
        keep = torch.rand(len(centre), generator=noise, device=device) >= hide_own
        if not network.training and hide_own > 0:
            keep &= False
        if self.params.hide_genes > 0:
            return self._gene_loss(network, indices, (parts_cp, edges, centre, keep), noise)
        _, decoded_mp = network(parts_cp, edges, centre, parts_cp[centre], keep)
        return functional.mse_loss(decoded_mp, parts_cp[centre])

    def _gene_loss(
        self,
        network: nn.Module,
        indices: Tensor,
        seen: tuple[Tensor, Tensor, Tensor, Tensor],
        noise: torch.Generator,
    ) -> Tensor:
        """Hide genes of cells from themselves and return the squared error of those genes, standardised."""
        parts_cp, edges, centre, keep = seen
        reader, rate = self.reader, self.params.hide_genes
        standard_cg = reader.standardised(self.data.rows.take(indices).to(parts_cp.device))
        hidden_cg = torch.rand(standard_cg.shape, generator=noise, device=parts_cp.device) < rate
        shown_cg = standard_cg.masked_fill(hidden_cg, 0.0) / (1 - rate)
        own_mp = functional.linear(shown_cg, reader.loadings) / reader.unit
        _, decoded_mp = network(parts_cp, edges, centre, own_mp, keep)
        decoded_cg = functional.linear(decoded_mp * reader.unit, reader.loadings.T)
        hidden_cg |= ~keep[:, None]
        return functional.mse_loss(decoded_cg[hidden_cg], standard_cg[hidden_cg])

    @torch.no_grad()
    def latents(self, network: SpatialNetwork, job: JobHandle) -> NDArray[np.float32]:
        """Return latents of all cells, ``(n_cells, n_latent)``."""
        parts = []
        n_cells = len(self.parts_cp)
        for start in range(0, n_cells, _BLOCK):
            job.report(start / n_cells)
            indices = torch.arange(start, min(start + _BLOCK, n_cells))
            parts_cp, edges, centre = self.around(indices)
            keep = torch.ones(len(centre), dtype=torch.bool, device=centre.device)
            parts.append(network.encode(parts_cp, edges, centre, parts_cp[centre], keep).cpu())
        return torch.cat(parts).numpy()
