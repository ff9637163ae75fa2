"""The genes of a contrast as a table, and which sides can be chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.views.gene_table import Column, GeneTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.contrast import ContrastRow
    from glasscell.views.contrast_view import ContrastPicture, Volcano

    Sides = Sequence[tuple[str, str]]

GENES = (
    Column("gene", "Click a gene to paint it on tissue and embedding", 0),
    Column("change", "Change of expression, A less B (log2 where the data are counts)", 54),
    Column("q", "p adjusted over genes, or why there is none", 56),
    Column("reason", "Mean attribution in A less that in B, in units of the target", 50),
    Column("rank", "Place of the gene by attribution", 34),
    Column("twin", "Its place by a twin model trained on permuted labels: it should be far off", 32),
    Column("folds", "Spread of that place over the nets of the folds: small is stable", 38),
)
SETS = (
    Column("gene set", "Sets that the first genes of the chosen side fall into", 0),
    Column("genes", "Genes of the list in the set, of its measured genes", 62),
    Column(
        "q", "Hypergeometric chance of so many, adjusted over sets; the measured genes are the ground", 52
    ),
)
#: How many columns there are without a model.
N_PLAIN = 3
REST = "rest"
ONLY_B = "All other cells can only be B; choose a group for B to swap."
_SHORT = {"too few donors": "few donors", "same counts": "counts"}  # beside the model's columns


def columns_of(picture: ContrastPicture) -> tuple[str, ...]:
    """List what genes can be ordered and painted by."""
    return ("expression", "attribution") if picture.has_model else ("expression",)


def offered_sides(sides: Sides) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return what A and what B can be; A is never the rest."""
    return [side for side in sides if side[0] != REST], list(sides)


def other_side(a: str, b: str, sides: Sides) -> str:
    """Return what B is: never the same as A where there is a rest."""
    return REST if a == b and any(key == REST for key, _ in sides) else b


def contrast_table(picture: ContrastPicture) -> GeneTable:
    """Put the genes in a table, with all columns of ``GENES``."""
    p_text = _SHORT.get(picture.p_text, picture.p_text) if picture.has_model else picture.p_text
    return GeneTable(
        tuple(_texts(row, p_text) for row in picture.rows), tuple(_tip(row, picture) for row in picture.rows)
    )


def clipped_words(volcano: Volcano) -> tuple[str, ...]:
    """Say how many dots are drawn lower than they are; nothing where none is."""
    n = len(volcano.clipped)
    return (f"Triangles: {n:,} genes beyond the upper end are drawn at it.",) if n else ()


def _texts(row: ContrastRow, p_text: str) -> tuple[str, ...]:
    q = p_text or ("?" if row.q is None else f"{row.q:.1e}")
    reason = "–" if row.attribution is None else f"{row.attribution:.2g}"
    places = (row.attribution_rank, row.twin_rank, row.rank_spread)
    return (row.gene, f"{row.change:.2f}", q, reason, *("?" if one is None else str(one) for one in places))


def _tip(row: ContrastRow, picture: ContrastPicture) -> str:
    p = picture.p_text or f"p {row.p:.2g}, q {row.q:.2g}"
    lines = [
        f"{row.gene}: change {row.change:.3g}, score {row.score:.3g}; {p}",
        f"mean {row.mean_a:.3g} in {picture.a_name}, {row.mean_b:.3g} in {picture.b_name}",
    ]
    if picture.has_model:
        told = "not in the model" if row.attribution is None else f"{row.attribution:.3g}"
        lines.append(f"attribution, A less B: {told}")
    return "\n".join(lines)
