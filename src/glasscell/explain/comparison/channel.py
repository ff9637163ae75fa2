"""What compared models say of each cell, as channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError
from glasscell.models.prediction import own_words

if TYPE_CHECKING:
    from collections.abc import Container

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
    model, what = str(ref.param("model", "")), str(ref.param("what", ""))
    of_what: dict[str, Container[str]] = {"label": found.calls, "own": found.maps, "gene": found.reasons}
    held = of_what.get(what, ())
    if model not in held:
        raise DataError(f"The comparison holds no such map of {model}: choose another model.")
    n_seeds = f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else f"seed {found.seeds[0]}"
    if what == "gene":
        reasons, name = found.reasons[model], found.target.partition(":")[2]
        values = reasons.gene(ref.key, context.dataset.n_cells)
        title = f"{ref.key}: share in {name}, {model}"
        return CellValues(title, reasons.unit, values, centre=0.0, note=f"mean of {n_seeds}")
    if what == "own":
        title, unit = own_words(model in found.calibrated, found.labels)
        return CellValues(f"{title}, {model}", unit, found.maps[model], note=f"held out, mean of {n_seeds}")
    how = "held out" if model in found.maps else "by the vote of the nearest cells of other folds"
    return CellValues(
        f"{found.labels} by {model}",
        codes=found.calls[model],
        categories=found.classes,
        note=f"{how}, {n_seeds}",
    )
