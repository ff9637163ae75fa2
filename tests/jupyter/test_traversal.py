"""The traversal panel of a notebook: sweep, drag, let go, choose a gene, play, gates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.jobs.dispatcher import InlineDispatcher
from glasscell.jupyter.search_line import N_LISTED
from glasscell.jupyter.traversal import JupyterTraversalView
from glasscell.jupyter.traversal_slider import FactorSliders
from glasscell.jupyter.worth import JupyterWorthView
from glasscell.session import Session
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_latent import ToyLatent, latent_bundle
from glasscell.views.gene_table import GeneTable
from glasscell.views.theme import LIGHT
from glasscell.views.traversal_presenter import TraversalPresenter
from glasscell.views.traversal_view import GatePicture

N_GENES = 24
MARKUP = "<i>IFN</i>"
INTENTS = (
    "sweep_requested",
    "cancel_requested",
    "slider_moved",
    "play_toggled",
    "light_toggled",
    "gene_chosen",
    "factor_painted",
    "gene_sets_requested",
    "stability_requested",
)


def told(view: Any) -> list[tuple[Any, ...]]:
    heard: list[tuple[Any, ...]] = []
    for name in INTENTS:
        getattr(view, name).connect(lambda *values, name=name: heard.append((name, *values)))
    return heard


def drag(sliders: FactorSliders, factor: int, step: int, moving: bool) -> None:
    content = {"type": "moved", "factor": factor, "step": step, "moving": moving}
    sliders._on_message(sliders, content, [])


def shown(widget: Any) -> bool:
    return widget.layout.display != "none"


def give_model(session: Session, names: tuple[str, ...] = (), n_latent: int = 3) -> None:
    dataset = session.dataset
    assert dataset is not None
    weights_zg = np.random.default_rng(0).normal(size=(n_latent, N_GENES), scale=0.3)
    weights_zg[0, :6] += 3.0
    net = ToyLatent(weights_zg, [str(name) for name in dataset.genes.names], latent_names=names)
    session.update(model=session.hold("bundle", replace(latent_bundle(dataset, net), family="vae")))


@pytest.fixture
def parts() -> Iterator[tuple[Session, JupyterTraversalView]]:
    session, view = Session(InlineDispatcher()), JupyterTraversalView()
    presenter = TraversalPresenter(session, view)
    yield session, view
    presenter.close()
    assert session.close()


@pytest.fixture
def swept(parts: tuple[Session, Any]) -> tuple[Session, Any]:
    session, view = parts
    session.open_dataset(planted_dataset(n_cells=90, n_genes=N_GENES))
    give_model(session)
    view.asking.ask.click()
    assert session.jobs.wait_idle(60)
    return parts


def test_it_says_why_it_cannot(parts: tuple[Session, Any]) -> None:
    session, view = parts
    assert view.asking.ask.disabled
    assert view.reason.text == "Open data first."
    session.open_dataset(planted_dataset(n_cells=60, n_genes=N_GENES))
    assert "Train or load a model" in view.reason.text
    give_model(session)
    assert not view.asking.ask.disabled
    assert not shown(view._result)


def test_drag_paints_while_moving_and_counts_once_let_go(swept: tuple[Session, Any]) -> None:
    session, view = swept
    found = session.latest("traversal")
    assert shown(view._result)
    assert not shown(view._moving)
    assert not shown(view.find)
    heard = told(view)
    drag(view.factors, 0, 20, True)
    drag(view.factors, 0, 22, False)
    assert session.jobs.wait_idle(60)
    assert heard == [("slider_moved", 0, 20, True), ("slider_moved", 0, 22, False)]
    assert view.factors._steps[0] == 22
    assert view.factors._active == 0
    channel = session.state.colouring.channel
    assert channel is not None
    assert channel.kind == "traversal"
    assert view.readout.kind == "plain"
    ups = [row[0] for row in view.up.rows]
    assert ups
    assert set(ups) <= set(found.genes)
    assert view.near.text.startswith("Nearest 20 real cells")
    assert view.what.text == "What is factor 0?"
    limits = {row[1].high for row in view.up.rows}
    drag(view.factors, 0, 14, False)
    assert {row[1].high for row in view.up.rows} == limits, "bars keep their scale"
    assert {row[1].low for row in view.down.rows} == {-next(iter(limits))}


def test_beyond_the_observed_range_is_said_and_greyed(swept: tuple[Session, Any]) -> None:
    session, view = swept
    drag(view.factors, 1, 28, False)
    assert session.jobs.wait_idle(60)
    assert view.readout.kind == "warning"
    assert {row[1].colour for row in (*view.up.rows, *view.down.rows)} == {LIGHT.unknown}
    row = view.factors._rows[1]
    assert row["observed"] == [False] * 4 + [True] * 21 + [False] * 4
    assert row["places"][0] == 0
    assert row["places"][-1] == 1
    assert row["low"] == pytest.approx(row["places"][4], abs=1e-3)
    drag(view.factors, 1, 12, False)
    assert {row[1].colour for row in view.up.rows} <= {""}


def test_odd_messages_do_no_harm(swept: tuple[Session, Any]) -> None:
    _, view = swept
    heard = told(view)
    drag(view.factors, 77, 3, True)
    drag(view.factors, 2, 10_000, True)
    view.factors._on_message(view.factors, {"type": "else"}, [])
    assert heard == [("slider_moved", 2, 28, True)]


def test_the_gene_shown_follows_or_stays(swept: tuple[Session, Any]) -> None:
    session, view = swept
    found = session.latest("traversal")
    drag(view.factors, 0, 22, False)
    assert session.jobs.wait_idle(60)
    line = view.gene.text
    assert line.value == ""
    assert line.placeholder.endswith("(strongest)")
    name = view.up.rows[1][0]
    view.up._on_message(view.up, {"type": "clicked", "row": 1, "column": 0}, [])
    assert session.jobs.wait_idle(60)
    assert line.value == name
    assert view.up._body["strong"] == [1]
    line.value = found.genes[20]
    assert 0 < len(view.gene.hits.rows) <= N_LISTED < len(view.gene.names), "the page gets few names of many"
    line._handle_custom_msg({"event": "submit"}, [])
    assert session.jobs.wait_idle(60)
    assert session.state.colouring.channel.key == found.genes[20]
    line.value = ""
    assert line.placeholder.endswith("(strongest)")
    line.value = "<b>NOPE</b>"
    line._handle_custom_msg({"event": "submit"}, [])
    assert "<b>NOPE</b>" in session.messages[-1].text


def test_play_light_and_painting_a_factor(swept: tuple[Session, Any]) -> None:
    session, view = swept
    drag(view.factors, 0, 20, False)
    assert session.jobs.wait_idle(60)
    assert session.lit_cells is not None
    view.light.value = False
    assert session.lit_cells is None
    view.play.click()
    assert view.play.description == "Stop"
    view.play.click()
    assert view.play.description == "Play"
    assert session.jobs.wait_idle(60)
    view.factors._on_message(view.factors, {"type": "named", "factor": 2}, [])
    assert session.state.colouring.channel.kind == "latent"


def test_gene_sets_from_a_path(swept: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = swept
    found = session.latest("traversal")
    (tmp_path / "sets.gmt").write_text("first\tx\t" + "\t".join(found.genes[:6]) + "\n")
    drag(view.factors, 0, 22, False)
    view.open_sets.press.click()
    view.open_sets.text.value = str(tmp_path / "sets.gmt")
    view.open_sets.press.click()
    assert session.jobs.wait_idle(60)
    assert shown(view.changes)
    assert view.changes.rows[0][0] == "first"
    assert view.sets.rows[0][0] == "first"
    assert "order, not as a certainty" in view.sets_message.text


def test_many_pathways_are_found_by_name(parts: tuple[Session, Any]) -> None:
    session, view = parts
    session.open_dataset(planted_dataset(n_cells=90, n_genes=N_GENES))
    give_model(session, names=(MARKUP, "TNF", "A very long pathway", "D", "E", "F", "G"), n_latent=7)
    view.asking.ask.click()
    assert session.jobs.wait_idle(60)
    assert shown(view.find)
    assert view.find.placeholder == "find a pathway"
    rows = {row["title"]: row for row in view.factors._rows}
    assert rows["A very long pathway"]["wide"]
    assert not rows[MARKUP]["wide"]
    view.find.value = "ifn"
    assert len(view.factors._hidden) == 6
    assert rows[MARKUP]["factor"] not in view.factors._hidden
    give_model(session, n_latent=2)
    assert not shown(view._result)
    assert view.find.value == ""


def test_setters_are_silent_and_gates_are_shown() -> None:
    view = JupyterTraversalView()
    heard = told(view)
    view.set_starts([("all", "all cells"), ("obs:x=" + MARKUP, MARKUP)])
    view.set_enabled(True, "")
    view.set_playing(True)
    view.set_playing(False)
    view.set_gene("A", True)
    view.set_gene("", False)
    view.set_stability(False, "why not")
    view.set_busy(True)
    view.set_busy(False)
    assert view.measure.disabled
    assert view.measure.tooltip == "why not"
    assert not shown(view._gates)
    view.set_gates(GatePicture(("KLF1", MARKUP), ("0", "1"), np.array([[0.1, 0.2], [0.9, 1.0]])))
    assert shown(view._gates)
    assert [row[0] for row in view.gates.sheet.rows] == [MARKUP, "KLF1"], "the most open gates first"
    assert view.gates.sheet.rows[0][2].tip == f"{MARKUP} moves factor 1: 1.00"
    assert len({row[1].back for row in view.gates.sheet.rows}) == 2
    view.set_gates(None)
    assert not shown(view._gates)
    assert heard == []
    view.measure.disabled = False
    view.measure.click()
    view.asking.ask.click()
    assert heard == [("stability_requested",), ("sweep_requested", "all")]


def test_what_gene_sets_are_worth_is_asked_found_and_clicked() -> None:
    heard: list[object] = []
    offered: list[bool] = []
    view = JupyterWorthView(offered.append)
    view.worth_requested.connect(heard.append)
    view.set_clicked.connect(heard.append)
    assert offered == [False]
    assert view.ask.disabled
    view.set_offer(True, True, "")
    rows = (("T CELL <b>", "12", "0.5", "+0.1", "?"), ("B CELL", "9", "0.4", "+0.0", "?"))
    view.set_worth(GeneTable(rows, ("a", "b")), "40 held-out cells")
    assert heard == [], "what is shown says nothing"
    view.ask.click()
    view.path.click()
    assert heard == [False, True]
    view.find.value = "t cell"
    assert [row[0] for row in view.table.rows] == ["T CELL <b>"]
    view.table._on_message(view.table, {"type": "clicked", "row": 0, "column": 0}, [])
    assert heard[-1] == "T CELL <b>"
    view.set_worth(None, "not measured yet")
    assert not shown(view.table)
    assert view.message.text == "not measured yet"


def test_the_table_of_a_sweep_is_asked_for_as_csv(parts: tuple[Session, JupyterTraversalView]) -> None:
    _, view = parts
    asked: list[object] = []
    view.table_requested.connect(asked.append)
    view.save.text.value = "moved"
    view.save.press.click()
    assert [str(path) for path in asked] == ["moved.csv"]
