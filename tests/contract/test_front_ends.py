"""One morning of wishes put to every front end: the same answers, and no view that speaks unasked."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from psygnal import SignalGroup, SignalInstance

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.jobs import InlineDispatcher
from glasscell.session import Session
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import planted_adata
from glasscell.views.view import View

#: Of each view: its interface, its presenter, and where the window and the notebook have it.
VIEWS = {
    "tissue": ("view:TissueView", "tissue_presenter:TissuePresenter", "", "tissue:JupyterTissueView"),
    "embedding": (
        "view:EmbeddingView",
        "embedding_presenter:EmbeddingPresenter",
        "embedding:QtEmbeddingView",
        "embedding:JupyterEmbeddingView",
    ),
    "colour": (
        "view:ColourView",
        "colour_presenter:ColourPresenter",
        "colour:QtColourView",
        "colour:JupyterColourView",
    ),
    "prepare": (
        "view:PrepareView",
        "prepare_presenter:PreparePresenter",
        "prepare:QtPrepareView",
        "prepare:JupyterPrepareView",
    ),
    "model": (
        "model_view:ModelView",
        "model_presenter:ModelPresenter",
        "model:QtModelView",
        "model:JupyterModelView",
    ),
    "attribution": (
        "view:AttributionView",
        "attribution_presenter:AttributionPresenter",
        "attribution:QtAttributionView",
        "attribution:JupyterAttributionView",
    ),
    "contrast": (
        "contrast_view:ContrastView",
        "contrast_presenter:ContrastPresenter",
        "contrast:QtContrastView",
        "contrast:JupyterContrastView",
    ),
    "traversal": (
        "traversal_view:TraversalView",
        "traversal_presenter:TraversalPresenter",
        "traversal:QtTraversalView",
        "traversal:JupyterTraversalView",
    ),
    "attention": (
        "attention_view:AttentionView",
        "attention_presenter:AttentionPresenter",
        "attention_map:QtAttentionMapView",
        "attention:JupyterAttentionView",
    ),
    "perturbation": (
        "perturbation_view:PerturbationView",
        "perturbation_presenter:PerturbationPresenter",
        "perturbation:QtPerturbationView",
        "perturbation:JupyterPerturbationView",
    ),
    "groups": (
        "groups_view:GroupsView",
        "groups_presenter:GroupsPresenter",
        "groups:QtGroupsView",
        "groups:JupyterGroupsView",
    ),
    "job": ("view:JobView", "job_presenter:JobPresenter", "job:QtJobView", "job:JupyterJobView"),
}
#: Views that draw take what brings calls home, and what stamps in the background.
DRAWN = ("tissue", "embedding")


def load(rank: str, place: str) -> Any:
    """Import ``module:name`` of a rank."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"glasscell.{rank}.{module}"), name)


def make_fake_kind(name: str) -> Any:
    """Return the class of a view that remembers."""
    return fake(load("views", VIEWS[name][0]))


def make_fake(name: str, session: Session) -> Any:
    """Make a view that remembers."""
    return make_fake_kind(name)()


def make_qt(name: str, session: Session) -> Any:
    """Make the window's view; the tissue is napari's, whose own tests have it."""
    place = VIEWS[name][2]
    if not place:
        return make_fake(name, session)
    kind = load("qt", place)
    return kind(session.jobs.dispatcher, session.jobs) if name in DRAWN else kind()


def make_jupyter(name: str, session: Session) -> Any:
    """Make the notebook's view."""
    kind = load("jupyter", VIEWS[name][3])
    return kind(session.jobs.dispatcher, session.jobs) if name in DRAWN else kind()


FRONT_ENDS: dict[str, Callable[[str, Session], Any]] = {
    "fake": make_fake,
    "qt": make_qt,
    "jupyter": make_jupyter,
}


@dataclass
class Front:
    """A session with one view of every kind, and what the views said unasked."""

    session: Session
    views: dict[str, Any]
    presenters: list[Any]
    unasked: list[str] = field(default_factory=list)
    asking: bool = False

    def say(self, view: str, intent: str, *values: Any) -> None:
        """Utter an intent of a view as a person would, and let everything it sets off end."""
        self.asking = True
        try:
            getattr(self.views[view], intent).emit(*values)
        finally:
            self.asking = False
        self.settle()

    def settle(self) -> None:
        """Let every job end and every late call happen."""
        assert self.session.jobs.wait_idle(120)
        dispatcher = self.session.jobs.dispatcher
        assert isinstance(dispatcher, InlineDispatcher)
        dispatcher.advance(500)
        assert self.session.jobs.wait_idle(120)

    def listen(self) -> None:
        """Note every intent that is uttered while nobody asked."""
        for name, view in self.views.items():
            for signal in intents(view):
                signal.connect(lambda *_, at=f"{name}.{signal.name}": self._on_intent(at), check_nargs=False)

    def _on_intent(self, at: str) -> None:
        if not self.asking:
            self.unasked.append(at)


def intents(view: View) -> Iterator[SignalInstance]:
    """Every signal of a view's interface but the one that the window emits for it."""
    for name in dir(type(view)):
        if name == "theme_changed" or name.startswith("_"):
            continue
        found = getattr(view, name, None)
        if isinstance(found, SignalInstance) and not isinstance(found, SignalGroup):
            yield found


@pytest.fixture(
    params=[pytest.param("fake"), pytest.param("qt", marks=pytest.mark.gui), pytest.param("jupyter")]
)
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """Wire one front end to an empty session."""
    if request.param == "qt":
        request.getfixturevalue("qapp")
    session = Session(InlineDispatcher())
    views = {name: FRONT_ENDS[request.param](name, session) for name in VIEWS}
    presenters = [load("views", VIEWS[name][1])(session, view) for name, view in views.items()]
    made = Front(session, views, presenters)
    made.listen()
    made.settle()
    yield made
    for presenter in presenters:
        presenter.close()
    for view in views.values():
        getattr(view, "close_down", lambda: None)()
    assert session.close()


ANSWERS: dict[str, Any] = {}


def agree(about: str, answer: Any) -> None:
    """The first front end that is asked sets the answer; the others give the same."""
    assert ANSWERS.setdefault(about, answer) == answer, f"{about}: the front ends differ"


def test_a_morning_of_wishes(front: Front) -> None:
    session = front.session
    adata = planted_adata(n_cells=300, n_genes=40, seed=3)
    adata.obsm["X_toy"] = np.random.default_rng(0).normal(size=(adata.n_obs, 2))
    session.open_dataset(Dataset(adata))
    front.settle()
    assert session.dataset is not None
    agree("channel", session.state.colouring.channel)

    (x0, y0), (x1, y1) = (edge(session.dataset.positions_cd, axis=0) for edge in (np.min, np.max))
    half = np.array([(x0 - 1, y0 - 1), ((x0 + x1) / 2, y0 - 1), ((x0 + x1) / 2, y1 + 1), (x0 - 1, y1 + 1)])
    front.say("tissue", "selection_drawn", half, "replace")
    agree("lasso on the tissue", session.mask().tolist())
    assert 0 < session.mask().sum() < adata.n_obs
    front.say("embedding", "selection_drawn", np.array([(-9.0, -9.0), (0, -9), (0, 9), (-9, 9)]), "intersect")
    agree("and in the embedding", session.mask().tolist())
    front.say("groups", "group_named", "one")
    front.say("tissue", "selection_cleared")
    assert session.mask().all()

    front.say("colour", "query_typed", "g")
    front.say("colour", "channel_requested", ChannelRef.make("gene", str(session.dataset.genes.names[2])))
    front.say("colour", "limits_requested", (0.0, 1.0))
    agree("colouring", session.state.colouring)
    front.say("tissue", "cell_hovered", 5)
    assert session.hovered_cell == 5

    front.say(
        "contrast", "contrast_requested", {"a": "group:one", "b": "rest", "donor": "", "independent": True}
    )
    compared = session.latest("contrast")
    agree("genes that differ", None if compared is None else compared.table()["gene"].tolist()[:5])

    wish = {"labels": "label", "split": "blocks", "family": "classifier", "seed": 0}
    front.say("model", "fit_requested", {**wish, "params": {"max_epochs": 15, "learning_rate": 0.01}})
    assert session.bundle is not None
    agree("scores", session.bundle.metrics)
    asked = {"target": "class:K2", "method": "integrated_gradients", "baseline": "other_classes"}
    front.say("attribution", "explain_requested", {**asked, "cells": "all", "params": {}})
    assert session.explanation is not None
    agree("reasons", session.explanation.mean().tolist())
    front.say("attribution", "gene_clicked", str(session.explanation.genes[0]))
    assert session.state.colouring.channel is not None
    assert session.state.colouring.channel.kind == "attribution"

    gene = str(session.dataset.genes.names[0])
    change = {"genes": (gene,), "direction": "out", "action": "", "cells": "all", "name": "", "params": {}}
    front.say("perturbation", "perturb_requested", change)
    changed = session.latest("perturbation")
    agree("a gene knocked out", None if changed is None else np.round(changed.effect_c, 6).tolist())
    assert changed is not None

    for _ in range(3):
        session.undo()
        front.settle()
    agree("three steps back", (session.state.colouring, session.mask().tolist()))
    assert not front.unasked, f"said unasked: {sorted(set(front.unasked))}"


def test_every_view_has_what_its_interface_asks_for() -> None:
    for name, (interface, _, window, notebook) in VIEWS.items():
        kind = load("views", interface)
        for rank, place in (("qt", window), ("jupyter", notebook)):
            if place:
                found = load(rank, place)
                assert issubclass(found, kind), f"{name} of {rank}"
                assert not found.__abstractmethods__


def test_a_view_that_speaks_unasked_is_heard() -> None:
    class Talker(make_fake_kind("job")):  # type: ignore[misc]
        def set_jobs(self, rows: Any) -> None:
            self.cancel_requested.emit(1)

    session = Session(InlineDispatcher())
    front = Front(session, {"job": Talker()}, [])
    front.listen()
    presenter = load("views", VIEWS["job"][1])(session, front.views["job"])
    front.settle()
    assert front.unasked == ["job.cancel_requested"] * len(front.unasked)
    assert front.unasked
    presenter.close()
    assert session.close()
