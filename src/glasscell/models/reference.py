"""What a bundle remembers of its training cells, so that it can be applied to other samples honestly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse

from glasscell.models.batch import gene_columns
from glasscell.models.family import TrainingData
from glasscell.models.row import Rows, input_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import CellTable
    from glasscell.models.capability.model import Model

#: Cells kept.
KEPT_CELLS = 800
_NAMES = ("mean", "data", "indices", "indptr", "fold", "codes", "size", "whole")


@dataclass(frozen=True, eq=False)
class Reference:
    """A sample of the training cells in the models' input space.

    Parameters
    ----------
    mean_g
        Mean input of each gene over all training cells, ``(n_genes,)`` float32.
    rows_cg
        Input of the sampled cells, CSR float32, ``(n_kept, n_genes)``.
    fold
        Net that has not seen the cell, ``(n_kept,)`` int32, -1 for none.
    codes
        Class of each cell, ``(n_kept,)`` int32, -1 for none.
    size
        Total counts, ``(n_kept,)`` float32; NaN when the data were not counts.
    whole
        Whether the models' genes are all genes of the training data, so that totals are over them.
    """

    mean_g: NDArray[np.float32]
    rows_cg: sparse.csr_matrix
    fold: NDArray[np.int32]
    codes: NDArray[np.int32]
    size: NDArray[np.float32]
    whole: bool = True

    def __len__(self) -> int:
        """Count the cells kept."""
        return int(self.rows_cg.shape[0])

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return all parts by name, for a bundle's file."""
        rows = self.rows_cg
        return {
            "mean": torch.tensor(self.mean_g),
            "data": torch.tensor(rows.data),
            "indices": torch.tensor(rows.indices.astype(np.int32)),
            "indptr": torch.tensor(rows.indptr.astype(np.int64)),
            "fold": torch.tensor(self.fold),
            "codes": torch.tensor(self.codes),
            "size": torch.tensor(self.size),
            "whole": torch.tensor([self.whole]),
        }

    @classmethod
    def from_tensors(cls, parts: Mapping[str, torch.Tensor]) -> Reference:
        """Rebuild what ``tensors`` gave; KeyError or ValueError when parts are missing or do not fit."""
        mean, data, indices, indptr, fold, codes, size, whole = (parts[name].numpy() for name in _NAMES)
        if not (len(indptr) - 1 == len(fold) == len(codes) == len(size)):
            raise ValueError("reference")
        rows = sparse.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, len(mean)))
        rows.check_format()
        return cls(mean, rows, fold, codes, size, bool(whole[0]))


def make_reference(
    data: TrainingData, cells: CellTable, seed: int, *, whole: bool = True, n_nets: int = 0
) -> Reference:
    """Sample training cells: at random, and half and half where one net has not seen some of them.

    Parameters
    ----------
    data
        What the nets learnt from.
    cells
        Folds and classes of the cells.
    seed
        The same seed keeps the same cells.
    whole
        See ``Reference``.
    n_nets
        Cells of later folds have been seen by all nets; 0 when there is a net per fold.
    """
    rng = np.random.default_rng([seed, 0x4EF5])
    used = np.flatnonzero(cells.labelled) if cells.labelled.any() else np.arange(len(cells.names))
    fold = np.where(cells.fold < n_nets, cells.fold, -1) if n_nets else np.array(cells.fold)
    if fold[used].max(initial=-1) < 0:  # nobody says what the net has seen: half describe, half calibrate
        fold[used] = np.where(rng.permutation(len(used)) % 2 == 0, 0, -1)
    aside = [used[fold[used] >= 0], used[fold[used] < 0]]
    room = KEPT_CELLS // sum(len(part) > 0 for part in aside)
    kept = np.sort(np.concatenate([rng.permutation(part)[:room] for part in aside]))
    mean_g, _ = data.rows.moments(used)
    size = np.full(len(kept), np.nan) if data.size is None else data.size[kept]
    return Reference(
        mean_g=mean_g.astype(np.float32),
        rows_cg=sparse.csr_matrix(data.rows.table_cg[kept], dtype=np.float32),
        fold=fold[kept].astype(np.int32),
        codes=np.asarray(cells.truth[kept], np.int32),
        size=np.asarray(size, np.float32),
        whole=whole,
    )


def reference_elsewhere(dataset: Dataset, model: Model, cells: CellTable) -> Reference:
    """Sample cells for a net that was trained elsewhere: fold 0 holds those it has not seen.

    Raises
    ------
    NotCompatible
        The dataset lacks one of the model's genes.
    """
    columns = gene_columns(dataset, model.genes)
    sizes_c = dataset.sizes_c
    table_cg = input_rows(dataset, model.preprocessing)[:, columns]
    data = TrainingData(
        rows=Rows(table_cg, dense_bytes=0),
        size=None if sizes_c is None else np.asarray(sizes_c, np.float32),
        codes=cells.truth,
        classes=(),
        genes=model.genes,
        preprocessing=model.preprocessing,
    )
    return make_reference(data, cells, 0, whole=len(columns) == dataset.n_genes, n_nets=1)
