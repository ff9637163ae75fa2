"""Cells, genes, tissue, selections and splits: everything that is read before a model looks at it.

Public names are loaded on first use, so importing this package costs nothing. Functions named like their
module (`read`, `split`, `prepare`) are imported from there: ``from glasscell.data.read import read``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glasscell.data.channel import CellValues, ChannelRef, register_channel, resolve_channel
    from glasscell.data.dataset import Dataset
    from glasscell.data.genes import GeneTable
    from glasscell.data.labels import Labels, drop_rare, labels_from_groups, read_labels
    from glasscell.data.prepare import PrepareParams
    from glasscell.data.sample import make_sample, sample_dataset, sample_path
    from glasscell.data.section import Sections
    from glasscell.data.selection import And, Category, Cells, Everything, Lasso, Not, Or, Range, Selection
    from glasscell.data.split import Split, default_scheme
    from glasscell.data.tissue import Tissue, TissueImage, TissueMask, TissueSection
    from glasscell.data.write import write_h5ad, write_zarr

_MODULE_OF = {
    "And": "selection",
    "Category": "selection",
    "CellValues": "channel",
    "Cells": "selection",
    "ChannelRef": "channel",
    "Dataset": "dataset",
    "Everything": "selection",
    "GeneTable": "genes",
    "Labels": "labels",
    "Lasso": "selection",
    "Not": "selection",
    "Or": "selection",
    "PrepareParams": "prepare",
    "Range": "selection",
    "Sections": "section",
    "Selection": "selection",
    "Split": "split",
    "Tissue": "tissue",
    "TissueImage": "tissue",
    "TissueMask": "tissue",
    "TissueSection": "tissue",
    "default_scheme": "split",
    "drop_rare": "labels",
    "labels_from_groups": "labels",
    "make_sample": "sample",
    "read_labels": "labels",
    "register_channel": "channel",
    "resolve_channel": "channel",
    "sample_dataset": "sample",
    "sample_path": "sample",
    "write_h5ad": "write",
    "write_zarr": "write",
}

__all__ = [
    "And",
    "Category",
    "CellValues",
    "Cells",
    "ChannelRef",
    "Dataset",
    "Everything",
    "GeneTable",
    "Labels",
    "Lasso",
    "Not",
    "Or",
    "PrepareParams",
    "Range",
    "Sections",
    "Selection",
    "Split",
    "Tissue",
    "TissueImage",
    "TissueMask",
    "TissueSection",
    "default_scheme",
    "drop_rare",
    "labels_from_groups",
    "make_sample",
    "read_labels",
    "register_channel",
    "resolve_channel",
    "sample_dataset",
    "sample_path",
    "write_h5ad",
    "write_zarr",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted({*globals(), *__all__})
