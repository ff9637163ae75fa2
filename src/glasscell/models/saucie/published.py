"""A trained SAUCIE by itself: evaluation mode, no gradients on weights, never changed."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

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


class PublishedSaucie:
    """What a published network is by itself: its inputs, names, precision and digest.

    Parameters
    ----------
    network
        Trained; a copy is kept.
    info
        Words about the family.
    genes
        Names of the inputs.
    preprocessing
        How counts become its input.
    batch_column, batches
        Obs column of the technical batch and its values, in the order of the codes; empty for none.
    codes
        Names of its codes; None for their toggles in ones and zeros. A twin's are those of its model.
    """

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
        self.network = deepcopy(network).eval().requires_grad_(False)
        self._info, self._genes, self._preprocessing = info, genes, preprocessing
        self._batch_column, self._batches = batch_column, batches
        self._domain_names = code_names(self.bit_kj) if codes is None else codes

    @property
    def info(self) -> ModelInfo:
        """Words about the family."""
        return self._info

    @property
    def genes(self) -> tuple[str, ...]:
        """Input genes, in order."""
        return self._genes

    @property
    def preprocessing(self) -> Preprocessing:
        """How counts become this model's input."""
        return self._preprocessing

    @property
    def batch_column(self) -> str:
        """Obs column of the technical batch; empty for none."""
        return self._batch_column

    @property
    def batches(self) -> tuple[str, ...]:
        """Names of the batches, in the order of the codes."""
        return self._batches

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

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.genes.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of weights and input."""
        return self.network.genes.weight.dtype

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything a score depends on; the same on every device."""
        words = {**self.description(), "genes": self.genes}
        digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and settings."""
        return {
            "preprocessing": self.preprocessing.to_json(),
            "batch_column": self.batch_column,
            "batches": list(self.batches),
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

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return expression, ``(n, n_genes)``; ``first`` scales it."""
        return batch.expression if batch.centre is None else batch.expression[batch.centre]

    def _codes(self, batch: CellBatch) -> Tensor | None:
        if batch.batch is None or batch.centre is None:
            return batch.batch
        return batch.batch[batch.centre]

    def _batch_rows(self, batch: CellBatch) -> Tensor | None:
        return self.network.batches(self._codes(batch), self.inputs(batch))
