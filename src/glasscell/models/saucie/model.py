"""A trained SAUCIE as explanations see it: evaluation mode, never changed."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from glasscell.errors import NotCompatible
from glasscell.models.saucie.code import bits_of, code_names
from glasscell.models.saucie.signature import decoded_codes, toggle_effects
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.protocol import CellBatch
    from glasscell.models.saucie.network import SaucieNetwork


class SaucieModel:
    """One published network of the family ``saucie``.

    It offers FirstLinear, Encodes, Decodes, UsesBatch, NamesDomains and Structured. Its domains are codes
    that many cells share; the dimensions of its map have numbers and no names.

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
    def n_domains(self) -> int:
        """Codes that enough cells share."""
        return len(self.network.code_ku)

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

    def targets(self) -> tuple[Target, ...]:
        """Return codes by name, and the dimensions of the map by number."""
        return self._known_targets

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

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` and ``b`` with scaling and the batch's shift folded in."""
        return self.network.folded(self._batch_rows(batch))

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish a code's logit or a place on the map from the first layer's output."""
        return self._scored(self.network.down(hidden_ch), target)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Return a code's logit or a place on the map for each cell, ``(n,)``."""
        return self._scored(self.encode(batch), target)

    def encode(self, batch: CellBatch) -> Tensor:
        """Return places on the map, ``(n, n_latent)``."""
        latent_cz: Tensor = self.network.encode(
            self.network.standardise(self.inputs(batch)), self._batch_rows(batch)
        )
        return latent_cz

    def active(self, latent_cz: Tensor) -> Tensor:
        """Return the activity of each unit of the code at some places, ``(n, n_units)``."""
        return functional.relu(self.network.drive(latent_cz))

    def domain_logits(self, batch: CellBatch) -> Tensor:
        """Return how well each code fits each cell, ``(n, n_domains)``; see ``logits_of``."""
        return self.logits_of(self.encode(batch))

    def logits_of(self, latent_cz: Tensor) -> Tensor:
        """Return the log-odds that each code's units are on and off as they are, ``(n, n_domains)``.

        Units are taken as independent, each on with the logistic of its drive. A cell that has a code to the
        unit has it as its largest. With more than one code their mean is subtracted.
        """
        network = self.network
        over_cu = (network.drive(latent_cz) - network.threshold_u) / network.softness_u
        sign_ku = network.code_ku.to(over_cu.dtype) * 2 - 1
        fits = [functional.logsigmoid(over_cu * sign_u).sum(dim=1) for sign_u in sign_ku]
        fit_ck = torch.stack(fits, dim=1) if fits else over_cu[:, :0]
        return fit_ck - fit_ck.mean(dim=1, keepdim=True) if self.n_domains > 1 else fit_ck

    def domain_codes(self, latent_cz: Tensor) -> Tensor:
        """Return the code that each cell has to the unit, ``(n,)`` int64; -1 for one not kept."""
        on_cu = self.network.drive(latent_cz) > self.network.threshold_u
        found = torch.full((len(latent_cz),), -1, dtype=torch.int64, device=latent_cz.device)
        for number, code_u in enumerate(self.network.code_ku):
            found[(on_cu == code_u).all(dim=1)] = number
        return found

    def toggled(self, latent_cz: Tensor, bit: int) -> Tensor:
        """Return 1 where a toggle is on, 0 off, -1 where only some of its units are, ``(n,)`` int64."""
        network = self.network
        on_cu = (network.drive(latent_cz) > network.threshold_u)[:, network.bit_ju[bit]]
        some, every = on_cu.any(dim=1), on_cu.all(dim=1)
        return torch.where(some & ~every, -1, every.to(torch.int64))

    def decode(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return decoded (not measured) expression, in the unit of the input, ``(n, n_genes)``.

        Each cell is decoded in its own batch; one of no known batch half-way between those there are.
        """
        codes = self._codes(batch)
        if codes is not None and len(codes) != len(latent_cz):
            raise NotCompatible("Decoding needs one latent per cell of the batch.")
        return self.expression(self.active(latent_cz), self.network.batches(codes, latent_cz))

    def corrected(self, batch: CellBatch) -> Tensor:
        """Return decoded expression as if all cells were of one batch, half-way between those there are.

        Less ``decode`` it is what the batch does to each gene of a cell, as far as the model knows.
        """
        return self.expression(self.active(self.encode(batch)))

    def parts(self) -> Mapping[str, Any]:
        """Return read-only arrays by name.

        ``codes`` names; ``cells`` of the training under each; ``bits`` ``(n_domains, n_bits)``; ``units``
        ``(n_bits, n_units)``: the units a toggle switches; ``mean`` and ``difference`` ``(n_domains,
        n_genes)``: measured, the latter from all other cells; ``decoded`` ``(n_domains, n_genes)``;
        ``toggle`` ``(n_bits, n_genes)``: decoded change when a toggle is switched on.
        """
        network = self.network
        found: dict[str, Any] = {
            "codes": np.asarray(self.domain_names, np.str_),
            "cells": network.size_k.cpu().numpy(),
            "bits": self.bit_kj,
            "units": network.bit_ju.cpu().numpy(),
            "mean": network.mean_kg.cpu().numpy(),
            "difference": (network.mean_kg - network.rest_kg).cpu().numpy(),
            "decoded": decoded_codes(self).cpu().numpy(),
            "toggle": toggle_effects(self).cpu().numpy(),
        }
        for name, values in found.items():
            found[name] = values.copy()
            found[name].setflags(write=False)
        return MappingProxyType(found)

    def expression(self, active_cu: Tensor, batch_cb: Tensor | None = None) -> Tensor:
        """Return decoded expression, in the unit of the input, from activities of the code, ``(n, n_genes)``.

        Parameters
        ----------
        batch_cb
            Batches as indicator rows; None decodes half-way between them.
        """
        if batch_cb is None:
            batch_cb = self.network.batches(None, active_cu)
        scale = self.network.standardise
        return self.network.decode(active_cu, batch_cb) * scale.scale + scale.mean

    def _scored(self, latent_cz: Tensor, target: Target) -> Tensor:
        require_target(target, self._known_targets, self.info.title)
        if target.kind == "latent":
            return latent_cz[:, int(target.name)]
        return self.logits_of(latent_cz)[:, self.domain_names.index(target.name)]

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        codes = (Target("domain", name) for name in self.domain_names)
        return (*codes, *(Target("latent", str(number)) for number in range(self.n_latent)))

    def _codes(self, batch: CellBatch) -> Tensor | None:
        if batch.batch is None or batch.centre is None:
            return batch.batch
        return batch.batch[batch.centre]

    def _batch_rows(self, batch: CellBatch) -> Tensor | None:
        return self.network.batches(self._codes(batch), self.inputs(batch))
