"""A model trained by scvi-tools as explanations see it: posterior means, evaluation mode, no random draw."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from glasscell.errors import NotCompatible
from glasscell.models.scvi.encoder import EncoderModel
from glasscell.models.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.cell_batch import CellBatch


class ScviModel(EncoderModel):
    """One network of scvi-tools: FirstLinear, Encodes, Decodes and UsesBatch; made as ``EncoderModel`` is.

    Its input is log1p of raw counts (scvi-tools' encoder does not normalise by size), so a straight path to a
    baseline runs in that space; choose ``depth_matched``, or depth itself is explained.
    """

    def decode(self, latent_cz: Tensor, batch: CellBatch) -> Tensor:
        """Return each gene's expected share of a cell's counts, ``(n, n_genes)``; rows sum to one.

        Cells of a batch the model has not seen are decoded half-way between those it has.

        Raises
        ------
        NotCompatible
            The decoder reads covariates beside the batch, or takes size factors.
        """
        module = self.network
        if self.spec.arguments.get("n_continuous_cov") or self.spec.arguments.get("n_cats_per_cov"):
            raise NotCompatible("Its decoder reads further covariates, which Glasscell does not pass on.")
        if module.use_size_factor_key:
            raise NotCompatible(
                "Its decoder works with size factors of its own, so it has no shares of genes."
            )
        codes = None if batch.batch is None or batch.centre is None else batch.batch[batch.centre]
        batch_cb = self._one_hot(batch.batch if batch.centre is None else codes, latent_cz)
        if module.batch_representation == "embedding":
            return self._shares(latent_cz, (), batch_cb @ module.get_embedding("batch").weight)
        return self._shares(latent_cz, (batch_cb,), None)

    def _shares(self, latent_cz: Tensor, batches: tuple[Tensor, ...], embedded_cb: Tensor | None) -> Tensor:
        """Ask the decoder, telling it batches as it wants them: as indicators or as numbers."""
        if embedded_cb is not None:
            latent_cz = torch.cat([latent_cz, embedded_cb], -1)
        size_c = latent_cz.new_zeros(len(latent_cz), 1)
        share_cg: Tensor = self.network.decoder(self.network.dispersion, latent_cz, size_c, *batches)[0]
        return share_cg


class DrviModel(ScviModel):
    """A DRVI: every factor (or group of latents) is decoded apart, and what they give is added."""

    def _shares(self, latent_cz: Tensor, batches: tuple[Tensor, ...], embedded_cb: Tensor | None) -> Tensor:
        log_rate_cg: Tensor = self.network.decoder(latent_cz, *batches, cont=embedded_cb)[0]
        return torch.softmax(log_rate_cg, dim=-1)


class LinearScviModel(ScviModel):
    """A LinearSCVI: its decoder is one matrix, shown as loadings of genes on latents (Structured)."""

    def parts(self) -> Mapping[str, Any]:
        """Return ``loadings``, ``(n_genes, n_latent)``, as scvi-tools' own ``get_loadings`` gives them."""
        loadings_gz = self.network.get_loadings()
        loadings_gz.setflags(write=False)
        return MappingProxyType({"loadings": loadings_gz})


class ScanviModel(ScviModel):
    """A SCANVI: classes from the latent means; adds Classifies.

    Parameters
    ----------
    classes
        Class names in the order of the logits, without the name for unlabelled cells.
    """

    def __init__(self, *args: Any, classes: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._classes = classes

    is_calibrated = False  # scvi-tools fits no temperature

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the logits."""
        return self._classes

    def logits(self, batch: CellBatch) -> Tensor:
        """Return raw logits, ``(n, n_classes)``."""
        return self._logits(self.encode(batch))

    def probabilities(self, batch: CellBatch) -> Tensor:
        """Return the softmax of the logits, ``(n, n_classes)``; scvi-tools does not calibrate them."""
        return torch.softmax(self.logits(batch), dim=1)

    @cached_property
    def _known_targets(self) -> tuple[Target, ...]:
        classes = tuple(Target("class", name) for name in self.classes)
        contrasts = tuple(Target("contrast", name) for name in self.classes)
        return classes + contrasts + tuple(Target("latent", str(n)) for n in range(self.n_latent))

    def _logits(self, latent_cz: Tensor) -> Tensor:
        classifier = self.network.classifier
        layers = classifier.classifier if classifier.logits else classifier.classifier[:-1]
        logits_ck: Tensor = layers(latent_cz)
        return logits_ck[:, : len(self.classes)]

    def _score(self, latent_cz: Tensor, target: Target) -> Tensor:
        if target.kind == "latent":
            return super()._score(latent_cz, target)
        logits_ck = self._logits(latent_cz)
        logit_c = logits_ck[:, self.classes.index(target.name)]
        if target.kind == "class":
            return logit_c
        if target.against is not None:
            return logit_c - logits_ck[:, self.classes.index(target.against)]
        return logit_c - (logits_ck.sum(dim=1) - logit_c) / (len(self.classes) - 1)
