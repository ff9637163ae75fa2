"""The rules that hold between the parts of a state, all in one pure function."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import And, Cells, Everything, Leaf, Not, Or, Selection
from glasscell.session.state import Colouring, Group, State, Views

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping

_COLOUR = re.compile(r"#[0-9a-f]{6}")
#: Embeddings by how much they are wanted on the first screen.
PREFERRED_EMBEDDINGS = ("X_umap", "X_tsne", "X_draw_graph_fa", "X_pca")
#: Columns by how much they are wanted on the first screen.
PREFERRED_COLUMNS = (
    "cell_type",
    "celltype",
    "cell_line",
    "layer",
    "annotation",
    "label",
    "cluster",
    "leiden",
    "louvain",
)
LABEL_CLASSES = range(2, 61)
#: Columns we wrote ourselves: each group and each note.
OUR_COLUMNS = ("glasscell.group.", "glasscell.note.")
#: Channels that go with the model whose id they name.
_OF_A_MODEL = frozenset(
    (
        "prediction",
        "domain",
        "cell_graph",
        "generated",
        "imputed",
        "influence",
        "niche",
        "realism",
        "toggle",
        "velocity",
    )
)


@dataclass(frozen=True)
class ExplanationFacts:
    """What the rules must know of an explanation: whose it is, of which data (fingerprint), and its genes."""

    model: str
    data: str
    genes: Container[str]


@dataclass(frozen=True)
class Facts:
    """What the rules must know of the heavy things a state names.

    Parameters
    ----------
    dataset
        Name of the dataset in the session, None when nothing is open.
    data
        Its fingerprint, which does not change with its annotations.
    n_cells
        Its number of cells.
    genes
        Names that find a gene.
    columns
        Of obs, with their number of categories, None for numbers.
    embeddings
        With their number of components.
    sections
        Names, empty when there is only one.
    has_positions
        Whether the cells have a place.
    models
        Ids of the models that can be had.
    explanations
        Those that can be had, by id.
    """

    dataset: str | None = None
    data: str = ""
    n_cells: int = 0
    genes: Container[str] = frozenset()
    columns: Mapping[str, int | None] = field(default_factory=dict)
    embeddings: Mapping[str, int] = field(default_factory=dict)
    sections: tuple[str, ...] = ()
    has_positions: bool = False
    models: frozenset[str] = frozenset()
    explanations: Mapping[str, ExplanationFacts] = field(default_factory=dict)


def normalize(wish: State, facts: Facts) -> State:
    """Return the nearest state to a wish that can be shown.

    Rules, in order: without a dataset nothing but a model is kept; groups have unique names and cells of this
    dataset; a model must exist; an explanation must belong to that model and to these cells; a channel, the
    axes, an embedding, a section and a selection must name things that are there; limits are two different
    numbers in order; palette entries are colours.
    """
    model = wish.model if wish.model in facts.models else None
    if facts.dataset is None:
        return State(model=model)
    groups = _groups(wish.groups, facts)
    explanation = wish.explanation
    known = facts.explanations.get(explanation or "")
    if known is None or known.data != facts.data or known.model != model:
        explanation = None
    names = frozenset(group.name for group in groups)
    return State(
        dataset=facts.dataset,
        selection=_selection(wish.selection, facts, names),
        groups=groups,
        annotations=tuple(
            note for note in wish.annotations if note.text.strip() and _fits(note.cells, facts)
        ),
        colouring=_colouring(wish.colouring, facts, names),
        views=_views(wish.views, facts, names),
        model=model,
        explanation=explanation,
    )


def can_show(ref: ChannelRef, facts: Facts, groups: Collection[str]) -> bool:
    """Tell whether a channel names something that is there; kinds of other packages are trusted."""
    if ref.kind == "gene":
        return ref.key in facts.genes
    if ref.kind == "obs":
        return ref.key in facts.columns
    if ref.kind == "embedding":
        return 0 <= int(ref.param("component", 0) or 0) < facts.embeddings.get(ref.key, 0)
    if ref.kind == "position":
        return facts.has_positions
    if ref.kind == "group":
        return ref.key in groups
    if ref.kind == "groups":
        return bool(groups)
    if ref.kind == "attribution":
        known = facts.explanations.get(str(ref.param("explanation", "")))
        return known is not None and known.data == facts.data and ref.key in known.genes
    if ref.kind in _OF_A_MODEL:
        return str(ref.param("model", "")) in facts.models
    return True


def first_embedding(facts: Facts) -> str | None:
    """Choose the embedding to open with; None when there is none."""
    for name in PREFERRED_EMBEDDINGS:
        if name in facts.embeddings:
            return name
    return next(iter(facts.embeddings), None)


def first_channel(facts: Facts) -> ChannelRef | None:
    """Choose what to colour by at the start: a column that looks like labels, None when no column does."""
    labels = label_columns(facts)
    return ChannelRef.make("obs", labels[0]) if labels else None


def label_columns(facts: Facts) -> tuple[str, ...]:
    """List the obs columns a classifier could learn, the likeliest first."""
    names = [
        name
        for name, count in facts.columns.items()
        if count is not None and count in LABEL_CLASSES and not name.startswith(OUR_COLUMNS)
    ]
    lowered = {name: name.lower().replace(" ", "_") for name in names}

    def place(name: str) -> int:
        hits = [i for i, wanted in enumerate(PREFERRED_COLUMNS) if wanted in lowered[name]]
        return min(hits, default=len(PREFERRED_COLUMNS))

    return tuple(sorted(names, key=place))


def _fits(cells: Cells, facts: Facts) -> bool:
    return len(cells.indices) > 0 and int(cells.indices[-1]) < facts.n_cells


def _groups(groups: tuple[Group, ...], facts: Facts) -> tuple[Group, ...]:
    kept: dict[str, Group] = {}
    for group in groups:
        name = group.name.strip()
        if name and _fits(group.cells, facts):
            kept[name] = replace(group, name=name)
    return tuple(kept.values())


def _selection(selection: Selection, facts: Facts, groups: Collection[str]) -> Selection:
    def there(part: Selection) -> bool:
        if isinstance(part, And | Or):
            return all(there(inner) for inner in part.parts)
        if isinstance(part, Not):
            return there(part.part)
        if isinstance(part, Leaf):
            return all(can_show(ref, facts, groups) for ref in part.columns())
        return not isinstance(part, Cells) or not len(part.indices) or int(part.indices[-1]) < facts.n_cells

    return selection if there(selection) else Everything()


def _colouring(colouring: Colouring, facts: Facts, groups: Collection[str]) -> Colouring:
    if colouring.channel is None or not can_show(colouring.channel, facts, groups):
        return Colouring()
    limits = colouring.limits
    if limits is not None:
        low, high = sorted(float(end) for end in limits)
        limits = (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None
    palette = {
        name: colour.lower() for name, colour in colouring.palette if _COLOUR.fullmatch(colour.lower())
    }
    hidden = tuple(sorted(set(colouring.hidden)))
    return Colouring(colouring.channel, limits, tuple(sorted(palette.items())), hidden)


def _views(views: Views, facts: Facts, groups: Collection[str]) -> Views:
    embedding = views.embedding if views.embedding in facts.embeddings else first_embedding(facts)
    components = views.components
    if max(components) >= facts.embeddings.get(embedding or "", 0) or min(components) < 0:
        components = (0, 1)
    axes = views.axes if views.axes and all(can_show(ref, facts, groups) for ref in views.axes) else None
    section = views.section if views.section in facts.sections else None
    return Views(embedding, components, axes, section)
