"""A session teaches its model a perturbation that was not there when it was trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Category
from glasscell.errors import DataError, ModelError, NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.learn_action import LEARNT_LATER, learn_action
from glasscell.session import Session
from glasscell.session.training import TWIN
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import planted_dataset
from glasscell.testing.sparse_shift import ShiftSizes, sparse_shift_adata
from glasscell.views.perturbation_presenter import PerturbationPresenter
from glasscell.views.perturbation_view import PerturbationView

FAST = {"n_latent": 2, "hidden": 16, "n_layers": 1, "mask_epochs": 3, "max_epochs": 4, "batch_size": 32}
NEW = Category(ChannelRef("obs", "action"), ("P004",))


@pytest.fixture(scope="module")
def screen() -> Dataset:
    return Dataset(sparse_shift_adata(ShiftSizes(4, 30, 2, 20, 300.0)))


@pytest.fixture(scope="module")
def trained(screen: Dataset) -> Bundle:
    """Trained on all but P004."""
    known = Dataset(screen.adata[np.asarray(screen.obs["action"] != "P004")].copy())
    with closing(Session()) as session:
        session.open_dataset(known)
        session.fit(family="svae", params=FAST, action="action")
        assert session.jobs.wait_idle(120)
        bundle = session.bundle
    assert bundle is not None
    return bundle


@pytest.fixture
def opened(screen: Dataset, trained: Bundle) -> Iterator[Session]:
    session = Session()
    session.open_dataset(screen)
    session.update(model=session.hold("bundle", trained))
    yield session
    assert session.close()


def test_learnt_given_and_read_back(opened: Session, trained: Bundle, tmp_path: Path) -> None:
    view: Any = fake(PerturbationView)()
    presenter = PerturbationPresenter(opened, view)
    assert view.shown["learning"] == (True, "")
    assert "P004" not in view.shown["actions"]
    view.learn_requested.emit({"name": " P004 ", "cells": "obs:action=P004"})
    assert opened.jobs.wait_idle(60)
    assert opened.bundle is not None
    assert opened.state.model != trained.id
    assert view.shown["actions"][-1] == "P004"
    assert view.shown["learning"] == (True, "")
    assert opened.bundle.notes[-1] == "P004 was learnt after the training, from 30 cells."
    assert opened.bundle.twin is not None
    assert "can now be given" in opened.messages[-1].text
    cells = {"cells": "obs:action=control", "genes": (), "direction": "learned", "name": "", "params": {}}
    view.perturb_requested.emit({**cells, "action": "P004"})
    assert opened.jobs.wait_idle(60)
    found = opened.latest("perturbation")
    shift_z = opened.bundle.folds[0].parts()["effects"][-1]  # type: ignore[attr-defined]
    np.testing.assert_allclose(found.after_cz - found.before_cz, np.tile(shift_z, (30, 1)), atol=1e-4)
    assert any("learnt after the training, from 30 cells" in note for note in found.notes)
    again = load_bundle(save_bundle(opened.bundle, tmp_path / "model"))
    assert again.fingerprint == opened.bundle.fingerprint
    assert again.provenance[LEARNT_LATER] == {"P004": 30}
    opened.update(model=trained.id)
    assert "P004" not in view.shown["actions"]
    presenter.close()


def test_what_cannot_be_learnt_is_said_at_once(opened: Session, trained: Bundle) -> None:
    with pytest.raises(NotCompatible, match="Name the new perturbation"):
        opened.learn_action(" ", NEW)
    opened.learn_action("P004", "all")
    assert opened.jobs.wait_idle(60)
    assert "30 of these cells are controls (control)" in opened.messages[-1].text
    with pytest.raises(DataError, match="no value"):
        opened.learn_action("P004", Category(ChannelRef("obs", "action"), ("nothing",)))
    opened.learn_action("P001", NEW)
    assert opened.jobs.wait_idle(60)
    assert "already" in opened.messages[-1].text
    assert opened.state.model == trained.id
    opened.update(model=None)
    with pytest.raises(ModelError, match="no model"):
        opened.learn_action("P004", NEW)


def test_a_model_chosen_meanwhile_stays(opened: Session, trained: Bundle) -> None:
    opened.learn_action("P004", NEW)
    opened.update(model=None)
    assert opened.jobs.wait_idle(60)
    assert opened.state.model is None
    assert "another model was chosen" in opened.messages[-1].text


def test_cancelled_it_leaves_the_model_as_it_was(opened: Session, trained: Bundle) -> None:
    job = opened.learn_action("P004", NEW)
    with pytest.raises(NotCompatible, match="being learnt"):
        opened.learn_action("P005", NEW)
    job.cancel()
    assert opened.jobs.wait_idle(60)
    assert opened.state.model == trained.id


def test_it_waits_for_the_twin(screen: Dataset) -> None:
    with closing(Session()) as session:
        session.open_dataset(screen)
        job = session.fit(family="svae", params=FAST, action="action")
        view: Any = fake(PerturbationView)()
        presenter = PerturbationPresenter(session, view)
        job.wait(60)
        twins = [one for one in session.jobs.active if one.title.startswith(TWIN)]
        if twins:
            with pytest.raises(NotCompatible, match="twin is in training"):
                session.learn_action("new", NEW)
        assert session.jobs.wait_idle(60)
        assert (
            "learning",
            (False, "The model's twin is in training: wait for it, or cancel it in the list of jobs."),
        ) in view.calls
        assert view.shown["learning"] == (True, "")
        presenter.close()


def test_what_the_model_does_not_know_is_offered_in_any_file(screen: Dataset, trained: Bundle) -> None:
    with closing(Session()) as session:
        alone = np.asarray(screen.obs["action"] == "P004")
        session.open_dataset(Dataset(screen.adata[alone].copy()))
        session.update(model=session.hold("bundle", trained))
        view: Any = fake(PerturbationView)()
        presenter = PerturbationPresenter(session, view)
        assert [key for key, _ in view.shown["cells"]] == ["all", "obs:action=P004"]
        view.learn_requested.emit({"name": "P004", "cells": "all"})
        assert session.jobs.wait_idle(60)
        assert session.bundle is not None
        assert session.bundle.provenance[LEARNT_LATER] == {"P004": 30}
        presenter.close()


def test_of_many_cells_some_are_looked_at(
    screen: Dataset, trained: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = np.flatnonzero(np.asarray(screen.obs["action"] == "P004"))
    taken = cells[np.unique(np.linspace(0, len(cells) - 1, 10).astype(np.int64))]
    alone = learn_action(trained, screen, taken, "new")
    monkeypatch.setattr("glasscell.models.learn_action.MOST_CELLS", 10)
    told: list[float] = []
    job: Any = SimpleNamespace(report=lambda share, *_: told.append(share))
    found = learn_action(trained, screen, cells, "new", job)
    assert found.fingerprint == alone.fingerprint
    assert found.notes[-1].endswith("from 10 cells.")
    assert told == sorted(told)
    assert len(told) > 100


def test_other_models_say_why_not() -> None:
    with closing(Session()) as session:
        session.open_dataset(planted_dataset(n_cells=120, n_genes=30))
        session.fit(family="vae", params={"max_epochs": 2, "hidden": 8, "n_latent": 2})
        assert session.jobs.wait_idle(120)
        view: Any = fake(PerturbationView)()
        presenter = PerturbationPresenter(session, view)
        can, why = view.shown["learning"]
        assert not can
        assert "cannot learn another perturbation" in why
        assert session.bundle is not None
        assert session.dataset is not None
        with pytest.raises(NotCompatible, match="cannot learn"):
            learn_action(session.bundle, session.dataset, np.arange(20), "new", QUIET)
        presenter.close()
