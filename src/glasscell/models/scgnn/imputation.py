"""Imputed expression: what a cell's latents and its neighbours' say it holds, beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import logsumexp

from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.batch import make_batch
from glasscell.models.imputed import ImputedGenes
from glasscell.models.scgnn.graph import CellGraph, find_graph, smoothed
from glasscell.models.scgnn.model import ScgnnModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

#: What stands beside every imputed value.
CAUTION = "imputed, not counted: do not test genes on it"
_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Imputation(ImputedGenes):
    """Imputed expression of all cells of a dataset, as factors: one gene is one product.

    Imputed values are never counts: they are expected shares of a cell's counts, or their log in the unit of
    the model's input. Genes go together in them by construction.

    Parameters
    ----------
    genes
        Of the model.
    hidden_ch, weight_gh, bias_g
        The logit of gene g in cell c is ``hidden_ch[c] @ weight_gh[g] + bias_g[g]``.
    log_total_c
        Log of the summed exponentials of a cell's logits, ``(n_cells,)``.
    target_sum
        Total that shares are multiplied by before the log.
    graph
        Kept neighbours of each cell among the training cells.
    """

    genes: tuple[str, ...]
    hidden_ch: NDArray[np.float32]
    weight_gh: NDArray[np.float32]
    bias_g: NDArray[np.float32]
    log_total_c: NDArray[np.float32]
    target_sum: float
    graph: CellGraph

    def __len__(self) -> int:
        """Count the cells."""
        return len(self.hidden_ch)

    def gene(self, name: str) -> NDArray[np.float32]:
        """Return one gene, log1p of imputed share x ``target_sum``, ``(n_cells,)``.

        Raises
        ------
        DataError
            The model does not know the gene.
        """
        column = self.column(name)
        logit_c = self.hidden_ch @ self.weight_gh[column] + self.bias_g[column]
        return np.asarray(np.log1p(self.target_sum * np.exp(logit_c - self.log_total_c)), np.float32)

    def share(self, cells: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Return imputed shares of all genes in some cells, ``(len(cells), n_genes)``; rows sum to one."""
        logit_cg = self.hidden_ch[cells] @ self.weight_gh.T + self.bias_g
        return np.asarray(np.exp(logit_cg - self.log_total_c[cells, None]), np.float32)

    def suppliers(self, cell: int) -> NDArray[np.int64]:
        """Return rows of the training cells that a cell's imputed values come from, nearest first."""
        return np.asarray(self.graph.neighbour_ck[cell][self.graph.kept_ck[cell]])


def impute(bundle: Bundle, dataset: Dataset, job: JobHandle = QUIET) -> Imputation:
    """Impute all cells of a dataset.

    Each cell is encoded from its own counts, joined with its nearest training cells (never with itself),
    edges that are long for it are cut, and the smoothed latents are decoded. A cell of another file is joined
    in the same way; that is all that inductive use means here.

    Parameters
    ----------
    bundle
        Of the family ``scgnn``.
    dataset
        The file the model was trained on, or another one with the same genes and counts.

    Raises
    ------
    NotCompatible
        The bundle is of another family, a gene is missing, or there are no counts.
    """
    net = scgnn_of(bundle)
    latent_cz = _latents(net, dataset, job)
    rows_c = bundle.rows(dataset, np.arange(dataset.n_cells))
    among_cz = net.whole.cell_latent.cpu().float().numpy()
    graph = find_graph(
        latent_cz, net.graph.neighbour_ck.shape[1], net.prune, among_cz=among_cz, own_c=rows_c, job=job
    )
    return decode_imputed(net, latent_cz, graph, among_cz, job)


def decode_imputed(
    net: ScgnnModel,
    latent_cz: NDArray[np.float32],
    graph: CellGraph,
    among_cz: NDArray[np.float32],
    job: JobHandle = QUIET,
) -> Imputation:
    """Smooth latents over kept neighbours among other cells and decode them."""
    hidden_ch = net.imputed_hidden(smoothed(latent_cz, graph, among_cz, net.own))
    last = net.whole.imputer.genes
    weight_gh = np.asarray(last.weight.detach().cpu().numpy(), np.float32)
    bias_g = np.asarray(last.bias.detach().cpu().numpy(), np.float32)
    log_total_c = np.empty(len(hidden_ch), np.float32)
    for start in range(0, len(hidden_ch), _BLOCK):
        job.report(start / len(hidden_ch), "imputing")
        rows = slice(start, start + _BLOCK)
        log_total_c[rows] = logsumexp(hidden_ch[rows] @ weight_gh.T + bias_g, axis=1)
    total = net.preprocessing.target_sum or 1.0
    return Imputation(net.genes, hidden_ch, weight_gh, bias_g, log_total_c, total, graph)


def scgnn_of(bundle: Bundle) -> ScgnnModel:
    """Return a bundle's net; NotCompatible when it is of another family."""
    net = bundle.folds[0]
    if not isinstance(net, ScgnnModel):
        raise NotCompatible(f"{net.info.title} has no cell graph: train the family scgnn for imputed values.")
    return net


@torch.no_grad()
def _latents(net: ScgnnModel, dataset: Dataset, job: JobHandle) -> NDArray[np.float32]:
    parts = []
    for start in range(0, dataset.n_cells, _BLOCK):
        job.report(start / dataset.n_cells, "encoding")
        cells = np.arange(start, min(start + _BLOCK, dataset.n_cells))
        parts.append(net.encode(make_batch(dataset, net, cells)).cpu().float().numpy())
    return np.concatenate(parts)
