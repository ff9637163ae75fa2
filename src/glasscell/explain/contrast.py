"""A against B: which genes differ, which genes the model tells them apart by, and whether the two agree."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.contrast_model import (
    Agreement,
    AttributionContrast,
    agreement,
    attribution_contrast,
)
from glasscell.explain.contrast_test import Tested, pseudobulk, wilcoxon
from glasscell.explain.contrast_unit import TOO_FEW, Unit, UnitChoice, choose_unit
from glasscell.explain.gene_set import adjust
from glasscell.explain.result import order
from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    import pandas as pd

    from glasscell.data.dataset import Dataset
    from glasscell.data.design import Design
    from glasscell.explain.result import Bools, Explanation, Floats

By = Literal["expression", "attribution"]
SAME_COUNTS = "same counts"
MIN_SIDE = 3


@dataclass(frozen=True, eq=False)
class ContrastRequest:
    """What is compared.

    Parameters
    ----------
    a, b
        The two sides, bool ``(n_cells,)``; no cell may stand on both.
    a_name, b_name
        How people call them.
    design
        Donors and conditions, see ``find_design``.
    unit
        ``auto``, ``cells`` or ``donors``.
    circular
        Why p-values would be circular, see ``same_counts``; empty when they are not. Nothing is tested then.
    explanation
        Of one target over the cells of both sides; None to compare expression alone.
    notes
        Sentences to carry along.
    """

    a: Bools
    b: Bools
    a_name: str
    b_name: str
    design: Design
    unit: Unit = "auto"
    circular: str = ""
    explanation: Explanation | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContrastRow:
    """A gene: expression on the left, the model on the right; None is what cannot be said."""

    gene: str
    change: float
    score: float
    mean_a: float
    mean_b: float
    p: float | None
    q: float | None
    attribution: float | None
    attribution_rank: int | None
    twin_rank: int | None
    rank_spread: int | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrast:
    """Every gene compared between A and B.

    Parameters
    ----------
    genes
        Names in the order of the dataset.
    tested
        Change, score and p per gene.
    q_g
        p adjusted over genes; None where there is no p.
    p_text
        What stands where p would: ``too few donors``, ``same counts``; empty where p is.
    score_name, change_name
        What the two figures are.
    unit
        ``cells`` or ``donors``.
    n_a, n_b, donors_a, donors_b
        How many of each.
    attribution, agreement
        The model's side; None without an explanation.
    notes
        What a reader must know, one sentence each.
    data
        Fingerprint of the dataset.
    """

    a_name: str
    b_name: str
    genes: tuple[str, ...]
    tested: Tested
    q_g: Floats | None
    p_text: str
    score_name: str
    change_name: str
    unit: str
    n_a: int
    n_b: int
    donors_a: int
    donors_b: int
    attribution: AttributionContrast | None
    agreement: Agreement | None
    notes: tuple[str, ...]
    data: str
    digest: str = field(repr=False)

    @property
    def id(self) -> str:
        """A short name that changes with the sides, the data and the explanation."""
        return f"contrast-{self.digest[:12]}"

    @cached_property
    def _place(self) -> dict[str, int]:
        return {gene: place for place, gene in enumerate(self.genes)}

    def order_of(self, by: By = "expression", side: Literal["a", "b"] = "a") -> np.ndarray:
        """Return the places of genes, those most of one side first; genes a model lacks are left out."""
        sign = 1.0 if side == "a" else -1.0
        if by == "expression":
            return order(sign * self.tested.score_g)
        if self.attribution is None:
            raise DataError("No explanation covers A and B; explain a target over both first.")
        values_g = self.attribution.values_g
        known = np.flatnonzero(np.isfinite(values_g))
        return known[order(sign * values_g[known])]

    def row(self, gene: str | int) -> ContrastRow:
        """Return one gene by name or place."""
        g = self._place[gene] if isinstance(gene, str) else int(gene)
        model, p_g = self.attribution, self.tested.p_g
        known = model is not None and bool(np.isfinite(model.values_g[g]))
        return ContrastRow(
            gene=self.genes[g],
            change=float(self.tested.change_g[g]),
            score=float(self.tested.score_g[g]),
            mean_a=float(self.tested.mean_a_g[g]),
            mean_b=float(self.tested.mean_b_g[g]),
            p=None if p_g is None else float(p_g[g]),
            q=None if self.q_g is None else float(self.q_g[g]),
            attribution=float(model.values_g[g]) if known and model is not None else None,
            attribution_rank=int(model.rank_g[g]) if known and model is not None else None,
            twin_rank=model.twin_rank(g) if known and model is not None else None,
            rank_spread=model.spread(g) if known and model is not None else None,
        )

    def top(
        self, k: int = 20, by: By = "expression", side: Literal["a", "b"] = "a"
    ) -> tuple[ContrastRow, ...]:
        """Return the k genes most of one side, by expression or by attribution."""
        return tuple(self.row(int(g)) for g in self.order_of(by, side)[:k])

    def table(self) -> pd.DataFrame:
        """Return every gene as a table, in the order of the score; p as text where there is none."""
        import pandas as pd

        rows = self.top(len(self.genes))
        table = pd.DataFrame([vars(row) for row in rows])
        if self.p_text:
            table["p"] = table["q"] = self.p_text
        table.insert(1, "score_is", self.score_name)
        return table


def contrast(dataset: Dataset, request: ContrastRequest, job: JobHandle = QUIET) -> Contrast:
    """Compare two groups of cells gene by gene, in expression and in the model's reasons.

    It tells which genes differ between these cells, and which genes move the target's score more in A than
    in B; neither says that a gene causes anything.

    Raises
    ------
    DataError
        A side is too small, or a cell stands on both.
    NotCompatible
        The unit cannot be what was asked for.
    """
    a, b = np.asarray(request.a, np.bool_), np.asarray(request.b, np.bool_)
    _check_sides(dataset, a, b)
    choice = choose_unit(dataset, a, b, request.design, request.unit)
    notes = [*choice.notes, *request.notes]
    if choice.replicates is None:
        tested = wilcoxon(dataset, a, b, job)
    else:
        tested = pseudobulk(dataset, a, b, choice.replicates, job)
    p_text = TOO_FEW if tested.p_g is None else ""
    if request.circular:
        notes.append(request.circular)
        p_text = p_text or SAME_COUNTS
        tested = Tested(tested.score_g, tested.change_g, tested.mean_a_g, tested.mean_b_g, None)
    names = tuple(str(name) for name in dataset.genes.names)
    model = None
    if request.explanation is not None:
        job.report(0.9, "Comparing reasons")
        model, said = attribution_contrast(request.explanation, a, b, names)
        notes += said
    return Contrast(
        a_name=request.a_name,
        b_name=request.b_name,
        genes=names,
        tested=tested,
        q_g=None if tested.p_g is None else adjust(tested.p_g),
        p_text=p_text,
        score_name=_score_name(choice),
        change_name="log2 fold change" if dataset.is_counts else "difference of means",
        unit=choice.unit,
        n_a=int(a.sum()),
        n_b=int(b.sum()),
        donors_a=0 if choice.replicates is None else len(choice.replicates.a),
        donors_b=0 if choice.replicates is None else len(choice.replicates.b),
        attribution=model,
        agreement=None if model is None else agreement(tested.score_g, model.values_g, model.twin_g),
        notes=tuple(dict.fromkeys(notes)),
        data=dataset.fingerprint,
        digest=_digest(dataset, a, b, request),
    )


def _check_sides(dataset: Dataset, a: Bools, b: Bools) -> None:
    for name, side in (("A", a), ("B", b)):
        if side.shape != (dataset.n_cells,):
            raise DataError(f"{name} must say yes or no for each of the {dataset.n_cells:,} cells.")
        if side.sum() < MIN_SIDE:
            raise DataError(
                f"{name} holds {int(side.sum())} {dataset.observations}; at least {MIN_SIDE} are needed."
            )
    shared = int((a & b).sum())
    if shared:
        raise DataError(
            f"A and B share {shared:,} {dataset.observations}; choose groups that do not overlap."
        )


def _score_name(choice: UnitChoice) -> str:
    if choice.replicates is None:
        return "Wilcoxon z"
    if not choice.replicates.enough:
        return "mean log fold change over donors"
    return "paired t over donors" if choice.replicates.paired else "Welch t over donors"


def _digest(dataset: Dataset, a: Bools, b: Bools, request: ContrastRequest) -> str:
    digest = hashlib.blake2b(dataset.fingerprint.encode())
    digest.update(np.packbits(np.stack([a, b])).tobytes())
    explained = "" if request.explanation is None else request.explanation.id
    digest.update(repr((request.unit, bool(request.circular), explained)).encode())
    if request.design.donors is not None:
        digest.update(request.design.donors.codes.tobytes())
    return digest.hexdigest()
