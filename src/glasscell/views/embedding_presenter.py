"""The embedding and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import Everything, Lasso
from glasscell.errors import DataError
from glasscell.session.resolve import Failed, Pending
from glasscell.session.rules import can_show
from glasscell.views.presenter import PaintingPresenter, combine
from glasscell.views.view import EmbeddingView

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.explain.perturbation.arrow import Arrows
    from glasscell.jobs import Job, JobHandle
    from glasscell.session import Session, State, Views
    from glasscell.views.paint import Paint

PERTURBATION = "perturbation"
NO_EMBEDDING = "No embedding yet. Prepare the data to make one."


class EmbeddingPresenter(PaintingPresenter[EmbeddingView]):
    """Show the cells on two axes; take hovering, lassos and other axes."""

    def __init__(self, session: Session, view: EmbeddingView) -> None:
        super().__init__(session, view)
        self.listen(session.hovered, view.set_hovered)
        self.listen(view.cell_hovered, session.hover)
        self.listen(view.selection_drawn, self._on_drawn)
        self.listen(view.selection_cleared, self._on_cleared)
        self.listen(view.axes_requested, self._on_axes)
        self.listen(view.axis_names_requested, self._on_axis_names)
        self._show_axes()
        self._show_arrows()
        self.repaint()

    def show_paint(self, painted: Paint | None) -> None:
        """Recolour."""
        if painted is not None and painted.table is not None:
            self.view.set_colours(painted.table.table_u32)

    def show_stale(self, stale: bool) -> None:
        """Mark the colours as old."""
        self.view.set_stale(stale)

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, _axes_of(new.views)) != (old.dataset, _axes_of(old.views)):
            self._show_axes()
        shown = [(one.dataset, _axes_of(one.views), one.colouring.channel) for one in (new, old)]
        if shown[0] != shown[1]:
            self._show_arrows()
        super()._on_changed(new, old)

    def _show_axes(self) -> None:
        dataset, views = self.session.dataset, self.session.state.views
        if dataset is None:
            self.view.set_choices((), None)
            self.view.set_positions(None, "", "")
            self.view.set_message(self.view.open_data)
            return
        self.view.set_choices(tuple(dataset.embeddings), None if views.axes else views.embedding)
        if views.axes is not None:
            self._show_channels(views.axes)
            return
        if views.embedding is None:
            self.view.set_positions(None, "", "")
            self.view.set_message(NO_EMBEDDING)
            return
        name = views.embedding.removeprefix("X_")
        name = "umap" if name.startswith("umap_") else name  # of whose latents, the choice above says
        table_cz = np.asarray(dataset.embeddings[views.embedding])
        positions_cd = np.ascontiguousarray(table_cz[:, list(views.components)], np.float64)
        first, second = (f"{name} {component + 1}" for component in views.components)
        self._place(positions_cd, first, second)

    def _show_channels(self, axes: tuple[ChannelRef, ChannelRef]) -> None:
        columns = []
        for ref in axes:
            resolved = self.session.resolve(ref)
            if isinstance(resolved, Pending):
                resolved.job.finished.connect(self._on_axis_ready)
                return
            if isinstance(resolved, Failed):
                self.view.set_positions(None, "", "")
                self.view.set_message(resolved.reason)
                return
            columns.append(resolved.values)
        x, y = columns
        if x.values is None or y.values is None:
            self.view.set_positions(None, "", "")
            self.view.set_message("An axis needs numbers, not categories. Choose a gene or a numeric column.")
            return
        labels = [f"{one.title} ({one.unit})" if one.unit else one.title for one in (x, y)]
        self._place(np.column_stack([x.values, y.values]).astype(np.float64), *labels)

    def _show_arrows(self) -> None:
        """Draw where cells go while they are coloured by a perturbation, on the embedding shown."""
        session = self.session
        dataset, views, channel = session.dataset, session.state.views, session.state.colouring.channel
        found = session.latest("perturbation")
        wanted = channel is not None and channel.kind == PERTURBATION and found is not None
        if not wanted or found.before_cz is None or views.axes is not None or views.embedding is None:
            self.view.set_arrows(None)
            return
        assert dataset is not None
        embedding, components = views.embedding, views.components

        def work(job: JobHandle) -> Arrows:
            from glasscell.explain.perturbation.arrow import arrows

            job.report(None, "arrows")
            return arrows(dataset, found, embedding, components)

        def done(job: Job[Arrows]) -> None:
            now = session.state.colouring.channel
            if self._links and job.result is not None and now is not None and now.kind == PERTURBATION:
                self.view.set_arrows(job.result)

        session.jobs.submit(work, title="Arrows", lane="view", key=("arrows", id(self)), on_done=done)

    def _on_axis_ready(self, job: Any) -> None:
        if self._links and self.session.state.views.axes is not None:
            self._show_axes()

    def _place(self, positions_cd: NDArray[np.float64], x: str, y: str) -> None:
        self.view.set_message("")
        self.view.set_positions(positions_cd, x, y)

    def _on_axes(self, name: str) -> None:
        self.session.update(embedding=name, components=(0, 1), axes=None)

    def _on_axis_names(self, x: str, y: str) -> None:
        with self.spoken("Choosing axes"):
            self.session.update(axes=(self._find(x), self._find(y)))

    def _find(self, name: str) -> ChannelRef:
        facts, groups = self.session.facts, frozenset[str]()
        for kind in ("obs", "gene", "position"):
            ref = ChannelRef.make(kind, name.strip())
            if can_show(ref, facts, groups) and (kind != "position" or name.strip() in ("x", "y")):
                return ref
        raise DataError(f'There is no gene or numeric column called "{name}". Choose another name.')

    def _on_drawn(self, vertices: Any, mode: str) -> None:
        views = self.session.state.views
        with self.spoken("Selecting"):
            corners = tuple(map(tuple, vertices))
            if views.axes is not None:
                drawn = Lasso("channels", corners, views.axes)
            else:
                drawn = Lasso(f"embedding:{views.embedding}", corners, views.components)
            self.session.update(selection=combine(self.session.state.selection, drawn, mode))

    def _on_cleared(self) -> None:
        self.session.update(selection=Everything())


def _axes_of(views: Views) -> tuple[Any, ...]:
    return views.embedding, views.components, views.axes
