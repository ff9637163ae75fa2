"""How much a file claims to hold, set against what it weighs and what this machine has."""

from __future__ import annotations

import os

from glasscell.errors import DataError

_SUSPICIOUS = 1 << 30
_BEST_COMPRESSION = 5_000
_UNKNOWN_MEMORY = 64 << 30


def total_memory() -> int:
    """Bytes of memory of this machine; 64 GB where the system does not tell."""
    try:
        return int(os.sysconf("SC_PHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return _UNKNOWN_MEMORY


def readable_size(n_bytes: float) -> str:
    """Write a number of bytes as people do: ``1.4 GB``."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if n_bytes < 1000 or unit == "TB":
            break
        n_bytes /= 1000
    return f"{n_bytes:,.0f} {unit}" if unit == "bytes" else f"{n_bytes:,.1f} {unit}"


def check_declared(name: str, declared: int, stored: int) -> None:
    """Refuse an array that claims far more than its file can hold.

    Parameters
    ----------
    name
        The array, for the message.
    declared
        Bytes it would take in memory.
    stored
        Bytes it takes in the file.

    Raises
    ------
    DataError
        The claim is not credible.
    """
    if declared > _SUSPICIOUS and declared > _BEST_COMPRESSION * max(stored, 1):
        raise DataError(
            f"{name!r} claims {readable_size(declared)} but the file holds {readable_size(stored)} of it: "
            "the file is damaged or not what it says."
        )


def check_fits(declared: int) -> None:
    """Refuse to read what cannot fit into memory.

    Raises
    ------
    DataError
        The arrays to be read together need more than this machine has.
    """
    memory = total_memory()
    if declared > memory:
        raise DataError(
            f"The file needs {readable_size(declared)} and this machine has {readable_size(memory)}: "
            "save a part of it (fewer cells or genes) and open that."
        )
