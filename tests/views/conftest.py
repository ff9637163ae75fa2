"""A session and fake views wired by the real presenters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from glasscell.session import Session
from glasscell.testing import fake_views
from glasscell.views.attribution_presenter import AttributionPresenter
from glasscell.views.colour_presenter import ColourPresenter
from glasscell.views.embedding_presenter import EmbeddingPresenter
from glasscell.views.job_presenter import JobPresenter
from glasscell.views.model_presenter import ModelPresenter
from glasscell.views.prepare_presenter import PreparePresenter
from glasscell.views.tissue_presenter import TissuePresenter

PRESENTERS = {
    "tissue": (TissuePresenter, fake_views.FakeTissueView),
    "embedding": (EmbeddingPresenter, fake_views.FakeEmbeddingView),
    "colour": (ColourPresenter, fake_views.FakeColourView),
    "prepare": (PreparePresenter, fake_views.FakePrepareView),
    "model": (ModelPresenter, fake_views.FakeModelView),
    "attribution": (AttributionPresenter, fake_views.FakeAttributionView),
    "job": (JobPresenter, fake_views.FakeJobView),
}


@dataclass
class Window:
    """A session with one fake view of every kind."""

    session: Session
    tissue: Any
    embedding: Any
    colour: Any
    prepare: Any
    model: Any
    attribution: Any
    job: Any
    presenters: tuple[Any, ...] = ()

    def settle(self) -> None:
        """Let every job end."""
        assert self.session.jobs.wait_idle(120)


def open_window() -> Window:
    """Wire everything to an empty session."""
    session = Session()
    views = {name: view() for name, (_, view) in PRESENTERS.items()}
    made = tuple(presenter(session, views[name]) for name, (presenter, _) in PRESENTERS.items())
    return Window(session, **views, presenters=made)


@pytest.fixture
def window() -> Iterator[Window]:
    made = open_window()
    made.settle()
    yield made
    assert made.session.close()


@pytest.fixture
def window_maker() -> Any:
    return open_window


@pytest.fixture(scope="module")
def window_maker_once() -> Any:
    return open_window
