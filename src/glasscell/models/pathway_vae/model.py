"""A trained pathway VAE as explanations see it: a VAE whose latents are gene sets, with their names."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from glasscell.data.gene_set import jaccard
from glasscell.models.target import Target, require_target
from glasscell.models.vae.model import VaeModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.pathway_vae.network import PathwayNetwork


class PathwayModel(VaeModel):
    """One published network of the family ``pathway_vae``: a VAE's promises, NamedLatents and Structured.

    The last latents are free: they belong to no set, and have no more meaning than those of a plain VAE.
    """

    @property
    def pathways(self) -> PathwayNetwork:
        """The network."""
        return cast("PathwayNetwork", self.network)

    @property
    def latent_names(self) -> tuple[str, ...]:
        """Names of the sets, then of the free latents."""
        return self.pathways.names

    @property
    def n_sets(self) -> int:
        """Count the sets, pruned ones included."""
        return self.pathways.n_sets

    @cached_property
    def weights_kg(self) -> NDArray[np.float32]:
        """Change of a gene's log expression as a latent rises by one, ``(n_latent, n_genes)``, read-only."""
        weights_kg = self.pathways.weight_gk.T.cpu().float().numpy().copy()
        weights_kg.flags.writeable = False
        return weights_kg

    @cached_property
    def mask_pg(self) -> NDArray[np.bool_]:
        """Which gene belongs to which set, ``(n_sets, n_genes)``, read-only."""
        mask_pg = self.pathways.member_pg.cpu().numpy().copy()
        mask_pg.flags.writeable = False
        return mask_pg

    @cached_property
    def norms_k(self) -> NDArray[np.float32]:
        """Length of each latent's weights, ``(n_latent,)``; 0 for a set that was pruned."""
        norms_k = np.asarray(np.linalg.norm(self.weights_kg, axis=1), np.float32)
        norms_k.flags.writeable = False
        return norms_k

    @property
    def pruned(self) -> tuple[str, ...]:
        """Names of the sets that move no gene."""
        return tuple(name for name, norm in zip(self.latent_names, self.norms_k, strict=True) if norm == 0)

    @cached_property
    def redundancy_pp(self) -> NDArray[np.float64]:
        """Genes that two sets share over genes in either (Jaccard), ``(n_sets, n_sets)``."""
        shared_pp = jaccard(self.mask_pg)
        shared_pp.flags.writeable = False
        return shared_pp

    def redundant(self, above: float = 0.5) -> tuple[tuple[str, str, float], ...]:
        """List pairs of sets that share more than a part of their genes, most alike first.

        Their latents compete for the same genes: which of the two is at work cannot be told.
        """
        first, second = np.nonzero(np.triu(self.redundancy_pp > above, k=1))
        found = [
            (self.latent_names[p], self.latent_names[q], float(self.redundancy_pp[p, q]))
            for p, q in zip(first, second, strict=True)
        ]
        return tuple(sorted(found, key=lambda row: (-row[2], row[:2])))

    def conflicts(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return genes the data want in a set that lacks them, strongest first, and members without weight.

        The former are empty unless the membership is soft.
        """
        row = self.latent_names.index(name)
        weight_g, member_g = np.abs(self.weights_kg[row]), self.mask_pg[row]
        wanted = [g for g in np.argsort(-weight_g, kind="stable") if weight_g[g] > 0 and not member_g[g]]
        idle = np.flatnonzero(member_g & (weight_g == 0))
        return tuple(self.genes[g] for g in wanted), tuple(self.genes[g] for g in idle)

    def parts(self) -> Mapping[str, Any]:
        """Return weights, mask, norms and the overlap of sets, read-only, with the names of their rows."""
        return MappingProxyType(
            {
                "latent_names": self.latent_names,
                "weights": self.weights_kg,
                "mask": self.mask_pg,
                "norms": self.norms_k,
                "jaccard": self.redundancy_pp,
            }
        )

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {**super().description(), "latents": list(self.latent_names)}

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the latent asked for from the first layer's output."""
        return self.network.encoder.latent(hidden_ch)[:, self._column(target)]

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return one latent's mean, ``(n,)``."""
        return self.encode(batch)[:, self._column(target)]

    def share(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return each gene's expected share of a cell's counts, ``(n, n_genes)``.

        Rows sum to one in the mean only: a set at work adds to its own genes and takes nothing from others.
        """
        return super().share(latent_cz, batch)

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        return tuple(Target("latent", name) for name in self.latent_names)

    @cached_property
    def _columns(self) -> Mapping[str, int]:
        return {name: column for column, name in enumerate(self.latent_names)}

    def _column(self, target: Target) -> int:
        require_target(target, self._known_targets, self.info.title)
        return self._columns[target.name]
