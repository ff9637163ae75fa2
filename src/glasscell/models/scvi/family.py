"""Families ``scvi``, ``scanvi``, ``linear_scvi`` and ``drvi``: models of scvi-tools, adapted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.models.info import ModelInfo
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.scvi.base_family import TrainedFamily
from glasscell.models.scvi.file import ScviFile
from glasscell.models.scvi.model import DrviModel, LinearScviModel, ScanviModel, ScviModel
from glasscell.models.scvi.network import ScviSpec, build_module
from glasscell.models.scvi.params import DrviParams, ScviParams, TrainerParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.info import FamilyParams

__all__ = ["DRVI", "FAMILY_OF", "LINEAR", "SCANVI", "SCVI", "ScviFamily", "ScviParams", "adapt"]

FAMILY_OF = {"SCVI": "scvi", "SCANVI": "scanvi", "LinearSCVI": "linear_scvi", "DRVI": "drvi"}
_KINDS: dict[str, type[ScviModel]] = {
    "SCVI": ScviModel,
    "SCANVI": ScanviModel,
    "LinearSCVI": LinearScviModel,
    "DRVI": DrviModel,
}


class ScviFamily(TrainedFamily):
    """Trains, takes apart and rebuilds one kind of model of scvi-tools; made as ``TrainedFamily`` is."""

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[ScviModel, Curve, tuple[str, ...]]:
        """Let scvi-tools train one network, and return an adapted copy."""
        from glasscell.models.scvi.train import train

        assert isinstance(params, TrainerParams)
        self.require_counts(data)
        saved, curve = train(self.kind, data, plan, params, job)
        return adapt(saved), curve, ()

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> ScviModel:
        """Rebuild a model that scores bit-equal; scvi-tools must be installed."""
        return adapt(
            ScviFile(
                spec=ScviSpec.from_json(description["module"]),
                tensors=tensors,
                genes=genes,
                preprocessing=Preprocessing.from_json(description["preprocessing"]),
                batch_column=description["batch_column"],
                batches=tuple(description["batches"]),
                classes=classes,
            )
        )


def adapt(saved: ScviFile) -> ScviModel:
    """Make the network of a saved model and wrap it as a model that explanations can ask.

    Raises
    ------
    ModelError
        The parts do not fit each other or this version of scvi-tools.
    NotCompatible
        scvi-tools is absent, or the network has parts that are not adapted.
    """
    module = build_module(saved.spec, saved.tensors)
    info = INFO_OF[saved.spec.kind]
    parts = (saved.genes, saved.preprocessing, saved.batch_column, saved.batches)
    if saved.spec.kind == "SCANVI":
        return ScanviModel(module, saved.spec, info, *parts, classes=saved.classes)
    return _KINDS[saved.spec.kind](module, saved.spec, info, *parts)


_COMMON: dict[str, Any] = {
    "min_cells": 50,
    "needs_counts": True,
    "takes_batch": True,
    "input_kind": "log1p",
}
INFO_OF = {
    "SCVI": ModelInfo(
        key="scvi",
        title="scVI (scvi-tools)",
        source="doi:10.1038/s41592-018-0229-2",
        works_for="Raw counts of several batches without labels: one embedding for all.",
        fails_for="Log-normalised values; naming its axes, which are found up to a rotation only.",
        target_kinds=("latent",),
        needs_labels=False,
        **_COMMON,
    ),
    "SCANVI": ModelInfo(
        key="scanvi",
        title="scANVI (scvi-tools)",
        source="doi:10.15252/msb.20209620",
        works_for="Raw counts of several batches with cell types for some of the cells.",
        fails_for="Log-normalised values; labels made from the same counts (accuracy is then circular).",
        target_kinds=("class", "contrast", "latent"),
        **_COMMON,
    ),
    "LinearSCVI": ModelInfo(
        key="linear_scvi",
        title="LinearSCVI (scvi-tools)",
        source="doi:10.1093/bioinformatics/btaa169",
        works_for="Raw counts without labels: latents whose loadings on genes can be read off.",
        fails_for="Log-normalised values; expression that is no product of a few factors.",
        target_kinds=("latent",),
        needs_labels=False,
        **_COMMON,
    ),
    "DRVI": ModelInfo(
        key="drvi",
        title="DRVI (scvi-tools 1.5)",
        source="doi:10.1101/2024.11.06.622266",
        works_for=(
            "Raw counts of several batches without labels: factors that are decoded apart and added, as "
            "those of additive_vae are, which needs no scvi-tools."
        ),
        fails_for="Log-normalised values; naming its factors, whose order and signs are arbitrary.",
        target_kinds=("latent",),
        needs_labels=False,
        **_COMMON,
    ),
}
SCVI = ScviFamily("SCVI", INFO_OF["SCVI"], ScviParams)
SCANVI = ScviFamily("SCANVI", INFO_OF["SCANVI"], ScviParams)
LINEAR = ScviFamily("LinearSCVI", INFO_OF["LinearSCVI"], ScviParams)
DRVI = ScviFamily("DRVI", INFO_OF["DRVI"], DrviParams)
