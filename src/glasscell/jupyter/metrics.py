"""Scores on held-out cells in a notebook: the model's row never stands without its baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.jupyter.panel import Words, column, show
from glasscell.jupyter.sheet import Column, Sheet
from glasscell.views.score_table import TITLE, ScoreTable, figure_table, score_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import FigureRow, MetricRow


class JupyterMetrics:
    """A small table with what it is of above it; the model's row is bold.

    Parameters
    ----------
    title
        What stands above both.
    """

    def __init__(self, title: str = TITLE) -> None:
        self.note = Words("", "muted")
        self.sheet = Sheet()
        self.widget = column(Words(title, "head"), self.note, self.sheet)
        self._fill(ScoreTable())

    def set_rows(self, rows: Sequence[MetricRow]) -> None:
        """Show scores; a model without a baseline row beside it is not shown at all."""
        self._fill(score_table(rows))

    def set_figures(self, names: Sequence[str], rows: Sequence[FigureRow]) -> None:
        """Show other figures than scores, under their own names."""
        self._fill(figure_table(names, rows))

    def set_table(self, table: ScoreTable) -> None:
        """Show rows that are written already."""
        self._fill(table)

    def _fill(self, table: ScoreTable) -> None:
        self.note.say(table.note, "muted")
        kinds = ("words", *("number" for _ in table.heads[1:]))
        self.sheet.show(
            [line.texts for line in table.lines],
            [line.tip for line in table.lines],
            columns=[Column(*of) for of in zip(table.heads, table.tips, kinds, strict=True)],
            strong=[number for number, line in enumerate(table.lines) if not line.is_baseline],
        )
        show(self.widget, bool(table.lines))
