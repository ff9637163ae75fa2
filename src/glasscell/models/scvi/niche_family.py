"""Family ``scviva``: latents of cells that know what lies around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.neighbour import GraphSpec
from glasscell.models.info import ModelInfo
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.scvi.base_family import TrainedFamily
from glasscell.models.scvi.network import ScviSpec, build_module
from glasscell.models.scvi.niche_model import NicheModel
from glasscell.models.scvi.params import NicheParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.info import FamilyParams

__all__ = ["SCVIVA", "NicheFamily"]


class NicheFamily(TrainedFamily):
    """Trains and rebuilds models whose latents foretell niches; made as ``TrainedFamily`` is."""

    def graph(self, params: FamilyParams) -> GraphSpec:
        """Return how neighbours are found."""
        assert isinstance(params, NicheParams)
        return GraphSpec("knn", params.k)

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[NicheModel, Curve, tuple[str, ...]]:
        """Let scvi-tools train one network, and return an adapted copy."""
        from glasscell.models.scvi.train_niche import train_niche

        assert isinstance(params, NicheParams)
        self.require_counts(data)
        spec, tensors, curve, types = train_niche(data, plan, params, job)
        parts = (data.genes, data.preprocessing, data.batch_column, data.batches)
        return self._made(spec, tensors, *parts, types, data.label_column), curve, ()

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> NicheModel:
        """Rebuild a model that scores bit-equal; scvi-tools must be installed."""
        return self._made(
            ScviSpec.from_json(description["module"]),
            tensors,
            genes,
            Preprocessing.from_json(description["preprocessing"]),
            description["batch_column"],
            tuple(description["batches"]),
            tuple(description["types"]),
            description["label_column"],
        )

    def _made(
        self,
        spec: ScviSpec,
        tensors: Mapping[str, Tensor],
        genes: tuple[str, ...],
        preprocessing: Preprocessing,
        batch_column: str,
        batches: tuple[str, ...],
        types: tuple[str, ...],
        label_column: str,
    ) -> NicheModel:
        if int(spec.arguments["n_batch"]) < 2:
            batch_column, batches = "", ()
        module = build_module(spec, tensors)
        parts = (module, spec, self.info, genes, preprocessing, batch_column, batches)
        return NicheModel(*parts, types=types, label_column=label_column)


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
)
