"""A model trained by scvi-tools as explanations see it: posterior means, evaluation mode, no random draw."""

from __future__ import annotations

from copy import deepcopy
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from glasscell.errors import NotCompatible
from glasscell.models.published import BatchNet
from glasscell.models.scvi.network import ScviSpec, finish, folded, quiet_random
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from glasscell.models.info import ModelInfo
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.protocol import CellBatch


class ScviModel(BatchNet):
    """One network of scvi-tools: FirstLinear, Encodes, Decodes and UsesBatch.

    Its input is log1p of raw counts (scvi-tools' encoder does not normalise by size), so a straight path to a
    baseline runs in that space; choose ``depth_matched``, or depth itself is explained.

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
        return folded(self.network.z_encoder.encoder, len(self.genes), self._covariates(batch))

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score from the first layer's output."""
        require_target(target, self._known_targets, self.info.title)
        covariates = self._covariates(batch)
        hidden_ch = finish(self.network.z_encoder.encoder, hidden_ch, covariates)
        return self._score(self.network.z_encoder.mean_encoder(hidden_ch), target)

    def score(self, batch: CellBatch, target: Target) -> Tensor:
        """Score each row through scvi-tools' own layers."""
        require_target(target, self._known_targets, self.info.title)
        return self._score(self.encode(batch), target)

    def _score(self, latent_cz: Tensor, target: Target) -> Tensor:
        return latent_cz[:, int(target.name)]

    def encode(self, batch: CellBatch) -> Tensor:
        """Return the posterior mean of the latents, ``(n, n_latent)``: ``get_latent_representation``."""
        covariates = self._covariates(batch)
        encoder = self.network.z_encoder
        hidden_ch = encoder.encoder(self.inputs(batch), *([] if covariates is None else [covariates]))
        latent_cz: Tensor = encoder.mean_encoder(hidden_ch)
        return latent_cz

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
        size_c = latent_cz.new_zeros(len(latent_cz), 1)
        if module.batch_representation == "embedding":
            weight = module.get_embedding("batch").weight
            share_cg = module.decoder(
                module.dispersion, torch.cat([latent_cz, batch_cb @ weight], -1), size_c
            )[0]
        else:
            share_cg = module.decoder(module.dispersion, latent_cz, size_c, batch_cb)[0]
        assert isinstance(share_cg, Tensor)
        return share_cg

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
        if not sum(self.network.z_encoder.encoder.n_cat_list):
            return None
        codes = batch.batch
        if codes is not None and batch.centre is not None:
            codes = codes[batch.centre]
        return self._one_hot(codes, self.inputs(batch))


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
