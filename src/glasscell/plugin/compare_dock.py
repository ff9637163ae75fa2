"""The dock that trains models side by side."""

from __future__ import annotations

from typing import Any

from glasscell.plugin.dock import Dock


class CompareDock(Dock):
    """The same cells, split and seeds for several models; their figures, reasons and maps."""

    needs_torch = True
    pictures = ("comparison",)

    def make_view(self) -> Any:
        """Make the form with its tables and maps."""
        from glasscell.qt.compare import QtCompareView

        return QtCompareView(self.desk.session.jobs.dispatcher, self.desk.session.jobs)

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.compare_presenter import ComparePresenter
        from glasscell.views.pair_presenter import PairPresenter

        session = self.desk.session
        return ComparePresenter(session, view, PairPresenter(session, view.pair))
