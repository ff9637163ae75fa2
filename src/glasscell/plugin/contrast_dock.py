"""The dock that compares two groups."""

from __future__ import annotations

from typing import Any

from glasscell.plugin.dock import Dock


class ContrastDock(Dock):
    """A against B: which genes differ, and which the model goes by."""

    pictures = ("volcano",)

    def make_view(self) -> Any:
        """Make the form with its volcano."""
        from glasscell.qt.contrast import QtContrastView

        return QtContrastView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.contrast_presenter import ContrastPresenter

        return ContrastPresenter(self.desk.session, view)
