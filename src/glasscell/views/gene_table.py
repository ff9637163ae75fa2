"""Tables of genes, each with its evidence in the same row: what stands where, for every toolkit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.gene_set import SetOverlap
    from glasscell.views.row import CellGeneRow, RankingRow

CANNOT_TELL = "?"
N_SETS = 15


@dataclass(frozen=True)
class Bar:
    """A bar from zero: its solid and its hatched part, and the values at both ends of the column."""

    solid: float
    hatched: float
    low: float
    high: float


@dataclass(frozen=True)
class Column:
    """One column: its head (empty for bars), what the head means, its width (0 takes the spare room)."""

    head: str
    tip: str
    width: int


@dataclass(frozen=True)
class GeneTable:
    """Rows of texts, the first of each a name.

    Parameters
    ----------
    texts, tips
        One text per column, and what each row means in words.
    bars
        One per row, for the column without a head; none for tables without such.
    warned
        Places (row, column) written in the colour of a warning.
    """

    texts: tuple[tuple[str, ...], ...] = ()
    tips: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()
    warned: frozenset[tuple[int, int]] = frozenset()

    def found(self, words: str) -> GeneTable:
        """Return the rows whose name holds what is typed; warnings go with their rows."""
        wanted = words.strip().casefold()
        kept = [row for row, texts in enumerate(self.texts) if wanted in texts[0].casefold()]
        place = {row: number for number, row in enumerate(kept)}
        return GeneTable(
            tuple(self.texts[row] for row in kept),
            tuple(self.tips[row] for row in kept),
            tuple(self.bars[row] for row in kept) if self.bars else (),
            frozenset((place[row], column) for row, column in self.warned if row in place),
        )


RANKING = (
    Column("gene", "Genes by mean attribution; click one to paint it on tissue and embedding", 0),
    Column("value", "Mean attribution over the cells, in units of the target", 54),
    Column("", "Solid: cells with more of the gene than the baseline. Hatched: cells with less", 68),
    Column("diff", "Rank of the gene by plain mean difference between the classes", 42),
    Column("twin", "Rank of the gene for a twin model trained on permuted labels: it should be far off", 42),
    Column("folds", "Spread of the gene's rank over the nets of the folds: small is stable", 40),
)
RANKING_KEY = (
    "Solid: more of the gene than the baseline, hatched: less. Coloured: the twin ranks it high too."
)
CELL = (
    Column("gene", "The hovered cell's own genes", 0),
    Column("value", "Attribution in this cell", 54),
    Column("", "To the right: speaks for the target. To the left: against it", 92),
    Column("level", "Expression in this cell", 54),
)
HOVER = "Hover over a cell to see its own genes."


def ranking_table(rows: Sequence[RankingRow]) -> GeneTable:
    """Put ranked genes in a table; a gene that the twin ranks among them too is warned of."""
    return GeneTable(
        texts=tuple(
            (
                row.gene,
                f"{row.value:.3g}",
                "",
                _rank(row.mean_difference_rank),
                _rank(row.twin_rank),
                _spread(row.rank_spread),
            )
            for row in rows
        ),
        tips=tuple(_sentence(row) for row in rows),
        bars=bars([(row.presence, row.absence) for row in rows]),
        warned=frozenset(
            (n, 4) for n, row in enumerate(rows) if row.twin_rank is not None and row.twin_rank <= len(rows)
        ),
    )


def cell_table(rows: Sequence[CellGeneRow]) -> GeneTable:
    """Put the genes of one cell in a table."""
    return GeneTable(
        texts=tuple((row.gene, f"{row.value:.3g}", "", f"{row.expression:.3g}") for row in rows),
        tips=tuple(
            f"{row.gene}: attribution {row.value:.4g}, expression {row.expression:.4g}" for row in rows
        ),
        bars=bars([(row.value, 0.0) for row in rows]),
    )


def set_table(rows: Sequence[SetOverlap] | None) -> GeneTable:
    """Put the first gene sets that a list of genes falls into in a table: name, genes in common, q."""
    shown = tuple(rows or ())[:N_SETS]
    return GeneTable(
        tuple((one.name, f"{len(one.genes)} of {one.n_set}", f"{one.q:.2g}") for one in shown),
        tuple(f"{one.name}: {', '.join(one.genes)}\n{one.expected:.1f} expected" for one in shown),
    )


def bars(parts: Sequence[tuple[float, float]]) -> tuple[Bar, ...]:
    """Make bars of (solid, hatched) on one scale, zero at one place in all rows."""
    high = max((max(a, 0.0) + max(b, 0.0) for a, b in parts), default=0.0)
    low = min((min(a, 0.0) + min(b, 0.0) for a, b in parts), default=0.0)
    room = 0.04 * ((high - low) or 1.0)
    return tuple(Bar(a, b, low - room, high + room) for a, b in parts)


def _rank(rank: int | None) -> str:
    return CANNOT_TELL if rank is None else str(rank)


def _spread(spread: float | None) -> str:
    return CANNOT_TELL if spread is None else f"{spread:.3g}"


def _sentence(row: RankingRow) -> str:
    """Say a row in words."""

    def place(rank: int | None) -> str:
        return "cannot tell" if rank is None else f"place {rank}"

    spread = "cannot tell" if row.rank_spread is None else f"{row.rank_spread:.3g} places"
    return (
        f"{row.rank}. {row.gene}: {row.value:.4g}\n"
        f"from cells with more of it than the baseline {row.presence:.4g}, with less {row.absence:.4g}\n"
        f"by mean difference: {place(row.mean_difference_rank)}; "
        f"permuted-label twin: {place(row.twin_rank)}; spread over folds: {spread}"
    )
