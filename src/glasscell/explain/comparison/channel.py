"""What compared models say of each cell, as channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.data.class_colour import class_colours
from glasscell.errors import DataError
from glasscell.models.prediction import own_words

if TYPE_CHECKING:
    from glasscell.data.channel import ChannelContext
    from glasscell.explain.comparison.result import ModelComparison

#: What can be shown of a model: the class it gives, how sure it is of the cell's own, why.
WHATS = ("label", "own", "gene")


def comparison_ref(found: ModelComparison, model: str, what: str, gene: str = "") -> ChannelRef:
    """Name what one of the compared models says.

    Parameters
    ----------
    what
        One of ``WHATS``; ``gene`` with the name of a gene.
    """
    return ChannelRef.make("comparison", gene or what, what=what, model=model, result=found.id)


def resolve_comparison(context: Any, ref: ChannelRef) -> CellValues:
    """Return what one of the compared models says of each cell.

    Raises
    ------
    DataError
        The comparison has gone, is of other data, or holds nothing of the kind.
    """
    found: ModelComparison = context.result("comparison", str(ref.param("result", "")))
    if found.data != context.dataset.fingerprint:
        raise DataError("This comparison is of other data: compare the models here.")
    return map_of(context, found, str(ref.param("model", "")), str(ref.param("what", "")), ref.key)


def sides_of(found: ModelComparison, what: str, gene: str = "") -> tuple[str, ...]:
    """Name the models that a comparison holds such a map of; without a gene whatever has any."""
    if what == "gene":
        return tuple(name for name, one in found.reasons.items() if not gene or gene in one.genes)
    return tuple(found.calls if what == "label" else found.maps if what == "own" else ())


def map_of(
    context: ChannelContext, found: ModelComparison, model: str, what: str, gene: str = ""
) -> CellValues:
    """Return what one of the compared models says of each cell: one of ``WHATS``, of a gene where asked.

    Parameters
    ----------
    context
        Of the data that were compared: a session's, or `glasscell.data.column.DataContext`.

    Raises
    ------
    DataError
        The comparison holds nothing of the kind; the sentence names what it holds.
    """
    held = sides_of(found, what, gene)
    if model not in held:
        said = f"there is one of {', '.join(held)}" if held else "there is none of any model"
        raise DataError(f"The comparison holds no such map of {model}: {said}.")
    n_seeds = f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else f"seed {found.seeds[0]}"
    if what == "gene":
        reasons, name = found.reasons[model], found.target.partition(":")[2]
        values = reasons.gene(gene, found.n_cells)
        title = f"{model}: {gene}, share in {name}"
        return CellValues(title, reasons.unit, values, centre=0.0, note=f"mean of {n_seeds}")
    if what == "own":
        title, unit = own_words(model in found.calibrated, found.labels)
        return CellValues(f"{model}: {title}", unit, found.maps[model], note=f"held out, mean of {n_seeds}")
    how = "held out" if model in found.maps else "by the vote of the nearest cells of other folds"
    title = f"{model}: {found.labels}"
    return CellValues(
        title,
        codes=found.calls[model],
        categories=found.classes,
        palette=class_colours(context, found.labels, found.classes),
        note=f"{model}: {how}, {n_seeds}",
    )
