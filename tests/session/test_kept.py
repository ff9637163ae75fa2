"""Traversals, attention, perturbations, contrasts and applied models come back with a saved session."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.explain.perturbation.channel import perturbation_ref
from glasscell.models.bundle import Bundle
from glasscell.models.fit import fit
from glasscell.session import Session
from glasscell.session import journal as journaling
from glasscell.session.journal import Journal, find_lost, restore_lost
from glasscell.session.kept import KINDS, place_of, read_kept, results_of, write_kept
from glasscell.session.persist import SESSION
from glasscell.session.record import read_record
from glasscell.session.result_file import PARTS, VALUES, WORDS, save_result
from glasscell.testing.toy_comparison import toy_comparison
from glasscell.testing.toy_family import toy_dataset, toy_request

FEW = {"removal_cells": 4, "edge_cells": 20, "random_nets": 2}
GENE = "GENE0003"
Results = dict[str, Any]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "cells.h5ad"
    toy_dataset().adata.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    dataset, folder = toy_dataset(), tmp_path_factory.mktemp("sets")
    keys = ("additive_vae", "pathway_net", "pathway_transformer", "pathway_vae", "spatial_attention")
    return {key: fit(dataset, toy_request(key, dataset, folder)) for key in keys}


@pytest.fixture
def new_session() -> Iterator[Callable[[], Session]]:
    made: list[Session] = []

    def new() -> Session:
        made.append(Session())
        return made[-1]

    yield new
    assert not [one for one in made if not one.close()]


@pytest.fixture
def worked(new_session: Callable[[], Session], file: Path, bundles: dict[str, Bundle]) -> Session:
    """A session in which a result of every kind was made."""
    session = new_session()
    session.open(file).wait()
    for key, bundle in bundles.items():
        session.update(model=session.hold("bundle", bundle))
        if key == "pathway_transformer":
            done(session.attend("label", params=FEW))
            done(session.apply_model())
        if key == "pathway_net":
            done(session.measure_nodes(3))
        if key == "pathway_vae":
            done(session.measure_worth())
    session.update(model=bundles["additive_vae"].id)
    done(session.traverse("label=K1", sample=8, nearest=3))
    done(session.measure_stability(2))
    done(session.perturb([GENE], params={"controls": 2, "control_cells": 20}))
    done(session.contrast("label=K1", "label=K2", independent=True))
    session.hold("comparison", toy_comparison(session.dataset))
    assert {kind for kind, _ in results_of(session)} == set(KINDS)
    return session


def done(job: Any) -> None:
    job.wait(120)
    assert job.error is None, job.error


def reopen(session: Session, path: Path) -> Session:
    done(session.open_session(path))
    return session


def made_in(session: Session) -> Results:
    found = {kind: session.latest(kind) for kind in KINDS if kind != "applied"}
    (name,) = session.store.names("applied")
    return {**found, "applied": session.store.get(("applied", name))}


def assert_same(ours: Any, theirs: Any, where: str = "") -> None:
    """Equal to the last bit, NaN equal to NaN, numbers of the same type."""
    if is_dataclass(ours):
        assert type(ours) is type(theirs), where
        for one in fields(ours):
            assert_same(getattr(ours, one.name), getattr(theirs, one.name), f"{where}.{one.name}")
    elif isinstance(ours, np.ndarray):
        assert ours.shape == theirs.shape, where
        assert ours.dtype == theirs.dtype, where
        assert np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"), where
    elif isinstance(ours, tuple | list):
        assert len(ours) == len(theirs), where
        for place, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_same(*pair, f"{where}[{place}]")
    elif hasattr(ours, "items"):
        assert list(ours) == list(theirs), where
        for name, value in ours.items():
            assert_same(value, theirs[name], f"{where}[{name}]")
    else:
        assert ours == theirs or (ours != ours and theirs != theirs), where


def test_every_kind_comes_back_equal(
    worked: Session, new_session: Callable[[], Session], tmp_path: Path
) -> None:
    before = made_in(worked)
    worked.update(channel=perturbation_ref(before["perturbation"], "effect"))
    done(worked.save_session(tmp_path / "work"))
    heard: list[str] = []
    again = new_session()
    again.made.connect(heard.append)
    reopen(again, tmp_path / "work.glasscell")
    assert_same(before, made_in(again))
    assert not [one for one in again.messages if one.level != "info"]
    assert again.state.colouring == worked.state.colouring
    assert again.resolve(again.state.colouring.channel), "the colours stand on a result that came back"
    assert heard == [], "no view may recolour what was saved"
    done(again.save_session(tmp_path / "twice"))
    first, second = (
        read_record((tmp_path / f"{name}.glasscell" / SESSION).read_bytes()) for name in ("work", "twice")
    )
    assert set(first.results) == set(second.results)


def test_edges_come_back_equal(
    new_session: Callable[[], Session], file: Path, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    session = new_session()
    session.open(file).wait()
    session.update(model=session.hold("bundle", bundles["spatial_attention"]))
    done(session.attend("label", params=FEW))
    done(session.save_session(tmp_path / "edges"))
    again = reopen(new_session(), tmp_path / "edges.glasscell")
    assert_same(session.latest("attention"), again.latest("attention"))
    assert again.latest("attention").neighbours(3, "head:1.1").senders.size


def test_a_traversal_that_came_back_still_paints(
    worked: Session, new_session: Callable[[], Session], tmp_path: Path
) -> None:
    done(worked.save_session(tmp_path / "work"))
    again = reopen(new_session(), tmp_path / "work.glasscell")
    for session in (worked, again):
        job = session.slides.to(GENE, 0, 20)
        if job is not None:
            done(job)
    assert again.state.colouring == worked.state.colouring


def test_only_what_belongs_to_the_open_data_is_saved(worked: Session, tmp_path: Path) -> None:
    kept = dict(results_of(worked))
    first = worked.latest("perturbation")
    worked.update(channel=perturbation_ref(first, "effect"))
    done(worked.perturb(["GENE0005"], params={"controls": 0}))
    names = [name for kind, name in results_of(worked) if kind == "perturbation"]
    assert names == [first.id, worked.latest("perturbation").id], "what is shown, then the latest"
    worked.update(channel=None)
    assert dict(results_of(worked)) == {**kept, "perturbation": worked.latest("perturbation").id}
    worked.open_dataset(toy_dataset(n_cells=90))
    assert results_of(worked) == ()


def spoil_json(place: Path) -> None:
    words = json.loads((place / WORDS).read_text())
    words["result"]["fields"]["start_name" if "start_name" in words["result"]["fields"] else "n_cells"] = 7
    (place / WORDS).write_text(json.dumps(words))


def spoil_values(place: Path) -> None:
    arrays = load_file(place / VALUES)
    save_file({name: array[:0] for name, array in arrays.items()}, place / VALUES)


def ask_for_code(place: Path) -> None:
    words = json.loads((place / WORDS).read_text())
    words["result"]["class"] = "Popen"
    (place / WORDS).write_text(json.dumps(words))


def from_tomorrow(place: Path) -> None:
    words = json.loads((place / WORDS).read_text()) | {"format_version": 99}
    (place / WORDS).write_text(json.dumps(words))


DAMAGE = {
    "half a file": lambda place: (place / WORDS).write_text((place / WORDS).read_text()[:300]),
    "no words": lambda place: (place / WORDS).write_text("[]"),
    "another number": spoil_json,
    "no values": lambda place: (place / VALUES).unlink(),
    "short values": spoil_values,
    "a class of its own": ask_for_code,
    "a newer version": from_tomorrow,
    "nothing": shutil.rmtree,
}


@pytest.fixture(scope="module")
def traversal(bundles: dict[str, Bundle]) -> Any:
    from glasscell.explain.traversal import TraverseRequest, traverse

    return traverse(toy_dataset(), bundles["additive_vae"], TraverseRequest(sample=4, nearest=2))


@pytest.mark.parametrize("how", DAMAGE)
def test_damage_is_one_sentence(how: str, traversal: Any, tmp_path: Path) -> None:
    place = place_of(tmp_path, "traversal", traversal.id)
    write_kept(traversal, "traversal", place)
    DAMAGE[how](place)
    with pytest.raises(DataError) as caught:
        read_kept("traversal", place)
    said = str(caught.value)
    assert said.startswith("It")
    assert said.endswith(".")
    assert "\n" not in said
    assert len(said) < 200


def test_a_damaged_result_leaves_the_rest_of_the_session(
    worked: Session, new_session: Callable[[], Session], tmp_path: Path
) -> None:
    done(worked.save_session(tmp_path / "work"))
    folder = tmp_path / "work.glasscell"
    spoil_values(place_of(folder, "traversal", worked.latest("traversal").id))
    shutil.rmtree(folder / "models" / worked.latest("perturbation").provenance.model)
    again = reopen(new_session(), folder)
    warned = [one.text for one in again.messages if one.level == "warning"]
    assert len(warned) == 4
    assert again.latest("traversal") is None
    assert again.latest("perturbation") is None
    assert_same(worked.latest("contrast"), again.latest("contrast"))
    assert_same(worked.latest("attention"), again.latest("attention"))


def test_a_result_of_other_data_is_left_out(
    worked: Session, new_session: Callable[[], Session], tmp_path: Path
) -> None:
    done(worked.save_session(tmp_path / "work"))
    folder, found = tmp_path / "work.glasscell", worked.latest("contrast")
    other = type(found)(
        **{one.name: getattr(found, one.name) for one in fields(found)} | {"data": "elsewhere"}
    )
    save_result(other, place_of(folder, "contrast", found.id))
    again = reopen(new_session(), folder)
    assert again.latest("contrast") is None
    assert f"{found.id} was left out: it was made of other data." in [one.text for one in again.messages]


def test_a_path_for_a_result_is_refused(worked: Session, tmp_path: Path) -> None:
    done(worked.save_session(tmp_path / "work"))
    words = json.loads((tmp_path / "work.glasscell" / SESSION).read_bytes())
    for wrong in ({"kind": "../..", "id": "x"}, {"kind": "traversal", "id": "../../x"}, 3):
        with pytest.raises(DataError, match="is damaged"):
            read_record(json.dumps(words | {"results": [wrong]}).encode())
    del words["results"]
    assert read_record(json.dumps(words).encode()).results == (), "older sessions have none"


def test_only_known_classes_stand_in_the_table() -> None:
    from importlib import import_module

    assert {name for names in KINDS.values() for name in names} <= set(PARTS)
    assert all(is_dataclass(getattr(import_module(module), name)) for name, module in PARTS.items())


def test_they_come_back_after_a_crash_and_old_ones_are_let_go(
    worked: Session, new_session: Callable[[], Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(worked, tmp_path)

    def settle(session: Session) -> None:
        for _ in range(3):
            session.jobs.wait_idle(60)
            session.jobs.dispatcher.advance(2 * journaling.DELAY_MS)

    settle(worked)
    first = worked.latest("perturbation")
    assert place_of(journal.folder, "perturbation", first.id).is_dir()
    done(worked.perturb(["GENE0005"], params={"controls": 0}))
    settle(worked)
    assert not place_of(journal.folder, "perturbation", first.id).exists()
    monkeypatch.setattr(journaling, "MOST_BYTES", 0)
    done(worked.contrast("label=K1", "label=K3", independent=True))
    settle(worked)
    before = {**made_in(worked), "contrast": None}
    shutil.copytree(journal.folder, tmp_path / "crashed")
    monkeypatch.undo()
    again = new_session()
    (lost,) = [one for one in find_lost(tmp_path) if one.folder.name == "crashed"]
    done(restore_lost(again, lost))
    assert_same(before, made_in(again))
    journal.close()


def test_what_a_model_said_can_be_put_aside(worked: Session) -> None:
    before = made_in(worked)["applied"]
    worked.update(channel=None)
    worked.store.limit_bytes = 0
    worked.store.shrink()
    assert not list(worked.store.values("applied"))
    assert_same(before, made_in(worked)["applied"])
    assert isinstance(worked.dataset, Dataset)
