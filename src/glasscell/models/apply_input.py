"""Other data in a model's input space: genes in common scaled as in training, the others at their mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from glasscell.data.neighbour import neighbour_graph
from glasscell.models.batch import check_finite, graph_tensors
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.cell_batch import CellBatch
from glasscell.models.row import normalise

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.models.capability.model import Model
    from glasscell.models.gene_match import GeneMatch
    from glasscell.models.preprocessing import Preprocessing
    from glasscell.models.reference import Reference

Cells = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Inputs:
    """A file's cells, and the reference cells put into the same position.

    A gene the file lacks stands at its mean over the training cells, so that it speaks for no class. Library
    sizes are taken over the genes in common, and brought to the share of a training cell's total that those
    genes make up: a panel of a few hundred genes would otherwise look like cells of enormous expression.
    """

    dataset: Dataset
    match: GeneMatch
    reference: Reference
    preprocessing: Preprocessing

    @property
    def rescaled(self) -> bool:
        """Whether totals are over the genes in common rather than over the whole file."""
        return self.preprocessing.kind == "lognorm" and self.reference.whole

    @property
    def table_cg(self) -> sparse.csr_matrix:
        """The file's own expression in the kind the model starts from, all its genes."""
        return self.dataset.expression_cg("stored" if self.preprocessing.kind == "stored" else "counts")

    def share(self) -> float:
        """Share of a training cell's total in the genes in common."""
        totals_g = np.asarray(self.reference.rows_cg.expm1().sum(axis=0)).ravel()
        return float(totals_g[self.match.present].sum() / max(totals_g.sum(), 1e-12))

    def batch(self, indices: Cells, net: Model, codes: NDArray[np.int64] | None = None) -> CellBatch:
        """Gather cells of the file for a net.

        Parameters
        ----------
        indices
            Cells of the file, ``(n,)``; for a net that looks at neighbours these come with halo rows.
        codes
            Technical batch of each cell of the file, for models that know batches.
        """
        around: dict[str, torch.Tensor] = {}
        if isinstance(net, UsesNeighbours):
            ego = neighbour_graph(self.dataset, net.graph).ego(indices, net.hops, disjoint=False)
            indices, around = ego.rows, graph_tensors(ego, net.device)
        columns = self.match.columns[self.match.present]
        rows = sparse.csr_matrix(self.table_cg[indices][:, columns], dtype=np.float32)
        sizes = None
        if self.dataset.sizes_c is not None:
            sizes = np.asarray(self.dataset.sizes_c, np.float64)[indices]
        share = self.share() if self.rescaled else 1.0
        if self.rescaled:
            sizes = np.asarray(rows.sum(axis=1), np.float64).ravel() / max(share, 1e-12)
        if self.preprocessing.kind == "lognorm":
            assert sizes is not None
            rows = normalise(rows, sizes, self.preprocessing.target_sum or 1.0)
        elif self.preprocessing.kind == "log1p":
            rows = rows.log1p()
        found_cg = rows.toarray()
        wanted = [gene for gene, there in zip(self.match.wanted, self.match.present, strict=True) if there]
        check_finite(found_cg, self.dataset, np.asarray(indices), wanted)
        return replace(self._assemble(found_cg, np.asarray(indices), sizes, net, codes), **around)

    def reference_batch(self, net: Model, *, masked: bool = True) -> CellBatch:
        """Gather the reference cells with the same genes at their mean and the same rescaling.

        Parameters
        ----------
        masked
            Off: as they were trained on, with all genes.
        """
        full_cg = self.reference.rows_cg.toarray()
        present = self.match.present if masked else np.ones(full_cg.shape[1], np.bool_)
        found_cg = full_cg[:, present]
        if self.rescaled and not present.all():
            values_cg = np.expm1(found_cg.astype(np.float64))
            total = (self.preprocessing.target_sum or 1.0) * self.share()
            sums_c = values_cg.sum(axis=1, keepdims=True)
            scale = np.divide(total, sums_c, out=np.zeros_like(sums_c), where=sums_c > 0)
            found_cg = np.log1p(values_cg * scale).astype(np.float32)
        known = np.isfinite(self.reference.size).all()
        sizes = self.reference.size.astype(np.float64) if known else None
        rows = np.arange(len(full_cg))
        return self._assemble(found_cg, rows, sizes, net, None, present)

    def counted(self, indices: Cells) -> NDArray[np.bool_]:
        """Tell which cells have anything in the genes in common, ``(n,)``; always all without counts."""
        if self.preprocessing.kind == "stored":
            return np.ones(len(indices), np.bool_)
        columns = self.match.columns[self.match.present]
        return np.asarray(self.table_cg[indices][:, columns].sum(axis=1)).ravel() > 0

    def _assemble(
        self,
        found_cg: NDArray[np.float32],
        indices: Cells,
        sizes: NDArray[np.float64] | None,
        net: Model,
        codes: NDArray[np.int64] | None,
        present: NDArray[np.bool_] | None = None,
    ) -> CellBatch:
        present = self.match.present if present is None else present
        dense_cg = np.tile(self.reference.mean_g, (len(found_cg), 1))
        dense_cg[:, present] = found_cg
        return CellBatch(
            expression=torch.from_numpy(dense_cg).to(net.device, net.dtype),
            indices=torch.from_numpy(np.asarray(indices, np.int64)).to(net.device),
            size=None if sizes is None else torch.from_numpy(sizes).to(net.device, net.dtype),
            batch=None if codes is None else torch.from_numpy(codes[indices]).to(net.device),
        )
