"""What is asked of an explanation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

DEFAULT_BASELINE = "other_classes"
HELD_OUT = "held_out"


@dataclass(frozen=True, eq=False)
class ExplainRequest:
    """Which method explains which target of a model, for which cells, compared with what.

    Parameters
    ----------
    method
        Id of a method, for example ``integrated_gradients``.
    target
        What is explained, for example ``class:L5`` or ``contrast:L5/L6``.
    cells
        Indices of the cells to explain; None for all.
    baseline
        ``other_classes``, ``zero``, ``mean``, ``class:NAME`` or ``depth_matched``.
    params
        Settings of the method; what is left out takes its default.
    nets
        ``held_out``: each cell by the net that did not see it in training; ``fold:2``: all by one net.
    evidence
        Whether the twin and a re-initialised net are explained too, so that a ranking can be judged.
    seed
        Of the re-initialised net and of the sample of cells used for it.
    """

    method: str = "integrated_gradients"
    target: str = ""
    cells: NDArray[np.int32] | None = None
    baseline: str = DEFAULT_BASELINE
    params: Mapping[str, Any] = field(default_factory=dict)
    nets: str = HELD_OUT
    evidence: bool = True
    seed: int = 0
