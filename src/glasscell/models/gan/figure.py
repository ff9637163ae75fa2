"""How well generated cells pass for cells the net has not seen, beside samplers that must not do as well."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from glasscell.models.gan.alarm import alarm_of
from glasscell.models.gan.generate import draw
from glasscell.models.row import normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.family import TrainingData
    from glasscell.models.gan.model import GanModel

CORRELATION = "gene-gene correlation error"
NEAREST = "nearest training cell, held-out / generated"
ALARM = "genes the alarm names"
INDEPENDENT, COPIES = "each gene resampled within class", "copies of training cells"
N_GENES, N_COMPONENTS, N_PAIRED = 2000, 50, 200
#: Fewer held-out cells are not measured with.
FEWEST = 10
_FOLDS, _TREES = 5, 60


@dataclass(frozen=True)
class Likeness:
    """How alike generated and held-out cells are.

    Parameters
    ----------
    auc
        Area under the curve of each classifier that tells held-out (positive) from generated cells,
        cross-validated; 0.5 is chance, far below it means copies.
    correlation
        Mean absolute difference of gene-gene correlations.
    nearest
        Median distance to the nearest training cell: of generated cells over that of held-out ones.
    """

    auc: dict[str, float]
    correlation: float
    nearest: float

    @property
    def worst_auc(self) -> float:
        """The one farthest from chance."""
        return max(self.auc.values(), key=lambda value: abs(value - 0.5))


class Yardstick:
    """Held-out and training cells that tables of generated cells are held against.

    Parameters
    ----------
    real_cg, train_cg
        Log-normalised, CSR, ``(n, n_genes)``.
    seed
        Of folds and trees.
    """

    def __init__(self, real_cg: sparse.csr_matrix, train_cg: sparse.csr_matrix, seed: int = 0) -> None:
        self.seed = seed
        mean_g = np.asarray(train_cg.mean(axis=0)).ravel()
        square_g = np.asarray(train_cg.multiply(train_cg).mean(axis=0)).ravel()
        self.genes = np.sort(np.argsort(-(square_g - mean_g**2), kind="stable")[:N_GENES])
        self.paired = np.sort(np.argsort(-mean_g, kind="stable")[:N_PAIRED])
        self._real_cg, self._train_cg = real_cg, train_cg

    @cached_property
    def _map(self) -> Any:
        from sklearn.decomposition import PCA

        n = max(1, min(N_COMPONENTS, len(self.genes) - 1, self._train_cg.shape[0] - 1))
        return PCA(n, svd_solver="randomized", random_state=0).fit(self._train_cg[:, self.genes].toarray())

    def _places(self, rows_cg: sparse.csr_matrix) -> NDArray[np.float64]:
        return np.asarray(self._map.transform(rows_cg[:, self.genes].toarray()), np.float64)

    @cached_property
    def _real_places(self) -> NDArray[np.float64]:
        return self._places(self._real_cg)

    def likeness(self, made_cg: sparse.csr_matrix, *, forest: bool = True) -> Likeness:
        """Hold generated cells (log-normalised, as many as held-out ones) against real ones."""
        return Likeness(self.auc(made_cg, forest=forest), self.correlation(made_cg), self.nearest(made_cg))

    def auc(self, made_cg: sparse.csr_matrix, *, forest: bool = True) -> dict[str, float]:
        """Let a logistic regression and a forest tell them apart by components fitted on training cells."""
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        both = np.concatenate([self._real_places, self._places(made_cg)])
        logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
        found = {"logistic": self._auc_of(logistic, both)}
        if forest:
            trees = RandomForestClassifier(_TREES, min_samples_leaf=3, random_state=self.seed)
            found["forest"] = self._auc_of(trees, both)
        return found

    def _auc_of(self, model: Any, both: NDArray[np.floating[Any]]) -> float:
        """Return the cross-validated area under the curve; the first rows are the held-out cells."""
        from sklearn.metrics import roc_auc_score
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        n_real = self._real_cg.shape[0]
        truth = np.repeat([1, 0], [n_real, len(both) - n_real])
        folds = StratifiedKFold(min(_FOLDS, *np.bincount(truth)), shuffle=True, random_state=self.seed)
        said = cross_val_predict(model, both, truth, cv=folds, method="predict_proba")[:, 1]
        return float(roc_auc_score(truth, said))

    def gene_auc(self, made_cg: sparse.csr_matrix) -> float:
        """Let a forest tell them apart by the most variable genes themselves: the hardest test."""
        from sklearn.ensemble import RandomForestClassifier

        both = sparse.vstack([self._real_cg, made_cg]).tocsr()[:, self.genes].toarray()
        return self._auc_of(RandomForestClassifier(_TREES, min_samples_leaf=3, random_state=self.seed), both)

    @cached_property
    def _real_correlation(self) -> NDArray[np.float64]:
        return _correlations(self._real_cg[:, self.paired].toarray())

    def correlation(self, made_cg: sparse.csr_matrix) -> float:
        """Return the mean absolute difference of correlations between the genes expressed most."""
        made = _correlations(made_cg[:, self.paired].toarray())
        upper = np.triu_indices(len(made), 1)
        return float(np.abs(made - self._real_correlation)[upper].mean())

    @cached_property
    def _tree(self) -> Any:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=1).fit(self._places(self._train_cg))

    @cached_property
    def _real_nearest(self) -> float:
        return float(np.median(self._tree.kneighbors(self._real_places)[0]))

    def nearest(self, made_cg: sparse.csr_matrix) -> float:
        """Return the median distance to the nearest training cell over that of held-out cells."""
        return float(np.median(self._tree.kneighbors(self._places(made_cg))[0])) / self._real_nearest


def _correlations(table_cg: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    values = np.asarray(table_cg, np.float64)
    values = values - values.mean(axis=0)
    values /= np.maximum(np.sqrt((values**2).sum(axis=0)), 1e-12)
    return np.asarray(values.T @ values)


def independent(
    data: TrainingData,
    train: NDArray[np.int64],
    group_c: NDArray[np.int64],
    wanted_c: NDArray[np.int64],
    seed: int,
) -> sparse.csr_matrix:
    """Draw each gene of each cell from another training cell of its kind: no two genes go together.

    Parameters
    ----------
    group_c
        Kind of each training cell.
    wanted_c
        Kind of each cell wanted.

    Returns
    -------
    Log-normalised, CSR, ``(len(wanted_c), n_genes)``.
    """
    assert data.counts is not None
    rng = np.random.default_rng([seed, 0x1D9])
    n_genes = data.counts.n_genes
    made = np.zeros((len(wanted_c), n_genes), np.float32)
    for kind in np.unique(wanted_c):
        pool_cg = data.counts.table_cg[train[group_c == kind]].toarray()
        at = np.flatnonzero(wanted_c == kind)
        for row in at:
            made[row] = pool_cg[rng.integers(0, len(pool_cg), n_genes), np.arange(n_genes)]
    drawn_cg = sparse.csr_matrix(made)
    return normalise(drawn_cg, made.sum(axis=1), data.preprocessing.target_sum or 1.0)


def generation_figures(
    name: str, model: GanModel, data: TrainingData, held_out: NDArray[np.int64], job: JobHandle
) -> dict[str, dict[str, float]]:
    """Generate as many cells as were held out, of the same kinds, and hold both against each other.

    Beside stand a sampler under which no two genes of a kind go together and cells copied from training.

    Returns
    -------
    How far from 1/2 the area under the curve of classifiers is (the forest's, which takes longer, of the net
    only), the mean error of gene-gene correlations, how much nearer to training cells than held-out cells
    generated ones are, and at what share of genes and kinds the hallucination alarm fires: of each less is
    better.
    """
    kind_c = model.kinds_of(data)
    rest = np.setdiff1d(np.arange(len(data.rows)), held_out)
    if model.kinds:
        held_out, rest = held_out[kind_c[held_out] >= 0], rest[kind_c[rest] >= 0]
    if len(held_out) < FEWEST:
        return {}
    yardstick = Yardstick(data.rows.table_cg[held_out], data.rows.table_cg[rest])
    wanted_c, copied = kind_c[held_out], np.random.default_rng(0).choice(rest, len(held_out))
    made = (
        (name, draw(model, wanted_c, 0).rows_cg),
        (INDEPENDENT, independent(data, rest, kind_c[rest], wanted_c, 0)),
        (COPIES, data.rows.table_cg[copied]),
    )
    held = data.rows.table_cg[held_out], wanted_c
    found = {}
    for number, (title, table_cg) in enumerate(made):
        job.report(number / len(made), "generated against held-out cells")
        likeness = yardstick.likeness(table_cg, forest=title == name)
        found[title] = {
            **{f"AUC off 0.5, {way}": abs(value - 0.5) for way, value in likeness.auc.items()},
            CORRELATION: likeness.correlation,
            NEAREST: 1 / max(likeness.nearest, 1e-9),
            ALARM: alarm_of((table_cg, wanted_c), held, model.kinds, model.genes).rate,
        }
    return found
