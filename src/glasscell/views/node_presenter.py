"""Importance of named nodes and the session; a part of the attribution panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.data.channel import ChannelRef
from glasscell.session.nodes import KIND, has_nodes, nodes_now, nodes_offer
from glasscell.views.node_table import NOTHING, node_picture
from glasscell.views.presenter import Presenter
from glasscell.views.view import AttributionView

if TYPE_CHECKING:
    from glasscell.session import Session, State


class NodePresenter(Presenter[AttributionView]):
    """Offer to measure nodes where the model has some, show one class, colour by a clicked node."""

    def __init__(self, session: Session, view: AttributionView) -> None:
        super().__init__(session, view)
        self._class = ""
        self.listen(session.made, lambda kind: self._show() if kind == KIND else None)
        self.listen(session.jobs.changed, self._offer)
        self.listen(view.nodes_requested, self._on_requested)
        self.listen(view.node_class_chosen, self._on_class)
        self.listen(view.node_clicked, self._on_node)
        self._offer()
        self._show()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.model, new.dataset) != (old.model, old.dataset):
            self._offer()
            self._show()

    def _offer(self) -> None:
        self.view.set_nodes_offer(*nodes_offer(self.session))

    def _show(self) -> None:
        if not has_nodes(self.session):
            self.view.set_nodes(None)
            return
        found = nodes_now(self.session)
        picture = NOTHING if found is None else node_picture(found, self._class)
        self._class = picture.chosen or self._class
        self.view.set_nodes(picture)

    def _on_requested(self) -> None:
        with self.spoken("Measuring node importance"):
            self.session.measure_nodes()

    def _on_class(self, name: str) -> None:
        self._class = name
        self._show()

    def _on_node(self, name: str) -> None:
        bundle = self.session.bundle
        if bundle is not None:
            self.session.update(channel=ChannelRef.make("latent", name, model=bundle.id))
