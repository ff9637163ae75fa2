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


def channel_named(
    dataset: Dataset, text: str, bundle: Bundle | None = None, explanation: Explanation | None = None
) -> ChannelRef:
    """Find the channel a user means: ``obs:layer``, ``attribution:MBP``, or the name of a column or gene.

    Parameters
    ----------
    bundle
        For ``prediction:label``, ``prediction:probability``, ``prediction:correct``, ``domain:label``,
        ``niche:TYPE`` and ``velocity:GENE``.
    explanation
        For ``attribution:GENE``.

    Raises
    ------
    DataError
        It is none of these, or what it needs is not there.
    """
    from glasscell.data.channel import ChannelRef
    from glasscell.explain.channel import attribution_ref

    kind, mark, key = text.partition(":")
    if mark and kind in ("obs", "gene", "position", "embedding"):
        return ChannelRef.make(kind, key)
    if mark and kind in ("prediction", "domain", "niche", "velocity"):
        if bundle is None:
            raise DataError(f"Colouring by {text} needs a model: name its folder with --model.")
        return ChannelRef.make(kind, key, model=bundle.id)
    if mark and kind == "attribution":
        if explanation is None:
            raise DataError(f"Colouring by {text} needs --model DIR and --target, such as class:L5.")
        if key not in explanation.genes:
            raise DataError(
                f"The model does not know a gene {key!r}; {explanation.genes[0]} is one it knows."
            )
        return attribution_ref(explanation, key)
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
    bundle: Bundle | None = None,
    explanation: Explanation | None = None,
) -> CellLook:
    """Colour cells by a name, as :func:`channel_named` reads it; every cell alike without one."""
    from glasscell.data.channel import resolve_channel
    from glasscell.data.column import DataContext
    from glasscell.session import resolve  # noqa: F401 - makes the channels of models known
    from glasscell.views.colour import Default

    if not colour:
        return CellLook(None, selected)
    context = DataContext(
        dataset,
        bundles={} if bundle is None else {bundle.id: bundle},
        explanations={} if explanation is None else {explanation.id: explanation},
    )
    values = resolve_channel(context, channel_named(dataset, colour, bundle, explanation))
    return CellLook(values, selected, Default(limits))


def explained(dataset: Dataset, bundle: Bundle, target: str, job: JobHandle) -> Explanation:
    """Explain a target in all cells, with evidence.

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
    return explain(dataset, bundle, ExplainRequest(target=target), job)


def curve_of(bundle: Bundle) -> Figure:
    """Draw the loss curves of a model's nets."""
    from glasscell.views.row import Curve

    named = [
        Curve(f"fold {n}", one.train_loss, one.valid_loss)
        for n, one in enumerate(bundle.curves, start=1)
        if one.train_loss
    ]
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
    found = explained(dataset, bundle, target, job)
    return draw_ranking(found, bundle, dataset, job), found


def draw_ranking(
    explanation: Explanation,
    bundle: Bundle,
    dataset: Dataset,
    job: JobHandle,
    selected: NDArray[np.bool_] | None = None,
) -> Figure:
    """Draw the ranking of an explanation over its class, or the selected cells, with evidence and checks."""
    from glasscell.views.evidence import rank_genes, ranking_rows

    ranked, checks, caption = rank_genes(explanation, bundle, dataset, selected, job)
    return ranking_figure(ranking_rows(ranked), caption, explanation.unit, checks, N_DRAWN)
