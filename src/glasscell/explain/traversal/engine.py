"""Decoding for traversals: the only file here that needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import ModelError
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.batch import make_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.cell_batch import CellBatch

BLOCK = 512
#: Decoded numbers at a time that stay in the processor's cache: three times as fast as many.
FEW_NUMBERS = 1_500_000
_LOG_KINDS = ("lognorm", "log1p", "stored")


@torch.no_grad()
def latents_of(dataset: Dataset, bundle: Bundle, net: Any, job: JobHandle = QUIET) -> NDArray[np.float32]:
    """Return each cell's latent means, ``(n_cells, n_latent)``: those of the training, else encoded now."""
    known = bundle.cells.latent_cz
    if known is not None and bundle.data_fingerprint == dataset.fingerprint:
        rows = bundle.rows(dataset, np.arange(dataset.n_cells))
        if len(rows) and (rows >= 0).all():
            return known[rows]
    parts = []
    for start in range(0, dataset.n_cells, BLOCK):
        job.report(start / dataset.n_cells, "encoding cells")
        cells = np.arange(start, min(start + BLOCK, dataset.n_cells))
        parts.append(net.encode(make_batch(dataset, net, cells)).cpu().numpy())
    return np.concatenate(parts).astype(np.float32)


class Decoding:
    """Some cells with a decoder: sets latents of theirs to values and says what is expected then.

    Parameters
    ----------
    net
        Encodes and decodes.
    batch
        The cells, as the net takes them.
    latent_cz
        Their latents, ``(n, n_latent)``.
    """

    def __init__(self, net: Any, batch: CellBatch, latent_cz: NDArray[Any]) -> None:
        self.net, self.batch = net, batch
        self.latent_cz = torch.as_tensor(np.asarray(latent_cz)).to(net.device, net.dtype)

    @torch.no_grad()
    def expected(self, factor: int | None = None, value: float = 0.0) -> NDArray[Any]:
        """Return decoded expression ``(n, n_genes)``, with one latent at a value for all cells when given.

        Raises
        ------
        ModelError
            The decoder gives something that is no number.
        """
        latent_cz = self.latent_cz if factor is None else self.moved(factor, value)
        decoded_cg: NDArray[Any] = self.decode(latent_cz).cpu().numpy()
        if not np.isfinite(decoded_cg).all():
            raise ModelError(
                f"The decoder gives no finite number with latent {factor} at {value:.3g}: train it anew."
            )
        return decoded_cg

    def moved(self, factor: int, value: float | None) -> torch.Tensor:
        """Return the latents with one set to a value, or as they are without one."""
        if value is None:
            return self.latent_cz
        latent_cz = self.latent_cz.clone()
        latent_cz[:, factor] = value
        return latent_cz

    def slopes(self, factors: Sequence[int], job: JobHandle = QUIET) -> NDArray[np.float64]:
        """Return the mean derivative of decoded expression by each latent, ``(n_factors, n_genes)``.

        Forward mode: one pass per latent, however many genes there are.
        """
        rows = []
        for factor in factors:
            job.report(None, "slopes")
            rows.append(jacobian_row(self.decode, self.latent_cz, factor).mean(dim=0).double().cpu().numpy())
        return np.stack(rows)

    def decode(self, latent_cz: torch.Tensor) -> torch.Tensor:
        """Return decoded expression of these cells for other latents."""
        decoded_cg: torch.Tensor = self.net.decode(latent_cz, self.batch)
        return decoded_cg


def jacobian_row(
    decode: Callable[[torch.Tensor], torch.Tensor], latent_cz: torch.Tensor, factor: int
) -> torch.Tensor:
    """Return the derivative of every gene by one latent, ``(n, n_genes)``, in one forward pass."""
    tangent_cz = torch.zeros_like(latent_cz)
    tangent_cz[:, factor] = 1
    slope_cg: torch.Tensor = torch.func.jvp(decode, (latent_cz,), (tangent_cz,))[1]
    return slope_cg.detach()


def jacobian(decode: Callable[[torch.Tensor], torch.Tensor], latent_cz: torch.Tensor) -> torch.Tensor:
    """Return the derivative of every gene by every latent, ``(n, n_latent, n_genes)``, by forward mode."""
    rows = [jacobian_row(decode, latent_cz, factor) for factor in range(latent_cz.shape[1])]
    return torch.stack(rows, dim=1)


def decoding(dataset: Dataset, net: Any, cells: NDArray[Any], latent_cz: NDArray[Any]) -> Decoding:
    """Gather cells with their latents, given for all cells of the dataset."""
    return Decoding(net, make_batch(dataset, net, cells), np.asarray(latent_cz)[cells])


def sweep(
    some: Decoding, factors: Sequence[int], values_ks: NDArray[Any], job: JobHandle = QUIET
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Decode some cells with one latent after another at each of its values.

    Returns
    -------
    Mean expected expression as they are, ``(n_genes,)``, and its mean change, ``(n_factors, n_steps,
    n_genes)``.
    """
    base_g = some.expected().mean(axis=0, dtype=np.float64)
    change_ksg = np.empty((*values_ks.shape, len(base_g)), np.float32)
    for row, factor in enumerate(factors):
        job.report(row / len(factors), "sweeping factors")
        for step, value in enumerate(values_ks[row]):
            change_ksg[row, step] = (
                some.expected(factor, float(value)).mean(axis=0, dtype=np.float64) - base_g
            )
    return base_g.astype(np.float32), change_ksg


@torch.no_grad()
def cell_values(
    dataset: Dataset,
    net: Any,
    latent_cz: NDArray[Any],
    cells: NDArray[Any],
    gene: int,
    factor: int,
    values: Sequence[float | None],
    job: JobHandle = QUIET,
) -> NDArray[np.float32]:
    """Return what is expected of one gene in each cell, with a latent set to each of some values.

    Parameters
    ----------
    latent_cz
        Of all cells, ``(n_cells, n_latent)``.
    cells
        Rows asked for, ``(n,)``.
    gene
        Place among the model's genes.
    values
        None leaves the latent as it is.

    Returns
    -------
    ``(n_values, n)``, in the unit of the model's input.

    Raises
    ------
    ModelError
        The decoder gives something that is no number.
    """
    expected_sc = np.empty((len(values), len(cells)), np.float32)
    block = int(np.clip(FEW_NUMBERS // max(len(net.genes), 1), 32, 2048))
    for start in range(0, len(cells), block):
        part = slice(start, start + block)
        some = decoding(dataset, net, cells[part], latent_cz)
        for row, value in enumerate(values):
            job.report(start / len(cells), "decoding cells")
            expected_sc[row, part] = some.decode(some.moved(factor, value))[:, gene].cpu().numpy()
    if not np.isfinite(expected_sc).all():
        raise ModelError(f"The decoder gives no finite number along latent {factor}: train it anew.")
    return expected_sc


def rates(net: Any, decoded_cg: NDArray[Any]) -> NDArray[np.float64]:
    """Turn decoded expression into rates, which add up: logs are taken back."""
    values_cg = np.asarray(decoded_cg, np.float64)
    if net.preprocessing.kind in _LOG_KINDS:
        values_cg = np.expm1(values_cg)
    return np.maximum(values_cg, 0.0)


def rates_from_rest(
    some: Decoding, latent_cz: NDArray[Any], steps: int = 10, job: JobHandle = QUIET
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Decode rates with one latent going from 0 to its extremes, all others 0.

    Averaged over the cells of ``some``, which lend their batch and other covariates, not their latents.

    Parameters
    ----------
    latent_cz
        Of all cells: gives the extremes.
    steps
        From 0 to an extreme, both included.

    Returns
    -------
    Upwards and downwards, ``(n_latent, steps, n_genes)`` each.
    """
    rest = Decoding(some.net, some.batch, np.zeros(tuple(some.latent_cz.shape)))

    def rate(factor: int, value: float) -> NDArray[Any]:
        mean_g: NDArray[Any] = rates(some.net, rest.expected(factor, value)).mean(axis=0)
        return mean_g

    n_latent = latent_cz.shape[1]
    swept = []
    for ends in (latent_cz.max(axis=0), latent_cz.min(axis=0)):
        rows = []
        for factor in range(n_latent):
            job.report(None, "possible effects")
            rows.append(np.stack([rate(factor, float(v)) for v in np.linspace(0, ends[factor], steps)]))
        swept.append(np.stack(rows))
    return swept[0], swept[1]
