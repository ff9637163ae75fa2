"""The perturbation panel of a notebook: type genes, ask, read, paint, save."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.selection import Cells
from glasscell.jupyter.perturbation import JupyterPerturbationView
from glasscell.jupyter.search_line import N_LISTED
from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.testing.toy_latent import ToyLatent, latent_bundle
from glasscell.views.perturbation_picture import perturbation_picture
from glasscell.views.perturbation_presenter import CHOOSE, PerturbationPresenter
from glasscell.views.perturbation_view import PerturbationPicture

MARKUP = "<img src=x onerror=alert(1)>"
INTENTS = (
    "perturb_requested",
    "learn_requested",
    "cancel_requested",
    "channel_chosen",
    "gene_sets_requested",
    "table_requested",
)


def told(view: Any) -> list[tuple[Any, ...]]:
    heard: list[tuple[Any, ...]] = []
    for name in INTENTS:
        getattr(view, name).connect(lambda *values, name=name: heard.append((name, *values)))
    return heard


def shown(widget: Any) -> bool:
    return bool(widget.layout.display != "none")


def click(sheet: Any, row: int) -> None:
    sheet._on_message(sheet, {"type": "clicked", "row": row, "column": 0}, [])


def enter(line: Any, text: str) -> None:
    line.text.value = text
    line.text._handle_custom_msg({"event": "submit"}, [])


@pytest.fixture
def parts() -> Iterator[tuple[Session, JupyterPerturbationView]]:
    session, view = Session(), JupyterPerturbationView()
    presenter = PerturbationPresenter(session, view)
    assert view.asking.ask.disabled
    dataset = Dataset(planted_adata(n_cells=90, n_genes=40, n_classes=3, seed=2))
    session.open_dataset(dataset)
    assert view.reason.text == "Train or load a model first."
    assert view.message.text == CHOOSE
    assert view.genes.disabled
    weights_zg = np.random.default_rng(1).normal(size=(3, 40))
    net = ToyLatent(weights_zg, [str(name) for name in dataset.genes.names])
    session.update(model=session.hold("bundle", latent_bundle(dataset, net)))
    assert not view.genes.disabled
    yield session, view
    presenter.close()
    assert session.close()


def test_genes_are_knocked_out_and_painted(parts: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = parts
    enter(view.add, "GENE0001")
    assert view.genes.value == "GENE0001"
    assert view.add.text.value == ""
    view.add.text.value = "gene000"
    assert 1 < len(view.add.hits.rows) <= N_LISTED, "the page gets few names of many"
    click(view.add.hits, [row[0] for row in view.add.hits.rows].index("GENE0002"))
    enter(view.add, "GENE0001")
    assert view.genes.value == "GENE0001, GENE0002", "no gene twice"
    enter(view.add, "no such gene")
    assert view.genes.value == "GENE0001, GENE0002"
    view.asking.ask.click()
    assert session.jobs.wait_idle(60)
    assert shown(view._result)
    assert "expected by the model, not measured" in view.message.text
    assert "random genes of like expression" in view.evidence.text
    channel = session.state.colouring.channel
    assert channel is not None
    assert (channel.kind, channel.key) == ("perturbation", "effect")
    click(view.changes, 0)
    first = view.changes.rows[0][0]
    assert session.state.colouring.channel.key == f"gene:{first}"
    view.paint_effect.click()
    assert session.state.colouring.channel.key == "effect"
    view.save.text.value = str(tmp_path / "made")
    view.save.press.click()
    assert session.jobs.wait_idle(30)
    assert (tmp_path / "made.csv").read_text().splitlines()[1].startswith(first)


def test_enter_asks_for_the_chosen_cells(parts: tuple[Session, Any]) -> None:
    session, view = parts
    session.update(selection=Cells(np.arange(12, dtype=np.int32)))
    assert "selection" in [key for _, key in view.cells.options]
    view.cells.value = "selection"
    view.genes.value = "GENE0001,,GENE0003, GENE0001"
    view.genes._handle_custom_msg({"event": "submit"}, [])
    assert session.jobs.wait_idle(60)
    found = session.latest("perturbation")
    assert len(found.cells) == 12
    assert found.title.count("GENE0001") == found.title.count("GENE0003") == 1


def test_what_cannot_be_is_said(parts: tuple[Session, Any]) -> None:
    session, view = parts
    view.asking.ask.click()
    assert "at least one gene" in session.messages[-1].text
    view.genes.value = MARKUP
    view.asking.ask.click()
    assert session.jobs.wait_idle(60)
    assert MARKUP in session.messages[-1].text
    assert not shown(view._result)


def test_a_set_takes_the_place_of_typed_genes(parts: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = parts
    (tmp_path / "sets.gmt").write_text(f"{MARKUP}\tx\tGENE0001\tGENE0002\tELSE\n")
    view.open_sets.text.value = str(tmp_path / "sets.gmt")
    view.open_sets.press.click()
    assert session.jobs.wait_idle(30)
    assert "1 sets of sets.gmt" in view.sets_message.text
    assert view.sets.options[1] == (f"{MARKUP} (2)", MARKUP)
    heard = told(view)
    view.sets.value = MARKUP
    assert view.genes.disabled
    view.asking.ask.click()
    wish = heard[0][1]
    assert sorted(wish["genes"]) == ["GENE0001", "GENE0002"]
    assert wish["name"] == MARKUP
    assert session.jobs.wait_idle(60)
    view.sets.value = ""
    assert not view.genes.disabled


def test_learned_perturbations_hide_the_genes() -> None:
    view = JupyterPerturbationView()
    heard = told(view)
    assert "learned" not in [key for _, key in view.direction.options]
    view.set_enabled(True, "")
    view.set_actions((MARKUP, "KLF1"))
    view.set_cells([("all", "all cells")])
    view.set_genes(("A", "B", "A"))
    view.set_gene_sets((("ONE", ("A",)),), "one set")
    view.set_busy(True)
    view.set_busy(False)
    assert heard == []
    view.direction.value = "learned"
    assert not shown(view._typed)
    assert shown(view.action)
    view.genes.value = "A"
    view.asking.ask.click()
    assert heard[0][1]["action"] == MARKUP
    assert heard[0][1]["genes"] == ()
    view.set_actions(())
    assert shown(view._typed)


def test_flips_and_notes_are_shown(parts: tuple[Session, Any]) -> None:
    session, view = parts
    view.genes.value = "GENE0001"
    view.asking.ask.click()
    assert session.jobs.wait_idle(60)
    found = session.latest("perturbation")
    base = perturbation_picture(found)
    heard = told(view)
    picture = PerturbationPicture(
        base.title, MARKUP, False, ((MARKUP, "K2", 7, 0.5), (MARKUP, "K3", 2, 0.1)), base.genes,
        "class", base.unit, ("a note",),
    )  # fmt: skip
    view.set_result(picture, "said")
    assert view.evidence.kind == "warning"
    assert "<img" not in view.evidence.value
    assert view.flips.rows == [(MARKUP, "K2", "7", "50%"), (MARKUP, "K3", "2", "10%")]
    assert view.notes.text == "a note"
    assert shown(view.paint_flips)
    assert heard == []
    click(view.flips, 1)
    view.paint_flips.click()
    assert heard == [("channel_chosen", "flip")] * 2


def test_another_perturbation_is_learnt_where_a_model_can(parts: tuple[Session, Any]) -> None:
    _, view = parts
    heard = told(view)
    assert not shown(view.another), "this model has learnt none"
    assert view.learn.disabled
    assert "cannot learn another" in view.why_not_learn.text
    view.set_actions(("P1", "P2"))
    view.set_learning(True, "")
    view.direction.value = "learned"
    assert shown(view.another)
    assert not view.learn.disabled
    view.new_name.value = MARKUP
    view.learn.click()
    view.new_name._handle_custom_msg({"event": "submit"}, [])
    wish = {"name": MARKUP, "cells": "all"}
    assert heard == [("learn_requested", wish), ("learn_requested", wish)]
    view.set_learning(False, "A perturbation is being learnt.")
    assert view.new_name.disabled
    assert view.why_not_learn.text == "A perturbation is being learnt."
