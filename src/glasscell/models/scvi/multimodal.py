"""Models of two modalities trained by scvi-tools: every column is an input, whichever kind it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from glasscell.data.modality import CHROMATIN, PROTEIN, RNA, columns_of
from glasscell.models.scvi.encoder import EncoderModel
from glasscell.models.scvi.network import finish, folded, through
from glasscell.models.target import Target, require_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.models.cell_batch import CellBatch


class KindsModel(EncoderModel):
    """A model that says what each of its inputs counts; made as ``EncoderModel`` is; adds UsesModalities.

    Parameters
    ----------
    modalities
        What each input counts, in the order of ``genes``.
    """

    def __init__(self, *args: Any, modalities: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modalities = modalities

    @property
    def modalities(self) -> tuple[str, ...]:
        """What each input counts, in the order of ``genes``."""
        return self._modalities

    def description(self) -> Mapping[str, Any]:
        """Return what rebuilds the model beside weights, genes and classes."""
        names = sorted(set(self.modalities))
        codes = [names.index(name) for name in self.modalities]
        return {**super().description(), "modalities": {"names": names, "codes": codes}}


def described_kinds(description: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ``modalities`` that a model's description holds."""
    kinds = description["modalities"]
    return tuple(kinds["names"][code] for code in kinds["codes"])


class MultimodalModel(KindsModel):
    """One network of two modalities; made as ``KindsModel`` is."""

    #: The second modality; scvi-tools has RNA first.
    second = ""

    def __init__(self, *args: Any, modalities: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, modalities=modalities, **kwargs)
        self._places = tuple(torch.from_numpy(columns_of(modalities, name)) for name in (RNA, self.second))

    def _of(self, which: int, values_cg: Tensor) -> Tensor:
        """Return the columns of one modality, in scvi-tools' order."""
        return values_cg[:, self._places[which].to(values_cg.device)]

    def _spread(self, weight_hp: Tensor, which: int) -> Tensor:
        """Return weights of one modality among columns of all inputs; those of no modality count nothing."""
        whole_hg = weight_hp.new_zeros(len(weight_hp), len(self.genes))
        whole_hg[:, self._places[which].to(weight_hp.device)] = weight_hp
        return whole_hg


class TotalviModel(MultimodalModel):
    """A TOTALVI: RNA and proteins, each divided by one and its own mean count of the cell, then log1p."""

    second = PROTEIN

    @property
    def _layers(self) -> Any:
        return self.network.encoder.encoder

    @property
    def _mean(self) -> Any:
        return self.network.encoder.z_mean_encoder

    def inputs(self, batch: CellBatch) -> Tensor:
        """Return what scvi-tools' encoder reads, ``(n, n_genes)``: log1p(count / (1 + mean of its kind))."""
        counts_cg = super().inputs(batch)
        made_cg = torch.zeros_like(counts_cg)
        for which, place in enumerate(self._places):
            values = self._of(which, counts_cg)
            own = torch.log1p(values / (1 + values.mean(dim=1, keepdim=True)))
            made_cg = made_cg.index_copy(1, place.to(counts_cg.device), own)
        return made_cg

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return ``W`` and ``b`` of the encoder, columns in the order of ``genes``."""
        n_rna, n_all = len(self._places[0]), sum(map(len, self._places))
        weight_hp, bias = folded(self._layers, n_all, self._covariates(batch))
        return self._spread(weight_hp[:, :n_rna], 0) + self._spread(weight_hp[:, n_rna:], 1), bias

    def _encoded(self, values_cg: Tensor, covariates: Tensor | None) -> Tensor:
        ordered = torch.cat([self._of(0, values_cg), self._of(1, values_cg)], dim=1)
        return super()._encoded(ordered, covariates)


class MultiviModel(MultimodalModel):
    """A MULTIVI: an encoder for RNA and one for chromatin, each reading counts; their means are mixed.

    A cell without counts of a kind takes its latents from the other kind alone, as scvi-tools has it.
    """

    second = CHROMATIN

    @property
    def _encoders(self) -> tuple[Any, Any]:
        return self.network.z_encoder_expression, self.network.z_encoder_accessibility

    @property
    def _layers(self) -> Any:
        return self._encoders[0].encoder

    def first(self, batch: CellBatch) -> tuple[Tensor, Tensor]:
        """Return both first layers, one below the other."""
        covariates = self._covariates(batch)
        parts = [
            folded(one.encoder, len(place), covariates)
            for one, place in zip(self._encoders, self._places, strict=True)
        ]
        weight_hg = torch.cat([self._spread(weight, which) for which, (weight, _) in enumerate(parts)])
        return weight_hg, torch.cat([bias for _, bias in parts], dim=-1)

    def rest(self, hidden_ch: Tensor, batch: CellBatch, target: Target) -> Tensor:
        """Finish the score from both first layers' output."""
        require_target(target, self._known_targets, self.info.title)
        covariates, half = self._covariates(batch), hidden_ch.shape[1] // 2
        means = [
            one.mean_encoder(finish(one.encoder, part, covariates))
            for one, part in zip(self._encoders, (hidden_ch[:, :half], hidden_ch[:, half:]), strict=True)
        ]
        return self._score(self._mixed(means, self.inputs(batch)), target)

    def _encoded(self, values_cg: Tensor, covariates: Tensor | None) -> Tensor:
        means = [
            one.mean_encoder(through(one.encoder, self._of(which, values_cg), covariates))
            for which, one in enumerate(self._encoders)
        ]
        return self._mixed(means, values_cg)

    def _mixed(self, means: list[Tensor], values_cg: Tensor) -> Tensor:
        """Average the means of the kinds a cell has counts of, by the network's weights."""
        there = torch.stack([self._of(which, values_cg).sum(dim=1) > 0 for which in (0, 1)], dim=1)
        weight_cm = torch.exp(self.network.mod_weights[:2]) * there
        weight_cm = weight_cm / weight_cm.sum(dim=1, keepdim=True).clamp(min=1e-12)
        return weight_cm[:, :1] * means[0] + weight_cm[:, 1:] * means[1]
