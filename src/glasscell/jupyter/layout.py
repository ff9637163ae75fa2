"""Where the views of an explorer stand, and which presenter drives each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets

from glasscell.errors import DataError
from glasscell.jupyter.home import at_home
from glasscell.jupyter.panel import WIDE, Words, close, column

if TYPE_CHECKING:
    from collections.abc import Callable

    from glasscell.session import Session
    from glasscell.views.view import View

    Made = tuple[Any, Any]

#: Why a panel is empty for a moment when it is opened first.
LOADING = "Loading PyTorch: a few seconds, once per kernel …"


def _tissue(session: Session) -> Made:
    from glasscell.jupyter.tissue import JupyterTissueView
    from glasscell.views.tissue_presenter import TissuePresenter

    view = JupyterTissueView(session.jobs.dispatcher, session.jobs)
    return view, TissuePresenter(session, view)


def _embedding(session: Session) -> Made:
    from glasscell.jupyter.embedding import JupyterEmbeddingView
    from glasscell.views.embedding_presenter import EmbeddingPresenter

    view = JupyterEmbeddingView(session.jobs.dispatcher, session.jobs)
    return view, EmbeddingPresenter(session, view)


def _colour(session: Session) -> Made:
    from glasscell.jupyter.colour import JupyterColourView
    from glasscell.views.colour_presenter import ColourPresenter

    view = JupyterColourView()
    return view, ColourPresenter(session, view)


def _jobs(session: Session) -> Made:
    from glasscell.jupyter.job import JupyterJobView
    from glasscell.views.job_presenter import JobPresenter

    view = JupyterJobView()
    return view, JobPresenter(session, view)


def _data(session: Session) -> Made:
    from glasscell.jupyter.prepare import JupyterPrepareView
    from glasscell.views.prepare_presenter import PreparePresenter

    view = JupyterPrepareView()
    return view, PreparePresenter(session, view)


def _model(session: Session) -> Made:
    from glasscell.jupyter.model import JupyterModelView
    from glasscell.views.model_presenter import ModelPresenter
    from glasscell.views.preflight_presenter import PreflightPresenter

    view = JupyterModelView()
    return view, PreflightPresenter(session, view.preflight, beside=ModelPresenter(session, view))


def _attribution(session: Session) -> Made:
    from glasscell.jupyter.attribution import JupyterAttributionView
    from glasscell.views.attribution_presenter import AttributionPresenter

    view = JupyterAttributionView()
    return view, AttributionPresenter(session, view)


def _contrast(session: Session) -> Made:
    from glasscell.jupyter.contrast import JupyterContrastView
    from glasscell.views.contrast_presenter import ContrastPresenter

    view = JupyterContrastView()
    return view, ContrastPresenter(session, view)


def _traversal(session: Session) -> Made:
    from glasscell.jupyter.traversal import JupyterTraversalView
    from glasscell.views.traversal_presenter import TraversalPresenter

    view = JupyterTraversalView()
    return view, TraversalPresenter(session, view)


def _attention(session: Session) -> Made:
    from glasscell.jupyter.attention import JupyterAttentionView
    from glasscell.views.attention_presenter import AttentionPresenter

    view = JupyterAttentionView()
    return view, AttentionPresenter(session, view)


def _perturbation(session: Session) -> Made:
    from glasscell.jupyter.perturbation import JupyterPerturbationView
    from glasscell.views.perturbation_presenter import PerturbationPresenter

    view = JupyterPerturbationView()
    return view, PerturbationPresenter(session, view)


def _groups(session: Session) -> Made:
    from glasscell.jupyter.groups import JupyterGroupsView
    from glasscell.views.groups_presenter import GroupsPresenter

    view = JupyterGroupsView()
    return view, GroupsPresenter(session, view)


ALWAYS: dict[str, Callable[[Session], Made]] = {
    "Tissue": _tissue,
    "Embedding": _embedding,
    "Colour by": _colour,
    "Jobs": _jobs,
}
#: Named as in the window; each is made when its tab is opened first.
TABS: dict[str, Callable[[Session], Made]] = {
    "Data": _data,
    "Model": _model,
    "Attribution": _attribution,
    "Contrast": _contrast,
    "Traversal": _traversal,
    "Attention": _attention,
    "Perturbation": _perturbation,
    "Groups": _groups,
}
_LIGHT = ("Data", "Groups")


class Layout:
    """The views of one session in one widget.

    Parameters
    ----------
    session
        What is shown.
    theme
        ``light`` or ``dark``: the ground that cells are drawn on.
    """

    def __init__(self, session: Session, theme: str) -> None:
        self._session, self._theme = session, theme
        self.views: dict[str, Any] = {}
        self._presenters: list[Any] = []
        for name, make in ALWAYS.items():
            self._add(name, make)
        self._tabs = ipywidgets.ToggleButtons(options=list(TABS), style={"button_width": "auto"})
        self._tabs.add_class("glasscell-tabs")
        self._page = column()
        self._tabs.observe(lambda change: at_home(self._on_tab, change), "value")
        half = {"flex": "1 1 0", "min_width": "0"}
        pictures = ipywidgets.HBox(
            [
                ipywidgets.VBox([self.views[name].widget], layout=ipywidgets.Layout(**half))
                for name in ("Tissue", "Embedding")
            ]
        )
        left = column(pictures, self.views["Colour by"].widget, self.views["Jobs"].widget)
        left.layout.flex, left.layout.min_width = "7 1 0", "0"
        right = column(self._tabs, self._page)
        right.layout.flex, right.layout.min_width = "4 1 0", "300px"
        right.layout.max_height, right.layout.overflow = "860px", "auto"
        self.widget = ipywidgets.HBox([left, right], layout=ipywidgets.Layout(width=WIDE))
        self.open("Data")

    def open(self, name: str) -> Any:
        """Bring a panel to the front and return its view.

        Raises
        ------
        DataError
            There is no such panel.
        """
        if name not in TABS:
            raise DataError(f'There is no panel "{name}"; there are {", ".join(TABS)}.')
        if self._tabs.value != name:
            self._tabs.value = name
        else:
            self._fill(name)
        return self.views[name]

    def set_theme(self, theme: str) -> None:
        """Draw on another ground."""
        self._theme = theme
        for view in self.views.values():
            self._style(view)

    def close(self) -> None:
        """Let go of the session and take the widgets away."""
        for presenter in self._presenters:
            presenter.close()
        for view in self.views.values():
            close_down = getattr(view, "close_down", None)
            if close_down is not None:
                close_down()
        for widget in (self.widget, *(view.widget for view in self.views.values())):
            close(widget)
        self.views.clear()
        self._presenters.clear()

    def _on_tab(self, change: Any) -> None:
        self._fill(change["new"])

    def _fill(self, name: str) -> None:
        """Show a panel, made when it is opened first."""
        if name not in self.views:
            if name not in _LIGHT:
                self._load_torch()
            self._add(name, TABS[name])
        self._page.children = (self.views[name].widget,)

    def _load_torch(self) -> None:
        """Import it on this thread, so that no worker stalls the kernel while it loads."""
        words = Words(LOADING, "muted")
        self._page.children = (words,)
        import torch  # noqa: F401

        self._page.children = ()
        close(words)

    def _add(self, name: str, make: Callable[[Session], Made]) -> None:
        view, presenter = make(self._session)
        self.views[name] = view
        self._presenters.append(presenter)
        if name == "Attention":
            from glasscell.jupyter.edge import JupyterEdgeView
            from glasscell.views.attention_edge import EdgePresenter

            edges = JupyterEdgeView(self.views["Tissue"])
            self._presenters.append(EdgePresenter(self._session, edges, view))
        self._style(view)

    def _style(self, view: View) -> None:
        if view.theme != self._theme:
            view.theme = self._theme
            view.theme_changed.emit()
