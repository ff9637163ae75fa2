"""Family ``velovi``: latents and velocities of spliced and unspliced RNA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.modality import UNSPLICED
from glasscell.models.info import ModelInfo
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.scvi.base_family import TrainedFamily
from glasscell.models.scvi.multimodal import described_kinds
from glasscell.models.scvi.network import ScviSpec, build_module
from glasscell.models.scvi.params import VelocityParams
from glasscell.models.scvi.velocity_model import VelocityModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.info import FamilyParams

__all__ = ["VELOVI", "VelocityFamily"]

_COUNTS = (
    "These are counts, which are few for unspliced RNA and go with the depth of each cell: moments made by "
    "join_splicing tell more."
)


class VelocityFamily(TrainedFamily):
    """Trains and rebuilds models of RNA velocity; made as ``TrainedFamily`` is."""

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[VelocityModel, Curve, tuple[str, ...]]:
        """Let scvi-tools train one network, and return an adapted copy."""
        from glasscell.models.scvi.train_velocity import train_velocity

        assert isinstance(params, VelocityParams)
        spec, tensors, curve, scaling = train_velocity(data, plan, params, job)
        columns = (scaling.read.tolist(), scaling.low.tolist(), scaling.span.tolist())
        model = self._made(spec, tensors, data.genes, data.preprocessing, data.modalities, *columns)
        return model, curve, (_COUNTS,) if data.preprocessing.kind == "counts" else ()

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> VelocityModel:
        """Rebuild a model that scores bit-equal; scvi-tools must be installed."""
        return self._made(
            ScviSpec.from_json(description["module"]),
            tensors,
            genes,
            Preprocessing.from_json(description["preprocessing"]),
            described_kinds(description),
            description["read"],
            description["low"],
            description["span"],
        )

    def _made(
        self,
        spec: ScviSpec,
        tensors: Mapping[str, Tensor],
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        modalities: tuple[str, ...],
        read: Sequence[int],
        low: Sequence[float],
        span: Sequence[float],
    ) -> VelocityModel:
        module = build_module(spec, tensors)
        return VelocityModel(
            *(module, spec, self.info, genes, preprocessing),
            modalities=modalities,
            read=tuple(read),
            low=tuple(low),
            span=tuple(span),
        )


VELOVI = VelocityFamily(
    "VELOVI",
    ModelInfo(
        key="velovi",
        title="veloVI (scvi-tools)",
        source="doi:10.1038/s41592-023-01994-w",
        works_for="Moments of spliced and unspliced RNA of cells on their way: which genes rise, which fall.",
        fails_for=(
            "Cells or genes at rest, which are given velocities, too; genes whose rates change on the way; "
            "telling how fast cells go, as its time has no unit."
        ),
        min_cells=100,
        target_kinds=("latent", "velocity"),
        needs_labels=False,
        needs_modality=UNSPLICED,
        input_kind="counts",
    ),
    VelocityParams,
)
