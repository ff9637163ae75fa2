"""A trained ``grn`` as explanations see it: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from glasscell.errors import NotCompatible
from glasscell.models.published import PublishedNet
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.grn.network import GrnNetwork

#: Numbers held at a time: cells of a block x genes x hidden units.
BLOCK_NUMBERS = 1 << 24


class GrnModel(PublishedNet):
    """One published network of the family ``grn``: Structured; its targets are ``gene:NAME`` of used genes.

    A gene's own value has no way to its prediction, so its own attribution is zero. An influence is the slope
    of a gene's prediction along another gene's value: in a cell, or averaged over cells. It tells what the
    network uses, which need not be what regulates.
    """

    network: GrnNetwork

    @cached_property
    def used_genes(self) -> tuple[str, ...]:
        """Names of the genes that are foretold."""
        return tuple(self.genes[at] for at in self.network.used.tolist())

    @cached_property
    def regulators(self) -> tuple[str, ...]:
        """Names of the genes that may act."""
        return tuple(self.used_genes[at] for at in self.network.sources.tolist())

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        network = self.network
        return {**super().description(), "n_used": len(network.used), "n_sources": len(network.sources)}

    def targets(self) -> tuple[Target, ...]:
        """Return the used genes."""
        return self._known_targets

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return a gene's predicted expression in the unit of the input, ``(n,)``."""
        require_target(target, self._known_targets, self.info.title)
        gene = self.place(target.name)
        network = self.network
        standard_c = network.one(network.standard(self.inputs(batch)), gene)
        return standard_c * network.standardise.scale[gene] + network.standardise.mean[gene]

    def place(self, gene: str, *, acting: bool = False) -> int:
        """Find a gene among the used ones, or among the regulators.

        Raises
        ------
        NotCompatible
            It is not used, or may not act.
        """
        among = self._place_of_source if acting else self._place_of_gene
        if gene not in among:
            what = "regulator" if acting else "used gene"
            shown = ", ".join(list(among)[:8]) + (", ..." if len(among) > 8 else "")
            raise NotCompatible(f"{gene!r} is no {what} of this network; there are {shown}.")
        return among[gene]

    @torch.no_grad()
    def predict(self, x_cg: Tensor) -> Tensor:
        """Foretell every used gene from the others, in the unit of the input, ``(n, n_used)``.

        Parameters
        ----------
        x_cg
            Cells in the model's input, all its genes, ``(n, n_genes)``.
        """
        network = self.network
        parts = [network(part) for part in self._blocks(x_cg)]
        return torch.cat(parts) * network.standardise.scale + network.standardise.mean

    @torch.no_grad()
    def influence(self, x_cg: Tensor, regulator: str, gene: str) -> Tensor:
        """Return the slope of a gene's prediction along a regulator in each cell, ``(n,)``.

        Zero for a gene and itself. In standard deviations of the gene per standard deviation of the
        regulator, both over the training cells.

        Raises
        ------
        NotCompatible
            One of them is not used, or the regulator may not act.
        """
        source, at, network = self.place(regulator, acting=True), self.place(gene), self.network
        if int(network.sources[source]) == at:
            return x_cg.new_zeros(len(x_cg))
        hidden_ch = torch.tanh(network.before_one(network.standard(x_cg), at))
        return (1 - hidden_ch**2) @ (network.out.weight[at] * network.first.weight[:, source])

    @torch.no_grad()
    def mean_influence(self, x_cg: Tensor) -> Tensor:
        """Return the mean over cells of the slope of each gene along each regulator, ``(n_used, n_sources)``.

        The hidden layer is linear in the regulators, so the average is taken there, exactly: no table of
        cells x genes x genes is made. Zero for a gene and itself.
        """
        network = self.network
        slope_gh = network.out.weight.new_zeros(network.out.weight.shape)
        for part in self._blocks(x_cg):
            slope_gh += (1 - torch.tanh(network.before(part)) ** 2).sum(dim=0)
        weight_gr = (slope_gh / max(len(x_cg), 1) * network.out.weight) @ network.first.weight
        weight_gr[network.sources, torch.arange(len(network.sources), device=weight_gr.device)] = 0.0
        return weight_gr

    def parts(self) -> Mapping[str, Any]:
        """Return used genes, regulators and mean influences over training cells, read-only, by name."""
        network = self.network
        found: dict[str, NDArray[Any]] = {
            "genes": np.asarray(self.used_genes, np.str_),
            "regulators": np.asarray(self.regulators, np.str_),
            "influence": network.mean_gr.cpu().numpy().copy(),
            "mean": network.standardise.mean.cpu().numpy().copy(),
            "scale": network.standardise.scale.cpu().numpy().copy(),
        }
        for array in found.values():
            array.setflags(write=False)
        return MappingProxyType(found)

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return type(self)(network, self.info, self.genes, self.preprocessing)

    def _blocks(self, x_cg: Tensor) -> list[Tensor]:
        network = self.network
        rows = max(1, BLOCK_NUMBERS // network.out.weight.numel())
        return list(torch.split(network.standard(x_cg), rows))

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        return tuple(Target("gene", name) for name in self.used_genes)

    @cached_property
    def _place_of_gene(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.used_genes)}

    @cached_property
    def _place_of_source(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self.regulators)}
