"""Family ``scviva``: latents of cells that know what lies around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.neighbour import GraphSpec
from glasscell.models.info import ModelInfo
from glasscell.models.scvi.base_family import RebuiltFamily
from glasscell.models.scvi.niche_model import NicheModel
from glasscell.models.scvi.params import NicheParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.info import FamilyParams
    from glasscell.models.scvi.encoder import EncoderModel

__all__ = ["SCVIVA", "NicheFamily"]


class NicheFamily(RebuiltFamily):
    """Trains and rebuilds models whose latents foretell niches; made as ``RebuiltFamily`` is."""

    def graph(self, params: FamilyParams) -> GraphSpec:
        """Return how neighbours are found."""
        assert isinstance(params, NicheParams)
        return GraphSpec("knn", params.k)

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[EncoderModel, Curve, tuple[str, ...]]:
        """Let scvi-tools train one network, and return an adapted copy."""
        from glasscell.models.scvi.train_niche import train_niche

        assert isinstance(params, NicheParams)
        self.require_counts(data)
        spec, tensors, curve, types = train_niche(data, plan, params, job)
        model = self.published(spec, tensors, data, types=types, label_column=data.label_column)
        return model, curve, ()

    def said(self, description: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the types of neighbours and the column they came from."""
        return {"types": tuple(description["types"]), "label_column": description["label_column"]}


SCVIVA = NicheFamily(
    "SCVIVA",
    ModelInfo(
        key="scviva",
        title="scVIVA (scvi-tools)",
        source="doi:10.1101/2025.06.01.657182",
        works_for=(
            "Raw counts of cells with known types on a tissue: latents that tell in which niche a cell lies "
            "as far as its own genes show it."
        ),
        fails_for=(
            "Attributing to neighbours' genes, which it does not read; spots of many cells; "
            "types made from the same counts (they are then found again)."
        ),
        min_cells=100,
        target_kinds=("latent", "niche"),
        needs_labels=False,
        takes_labels=True,
        needs_kinds=True,
        needs_counts=True,
        needs_positions=True,
        takes_batch=True,
        input_kind="log1p",
    ),
    NicheParams,
    NicheModel,
)
