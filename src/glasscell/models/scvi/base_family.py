"""What all families that scvi-tools trains have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.errors import NotCompatible
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import NetFamily
from glasscell.models.scvi.network import ScviSpec, build_module, why_no_scvi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from glasscell.models.family import TrainingData
    from glasscell.models.info import FamilyParams, ModelInfo
    from glasscell.models.scvi.encoder import EncoderModel


class TrainedFamily(NetFamily):
    """A family whose models are of one class of scvi-tools.

    Parameters
    ----------
    kind
        Class of scvi-tools.
    info
        Words about it.
    params
        Class of its settings.
    """

    def __init__(self, kind: str, info: ModelInfo, params: type[FamilyParams]) -> None:
        self.kind, self.info, self.params = kind, info, params

    @property
    def why_not(self) -> str:
        """Why it cannot be used here, in one sentence that front ends show; empty when it can."""
        reason = why_no_scvi(self.kind)
        return "" if reason is None else f"{self.info.title} cannot be used: {reason}."

    def require_counts(self, data: TrainingData) -> None:
        """Refuse data without raw counts.

        Raises
        ------
        NotCompatible
            There are none.
        """
        if data.counts is None:
            raise NotCompatible(f"{self.info.title} models raw counts: choose the layer that holds them.")


class RebuiltFamily(TrainedFamily):
    """A family whose models are a network and what is said beside it, by name.

    Parameters
    ----------
    kind, info, params
        As of ``TrainedFamily``.
    model
        Class of its published models.
    """

    def __init__(
        self, kind: str, info: ModelInfo, params: type[FamilyParams], model: type[EncoderModel]
    ) -> None:
        super().__init__(kind, info, params)
        self._model = model

    def said(self, description: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what else the model is made with beside network, genes and batches; by default nothing."""
        return {}

    def published(
        self, spec: ScviSpec, tensors: Mapping[str, Tensor], data: TrainingData, **said: Any
    ) -> EncoderModel:
        """Return the model of a network that was just trained."""
        batches = (data.batch_column, data.batches) if spec.arguments.get("n_batch", 1) > 1 else ("", ())
        parts = (build_module(spec, tensors), spec, self.info, data.genes, data.preprocessing)
        return self._model(*parts, *batches, **said)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> EncoderModel:
        """Rebuild a model that scores bit-equal; scvi-tools must be installed."""
        spec = ScviSpec.from_json(description["module"])
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        parts = (build_module(spec, tensors), spec, self.info, genes, preprocessing)
        batches = (description["batch_column"], tuple(description["batches"]))
        return self._model(*parts, *batches, **self.said(description))
