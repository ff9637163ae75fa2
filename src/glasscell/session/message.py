"""Turning what went wrong into one sentence."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from glasscell.errors import GlasscellError


@dataclass(frozen=True)
class Message:
    """One sentence for the user; ``details`` is for a bug report. Level is info, warning or error."""

    level: str
    text: str
    details: str = ""


def sentence(error: BaseException, doing: str) -> str:
    """Say in one sentence what went wrong while ``doing`` something and what to do next.

    Our own errors already say it; the usual ones of the system are put into words; anything else is a fault
    of ours and is said so, without a traceback.
    """
    if isinstance(error, GlasscellError):
        return str(error)
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        if error.errno == errno.ENOSPC:
            return f"{doing}: the disk is full{where}. Free some space or choose another place."
        if isinstance(error, FileNotFoundError):
            return f"{doing}: there is no such file{where}. Check the path."
        if isinstance(error, PermissionError):
            return f"{doing}: no permission{where}. Choose another place."
        return f"{doing}: the file system said '{error.strerror or error}'{where}. Try another place."
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return f"{doing}: there is not enough memory. Close other programs, or work on fewer cells or genes."
    kind = type(error).__name__
    return f"{doing} failed unexpectedly ({kind}). Your data are unchanged; the details are in the log."
