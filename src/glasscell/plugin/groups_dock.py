"""The dock of groups, notes and files."""

from __future__ import annotations

from typing import Any

from glasscell.plugin.brush import TissueBrush
from glasscell.plugin.dock import Dock


class GroupsDock(Dock):
    """Named groups, painted or selected; notes; the session and its files."""

    def make_view(self) -> Any:
        """Make the list, and the brush that belongs to it."""
        from glasscell.qt.groups import QtGroupsView

        view = QtGroupsView()
        brush = TissueBrush(
            self.desk.tissue,
            view.paint,
            lambda: float(view.size.value()),
            lambda: view.brush.setChecked(False),
        )

        def take() -> None:
            brush.active = view.brush.isChecked()

        view.content.brush_changed.connect(take)
        view.close_down = brush.close  # type: ignore[attr-defined]
        return view

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.groups_presenter import GroupsPresenter

        return GroupsPresenter(self.desk.session, view, self.desk.pictures)
