"""The search box with legend and colour bar, and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.data.channel import ChannelRef
from glasscell.session.applying import KEYS, applied_now
from glasscell.session.grouping import ALL_GROUPS
from glasscell.views.presenter import PaintingPresenter
from glasscell.views.search import Hit, SearchIndex
from glasscell.views.view import ColourView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glasscell.explain.result import Explanation
    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session import Session, State
    from glasscell.views.paint import Paint

MOST_HITS = 50
#: Up to this many names the index is made at once.
FEW_NAMES = 1_000


class ColourPresenter(PaintingPresenter[ColourView]):
    """Find channels by name, show what the colours mean, take changes of range and palette."""

    def __init__(self, session: Session, view: ColourView) -> None:
        super().__init__(session, view)
        self._index = SearchIndex(())
        self._query = ""
        self.listen(session.stored, self._on_stored)
        self.listen(session.made, self._on_made)
        self.listen(view.query_typed, self._on_typed)
        self.listen(view.channel_requested, self._on_channel)
        self.listen(view.limits_requested, self._on_limits)
        self.listen(view.category_toggled, self._on_toggled)
        self.listen(view.category_recoloured, self._on_recoloured)
        self._make_index()
        self.repaint()

    def show_paint(self, painted: Paint | None) -> None:
        """Show legend or bar, and the notes that belong to the colours."""
        table = None if painted is None else painted.table
        values = None if painted is None else painted.values
        self.view.set_legend(None if table is None else table.legend)
        self.view.set_colour_bar(None if table is None else table.bar)
        self.view.set_title("" if values is None else values.title)
        if painted is None:
            self.view.set_message(self.view.open_data)
        elif painted.failure or values is not None:
            self.view.set_message(painted.failure or (values.note if values is not None else ""))
        else:
            self.view.set_message("Type a gene or a column to colour by.")

    def show_stale(self, stale: bool) -> None:
        """Say that other colours are on their way."""
        channel = self.session.state.colouring.channel
        if stale and channel is not None:
            self.view.set_message(f"Working out {channel.key} ...")

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.groups, new.model, new.explanation) != (
            old.dataset,
            old.groups,
            old.model,
            old.explanation,
        ):
            self._make_index()
        super()._on_changed(new, old)

    def _on_stored(self, kind: str, name: str) -> None:
        if kind == "applied":
            self._make_index()

    def _on_made(self, kind: str) -> None:
        if kind == "attention":
            self._make_index()

    def _make_index(self) -> None:
        session = self.session
        dataset = session.dataset
        n_names = 0 if dataset is None else dataset.n_genes * (1 if session.explanation is None else 2)
        if n_names <= FEW_NAMES:
            self._use_index(SearchIndex(tuple(list_hits(session))))
            return
        hits = list_hits(session)

        def work(job: JobHandle) -> SearchIndex:
            job.report(None, "names")
            return SearchIndex(tuple(hits))

        def done(job: Job[SearchIndex]) -> None:
            if job.result is not None and self._links:
                self._use_index(job.result)

        session.jobs.submit(work, title="List names", lane="view", key=("search", id(self)), on_done=done)

    def _use_index(self, index: SearchIndex) -> None:
        self._index = index
        self._on_typed(self._query)

    def _on_typed(self, query: str) -> None:
        self._query = query
        self.view.set_hits(self._index.find(query, MOST_HITS))

    def _on_channel(self, ref: ChannelRef | None) -> None:
        self.session.update(channel=ref)

    def _on_limits(self, limits: tuple[float, float] | None) -> None:
        self.session.update(limits=limits)

    def _on_toggled(self, name: str, shown: bool) -> None:
        hidden = set(self.session.state.colouring.hidden)
        hidden = (hidden - {name}) if shown else (hidden | {name})
        self.session.update(hidden=tuple(sorted(hidden)))

    def _on_recoloured(self, name: str, colour: str) -> None:
        kept = tuple(pair for pair in self.session.state.colouring.palette if pair[0] != name)
        self.session.update(palette=(*kept, (name, colour)))


def list_hits(session: Session) -> Iterator[Hit]:
    """List everything the cells can be coloured by: columns, groups, predictions, genes, attributions, axes.

    The session is read at once; the hits may be gone through in another thread.
    """
    dataset, bundle, explanation = session.dataset, session.bundle, session.explanation
    groups, facts = session.state.groups, session.facts
    applied, attention = applied_now(session), session.latest("attention")
    if dataset is None:
        return iter(())

    def hits() -> Iterator[Hit]:
        for column in facts.columns:
            yield Hit(ChannelRef.make("obs", column), column, "column")
        if groups:
            yield Hit(ALL_GROUPS, "groups", "all groups")
        for group in groups:
            yield Hit(ChannelRef.make("group", group.name), group.name, "group")
        if bundle is not None:
            for key in ("label", "probability", "correct"):
                ref = ChannelRef.make("prediction", key, model=bundle.id)
                title = f"predicted {key}" if key != "correct" else "prediction correct"
                yield Hit(ref, _honest(title, bundle.calibrated), "model")
            yield from _domain_hits(bundle)
            yield from _toggle_hits(bundle)
            yield from _graph_hits(bundle)
            yield from _generator_hits(bundle)
            yield from _influence_hits(bundle)
            yield from _foretold_hits(bundle)
        if applied is not None:
            for key, title in KEYS.items():
                if applied.classes or key not in ("label", "probability"):
                    yield Hit(
                        ChannelRef.make("applied", key, applied=applied.id),
                        _honest(title, applied.calibrated),
                        "model",
                    )
        for name, symbol, gene_id in zip(
            dataset.genes.names, dataset.genes.symbols, dataset.genes.ids, strict=True
        ):
            aliases = tuple({str(symbol), str(gene_id)} - {str(name), ""})
            yield Hit(ChannelRef.make("gene", str(name)), str(name), "gene", aliases)
        if explanation is not None:
            about = f"attribution to {explanation.target}"
            for gene in explanation.genes:
                yield Hit(ChannelRef.make("attribution", gene, explanation=explanation.id), gene, about)
            yield from _part_hits(explanation)
        if attention is not None:
            about = f"attention, by {attention.provenance.by}"
            for column in attention.columns:
                yield Hit(ChannelRef.make("attention", column, result=attention.id), column, about)
        for key, n_components in facts.embeddings.items():
            for component in range(min(n_components, 50)):
                title = f"{key.removeprefix('X_')} {component + 1}"
                yield Hit(ChannelRef.make("embedding", key, component=component), title, "embedding")
        for axis in ("x", "y") if facts.has_positions else ():
            yield Hit(ChannelRef.make("position", axis), axis, "position")

    return hits()


def _domain_hits(bundle: Bundle) -> Iterator[Hit]:
    if hasattr(bundle.folds[0], "domain_logits"):
        titles = {"label": "domain", "share": "share of the likeliest domain"}
        if bundle.folds[0].info.needs_positions:
            titles |= {"refined": "refined domain", "entropy": "entropy over domains"}
            count = getattr(bundle.folds[0], "n_domains", 0)
            titles |= {str(number): f"share of domain {number}" for number in range(count)}
        for key, title in titles.items():
            yield Hit(ChannelRef.make("domain", key, model=bundle.id), title, "model")


def _graph_hits(bundle: Bundle) -> Iterator[Hit]:
    """List what a cell graph gives: clusters, kept neighbours, and of each gene what was made of it."""
    if not hasattr(bundle.folds[0], "imputed_hidden"):
        return
    from glasscell.models.scgnn.channel import CELL_KEYS, GENE_KEYS

    for key, title in CELL_KEYS.items():
        yield Hit(ChannelRef.make("cell_graph", key, model=bundle.id), title, "model")
    for what, words in GENE_KEYS.items():
        for gene in bundle.genes:
            ref = ChannelRef.make("imputed", gene, model=bundle.id, what=what)
            yield Hit(ref, f"{gene}, {words}", "model")


def _influence_hits(bundle: Bundle) -> Iterator[Hit]:
    """List pairs of genes of a gene network, the largest mean influence first."""
    if not hasattr(bundle.folds[0], "mean_influence"):
        return
    from glasscell.models.grn.channel import listed_pairs

    for regulator, gene in listed_pairs(bundle.folds[0]):
        ref = ChannelRef.make("influence", gene, model=bundle.id, regulator=regulator)
        yield Hit(ref, f"influence of {regulator} on {gene}", "model")


def _foretold_hits(bundle: Bundle) -> Iterator[Hit]:
    """List velocities of genes, and the types whose share around a cell is foretold."""
    from glasscell.models.capability.foretelling import ForetellsNiches, ForetellsVelocities

    net = bundle.folds[0]
    if isinstance(net, ForetellsVelocities):
        for gene in net.moving:
            yield Hit(ChannelRef.make("velocity", gene, model=bundle.id), f"{gene}: velocity", "model")
    if isinstance(net, ForetellsNiches):
        for name in net.types:
            ref = ChannelRef.make("niche", name, model=bundle.id)
            yield Hit(ref, f"{name}: share expected around", "model")


def _generator_hits(bundle: Bundle) -> Iterator[Hit]:
    """List what generator and critic give: realism, and of each gene what generated neighbours say."""
    if not hasattr(bundle.folds[0], "realism"):
        return
    from glasscell.models.gan.channel import CELL_KEYS, GENE_KEYS

    for key, title in CELL_KEYS.items():
        yield Hit(ChannelRef.make("realism", key, model=bundle.id), title, "model")
    for what, words in GENE_KEYS.items():
        for gene in bundle.genes:
            ref = ChannelRef.make("generated", gene, model=bundle.id, what=what)
            yield Hit(ref, f"{gene}, {words}", "model")


def _toggle_hits(bundle: Bundle) -> Iterator[Hit]:
    """List the toggles of a model's binary codes."""
    bit_kj = getattr(bundle.folds[0], "bit_kj", None)
    for number in range(0 if bit_kj is None else bit_kj.shape[1]):
        yield Hit(ChannelRef.make("toggle", str(number), model=bundle.id), f"toggle {number}", "model")


def _part_hits(explanation: Explanation) -> Iterator[Hit]:
    """List the parts of cells' own genes and of their neighbours', where a model tells them apart."""
    if getattr(explanation, "own_cg", None) is None:
        return
    for part, whose in (("own", "of the cell's own"), ("neighbours", "of its neighbours'")):
        for gene in explanation.genes:
            ref = ChannelRef.make("attribution", gene, explanation=explanation.id, part=part)
            yield Hit(ref, f"{gene}, {part}", f"attribution {whose} to {explanation.target}")


def _honest(title: str, calibrated: bool) -> str:
    """Call the probability of a model that is not calibrated what it is."""
    return title if calibrated else title.replace("probability", "softmax (uncalibrated)")
