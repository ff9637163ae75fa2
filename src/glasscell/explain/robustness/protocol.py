"""Trained on all protocols but one, asked about that one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.column import categorical_codes, is_continuous, missing_name
from glasscell.data.split import Split
from glasscell.data.split_given import present
from glasscell.errors import DataError
from glasscell.explain.robustness.request import AUTO
from glasscell.models.request_again import request_of

if TYPE_CHECKING:
    from glasscell.data.channel import CodeArray
    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.fit_request import FitRequest

#: Obs columns that are taken for the protocol when nobody names one, in this order.
NAMES = ("protocol", "technology", "tech", "platform", "assay", "chemistry", "method", "batch")
MOST_VALUES = 6
#: Fewer cells of a protocol say nothing.
LEAST_CELLS = 10


def find_protocol(dataset: Dataset, bundle: Bundle, wished: str) -> str:
    """Return the obs column of the protocol; empty for none.

    Raises
    ------
    DataError
        The column asked for is absent, or has too few or too many values.
    """
    if not wished:
        return ""
    if wished != AUTO:
        protocols(dataset, wished)
        return wished
    taken_out = str(bundle.provenance.get("batch", ""))
    by_name = {str(name).lower(): str(name) for name in dataset.obs.columns}
    for name in (taken_out, *(by_name.get(one, "") for one in NAMES)):
        if name and name in dataset.obs.columns and name != bundle.labels_name:
            try:
                protocols(dataset, name)
            except DataError:
                continue
            return name
    return ""


def protocols(dataset: Dataset, column: str) -> tuple[CodeArray, tuple[str, ...]]:
    """Return the protocol of every cell, -1 for none, and the names.

    Raises
    ------
    DataError
        The column is absent, or has too few or too many values.
    """
    if column not in dataset.obs.columns:
        raise DataError(missing_name("obs column", column, dataset.obs.columns))
    if is_continuous(dataset.obs[column]):
        raise DataError(f'The obs column "{column}" holds numbers; name a column of protocols.')
    codes, names = present(*categorical_codes(dataset.obs[column]))
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    if not 2 <= len(names) <= MOST_VALUES or counts.min() < LEAST_CELLS:
        raise DataError(
            f'The obs column "{column}" has {len(names)} values; a check of robustness trains without each '
            f"in turn, so name one with 2 to {MOST_VALUES} values of at least {LEAST_CELLS} cells each."
        )
    return codes, names


def request_without(
    dataset: Dataset, bundle: Bundle, column: str, codes: CodeArray, names: tuple[str, ...], value: int | None
) -> FitRequest:
    """Return what trains the bundle's family again, without one protocol (or each in turn with classes).

    Parameters
    ----------
    value
        The protocol to leave out; None leaves out each in turn, one net per fold, for models of classes.
    """
    if value is None:
        folds = codes
        said = f'each of {len(names)} values of the obs column "{column}" is held out in turn.'
    else:
        folds = np.where(codes < 0, -1, codes != value).astype(np.int32)
        said = f'"{names[value]}" of the obs column "{column}" is held out.'
    again = request_of(dataset, bundle)
    return replace(
        again,
        split=Split(f"obs:{column}", folds, codes, names, said),
        batch=None if again.batch is None or again.batch.name == column else again.batch,
        baselines=False,
    )
