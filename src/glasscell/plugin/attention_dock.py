"""The dock that shows what a model attends to."""

from __future__ import annotations

from typing import Any

from glasscell.plugin.dock import Dock


class AttentionDock(Dock):
    """Where the model looks, and what changes when that is taken away."""

    needs_torch = True
    pictures = ("attention",)

    def make_view(self) -> Any:
        """Make the heatmap with its controls."""
        from glasscell.qt.attention_map import QtAttentionMapView

        return QtAttentionMapView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it, and the edges over the tissue."""
        from glasscell.plugin.edge_layer import NapariEdgeView
        from glasscell.views.attention_edge import EdgePresenter
        from glasscell.views.attention_presenter import AttentionPresenter

        self.edges = NapariEdgeView(self.desk.tissue)
        beside = EdgePresenter(self.desk.session, self.edges, view)
        return AttentionPresenter(self.desk.session, view, beside)

    def end(self) -> None:
        """Stop listening, and draw no more edges."""
        ended = self._ended
        super().end()
        if not ended and hasattr(self, "edges"):
            self.edges.close_down()
