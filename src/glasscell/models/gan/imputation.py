"""Imputation by generated neighbours: each cell's nearest generated cells of its kind say what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import logsumexp

from glasscell.jobs import QUIET
from glasscell.models.batch import make_batch
from glasscell.models.gan.code import made_codes
from glasscell.models.gan.generate import gan_of
from glasscell.models.gan.realism import kinds_in
from glasscell.models.imputed import ImputedGenes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.models.gan.model import GanModel

#: What stands beside every imputed value.
CAUTION = "imputed from generated cells, not counted: do not test genes on it"
#: Generated neighbours of each cell, and generated cells of each kind they are found among.
NEIGHBOURS, POOL = 10, 500
_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class GeneratedImputation(ImputedGenes):
    """Imputed expression of all cells of a dataset: the mean share over generated neighbours.

    Parameters
    ----------
    genes, target_sum
        Of the model's input.
    hidden_ph, weight_gh, bias_g
        The logit of gene g in generated cell p is ``hidden_ph[p] @ weight_gh[g] + bias_g[g]``.
    log_total_p
        Log of the summed exponentials of a generated cell's logits.
    neighbour_ck
        Generated neighbours of each cell, nearest first, ``(n_cells, k)`` int64.
    kind_c, kind_p
        Kind of each cell and of each generated cell; -1 for none.
    """

    genes: tuple[str, ...]
    target_sum: float
    hidden_ph: NDArray[np.float32]
    weight_gh: NDArray[np.float32]
    bias_g: NDArray[np.float32]
    log_total_p: NDArray[np.float32]
    neighbour_ck: NDArray[np.int64]
    kind_c: NDArray[np.int64]
    kind_p: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the cells."""
        return len(self.neighbour_ck)

    def gene(self, name: str) -> NDArray[np.float32]:
        """Return one gene, log1p of imputed share x ``target_sum``, ``(n_cells,)``."""
        column = self.column(name)
        logit_p = self.hidden_ph @ self.weight_gh[column] + self.bias_g[column]
        share_c = np.exp(logit_p - self.log_total_p)[self.neighbour_ck].mean(axis=1)
        return np.asarray(np.log1p(self.target_sum * share_c), np.float32)

    def share(self, cells: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Return imputed shares of all genes in some cells, ``(len(cells), n_genes)``; rows sum to one."""
        used, place = np.unique(self.neighbour_ck[cells], return_inverse=True)
        logit_pg = self.hidden_ph[used] @ self.weight_gh.T + self.bias_g
        share_pg = np.exp(logit_pg - self.log_total_p[used, None])
        mixing = np.zeros((len(cells), len(used)), np.float32)
        np.add.at(mixing, (np.arange(len(cells))[:, None], place.reshape(len(cells), -1)), 1.0)
        return np.asarray(mixing @ share_pg / self.neighbour_ck.shape[1], np.float32)


def impute(bundle: Bundle, dataset: Dataset, seed: int = 0, job: JobHandle = QUIET) -> GeneratedImputation:
    """Impute all cells of a dataset from generated cells.

    Parameters
    ----------
    bundle
        Of the family ``gan``.
    dataset
        Any file with its genes and counts; cells whose kind the model does not know are given neighbours of
        any kind.
    seed
        Of the generated cells.

    Raises
    ------
    NotCompatible
        The bundle is of another family, a gene is missing, or there are no counts.
    """
    net = gan_of(bundle)
    kind_p = np.repeat(np.arange(len(net.kinds)), POOL) if net.kinds else np.full(POOL, -1)
    code_pd = made_codes(net.whole, kind_p, torch.Generator().manual_seed(seed))
    return impute_from(net, code_pd, kind_p.astype(np.int64), dataset, job)


def impute_from(
    net: GanModel,
    code_pd: NDArray[np.float32],
    kind_p: NDArray[np.int64],
    dataset: Dataset,
    job: JobHandle = QUIET,
) -> GeneratedImputation:
    """Impute from given generated codes; neighbours are nearest in standardised latents."""
    kind_c, width = kinds_in(net, dataset), net.n_latent
    at_cz = _places(net, dataset, job)
    neighbour_ck = np.empty((len(at_cz), min(NEIGHBOURS, len(code_pd))), np.int64)
    for kind in np.unique(kind_c):
        pool = np.flatnonzero(kind_p == kind) if kind >= 0 else np.arange(len(kind_p))
        own = np.flatnonzero(kind_c == kind)
        neighbour_ck[own] = pool[_nearest(at_cz[own], code_pd[pool, :width], neighbour_ck.shape[1])]
    hidden_ph = _hidden(net, code_pd, kind_p)
    decoder = net.whole.decoder
    read = [decoder.genes.weight] if decoder.kind is None else [decoder.genes.weight, decoder.kind.weight]
    weight_gh = np.asarray(torch.cat(read, dim=1).detach().cpu().numpy(), np.float32)
    bias_g = np.asarray(decoder.genes.bias.detach().cpu().numpy(), np.float32)
    log_total_p = np.empty(len(hidden_ph), np.float32)
    for start in range(0, len(hidden_ph), _BLOCK):
        job.report(start / len(hidden_ph), "imputing")
        rows = slice(start, start + _BLOCK)
        log_total_p[rows] = logsumexp(hidden_ph[rows] @ weight_gh.T + bias_g, axis=1)
    total = net.preprocessing.target_sum or 1.0
    return GeneratedImputation(
        net.genes, total, hidden_ph, weight_gh, bias_g, log_total_p, neighbour_ck, kind_c, kind_p
    )


def _nearest(at_cz: NDArray[np.float32], pool_pz: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    from sklearn.neighbors import NearestNeighbors

    tree = NearestNeighbors(n_neighbors=k).fit(pool_pz)
    return np.asarray(tree.kneighbors(at_cz, return_distance=False), np.int64)


@torch.no_grad()
def _places(net: GanModel, dataset: Dataset, job: JobHandle) -> NDArray[np.float32]:
    """Return standardised latents of all cells, ``(n_cells, n_latent)``."""
    parts = []
    for start in range(0, dataset.n_cells, _BLOCK):
        job.report(start / dataset.n_cells, "encoding")
        batch = make_batch(dataset, net, np.arange(start, min(start + _BLOCK, dataset.n_cells)))
        parts.append(net.whole.code(net.encode(batch), None)[:, :-1].cpu().float().numpy())
    return np.concatenate(parts)


@torch.no_grad()
def _hidden(net: GanModel, code_pd: NDArray[np.float32], kind_p: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return what the decoder's last layer reads, with kinds as indicator rows last."""
    codes = torch.from_numpy(code_pd).to(net.device, net.dtype)
    latent_pz = (codes * net.whole.code_scale + net.whole.code_mean)[:, :-1]
    kinds_pk = net.whole.kinds(torch.from_numpy(kind_p).to(net.device), latent_pz)
    read = [net.whole.decoder.read(latent_pz)] + ([] if kinds_pk is None else [kinds_pk])
    return np.asarray(torch.cat(read, dim=1).cpu().numpy(), np.float32)
