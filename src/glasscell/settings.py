"""What may be set for a whole process, from the environment: one validated object.

Each field is read from ``GLASSCELL_`` and its name in capitals, for example ``GLASSCELL_DEVICE=cpu``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING

from glasscell.errors import GlasscellError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "GLASSCELL_"
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class Settings:
    """Limits and defaults of a process.

    Parameters
    ----------
    device
        Where networks run unless a request says otherwise: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    memory_share
        Share of the free memory that one table may take, above 0 and up to 1.
    store_gb
        Gigabytes of results a session holds before it puts some aside, above 0.
    state_folder
        Where the window keeps its journal; empty for the usual place of the system.
    """

    device: str = "auto"
    memory_share: float = 0.6
    store_gb: float = 4.0
    state_folder: str = ""

    def __post_init__(self) -> None:
        """Refuse values outside their range."""
        if self.device not in DEVICES:
            raise GlasscellError(
                f"{PREFIX}DEVICE is {self.device!r}; it must be one of {', '.join(DEVICES)}."
            )
        if not 0 < self.memory_share <= 1:
            raise GlasscellError(
                f"{PREFIX}MEMORY_SHARE is {self.memory_share}; it must be above 0 and at most 1."
            )
        if not self.store_gb > 0:
            raise GlasscellError(f"{PREFIX}STORE_GB is {self.store_gb}; it must be above 0.")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Make settings from environment variables.

    Raises
    ------
    GlasscellError
        A value is not of its field's kind or range.
    """
    values: dict[str, str | float] = {}
    for field in fields(Settings):
        text = environment.get(PREFIX + field.name.upper())
        if text is None:
            continue
        try:
            values[field.name] = text if isinstance(field.default, str) else float(text)
        except ValueError:
            raise GlasscellError(f"{PREFIX}{field.name.upper()} is {text!r}; it must be a number.") from None
    return Settings(**values)  # type: ignore[arg-type]


@cache
def settings() -> Settings:
    """Return this process's settings, read from the environment once."""
    return read_settings(os.environ)
