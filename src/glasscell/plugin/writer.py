"""Saving from napari's own File menu: the open cells, or those of a layer, as ``.h5ad``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset


def write_cells(path: str, layers: list[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Save layers of the current viewer as one AnnData file.

    A Points layer that was sent from Glasscell is saved as the cells it holds, with the features added to it
    since; any other choice of layers saves all open cells.

    Parameters
    ----------
    path
        Where; ``.h5ad`` is added when it is missing.
    layers
        Data, attributes and type of each layer, as napari hands them over.

    Returns
    -------
    The path written.

    Raises
    ------
    DataError
        No cells are open in the viewer, or the file cannot be written.
    """
    from napari import current_viewer

    from glasscell.data.write import write_h5ad
    from glasscell.plugin.desk import session_for

    viewer = current_viewer()
    dataset = None if viewer is None else session_for(viewer).dataset
    if dataset is None or not dataset.n_cells:
        raise DataError("No cells are open in this viewer, so there is nothing to save as .h5ad.")
    tables = [attributes.get("features") for _, attributes, kind in layers if kind == "points"]
    sent = [table for table in tables if table is not None and "cell" in table]
    if len(sent) == len(layers) == 1:
        dataset = part_of(dataset, sent[0])
    target = Path(path) if Path(path).suffix else Path(f"{path}.h5ad")
    return [str(write_h5ad(dataset, target))]


def part_of(dataset: Dataset, features: Any) -> Dataset:
    """Keep the cells that a table of features names in its column ``cell``, and add its other columns.

    Raises
    ------
    DataError
        None of them is a cell of this dataset.
    """
    import pandas as pd

    rows = pd.Index(dataset.cell_names).get_indexer(features["cell"].astype(str))
    known = features[rows >= 0]
    if not len(known):
        raise DataError("These points are not cells of the open data; save them with napari as .csv.")
    adata = dataset.editable()[np.asarray(rows[rows >= 0])].copy()
    for column in known.columns:
        name = str(column)
        if name not in ("cell", "index") and name not in adata.obs.columns and name not in adata.var_names:
            adata.obs[name.replace("/", "_")] = known[column].to_numpy()
    return dataset.with_adata(adata)
