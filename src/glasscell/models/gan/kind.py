"""What a kind has more or less of than its cells' latents say: a shift of each gene's log share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.gan.network import GanNetwork

#: Counts, expected and seen, that a gene's ratio of one is worth beforehand.
PRIOR_COUNTS = 1.0
_BLOCK = 512


@torch.no_grad()
def fit_kinds(
    network: GanNetwork,
    data: TrainingData,
    cells: NDArray[np.int64],
    kind_c: NDArray[np.int64],
    seed: int,
    job: JobHandle,
) -> None:
    """Set the decoder's shifts of kinds: log of the counts seen over those its latents make expected.

    Lines through few components leave every kind some of the genes of others; genes that are on in one kind
    and off in another betray generated cells first. With a gamma prior of mean one on the ratio, the shift is
    the log of its posterior mean, for each kind and gene; shares are then made to sum to one again.

    Parameters
    ----------
    cells
        Rows the counts are taken of.
    kind_c
        Kind of every row of the data, -1 for none: such rows say nothing.
    seed
        Of the draws of latents at which cells are expected.
    """
    shift = network.decoder.kind
    if shift is None:
        return
    assert data.counts is not None
    assert data.size is not None
    device = data.rows.device
    noise = torch.Generator().manual_seed(seed)
    size_c = torch.from_numpy(data.size).to(device)
    network.to(device).eval()
    known = cells[kind_c[cells] >= 0]
    seen_kg, expected_kg = (torch.zeros(shift.weight.T.shape, dtype=torch.float64) for _ in range(2))
    for start in range(0, len(known), _BLOCK):
        job.report(start / len(known))
        rows = torch.from_numpy(known[start : start + _BLOCK])
        kinds = torch.from_numpy(kind_c[rows.numpy()])
        mean_cz, variance_cz = network.encoder(data.rows.take(rows), None)
        noise_cz = torch.randn(mean_cz.shape, generator=noise).to(mean_cz)
        share_cg = network.decoder(mean_cz + variance_cz.sqrt() * noise_cz, None).exp()
        expected_kg.index_add_(0, kinds, (share_cg * size_c[rows.to(device)][:, None]).cpu().double())
        seen_kg.index_add_(0, kinds, data.counts.take(rows).cpu().double())
    ratio_kg = (seen_kg + PRIOR_COUNTS) / (expected_kg + PRIOR_COUNTS)
    shift.weight.copy_(ratio_kg.log().T)
