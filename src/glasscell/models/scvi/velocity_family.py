"""Family ``velovi``: latents and velocities of spliced and unspliced RNA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.modality import UNSPLICED
from glasscell.models.info import ModelInfo
from glasscell.models.scvi.base_family import RebuiltFamily
from glasscell.models.scvi.multimodal import described_kinds
from glasscell.models.scvi.params import VelocityParams
from glasscell.models.scvi.velocity_model import VelocityModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.info import FamilyParams
    from glasscell.models.scvi.encoder import EncoderModel

__all__ = ["VELOVI", "VelocityFamily"]

_COUNTS = (
    "These are counts, which are few for unspliced RNA and go with the depth of each cell: moments made by "
    "join_splicing tell more."
)


class VelocityFamily(RebuiltFamily):
    """Trains and rebuilds models of RNA velocity; made as ``RebuiltFamily`` is."""

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[EncoderModel, Curve, tuple[str, ...]]:
        """Let scvi-tools train one network, and return an adapted copy."""
        from glasscell.models.scvi.train_velocity import train_velocity

        assert isinstance(params, VelocityParams)
        spec, tensors, curve, scaling = train_velocity(data, plan, params, job)
        model = self.published(
            *(spec, tensors, data),
            modalities=data.modalities,
            read=tuple(scaling.read.tolist()),
            low=tuple(scaling.low.tolist()),
            span=tuple(scaling.span.tolist()),
        )
        return model, curve, (_COUNTS,) if data.preprocessing.kind == "counts" else ()

    def said(self, description: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what columns count, which are read, and their least values and ranges."""
        columns = {name: tuple(description[name]) for name in ("read", "low", "span")}
        return {"modalities": described_kinds(description), **columns}


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
    VelocityModel,
)
