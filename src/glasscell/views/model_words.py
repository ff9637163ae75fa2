"""What is said of a trained model beside its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.views.row import FigureRow

if TYPE_CHECKING:
    from glasscell.models.bundle import Bundle


def figure_rows(bundle: Bundle) -> tuple[tuple[str, ...], tuple[FigureRow, ...]]:
    """List what a model without labels is judged by, with its baselines; nothing without baselines."""
    if len(bundle.figures) < 2:
        return (), ()
    names = tuple(dict.fromkeys(name for row in bundle.figures.values() for name in row))
    rows = tuple(
        FigureRow(title, tuple(row.get(name) for name in names), title != bundle.family)
        for title, row in bundle.figures.items()
    )
    return names, rows


def words(bundle: Bundle, has_rows: bool) -> tuple[str, ...]:
    """Say which model is shown, what is missing, and what its training had to say."""
    if not bundle.classes:
        batch = bundle.provenance.get("batch", "")
        taken = f", {batch} taken out" if batch else ""
        twin = "" if bundle.twin is None else "Its twin learnt from redrawn counts."
        column = getattr(bundle.folds[0], "label_column", "")
        told = f"told {column}" if column else "without labels"
        held_out = bundle.split_text.rstrip(".")
        return (f"{bundle.id}: {told}{taken}; held out {held_out}.", *bundle.notes, twin)
    twin = "" if bundle.twin is not None else "Its twin, needed to judge rankings, is not trained yet."
    if bundle.twin is None and "opened" in bundle.provenance:
        twin = "It was trained elsewhere, so there is no twin to judge its rankings by."
    figures = "" if has_rows else "Its figures are not shown because it holds no baselines to compare with."
    return (f"{bundle.id}: {bundle.labels_name}, {bundle.split_text}", figures, *bundle.notes, twin)
