"""A session trains its model again with other seeds, and says which factors come again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anndata import read_h5ad

from glasscell.errors import NotCompatible
from glasscell.explain.traversal.stability import read_stability
from glasscell.session import Session
from glasscell.session.stability import stability_offer, stability_words
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import planted_dataset
from glasscell.views.traversal_presenter import TraversalPresenter
from glasscell.views.traversal_view import TraversalView

FAST = {"n_latent": 3, "hidden": 16, "decoder_hidden": 8, "max_epochs": 6, "batch_size": 32}


@pytest.fixture
def trained() -> Iterator[Session]:
    session = Session()
    session.open_dataset(planted_dataset(n_cells=120, n_genes=30))
    session.fit(family="additive_vae", params=FAST)
    assert session.jobs.wait_idle(120)
    yield session
    assert session.close()


def test_measured_held_written_and_shown(trained: Session, tmp_path: Path) -> None:
    view: Any = fake(TraversalView)()
    presenter = TraversalPresenter(trained, view)
    assert view.shown["stability"] == (True, "")
    trained.traverse()
    assert trained.jobs.wait_idle(60)
    view.slider_moved.emit(0, 5, False)
    assert "not measured" in view.shown["factor"].stability
    view.stability_requested.emit()
    assert trained.jobs.wait_idle(120)
    found = trained.latest("stability")
    assert found.seeds == (0, 1, 2, 3, 4)
    assert found.model == trained.state.model
    assert view.shown["factor"].stability == found.words(0)
    assert view.shown["stability"] == (True, "")
    assert stability_words(trained, found.model, 1) == found.words(1)
    assert stability_words(trained, "another", 1) == ""
    trained.save_data(tmp_path / "out.h5ad").wait(60)
    trained.save_table("stability", tmp_path / "s.csv").wait(60)
    assert (tmp_path / "s.csv").read_text().count("\n") == 1 + 4 * 3
    (kept,) = read_stability(read_h5ad(tmp_path / "out.h5ad"))
    assert kept.manifest() == found.manifest()
    presenter.close()


def test_cancelled_leaves_nothing(trained: Session) -> None:
    job = trained.measure_stability(3)
    assert stability_offer(trained)[0] is False
    assert "cancel it in the list of jobs" in stability_offer(trained)[1]
    job.cancel()
    assert trained.jobs.wait_idle(60)
    assert trained.latest("stability") is None
    assert stability_offer(trained) == (True, "")


def test_without_a_model_it_says_what_to_do() -> None:
    session = Session()
    session.open_dataset(planted_dataset(n_cells=60, n_genes=20))
    with pytest.raises(NotCompatible, match="Train a model with latent factors first"):
        session.measure_stability()
    assert session.close()
