"""A saved session opened beside its docks: they show what it holds, and the colours stay as saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glasscell.data.channel import ChannelRef
from glasscell.models.fit import fit
from glasscell.session import Session
from glasscell.testing.fake_views import fake
from glasscell.testing.toy_family import toy_dataset, toy_request
from glasscell.views.contrast_presenter import ContrastPresenter
from glasscell.views.contrast_view import ContrastView
from glasscell.views.perturbation_presenter import PerturbationPresenter
from glasscell.views.perturbation_view import PerturbationView
from glasscell.views.traversal_presenter import TraversalPresenter
from glasscell.views.traversal_view import TraversalView

GENE = "GENE0003"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A session with a traversal, a perturbation and a contrast, coloured by a gene."""
    session = Session()
    session.open_dataset(toy_dataset())
    bundle = fit(session.dataset, toy_request("additive_vae", session.dataset, tmp_path))
    session.update(model=session.hold("bundle", bundle))
    jobs = [
        session.traverse("label=K1", sample=4, nearest=2),
        session.perturb([GENE], params={"controls": 0}),
        session.contrast("label=K1", "label=K2", independent=True),
    ]
    for job in jobs:
        job.wait(60)
        assert job.error is None
    session.update(channel=ChannelRef("gene", GENE))
    session.save_session(tmp_path / "work").wait(60)
    assert session.close()
    return tmp_path / "work.glasscell"


@pytest.fixture
def docks() -> Iterator[tuple[Session, dict[str, Any]]]:
    session = Session()
    views = {
        "traversal": fake(TraversalView)(),
        "perturbation": fake(PerturbationView)(),
        "contrast": fake(ContrastView)(),
    }
    presenters = [
        TraversalPresenter(session, views["traversal"]),
        PerturbationPresenter(session, views["perturbation"]),
        ContrastPresenter(session, views["contrast"]),
    ]
    yield session, views
    for one in presenters:
        one.close()
    assert session.close()


def test_docks_show_what_came_back(docks: tuple[Session, dict[str, Any]], saved: Path) -> None:
    session, views = docks
    session.open_dataset(toy_dataset(n_cells=90))
    assert views["traversal"].shown["sweep"][0] is None
    session.open_session(saved).wait(60)
    assert session.jobs.wait_idle(60)
    assert len(views["traversal"].shown["sweep"][0].rows) == 3
    assert GENE in views["perturbation"].shown["result"][1]
    assert "by Wilcoxon z" in views["contrast"].shown["result"][1]
    assert session.state.colouring.channel == ChannelRef("gene", GENE), "nothing recolours what was saved"
    views["traversal"].slider_moved.emit(0, 5, False)
    assert session.jobs.wait_idle(60)
    assert session.state.colouring.channel.kind == "traversal"
