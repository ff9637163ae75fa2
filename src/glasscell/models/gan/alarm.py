"""The hallucination alarm: genes that generated or imputed cells of a kind have and held-out cells don't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from glasscell.errors import NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.gan.generate import draw, gan_of
from glasscell.models.gan.realism import kinds_in

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.models.gan.generate import Generated
    from glasscell.models.gan.imputation import GeneratedImputation

#: An alarm needs a detection this many times that of held-out cells, at this false discovery rate.
FOLD, LEVEL = 2.0, 0.05
#: Generated cells of each kind, and held-out cells below which a kind is not judged.
MADE, FEWEST = 200, 5
EVERYTHING = "all cells"


@dataclass(frozen=True)
class Hallucination:
    """One gene in one kind of cells.

    Parameters
    ----------
    kind, gene
        Their names.
    made, held
        Share of generated (or as imputed, expected) and of held-out cells in which it is detected.
    q
        Adjusted p of so much in the one and so little in the other.
    """

    kind: str
    gene: str
    made: float
    held: float
    q: float


@dataclass(frozen=True, eq=False)
class Alarm:
    """Which genes of which kinds are not borne out by held-out cells.

    Parameters
    ----------
    kinds, genes
        Rows and columns.
    made_kg, held_kg
        Shares of cells in which a gene is detected, ``(n_kinds, n_genes)``.
    q_kg
        Benjamini-Hochberg over all of them together; NaN where a kind has too few held-out cells.
    fires_kg
        Where it fires.
    """

    kinds: tuple[str, ...]
    genes: tuple[str, ...]
    made_kg: NDArray[np.float64]
    held_kg: NDArray[np.float64]
    q_kg: NDArray[np.float64]
    fires_kg: NDArray[np.bool_]

    @property
    def rate(self) -> float:
        """Share of judged genes at which it fires."""
        judged = int(np.isfinite(self.q_kg).sum())
        return float(self.fires_kg.sum() / judged) if judged else float("nan")

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Kinds of which too few cells were held out."""
        return tuple(
            name for name, q_g in zip(self.kinds, self.q_kg, strict=True) if not np.isfinite(q_g).any()
        )

    def found(self) -> list[Hallucination]:
        """Return the alarms, the surest first."""
        at = np.argwhere(self.fires_kg)
        order = np.argsort(self.q_kg[self.fires_kg], kind="stable")
        return [
            Hallucination(
                self.kinds[kind],
                self.genes[gene],
                float(self.made_kg[kind, gene]),
                float(self.held_kg[kind, gene]),
                float(self.q_kg[kind, gene]),
            )
            for kind, gene in at[order]
        ]

    def of_kinds(self, at: NDArray[np.integer[Any]]) -> Alarm:
        """Return the alarm of some kinds alone; the others were not judged."""
        kinds = tuple(self.kinds[int(kind)] for kind in at)
        return Alarm(kinds, self.genes, self.made_kg[at], self.held_kg[at], self.q_kg[at], self.fires_kg[at])

    def sentence(self) -> str:
        """Say in one sentence what was found."""
        first = self.found()[:3]
        named = ", ".join(f"{one.gene} in {one.kind}" for one in first)
        rest = f": {named}{', ...' if int(self.fires_kg.sum()) > 3 else ''}" if first else ""
        untold = f" Not judged, too few held out: {', '.join(self.unjudged)}." if self.unjudged else ""
        said = f"The alarm fires at {int(self.fires_kg.sum())} of {int(np.isfinite(self.q_kg).sum())}"
        return f"{said} genes x kinds ({self.rate:.2%}){rest}.{untold}"


def alarm_of_generated(
    bundle: Bundle, dataset: Dataset, made: Generated | None = None, seed: int = 0, job: JobHandle = QUIET
) -> Alarm:
    """Compare generated cells with held-out cells of their kind, by the share of cells with each gene.

    Parameters
    ----------
    dataset
        The file the model was trained on.
    made
        Generated cells to judge, of some kinds or all; None generates as many of each kind as the test is
        made for.

    Raises
    ------
    NotCompatible
        The bundle is of another family, or none of the cells held out is in the dataset.
    """
    net = gan_of(bundle)
    kind_c, held_out = held_out_kinds(bundle, dataset)
    if made is None:
        n_kinds = max(1, len(net.kinds))
        asked = np.repeat(np.arange(n_kinds), MADE) if net.kinds else np.full(MADE, -1)
        made = draw(net, asked, seed, job)
    counts_cg = _counts(bundle, dataset)
    found = alarm_of(
        (made.drawn_cg, made.kind_c), (counts_cg[held_out], kind_c[held_out]), net.kinds, net.genes
    )
    return found.of_kinds(np.unique(made.kind_c)) if net.kinds else found


def alarm_of(
    made: tuple[sparse.csr_matrix, NDArray[np.integer[Any]]],
    held: tuple[sparse.csr_matrix, NDArray[np.integer[Any]]],
    kinds: tuple[str, ...],
    genes: tuple[str, ...],
) -> Alarm:
    """Test each gene of each kind by Fisher's exact test, one-sided, and by how many times it differs.

    Parameters
    ----------
    made, held
        Molecules of generated and counts of held-out cells, and the code of each one's kind.
    """
    sizes, seen = [], []
    for table_cg, kind_c in (made, held):
        own = [kind_c == code for code in range(len(kinds))] if kinds else [np.ones(len(kind_c), np.bool_)]
        sizes.append(np.array([int(mask.sum()) for mask in own]))
        seen.append(np.stack([(table_cg[np.flatnonzero(mask)] > 0).sum(axis=0).A1 for mask in own]))
    (n_made, n_held), (made_kg, held_kg) = sizes, seen
    total_k = n_made + n_held
    p_kg = stats.hypergeom.sf(made_kg - 1, total_k[:, None], made_kg + held_kg, n_made[:, None])
    made_share = made_kg / np.maximum(n_made, 1)[:, None]
    held_share = held_kg / np.maximum(n_held, 1)[:, None]
    return _alarm(kinds, genes, made_share, held_share, p_kg, (n_held >= FEWEST) & (n_made > 0))


def alarm_of_imputed(bundle: Bundle, dataset: Dataset, imputed: GeneratedImputation) -> Alarm:
    """Find genes imputed into kinds of which no held-out cell has a single count of them.

    The test: with the imputed shares true, how likely would all held-out cells of the kind, at their sizes,
    be without it.

    Raises
    ------
    NotCompatible
        None of the cells held out is in the dataset.
    """
    net = gan_of(bundle)
    kind_c, held_out = held_out_kinds(bundle, dataset)
    counts_cg, size_c = _counts(bundle, dataset), np.asarray(dataset.sizes_c, np.float64)
    codes = range(len(net.kinds)) if net.kinds else (-1,)
    made, held, p, judged = [], [], [], []
    for code in codes:
        cells = np.flatnonzero(held_out & (kind_c == code))
        expected_cg = imputed.share(cells) * size_c[cells, None]
        n = max(1, len(cells))
        made.append((1 - np.exp(-expected_cg)).sum(axis=0) / n)
        held.append((counts_cg[cells] > 0).sum(axis=0).A1 / n)
        p.append(np.where(held[-1] > 0, 1.0, np.exp(-expected_cg.sum(axis=0))))
        judged.append(len(cells) >= FEWEST)
    return _alarm(net.kinds, net.genes, np.stack(made), np.stack(held), np.stack(p), np.array(judged))


def held_out_kinds(bundle: Bundle, dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each cell's kind and whether it was held out.

    Raises
    ------
    NotCompatible
        None of the cells held out is in the dataset.
    """
    rows_c = bundle.rows(dataset, np.arange(dataset.n_cells))
    held_out = (rows_c >= 0) & (bundle.cells.fold[rows_c] == 0)
    if not held_out.any():
        raise NotCompatible(
            "This file has none of the cells held out in training, which generated cells are held against: "
            "open the file the model was trained on."
        )
    return kinds_in(gan_of(bundle), dataset), held_out


def _counts(bundle: Bundle, dataset: Dataset) -> sparse.csr_matrix:
    from glasscell.models.batch import gene_columns

    return dataset.expression_cg("counts")[:, gene_columns(dataset, bundle.genes)].tocsr()


def _alarm(
    kinds: tuple[str, ...],
    genes: tuple[str, ...],
    made_kg: NDArray[np.float64],
    held_kg: NDArray[np.float64],
    p_kg: NDArray[np.float64],
    judged_k: NDArray[np.bool_],
) -> Alarm:
    q_kg = np.full(p_kg.shape, np.nan)
    if judged_k.any():
        p = np.clip(p_kg[judged_k], 0, 1)
        q_kg[judged_k] = stats.false_discovery_control(p.ravel()).reshape(p.shape)
    fires_kg = (np.nan_to_num(q_kg, nan=1.0) < LEVEL) & (made_kg > FOLD * held_kg)
    return Alarm(kinds or (EVERYTHING,), genes, made_kg, held_kg, q_kg, fires_kg)
