"""What is asked of attention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from glasscell.errors import GlasscellError
from glasscell.explain.method import MethodParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from glasscell.data.labels import Labels

HELD_OUT = "held_out"
#: Targets of a removal beside those of the model: each cell's predicted class, and how far its latent moves.
PREDICTED, LATENT_SHIFT = "predicted", "latent_shift"


class AttentionParams(MethodParams):
    """Settings of attention."""

    removal_cells: int = Field(
        40,
        ge=1,
        le=100_000,
        title="Cells per group",
        description="Cells of each group in which every token or sender type is removed, drawn at random.",
    )
    edge_cells: int = Field(
        4000,
        ge=1,
        le=1_000_000,
        title="Cells for edges",
        description="Cells whose edges are removed one by one; of more cells a sample.",
    )
    random_nets: int = Field(
        5,
        ge=0,
        le=50,
        title="Re-initialised nets",
        description="Nets with fresh weights that attention is set against; at least two give a z.",
    )


@dataclass(frozen=True, eq=False)
class AttentionRequest:
    """Which cells' attention is wanted, averaged over which groups, and what removal is measured on.

    Parameters
    ----------
    by
        Groups whose means are made, for example of an obs column; for models of neighbours also the groups
        of the cells attended to.
    cells
        Indices of the cells; None for all.
    target
        What the removal is measured on: ``class:L5`` and other targets of the model, ``predicted`` (each
        cell's predicted class, or domain, against the others) or ``latent_shift`` (how far its latent
        moves). Empty takes the predicted class, and the latent shift for a model without classes.
    nets
        ``held_out``: each cell by the net that did not see it in training; ``fold:2``: all by one net.
    params
        See ``AttentionParams``.
    seed
        Of the re-initialised nets and of the cells drawn.
    """

    by: Labels
    cells: NDArray[np.int32] | None = None
    target: str = ""
    nets: str = HELD_OUT
    params: Mapping[str, Any] | AttentionParams = field(default_factory=dict)
    seed: int = 0


def make_params(values: Mapping[str, Any] | AttentionParams) -> AttentionParams:
    """Validate settings; a bad one is reported in one sentence."""
    if isinstance(values, AttentionParams):
        return values
    given = values.model_dump() if isinstance(values, BaseModel) else dict(values)
    try:
        return AttentionParams(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        known = ", ".join(AttentionParams.model_fields)
        raise GlasscellError(
            f"Attention: setting {name!r} is not usable ({first['msg']}). Settings are: {known}."
        ) from error
