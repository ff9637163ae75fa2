"""What all families that scvi-tools trains have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.errors import NotCompatible
from glasscell.models.published import NetFamily
from glasscell.models.scvi.network import why_no_scvi

if TYPE_CHECKING:
    from glasscell.models.family import TrainingData
    from glasscell.models.info import FamilyParams, ModelInfo


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
