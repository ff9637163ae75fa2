"""The dock in which a factor is moved."""

from __future__ import annotations

from typing import Any

from glasscell.plugin.dock import Dock


class TraversalDock(Dock):
    """What a factor of the model does to cells and tissue, while a slider moves."""

    needs_torch = True
    pictures = ("traversal",)

    def make_view(self) -> Any:
        """Make the sliders."""
        from glasscell.qt.traversal import QtTraversalView

        return QtTraversalView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.traversal_presenter import TraversalPresenter
        from glasscell.views.worth_presenter import WorthPresenter

        session = self.desk.session
        return TraversalPresenter(session, view, WorthPresenter(session, view.worth))
