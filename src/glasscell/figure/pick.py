"""From what a user names to what is drawn: a column by its name, a model's figures, a ranking of a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.errors import DataError, NotCompatible
from glasscell.figure.cell import CellLook
from glasscell.figure.chart import curve_figure, figures_figure, metrics_figure, ranking_figure

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from glasscell.data.channel import ChannelRef
    from glasscell.data.dataset import Dataset
    from glasscell.explain.result import Explanation
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

N_DRAWN = 20


def channel_named(dataset: Dataset, text: str) -> ChannelRef:
    """Find the channel a user means: ``obs:layer``, ``gene:MBP``, or a name that is a column or a gene.

    Raises
    ------
    DataError
        It is neither.
    """
    from glasscell.data.channel import ChannelRef

    kind, mark, key = text.partition(":")
    if mark and kind in ("obs", "gene", "position", "embedding"):
        return ChannelRef.make(kind, key)
    if text in dataset.obs.columns:
        return ChannelRef.make("obs", text)
    if text in dataset.genes:
        return ChannelRef.make("gene", text)
    columns = ", ".join(map(str, dataset.obs.columns[:8]))
    raise DataError(f"{text!r} is neither an obs column nor a gene of these data. Columns: {columns}.")


def look_of(
    dataset: Dataset,
    colour: str = "",
    selected: NDArray[np.bool_] | None = None,
    limits: tuple[float, float] | None = None,
) -> CellLook:
    """Colour cells by a name; every cell alike without one."""
    from glasscell.data.channel import resolve_channel
    from glasscell.data.column import DataContext
    from glasscell.views.colour import Default

    if not colour:
        return CellLook(None, selected)
    values = resolve_channel(DataContext(dataset), channel_named(dataset, colour))
    return CellLook(values, selected, Default(limits))


def curve_of(bundle: Bundle) -> Figure:
    """Draw the loss curves of a model's nets."""
    from glasscell.views.row import Curve

    named = [Curve(f"fold {n}", one.train_loss, one.valid_loss) for n, one in enumerate(bundle.curves)]
    return curve_figure(named, f"Training of {bundle.family}")


def metrics_of(bundle: Bundle) -> Figure:
    """Draw a model's scores or figures beside its baselines'."""
    from glasscell.views.model_presenter import metric_rows
    from glasscell.views.model_words import figure_rows

    rows = metric_rows(bundle)
    return metrics_figure(rows) if rows else figures_figure(*figure_rows(bundle))


def ranking_of(dataset: Dataset, bundle: Bundle, target: str, job: JobHandle) -> tuple[Figure, Explanation]:
    """Explain a target with evidence and draw the ranking over its class, or over all cells without classes.

    Raises
    ------
    NotCompatible
        No target was named.
    """
    from glasscell.explain.explain import explain
    from glasscell.explain.request import ExplainRequest

    if not target:
        known = ", ".join(f"class:{name}" for name in bundle.classes[:6])
        raise NotCompatible(f"Name what to explain with --target{': ' + known if known else ', latent:0'}.")
    found = explain(dataset, bundle, ExplainRequest(target=target), job)
    return draw_ranking(found, bundle, dataset, job), found


def draw_ranking(explanation: Explanation, bundle: Bundle, dataset: Dataset, job: JobHandle) -> Figure:
    """Draw the ranking of an explanation with its evidence and checks."""
    from glasscell.views.evidence import rank_genes, ranking_rows

    ranked, checks, caption = rank_genes(explanation, bundle, dataset, None, job)
    return ranking_figure(ranking_rows(ranked), caption, explanation.unit, checks, N_DRAWN)
