"""One gene's decoded change in every cell of a perturbation, worked out again from its latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.data.column import missing_name
from glasscell.errors import DataError
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.batch import make_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.perturbation.result import Perturbation
    from glasscell.models.bundle import Bundle

BLOCK = 512


@torch.no_grad()
def decoded_change(
    dataset: Dataset, bundle: Bundle, found: Perturbation, gene: str, job: JobHandle = QUIET
) -> NDArray[np.float32]:
    """Return one gene's decoded change in each perturbed cell, ``(n,)``, in the unit of the model's input.

    Raises
    ------
    DataError
        The model does not decode, or not this gene.
    """
    if found.change_g is None or found.before_cz is None or found.after_cz is None:
        raise DataError("This model does not decode expression, so no gene's change is known.")
    if gene not in found.genes:
        raise DataError(missing_name("decoded gene", gene, found.genes))
    place = found.genes.index(gene)
    nets = bundle.net_for_cells(dataset, found.cells, found.provenance.nets)
    change_c = np.empty(len(found.cells), np.float32)
    for number in np.unique(nets):
        net: Any = bundle.folds[int(number)]
        rows = np.flatnonzero(nets == number)
        for start in range(0, len(rows), BLOCK):
            job.report(start / len(rows), "decoding cells")
            mine = rows[start : start + BLOCK]
            batch = make_batch(dataset, net, found.cells[mine])
            both = [
                net.decode(torch.as_tensor(np.array(latent[mine])).to(net.device, net.dtype), batch)
                for latent in (found.before_cz, found.after_cz)
            ]
            change_c[mine] = (both[1][:, place] - both[0][:, place]).cpu().numpy()
    return change_c
