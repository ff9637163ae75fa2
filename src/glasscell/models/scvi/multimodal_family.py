"""Families ``totalvi`` and ``multivi``: RNA with proteins, RNA with open chromatin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.modality import CHROMATIN, PROTEIN
from glasscell.models.info import ModelInfo
from glasscell.models.scvi.base_family import RebuiltFamily
from glasscell.models.scvi.multimodal import MultiviModel, TotalviModel, described_kinds
from glasscell.models.scvi.params import CountParams, MultiviParams, TotalviParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.info import FamilyParams
    from glasscell.models.scvi.encoder import EncoderModel

__all__ = ["MULTIVI", "TOTALVI", "MultimodalFamily"]


class MultimodalFamily(RebuiltFamily):
    """Trains and rebuilds one kind of model of two modalities; made as ``RebuiltFamily`` is."""

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[EncoderModel, Curve, tuple[str, ...]]:
        """Let scvi-tools train one network of both modalities, and return an adapted copy."""
        from glasscell.models.scvi.train_pair import train_pair

        assert isinstance(params, CountParams)
        self.require_counts(data)
        spec, tensors, curve = train_pair(self.kind, self.info.needs_modality, data, plan, params, job)
        return self.published(spec, tensors, data, modalities=data.modalities), curve, ()

    def said(self, description: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what columns count."""
        return {"modalities": described_kinds(description)}


_COMMON: dict[str, Any] = {
    "min_cells": 50,
    "needs_counts": True,
    "takes_batch": True,
    "needs_labels": False,
    "target_kinds": ("latent",),
    "input_kind": "counts",
}
TOTALVI = MultimodalFamily(
    "TOTALVI",
    ModelInfo(
        key="totalvi",
        title="totalVI (scvi-tools)",
        source="doi:10.1038/s41592-020-01050-x",
        works_for="Raw counts of RNA and surface proteins of the same cells (CITE-seq), several batches.",
        fails_for="A handful of cells; naming its axes, which are found up to a rotation only.",
        needs_modality=PROTEIN,
        **_COMMON,
    ),
    TotalviParams,
    TotalviModel,
)
MULTIVI = MultimodalFamily(
    "MULTIVI",
    ModelInfo(
        key="multivi",
        title="MultiVI (scvi-tools)",
        source="doi:10.1038/s41592-023-01909-9",
        works_for="Raw counts of RNA and open chromatin of the same cells (multiome), several batches.",
        fails_for="A handful of cells; naming its axes, which are found up to a rotation only.",
        needs_modality=CHROMATIN,
        **_COMMON,
    ),
    MultiviParams,
    MultiviModel,
)
