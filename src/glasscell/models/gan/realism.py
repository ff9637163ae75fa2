"""How real each cell looks to the critic: its value, and its rank among cells the critic has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from glasscell.data.column import categorical_codes, recode
from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.batch import make_batch
from glasscell.models.cell_batch import CellBatch
from glasscell.models.gan.generate import gan_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.models.gan.generate import Generated
    from glasscell.models.gan.model import GanModel

#: What stands beside every rank.
NOTE = "rank among held-out cells of its kind; low: like none of them, not: wrong"
#: A rank among fewer held-out cells than this is not given.
FEWEST = 5
_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Realism:
    """What the critic says of all cells of a dataset.

    Parameters
    ----------
    value_c
        Critic's value of each cell as one of its own kind, ``(n_cells,)`` float32. Only differences within a
        kind mean something.
    rank_c
        Share of held-out cells of the same kind with a lower value, 0 to 1, ``(n_cells,)`` float32; a cell is
        not compared with itself, and NaN where too few of its kind were held out.
    kind_c
        Code of each cell's kind, -1 for none.
    """

    value_c: NDArray[np.float32]
    rank_c: NDArray[np.float32]
    kind_c: NDArray[np.int64]


def realism(bundle: Bundle, dataset: Dataset, job: JobHandle = QUIET) -> Realism:
    """Let the critic judge all cells of the file the model was trained on.

    Raises
    ------
    NotCompatible
        The bundle is of another family, or none of the cells held out is in the dataset.
    """
    net = gan_of(bundle)
    rows_c = bundle.rows(dataset, np.arange(dataset.n_cells))
    held_out = (rows_c >= 0) & (bundle.cells.fold[rows_c] == 0)
    if not held_out.any():
        raise NotCompatible(
            "Realism is told as a rank among the cells held out in training, and this file has none of them: "
            "open the file the model was trained on."
        )
    kind_c = kinds_in(net, dataset)
    value_c = _values(net, dataset, kind_c, job)
    return Realism(value_c, ranks(value_c, kind_c, held_out), kind_c)


def ranks(
    value_c: NDArray[np.floating], kind_c: NDArray[np.integer], held_out: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the share of other held-out cells of the same kind that have a lower value, ``(n,)``."""
    rank_c = np.full(len(value_c), np.nan, np.float32)
    for kind in np.unique(kind_c):
        own = kind_c == kind
        among = np.sort(value_c[own & held_out])
        others = len(among) - held_out[own]
        if len(among) > FEWEST:
            rank_c[own] = np.searchsorted(among, value_c[own], side="left") / others
    return rank_c


@torch.no_grad()
def realism_of(net: GanModel, made: Generated) -> NDArray[np.float32]:
    """Return the critic's value of generated cells, read from their expression as measured cells are."""
    parts = []
    size_c = np.asarray(made.drawn_cg.sum(axis=1), np.float32).ravel()
    for start in range(0, len(made), _BLOCK):
        rows = slice(start, start + _BLOCK)
        expression = torch.from_numpy(made.rows_cg[rows].toarray()).to(net.device, net.dtype)
        size = torch.from_numpy(size_c[rows]).to(net.device, net.dtype)
        batch = CellBatch(expression, torch.arange(len(expression)), size)
        parts.append(net.realism(batch, torch.from_numpy(made.kind_c[rows]).to(net.device)).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)


def kinds_in(net: GanModel, dataset: Dataset) -> NDArray[np.int64]:
    """Return each cell's kind by the obs column the model was trained with, ``(n_cells,)``, -1 for none."""
    if not net.kinds or net.label_column not in dataset.obs.columns:
        return np.full(dataset.n_cells, -1, np.int64)
    codes_c, names = categorical_codes(dataset.obs[net.label_column])
    return recode(codes_c, names, net.kinds).astype(np.int64)


@torch.no_grad()
def _values(
    net: GanModel, dataset: Dataset, kind_c: NDArray[np.int64], job: JobHandle
) -> NDArray[np.float32]:
    parts = []
    for start in range(0, dataset.n_cells, _BLOCK):
        job.report(start / dataset.n_cells, "judging cells")
        cells = np.arange(start, min(start + _BLOCK, dataset.n_cells))
        kinds = torch.from_numpy(kind_c[cells]).to(net.device)
        parts.append(net.realism(make_batch(dataset, net, cells), kinds).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)
