"""Counting several kinds of things."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class UsesModalities(Protocol):
    """A model whose inputs count several kinds of things: RNA, proteins, open chromatin."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """What each input counts, in the order of ``genes``."""
        ...
