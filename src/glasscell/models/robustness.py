"""How a model's answers hold when counts get fewer or the protocol another: a part of its card."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Kind = Literal["as measured", "thinned", "protocol", "other file"]

ACCURACY, MACRO_F1, CALIBRATION = "accuracy", "macro F1", "ECE"
LOGISTIC = "logistic accuracy"
NEIGHBOURS, LATENTS = "neighbours kept", "latent correlation"


@dataclass(frozen=True)
class RobustnessRow:
    """Figures under one condition.

    Parameters
    ----------
    condition
        In words, for example ``counts thinned to 25 %``.
    kind
        Rows of a kind belong together.
    n_cells
        Cells the figures are made of; none of them trained the net that was asked. One exception: latents of
        a protocol left out are held against those of the model itself, which may have been trained on them.
    figures
        By name; what does not apply, or could not be measured, is left out.
    """

    condition: str
    kind: Kind
    n_cells: int
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Robustness:
    """The rows of a model's card that say what it stands.

    Parameters
    ----------
    rows
        As measured first, then thinned counts, other protocols, other files.
    model, data
        Fingerprints of the bundle and of the data it was measured on.
    seed
        Of the thinning.
    notes
        Sentences a reader must see: what could not be measured and why.
    """

    rows: tuple[RobustnessRow, ...]
    model: str
    data: str
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all figures, each once, in order of appearance."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.figures))

    def of(self, kind: Kind) -> tuple[RobustnessRow, ...]:
        """Return the rows of a kind."""
        return tuple(row for row in self.rows if row.kind == kind)

    def table(self) -> pd.DataFrame:
        """Return one row per condition: kind, condition, cells, then a column per figure."""
        import pandas as pd

        rows = [
            {
                "kind": row.kind,
                "condition": row.condition,
                "cells": row.n_cells,
                **{name: row.figures.get(name) for name in self.names},
            }
            for row in self.rows
        ]
        return pd.DataFrame(rows)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "rows": [{**vars(row), "figures": dict(row.figures)} for row in self.rows],
            "model": self.model,
            "data": self.data,
            "seed": self.seed,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Robustness:
        """Rebuild what ``to_json`` gave."""
        rows = tuple(RobustnessRow(**row) for row in values["rows"])
        return cls(rows, values["model"], values["data"], values["seed"], tuple(values["notes"]))
