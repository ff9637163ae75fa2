"""Where attention comes from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "arXiv:2005.00928, arXiv:2004.10102, arXiv:1902.10186"  # rollout, norms, limits


@dataclass(frozen=True, kw_only=True)
class AttentionProvenance:
    """Everything needed to make the result again and to judge whether it is out of date."""

    by: str
    target: str
    unit: str
    params: Mapping[str, Any]
    nets: str
    seed: int
    model: str
    data: str
    family: str
    null: str
    method: str = "attention"
    source: str = SOURCE

    def __post_init__(self) -> None:
        """Refuse a result that cannot say what it is of."""
        for name in ("by", "target", "unit", "model", "data", "source"):
            if not getattr(self, name):
                raise DataError(f"Attention needs its provenance: {name} is empty.")

    def to_json(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {**asdict(self), "params": dict(self.params)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> AttentionProvenance:
        """Rebuild what ``to_json`` gave."""
        return cls(**values)
