"""The one place where what is shown is decided: a frozen state, the rules it keeps, and the commands."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "Annotation": "state",
    "Colouring": "state",
    "Failed": "resolve",
    "Group": "state",
    "Pending": "resolve",
    "Ready": "resolve",
    "Session": "session",
    "State": "state",
    "Views": "state",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
