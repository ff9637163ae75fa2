"""How a table of cells becomes a model's input, written down so that it can be done again on other data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

PreprocessingKind = Literal["lognorm", "stored", "log1p", "counts"]


@dataclass(frozen=True)
class Preprocessing:
    """A recipe kept with every model.

    Parameters
    ----------
    kind
        ``lognorm``: log1p(counts / total * target_sum); ``stored``: values as they are in the file;
        ``log1p``: log1p(counts) without a common total; ``counts``: raw counts.
    target_sum
        Total every cell is scaled to: the median total of the training data; None for all others.
    unit
        Of the result, for axes and legends.
    """

    kind: PreprocessingKind
    target_sum: float | None = None
    unit: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Preprocessing:
        """Rebuild what ``to_json`` gave."""
        return cls(**values)
