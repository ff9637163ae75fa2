"""How good a model is with few labels, when it may look at all cells without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import DataError
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.baseline import N_COMPONENTS, logistic_weights, principal_axes
from glasscell.models.family import FoldPlan
from glasscell.models.fit_request import FitRequest
from glasscell.models.gene_transformer.params import GeneTransformerParams
from glasscell.models.metric import macro_f1
from glasscell.models.plan import set_aside
from glasscell.models.row import Rows
from glasscell.models.span import Span
from glasscell.models.training_data import batch_of, net_seed, training_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels

SHARES = (0.05, 0.1, 0.25, 1.0)
#: Numbers of components that the second baseline chooses from, by the cells that are set aside.
COMPONENTS = (5, 10, 20, N_COMPONENTS)
_LEAST_OF_A_CLASS = 3
_BLOCK = 512


@dataclass(frozen=True)
class LabelEfficiency:
    """Macro-F1 of held-out cells, learnt from a share of the labels.

    Parameters
    ----------
    share, n_labelled
        Of the cells that are not held out, and how many these are.
    pretrained
        After guessing hidden genes in all cells that are not held out.
    unlearnt
        The same without ever guessing: only components of the genes are known beforehand.
    shuffled
        After the same on genes that were shuffled each by itself, which know nothing of each other; NaN where
        it was not asked for.
    logistic
        Logistic regression on 50 principal components of the same cells.
    chosen
        The same on as many components as suit the labelled cells best.
    """

    share: float
    n_labelled: int
    pretrained: float
    unlearnt: float
    shuffled: float
    logistic: float
    chosen: float

    @property
    def lift(self) -> float:
        """By how much pretraining is better than logistic regression on 50 components."""
        return self.pretrained - self.logistic


def label_efficiency(
    dataset: Dataset,
    labels: Labels,
    shares: Sequence[float] = SHARES,
    *,
    params: GeneTransformerParams | None = None,
    held_out: float = 0.25,
    shuffled: bool = False,
    seed: int = 0,
    job: JobHandle = QUIET,
) -> tuple[LabelEfficiency, ...]:
    """Train on a share of the labels and on all cells without them, beside principal components.

    It tells whether labelling more cells would help, and what the unlabelled ones are worth. Cells held out
    are seen by no model in any way, except that the genes that are tokens are chosen on all cells.

    Parameters
    ----------
    dataset, labels
        Cells and their classes.
    shares
        Of the labels of each class that may be used, 0 to 1.
    params
        Of the family ``gene_transformer``; None for its defaults.
    held_out
        Share of the cells that every figure is made of, the same for all.
    shuffled
        Whether to train on shuffled genes, too, as an impostor.
    seed
        Of the cells held out, the labels kept and all nets.

    Raises
    ------
    DataError
        A share is not within 0 and 1, or fewer than two classes have enough cells.
    """
    if not all(0 < share <= 1 for share in (*shares, 1 - held_out)):
        raise DataError("Shares of labels and of cells held out must be above 0 and at most 1: change them.")
    params = GeneTransformerParams() if params is None else params
    asked = _Asked(dataset, labels, params, held_out, seed)
    rows = []
    for turn, share in enumerate(shares):
        part = Span(job, turn / len(shares), (turn + 1) / len(shares), f"{share:.0%} of the labels")
        rows.append(asked.row(share, shuffled, part))
    return tuple(rows)


class _Asked:
    """Data, the cells held out, and the baselines' components."""

    def __init__(
        self, dataset: Dataset, labels: Labels, params: GeneTransformerParams, held_out: float, seed: int
    ) -> None:
        from glasscell.models.gene_transformer.family import FAMILY

        request = FitRequest(labels, family="gene_transformer", params=params, seed=seed, device="cpu")
        self.data = training_data(dataset, request, FAMILY, "cpu", labels=labels)
        self.params, self.seed = params, seed
        rng = np.random.default_rng([seed, 0x1ABE1])
        known = np.flatnonzero(self.data.codes >= 0)
        order = rng.permutation(known)
        n_test = max(1, round(held_out * len(order)))
        self.test, self.pool = np.sort(order[:n_test]), order[n_test:]
        enough = np.bincount(self.data.codes[self.pool], minlength=len(labels.classes)) >= _LEAST_OF_A_CLASS
        if enough.sum() < 2:
            raise DataError(
                f"Two classes or more need {_LEAST_OF_A_CLASS} cells that are not held out: label more cells."
            )
        seen = np.setdiff1d(np.arange(len(self.data.codes)), self.test)
        self.mean_g, self.axes_gp = principal_axes(self.data.rows.table_cg[seen], N_COMPONENTS, seed=seed)
        self.seen = seen

    def row(self, share: float, shuffled: bool, job: JobHandle) -> LabelEfficiency:
        """Make the figures of one share."""
        kept = self._kept(share)
        codes = np.full(len(self.data.codes), -1, np.int32)
        for cells in (kept, self.test):
            codes[cells] = self.data.codes[cells]
        seed = net_seed(self.seed, 0)
        aside = set_aside(kept, codes[kept], np.full(len(kept), -1), seed)
        plan = FoldPlan(aside.train, aside.valid, seed, "cpu")
        none = self.params.model_copy(update={"pretrain_epochs": 0})
        found = [
            self._f1(codes, plan, self.params, Span(job, 0.0, 0.5, "")),
            self._f1(codes, plan, none, Span(job, 0.5, 0.6, "nothing guessed")),
        ]
        impostor = float("nan")
        if shuffled:
            part = Span(job, 0.6, 1.0, "shuffled genes")
            impostor = self._f1(codes, plan, self.params, part, self._shuffled())
        fifty = self._logistic(kept, self.test, N_COMPONENTS)
        sizes = [self._logistic(plan.train, plan.valid, size) for size in COMPONENTS]
        chosen = self._logistic(kept, self.test, COMPONENTS[int(np.argmax(sizes))])
        return LabelEfficiency(share, len(kept), found[0], found[1], impostor, fifty, chosen)

    def _kept(self, share: float) -> NDArray[np.int64]:
        """Keep a share of each class, three cells at least, the first ones of one order for all shares."""
        codes, kept = self.data.codes[self.pool], []
        for code in np.unique(codes):
            members = self.pool[codes == code]
            kept.append(members[: max(_LEAST_OF_A_CLASS, round(share * len(members)))])
        return np.sort(np.concatenate(kept))

    def _f1(
        self,
        codes: NDArray[np.int32],
        plan: FoldPlan,
        params: GeneTransformerParams,
        job: JobHandle,
        taught: Rows | None = None,
    ) -> float:
        from glasscell.models.gene_transformer.family import FAMILY

        data = replace(self.data, codes=codes)
        net: Any = FAMILY.train_taught(data, plan, params, job, taught)[0]
        with torch.no_grad():
            parts = [
                net.logits(batch_of(data, part, net)).argmax(dim=1)
                for part in torch.split(torch.from_numpy(self.test), _BLOCK)
            ]
        return macro_f1(self.data.codes[self.test], torch.cat(parts).numpy())

    def _shuffled(self) -> Rows:
        """Shuffle each gene over the cells that are not held out."""
        rng = np.random.default_rng([self.seed, 0x5F])
        table: sparse.csr_matrix = self.data.rows.table_cg.copy()
        columns = table[self.seen].tocsc()
        for gene in range(columns.shape[1]):
            span = slice(columns.indptr[gene], columns.indptr[gene + 1])
            size = span.stop - span.start
            columns.indices[span] = np.sort(rng.permutation(len(self.seen))[:size])
            columns.data[span] = rng.permutation(columns.data[span])
        whole = table.tolil()
        whole[self.seen] = columns.tocsr()
        return Rows(whole.tocsr())

    def _logistic(self, train: NDArray[np.int64], test: NDArray[np.int64], size: int) -> float:
        axes_gp = self.axes_gp[:, :size]
        train_cp, test_cp = (
            self.data.rows.table_cg[cells] @ axes_gp - self.mean_g @ axes_gp for cells in (train, test)
        )
        codes = self.data.codes
        weight_pk, bias_k = logistic_weights(train_cp, codes[train], len(self.data.classes))
        return macro_f1(codes[test], (test_cp @ weight_pk + bias_k).argmax(axis=1))
