"""Families ``totalvi`` and ``multivi``: RNA with proteins, RNA with open chromatin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.modality import CHROMATIN, PROTEIN
from glasscell.models.info import ModelInfo
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.scvi.base_family import TrainedFamily
from glasscell.models.scvi.multimodal import MultimodalModel, MultiviModel, TotalviModel, described_kinds
from glasscell.models.scvi.network import ScviSpec, build_module
from glasscell.models.scvi.params import CountParams, MultiviParams, TotalviParams, TrainerParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.info import FamilyParams

__all__ = ["MULTIVI", "TOTALVI", "MultimodalFamily"]


class MultimodalFamily(TrainedFamily):
    """Trains and rebuilds one kind of model of two modalities.

    Parameters
    ----------
    kind
        Class of scvi-tools.
    info
        Words about it.
    params
        Class of its settings.
    model
        Class of its published models.
    """

    def __init__(
        self, kind: str, info: ModelInfo, params: type[TrainerParams], model: type[MultimodalModel]
    ) -> None:
        super().__init__(kind, info, params)
        self._model = model

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[MultimodalModel, Curve, tuple[str, ...]]:
        """Let scvi-tools train one network of both modalities, and return an adapted copy."""
        from glasscell.models.scvi.train_pair import train_pair

        assert isinstance(params, CountParams)
        self.require_counts(data)
        spec, tensors, curve = train_pair(self.kind, self._model.second, data, plan, params, job)
        n_batch = int(spec.arguments["n_batch"])
        named = (data.batch_column, data.batches) if n_batch > 1 else ("", ())
        model = self._made(spec, tensors, data.genes, data.preprocessing, *named, data.modalities)
        return model, curve, ()

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> MultimodalModel:
        """Rebuild a model that scores bit-equal; scvi-tools must be installed."""
        return self._made(
            ScviSpec.from_json(description["module"]),
            tensors,
            genes,
            Preprocessing.from_json(description["preprocessing"]),
            description["batch_column"],
            tuple(description["batches"]),
            described_kinds(description),
        )

    def _made(
        self,
        spec: ScviSpec,
        tensors: Mapping[str, Tensor],
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        batch_column: str,
        batches: tuple[str, ...],
        modalities: tuple[str, ...],
    ) -> MultimodalModel:
        module = build_module(spec, tensors)
        parts = (module, spec, self.info, genes, preprocessing, batch_column, batches)
        return self._model(*parts, modalities=modalities)


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
