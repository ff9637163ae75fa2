"""Whether a table fits into memory, said before it is made."""

from __future__ import annotations

import os
from pathlib import Path

from glasscell.errors import GlasscellError
from glasscell.settings import settings


def free_bytes() -> int | None:
    """Return the memory free now, or None where the system does not tell."""
    try:
        with Path("/proc/meminfo").open() as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int(os.sysconf("SC_AVPHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return None


def plan_table(n_cells: int, n_genes: int, bytes_each: int, free: int | None = None) -> int:
    """Return the bytes a dense table takes, or refuse it with the number of cells that would fit.

    Parameters
    ----------
    bytes_each
        Bytes per entry.
    free
        Memory to plan with; None asks the system.
    """
    need = n_cells * n_genes * bytes_each
    free = free_bytes() if free is None else free
    share = settings().memory_share
    if free is not None and need > share * free:
        fits = int(share * free // max(n_genes * bytes_each, 1))
        raise GlasscellError(
            f"Attributions of {n_cells:,} cells x {n_genes:,} genes need {need / 1e9:.1f} GB here and "
            f"{free / 1e9:.1f} GB are free: select at most {fits:,} cells."
        )
    return need
