"""A trained SAUCIE by itself: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from glasscell.models.published import BatchNet
from glasscell.models.saucie.code import bits_of, code_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.cell_batch import CellBatch
    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.saucie.network import SaucieNetwork


class PublishedSaucie(BatchNet):
    """A published network whose codes have names.

    Parameters
    ----------
    network, info, genes, preprocessing, batch_column, batches
        As of every published network that knows batches; ``first`` scales the input.
    codes
        Names of its codes; None for their toggles in ones and zeros. A twin's are those of its model.
    """

    network: SaucieNetwork

    def __init__(
        self,
        network: SaucieNetwork,
        info: ModelInfo,
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        batch_column: str = "",
        batches: tuple[str, ...] = (),
        codes: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(network, info, genes, preprocessing, batch_column, batches)
        self._domain_names = code_names(self.bit_kj) if codes is None else codes

    @property
    def n_latent(self) -> int:
        """Dimensions of the map."""
        return self.network.n_latent

    @property
    def domain_names(self) -> tuple[str, ...]:
        """Codes, written as ones and zeros."""
        return self._domain_names

    @cached_property
    def bit_kj(self) -> NDArray[np.bool_]:
        """Which toggles are on in each code, ``(n_domains, n_bits)``."""
        return bits_of(self.network.code_ku.cpu().numpy(), self.network.bit_ju.cpu().numpy())

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {
            **super().description(),
            "codes": list(self.domain_names),
            "n_bits": len(self.network.bit_ju),
        }

    def to(self, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Return a copy elsewhere or in another precision."""
        network = deepcopy(self.network).to(device=device, dtype=dtype)
        return self.remade(network, self.domain_names)

    def remade(self, network: SaucieNetwork, codes: tuple[str, ...]) -> Self:
        """Return a model of the same inputs with another network."""
        return type(self)(
            network, self.info, self.genes, self.preprocessing, self.batch_column, self.batches, codes
        )

    def _codes(self, batch: CellBatch) -> Tensor | None:
        if batch.batch is None or batch.centre is None:
            return batch.batch
        return batch.batch[batch.centre]

    def _batch_rows(self, batch: CellBatch) -> Tensor | None:
        return self.network.batches(self._codes(batch), self.inputs(batch))
