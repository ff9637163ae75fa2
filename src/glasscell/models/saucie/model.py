"""A trained SAUCIE as explanations see it: a map, codes as named domains, toggles, expression decoded."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from glasscell.errors import NotCompatible
from glasscell.models.saucie.published import PublishedSaucie
from glasscell.models.saucie.signature import decoded_codes, toggle_effects
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.cell_batch import CellBatch


class SaucieModel(PublishedSaucie):
    """One published network of the family ``saucie``.

    It offers FirstLinear, Encodes, Decodes, UsesBatch, NamesDomains and Structured. Its domains are codes
    that many cells share; the dimensions of its map have numbers and no names.
    """

    @property
    def n_domains(self) -> int:
        """Codes that enough cells share."""
        return len(self.network.code_ku)

    def targets(self) -> tuple[Target, ...]:
        """Return codes by name, and the dimensions of the map by number."""
        return self._known_targets

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
