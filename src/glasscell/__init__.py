"""See through a deep-learning model of cells: the tissue, the embedding and the model's reasons, linked.

Public names are loaded on first use: ``import glasscell`` alone loads none of torch, Qt, napari or scanpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import read_labels
    from glasscell.data.prepare import PrepareParams, prepare
    from glasscell.data.read import read
    from glasscell.data.split import split
    from glasscell.explain.evidence import ranking
    from glasscell.explain.request import ExplainRequest
    from glasscell.jupyter.explorer import explore
    from glasscell.models.apply import apply
    from glasscell.models.bundle_file import load_bundle, save_bundle
    from glasscell.models.fit import FitRequest, fit, fit_twin
    from glasscell.models.preflight import check
    from glasscell.models.scvi.opening import load_scvi
    from glasscell.plugin.window import open_window
    from glasscell.session import Session

__version__ = "0.1.0"

_PLACE_OF = {
    "Dataset": "data.dataset",
    "ExplainRequest": "explain.request",
    "FitRequest": "models.fit",
    "PrepareParams": "data.prepare",
    "Session": "session",
    "apply": "models.apply",
    "check": "models.preflight",
    "explore": "jupyter.explorer",
    "fit": "models.fit",
    "fit_twin": "models.fit",
    "load_bundle": "models.bundle_file",
    "load_scvi": "models.scvi.opening",
    "open_window": "plugin.window",
    "prepare": "data.prepare",
    "ranking": "explain.evidence",
    "read": "data.read",
    "read_labels": "data.labels",
    "save_bundle": "models.bundle_file",
    "split": "data.split",
}

__all__ = [
    "Dataset",
    "ExplainRequest",
    "FitRequest",
    "PrepareParams",
    "Session",
    "apply",
    "check",
    "explore",
    "fit",
    "fit_twin",
    "load_bundle",
    "load_scvi",
    "open_window",
    "prepare",
    "ranking",
    "read",
    "read_labels",
    "save_bundle",
    "split",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _PLACE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_PLACE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted({*globals(), *__all__})
