"""The dock that asks what a model expects of cells that are changed."""

from __future__ import annotations

from typing import Any

from glasscell.plugin.dock import Dock


class PerturbationDock(Dock):
    """Knock a gene out, lower it, raise it, or give cells a learned perturbation."""

    needs_torch = True
    pictures = ("perturbation",)

    def make_view(self) -> Any:
        """Make the form with its tables."""
        from glasscell.qt.perturbation import QtPerturbationView

        return QtPerturbationView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.perturbation_presenter import PerturbationPresenter

        return PerturbationPresenter(self.desk.session, view)
