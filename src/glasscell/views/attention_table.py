"""What one group attends to as a table, and where a place stands on the heatmap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.views.gene_table import CANNOT_TELL, Column, GeneTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.attention.result import AttentionRow
    from glasscell.views.heat import HeatPicture

ROWS = (
    Column("attended", "Click one to colour tissue and embedding by the attention to it", 0),
    Column("x unif.", "Mean weight over the weight that uniform attention would give", 50),
    Column("removed", "Measured change of what was asked when this is taken away", 62),
    Column("z twin", "Attention against the twin, a model that could learn nothing of this", 48),
    Column("z rand.", "Attention against nets with fresh weights", 50),
)
CELLS = (("all", "all cells"), ("selection", "selected cells"))
#: Most rows that a table of text draws at once.
MOST_ROWS = 120
POINT = "Point at a place to read its values; click it to colour the cells by it."


def attention_table(rows: Sequence[AttentionRow], unit: str) -> GeneTable:
    """Put rows in a table; ``unit`` is that of the change."""
    return GeneTable(tuple(_texts(row) for row in rows), tuple(_tip(row, unit) for row in rows))


def find_place(heat: HeatPicture | None, place: tuple[str, str, str] | None) -> tuple[int, int, int] | None:
    """Return row, column and panel of a place (group, column, panel); None where it is not drawn."""
    if heat is None or place is None:
        return None
    group, column, key = place
    if group not in heat.columns or column not in heat.rows:
        return None
    keys = [panel.key for panel in heat.panels]
    return heat.rows.index(column), heat.columns.index(group), keys.index(key) if key in keys else 0


def drawn_rows(heat: HeatPicture, wanted: str) -> tuple[list[int], str]:
    """Return the rows whose name holds a text, as many as are drawn at once, and what is left out."""
    text = wanted.strip().casefold()
    found = [place for place, name in enumerate(heat.rows) if text in name.casefold()]
    if len(found) <= MOST_ROWS:
        return found, "" if found else "No row is called so."
    return found[:MOST_ROWS], f"{MOST_ROWS} of {len(found):,} rows are drawn; type a name to see others."


def _texts(row: AttentionRow) -> tuple[str, ...]:
    def said(value: float | None, form: str) -> str:
        return CANNOT_TELL if value is None else format(value, form)

    return (
        row.column,
        said(row.relative, ".2f"),
        said(row.removed, "+.2g"),
        *(said(z, "+.1f" if z is None or abs(z) < 99 else "+.0f") for z in (row.z_twin, row.z_random)),
    )


def _tip(row: AttentionRow, unit: str) -> str:
    weight = "unknown" if row.weight is None else f"{row.weight:.4g}"
    change = (
        "not measured" if row.removed is None else f"{row.removed:+.4g} {unit} in {row.n_removed:,} cells"
    )
    return f"{row.column}\nmean weight {weight}\nremoved: {change}"
