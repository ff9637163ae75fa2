"""Which cell of a notebook runs, so that running it again replaces what it showed before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from glasscell.jupyter.explorer import Explorer

#: Explorers by the notebook's cell that made them, with the execution they were made in.
_SHOWN: dict[str, tuple[str, WeakSet[Explorer]]] = {}


def close_earlier() -> None:
    """Close what an earlier run of the running cell had made; several of one run stand beside each other."""
    cell, run = _running()
    earlier_run, earlier = _SHOWN.get(cell, (run, WeakSet()))
    if earlier_run != run:
        del _SHOWN[cell]
        for old in list(earlier):
            old.close()


def remember(explorer: Explorer) -> None:
    """Note which cell has made an explorer."""
    cell, run = _running()
    if cell:
        _SHOWN.setdefault(cell, (run, WeakSet()))[1].add(explorer)


def _running() -> tuple[str, str]:
    """Return the id of the running cell and of its execution; empty outside a notebook."""
    try:
        from IPython import get_ipython
    except ImportError:
        return "", ""
    shell: Any = get_ipython()
    parent: Any = shell.get_parent() if hasattr(shell, "get_parent") else None
    if not parent:
        return "", ""
    cell = parent.get("metadata", {}).get("cellId", "")
    return str(cell), str(parent.get("header", {}).get("msg_id", ""))
