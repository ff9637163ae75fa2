"""A table of genes, sets or groups in a notebook: texts, bars, and a click on a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from glasscell.jupyter.sheet import Bar, Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.gene_table import Column as Head
    from glasscell.views.gene_table import GeneTable

ROW = 1.75  # height of a row, in em


class GeneSheet(Sheet):
    """Shows a ``GeneTable``; ``gene_clicked`` carries the name in the row that was clicked.

    Parameters
    ----------
    heads
        Heads of the columns, as ``views`` lists them; the first holds names.
    rows
        How many rows are seen at once; more scroll.
    """

    gene_clicked = Signal(str)

    def __init__(self, heads: Sequence[Head], rows: int = 10) -> None:
        self.room = f"{ROW * (rows + 1):g}em"
        super().__init__(_columns(heads), height=self.room)
        self.clicked.connect(self._on_clicked)

    def show_table(
        self, table: GeneTable, heads: Sequence[Head] | None = None, *, strong: str = "", ink: str = ""
    ) -> None:
        """Show other rows.

        Parameters
        ----------
        heads
            Other heads; texts beyond them are left out.
        strong
            The name that is written in bold.
        ink
            Colour of all bars; empty for one for each direction.
        """
        columns = self.columns if heads is None else _columns(heads)
        places = [n for n, column in enumerate(columns) if column.kind == "bar"]
        rows = []
        for number, texts in enumerate(table.texts):
            row: list[object] = list(texts[: len(columns)])
            for place in places:
                bar = table.bars[number]
                row[place] = Bar(bar.solid, bar.hatched, bar.low, bar.high, ink)
            rows.append(row)
        names = [texts[0] for texts in table.texts]
        keys = names if len(set(names)) == len(names) else ()
        bold = [n for n, name in enumerate(names) if name == strong]
        self.show(rows, table.tips, columns=columns, warned=sorted(table.warned), strong=bold, keys=keys)

    def _on_clicked(self, row: int, column: int) -> None:
        self.gene_clicked.emit(self.rows[row][0])


def _columns(heads: Sequence[Head]) -> tuple[Column, ...]:
    def kind(place: int, head: Head) -> str:
        return "text" if place == 0 else "number" if head.head else "bar"

    return tuple(
        Column(head.head, head.tip, kind(place, head), "" if head.head else f"{head.width}px")
        for place, head in enumerate(heads)
    )
