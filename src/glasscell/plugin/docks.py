"""The docks of the Plugins menu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QSizePolicy

from glasscell.plugin.dock import Dock
from glasscell.views.view import View

if TYPE_CHECKING:
    from glasscell.plugin.tissue_tools import TissueTools


class _ToolStrip(View):
    """The tissue tools as a view; the desk itself presents the tissue."""

    def __init__(self, widget: TissueTools) -> None:
        self.widget = widget
        self.close_down = widget.close_down

    def close(self) -> None:
        """Nothing to let go of."""


class TissueDock(Dock):
    """Open a file, choose the pointer tool, read what is under the pointer."""

    def make_view(self) -> Any:
        """Make the strip of tools."""
        from glasscell.plugin.tissue_tools import TissueTools

        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        return _ToolStrip(TissueTools(self.desk))

    def make_presenter(self, view: Any) -> Any:
        """Return the strip, which listens for itself."""
        return view


class EmbeddingDock(Dock):
    """A scatter of the cells, linked with the tissue."""

    pictures = ("embedding",)

    def make_view(self) -> Any:
        """Make the scatter."""
        from glasscell.qt.embedding import QtEmbeddingView

        return QtEmbeddingView(self.desk.session.jobs.dispatcher, self.desk.session.jobs)

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.embedding_presenter import EmbeddingPresenter

        return EmbeddingPresenter(self.desk.session, view)


class ColourDock(Dock):
    """Search for what to colour by; legend and colour bar."""

    def make_view(self) -> Any:
        """Make the search box with its legend."""
        from glasscell.qt.colour import QtColourView

        return QtColourView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.colour_presenter import ColourPresenter

        return ColourPresenter(self.desk.session, view)


class PrepareDock(Dock):
    """What was opened, and its preparation."""

    def make_view(self) -> Any:
        """Make the form."""
        from glasscell.qt.prepare import QtPrepareView

        return QtPrepareView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.prepare_presenter import PreparePresenter

        return PreparePresenter(self.desk.session, view)


class ModelDock(Dock):
    """Train a model, watch it, and see how good it is."""

    needs_torch = True
    pictures = ("curve", "metrics")

    def make_view(self) -> Any:
        """Make the form."""
        from glasscell.qt.model import QtModelView

        return QtModelView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.model_presenter import ModelPresenter
        from glasscell.views.preflight_presenter import PreflightPresenter
        from glasscell.views.robustness_presenter import RobustnessPresenter

        session = self.desk.session
        model = ModelPresenter(session, view)
        robustness = RobustnessPresenter(session, view.robustness, beside=model)
        return PreflightPresenter(session, view.preflight, beside=robustness)


class AttributionDock(Dock):
    """Which genes decided, with the evidence."""

    needs_torch = True
    pictures = ("ranking",)

    def make_view(self) -> Any:
        """Make the ranking."""
        from glasscell.qt.attribution import QtAttributionView

        return QtAttributionView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.attribution_presenter import AttributionPresenter

        return AttributionPresenter(self.desk.session, view)


class JobDock(Dock):
    """Every job with its progress and outcome."""

    def make_view(self) -> Any:
        """Make the strip."""
        from glasscell.qt.job import QtJobView

        return QtJobView()

    def make_presenter(self, view: Any) -> Any:
        """Wire it."""
        from glasscell.views.job_presenter import JobPresenter

        return JobPresenter(self.desk.session, view)
