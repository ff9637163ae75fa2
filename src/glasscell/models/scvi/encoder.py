"""Networks of scvi-tools as models of latents: what their encoders have in common."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import torch
from torch.nn import functional

from glasscell.models.published import BatchNet
from glasscell.models.scvi.network import ScviSpec, finish, folded, quiet_random, through
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing


class EncoderModel(BatchNet):
    """One network of scvi-tools whose latents are asked for: FirstLinear, Encodes and UsesBatch.

    Parameters
    ----------
    module
        A network of scvi-tools with its weights; a copy is kept.
    spec
        What rebuilds it.
    info
        Words about the family.
    genes
        Names of the inputs.
    preprocessing
        How counts become its input.
    batch_column, batches
        Obs column of the technical batch and its values, in the order of the codes; empty for none.
    """

    network: Any

    def __init__(
        self,
        module: nn.Module,
        spec: ScviSpec,
        info: ModelInfo,
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        batch_column: str = "",
        batches: tuple[str, ...] = (),
    ) -> None:
        with quiet_random():
            super().__init__(module, info, genes, preprocessing, batch_column, batches)
        self.spec = spec

    @property
    def n_latent(self) -> int:
        """Latent dimensions."""
        return int(self.network.n_latent)

    @property
    def _layers(self) -> Any:
        """scvi-tools' fully connected layers that read the input."""
        return self.network.z_encoder.encoder

    @property
    def _mean(self) -> Any:
        """The layer that gives the posterior mean."""
        return self.network.z_encoder.mean_encoder

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and classes."""
        return {**super().description(), "module": self.spec.to_json()}

    def targets(self) -> tuple[Target, ...]:
        """Return the latents, by number."""
        return self._known_targets

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        made = type(self).__new__(type(self))
        kept = {name: value for name, value in vars(self).items() if name not in ("network", "fingerprint")}
        vars(made).update(kept)
        made.network = deepcopy(self.network).to(device=device, dtype=dtype)
        return made

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` and ``b`` with BatchNorm and, where the encoder reads it, the batch folded in."""
        return folded(self._layers, len(self.genes), self._covariates(batch))

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score from the first layer's output."""
        require_target(target, self._known_targets, self.info.title)
        hidden_ch = finish(self._layers, hidden_ch, self._covariates(batch))
        return self._score(self._mean(hidden_ch), target)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Score each row through scvi-tools' own layers."""
        require_target(target, self._known_targets, self.info.title)
        return self._score(self.encode(batch), target)

    def _score(self, latent_cz: Tensor, target: Target) -> Tensor:
        return latent_cz[:, int(target.name)]

    def encode(self, batch: CellBatch) -> Tensor:
        """Return the posterior mean of the latents, ``(n, n_latent)``: ``get_latent_representation``."""
        return self._encoded(self.inputs(batch), self._covariates(batch))

    def _encoded(self, values_cg: Tensor, covariates: Tensor | None) -> Tensor:
        latent_cz: Tensor = self._mean(through(self._layers, values_cg, covariates))
        return latent_cz

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        return tuple(Target("latent", str(number)) for number in range(self.n_latent))

    def _one_hot(self, codes: Tensor | None, like: Tensor) -> Tensor:
        """Return batches as indicator rows; a cell of no known batch is a bit of each."""
        n_batches = max(1, int(self.network.n_batch))
        even = like.new_full((len(like), n_batches), 1 / n_batches)
        if codes is None:
            return even
        shown = functional.one_hot(codes.clamp(min=0), n_batches).to(like.dtype)
        return torch.where(codes[:, None] >= 0, shown, even)

    def _covariates(self, batch: CellBatch) -> Tensor | None:
        """Return what the encoder reads beside genes, ``(n, n_batches)``; None when it reads genes only."""
        if not sum(self._layers.n_cat_list):
            return None
        codes = batch.batch
        if codes is not None and batch.centre is not None:
            codes = codes[batch.centre]
        return self._one_hot(codes, self.inputs(batch))
