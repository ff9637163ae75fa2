"""What every family has whose networks are autoencoders of counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.errors import NotCompatible
from glasscell.models.published import NetFamily
from glasscell.models.vae.figure import reconstruction_figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.info import ModelInfo


class CountFamily(NetFamily):
    """Needs counts, and is judged by counts it has not seen."""

    info: ModelInfo

    def require_counts(self, data: TrainingData) -> None:
        """Raise where the data have no counts.

        Raises
        ------
        NotCompatible
            They have none.
        """
        if data.counts is None or data.size is None:
            raise NotCompatible(
                f"{self.info.title} models raw counts and these data have none: choose the layer of counts."
            )

    def figures(
        self, model: Any, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
    ) -> Mapping[str, Mapping[str, float]]:
        """Measure how well the net foretells a hidden tenth of the counts of cells it has not seen."""
        return reconstruction_figures(self.info.key, model, data, held_out, job)
