"""Where the views of an explorer stand, and which presenter drives each."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import ipywidgets

from glasscell.errors import DataError
from glasscell.jupyter.home import at_home
from glasscell.jupyter.panel import WIDE, Words, close, column

if TYPE_CHECKING:
    from glasscell.session import Session
    from glasscell.views.view import View

#: Why a panel is empty for a moment when it is opened first.
LOADING = "Loading PyTorch: a few seconds, once per kernel …"


@dataclass(frozen=True)
class Place:
    """A view and its presenter, as ``module:name`` in ``glasscell.jupyter`` and ``glasscell.views``.

    Parameters
    ----------
    view, presenter
        Loaded when the view is made.
    drawn
        Whether the kernel draws it, so that it takes a dispatcher and a runner.
    needs_torch
        Whether torch is imported before.
    """

    view: str
    presenter: str
    drawn: bool = False
    needs_torch: bool = False


def _learned(view: str, presenter: str) -> Place:
    return Place(view, presenter, needs_torch=True)


ALWAYS = {
    "Tissue": Place("tissue:JupyterTissueView", "tissue_presenter:TissuePresenter", drawn=True),
    "Embedding": Place(
        "embedding:JupyterEmbeddingView", "embedding_presenter:EmbeddingPresenter", drawn=True
    ),
    "Colour by": Place("colour:JupyterColourView", "colour_presenter:ColourPresenter"),
    "Jobs": Place("job:JupyterJobView", "job_presenter:JobPresenter"),
}
#: Named as in the window; each is made when its tab is opened first.
TABS = {
    "Data": Place("prepare:JupyterPrepareView", "prepare_presenter:PreparePresenter"),
    "Model": _learned("model:JupyterModelView", "model_presenter:ModelPresenter"),
    "Attribution": _learned(
        "attribution:JupyterAttributionView", "attribution_presenter:AttributionPresenter"
    ),
    "Contrast": _learned("contrast:JupyterContrastView", "contrast_presenter:ContrastPresenter"),
    "Traversal": _learned("traversal:JupyterTraversalView", "traversal_presenter:TraversalPresenter"),
    "Attention": _learned("attention:JupyterAttentionView", "attention_presenter:AttentionPresenter"),
    "Perturbation": _learned(
        "perturbation:JupyterPerturbationView", "perturbation_presenter:PerturbationPresenter"
    ),
    "Compare": Place(
        "compare:JupyterCompareView", "compare_presenter:ComparePresenter", drawn=True, needs_torch=True
    ),
    "Groups": Place("groups:JupyterGroupsView", "groups_presenter:GroupsPresenter"),
}


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
        for name, place in ALWAYS.items():
            self._add(name, place)
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
        # A block: as a flexible column it would press rows together before it scrolls.
        right.layout.max_height, right.layout.overflow, right.layout.display = "860px", "auto", "block"
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
            if TABS[name].needs_torch:
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

    def _add(self, name: str, place: Place) -> None:
        session = self._session
        takes = (session.jobs.dispatcher, session.jobs) if place.drawn else ()
        view = _load("jupyter", place.view)(*takes)
        self.views[name] = view
        self._presenters.append(_load("views", place.presenter)(session, view))
        if name == "Model":
            from glasscell.views.preflight_presenter import PreflightPresenter
            from glasscell.views.robustness_presenter import RobustnessPresenter

            self._presenters.append(
                PreflightPresenter(session, view.preflight, beside=self._presenters.pop())
            )
            self._presenters.append(RobustnessPresenter(session, view.robustness))
        elif name == "Traversal":
            from glasscell.views.worth_presenter import WorthPresenter

            self._presenters.append(WorthPresenter(session, view.worth))
        elif name == "Compare":
            from glasscell.views.pair_presenter import PairPresenter

            self._presenters.append(PairPresenter(session, view.pair))
        elif name == "Attention":
            from glasscell.jupyter.edge import JupyterEdgeView
            from glasscell.views.attention_edge import EdgePresenter

            edges = JupyterEdgeView(self.views["Tissue"])
            self._presenters.append(EdgePresenter(session, edges, view))
        self._style(view)

    def _style(self, view: View) -> None:
        if view.theme != self._theme:
            view.theme = self._theme
            view.theme_changed.emit()


def _load(rank: str, place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"glasscell.{rank}.{module}"), name)
