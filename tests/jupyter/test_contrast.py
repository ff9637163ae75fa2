"""The contrast panel of a notebook: sides, comparing, order, clicking, gene sets, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Cells
from glasscell.jupyter.contrast import JupyterContrastView
from glasscell.session import Session
from glasscell.testing.planted import tiny_adata
from glasscell.views.contrast_picture import contrast_picture
from glasscell.views.contrast_presenter import ContrastPresenter
from glasscell.views.contrast_table import ONLY_B

MARKUP = "<img src=x onerror=alert(1)>"
INTENTS = ("contrast_requested", "cancel_requested", "order_chosen", "gene_clicked", "gene_sets_requested")


def told(view: Any) -> list[tuple[Any, ...]]:
    heard: list[tuple[Any, ...]] = []
    for name in INTENTS:
        getattr(view, name).connect(lambda *values, name=name: heard.append((name, *values)))
    return heard


def shown(widget: Any) -> bool:
    return bool(widget.layout.display != "none")


@pytest.fixture
def parts() -> Iterator[tuple[Session, JupyterContrastView]]:
    session, view = Session(), JupyterContrastView()
    presenter = ContrastPresenter(session, view)
    assert view.asking.ask.disabled
    assert view.reason.text == "Open data first."
    adata = tiny_adata(n_cells=160, n_genes=30, seed=2)
    adata.obs = adata.obs[["label"]].copy()
    adata.obs["leiden"] = adata.obs["label"]
    session.open_dataset(Dataset(adata))
    assert session.jobs.wait_idle(60)
    yield session, view
    presenter.close()
    assert session.close()


def compare(session: Session, view: Any, a: str, b: str) -> None:
    view.a.value, view.b.value = a, b
    view.asking.ask.click()
    assert session.jobs.wait_idle(120)


def test_compare_order_and_click(parts: tuple[Session, Any]) -> None:
    session, view = parts
    assert "rest" not in [key for _, key in view.a.options]
    assert not shown(view._result)
    compare(session, view, "obs:label=K1", "obs:label=K2")
    assert shown(view._result)
    drawn, page = view.volcano._dots, view.volcano._picture
    assert len(drawn) == 9 * 30, "a place and a kind for each gene"
    assert page["key"] == ["more in label: K1", "more in label: K2"]
    assert len(page["names"]) < 30, "only few names are sent"
    assert [column.head for column in view.genes.columns] == ["gene", "change", "q"], "no model, no reasons"
    first = view.genes.rows[0]
    assert float(first[1]) > 0
    assert [words for words, _ in view.side.options] == ["label: K1", "label: K2"]
    view.side.value = "b"
    assert float(view.genes.rows[0][1]) < 0
    assert view.volcano._dots is drawn, "the dots stay"
    view.genes._on_message(view.genes, {"type": "clicked", "row": 0, "column": 1}, [])
    assert session.state.colouring.channel == ChannelRef("gene", view.genes.rows[0][0])
    compare(session, view, "obs:label=K1", "rest")
    assert view.side.key == "a", "another contrast begins with the genes of A"
    assert float(view.genes.rows[0][1]) > 0
    assert view.volcano._dots != drawn


def test_a_dot_is_hovered_and_clicked_as_its_gene(parts: tuple[Session, Any]) -> None:
    session, view = parts
    compare(session, view, "obs:label=K1", "obs:label=K2")
    found, volcano = session.latest("contrast"), view.volcano
    number = volcano._picture["number"]
    dots = np.frombuffer(volcano._dots, np.uint8)
    x_g, kind_g = np.frombuffer(dots[:120].tobytes(), "<f4"), dots[240:]
    first = int(found.order_of("expression", "a")[0])
    assert x_g[first] > 0.5, "more in A lies to the right"
    assert kind_g[first] == 1
    volcano._on_message(volcano, {"type": "hovered", "dot": first, "number": number}, [])
    assert volcano._said == {"dot": first, "name": found.genes[first]}
    volcano._on_message(volcano, {"type": "clicked", "dot": first, "number": number}, [])
    assert session.state.colouring.channel == ChannelRef("gene", found.genes[first])
    compare(session, view, "obs:label=K2", "rest")
    volcano._on_message(volcano, {"type": "clicked", "dot": first + 1, "number": number}, [])
    assert session.state.colouring.channel == ChannelRef("gene", found.genes[first]), "a dot of before"
    assert volcano._said == {}


def test_sides_follow_the_selection_and_never_agree(parts: tuple[Session, Any]) -> None:
    session, view = parts
    heard = told(view)
    session.update(selection=Cells(np.arange(40, dtype=np.int32)))
    keys = [key for _, key in view.a.options]
    assert keys[0] == "selection"
    session.grouping.add(MARKUP)
    assert f"group:{MARKUP}" in [key for _, key in view.a.options]
    assert view.a.key != view.b.key
    assert heard == []


def test_swap(parts: tuple[Session, Any]) -> None:
    _, view = parts
    view.a.value, view.b.value = "obs:label=K1", "obs:label=K2"
    view.swap.click()
    assert (view.a.key, view.b.key) == ("obs:label=K2", "obs:label=K1")
    view.b.value = "rest"
    view.swap.click()
    assert (view.a.key, view.b.key) == ("obs:label=K2", "rest")
    assert view.message.text == ONLY_B


def test_clusters_have_no_p_until_somebody_vouches(parts: tuple[Session, Any]) -> None:
    session, view = parts
    compare(session, view, "obs:leiden=K1", "rest")
    assert {row[2] for row in view.genes.rows} == {"same counts"}
    assert "made from these counts" in view.notes.text
    view.independent.value = True
    compare(session, view, "obs:leiden=K1", "rest")
    assert "same counts" not in {row[2] for row in view.genes.rows}


def test_gene_sets_from_a_path(parts: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = parts
    genes = [str(name) for name in session.dataset.genes.names]
    (tmp_path / "sets.gmt").write_text("one\t-\t" + "\t".join(genes[:10]) + "\n")
    compare(session, view, "obs:label=K1", "obs:label=K2")
    assert not shown(view.sets)
    view.open_sets.text.value = str(tmp_path / "sets.gmt")
    view.open_sets.text._handle_custom_msg({"event": "submit"}, [])
    assert session.jobs.wait_idle(30)
    assert shown(view.sets)
    assert view.sets.rows[0][0] == "one"
    assert "label: K1" in view.sets_message.text


def test_a_model_adds_its_columns_and_names_stay_text(parts: tuple[Session, Any]) -> None:
    session, view = parts
    compare(session, view, "obs:label=K1", "obs:label=K2")
    found = session.latest("contrast")
    picture = contrast_picture(found)
    heard = told(view)
    view.set_result(replace(picture, has_model=True, agreement=MARKUP, a_name=MARKUP, by="attribution"), "x")
    assert [column.head for column in view.genes.columns][3:] == ["reason", "rank", "twin", "folds"]
    assert {len(row) for row in view.genes.rows} == {7}
    assert view.by.key == "attribution"
    assert "<img" not in view.agreement.value
    view.set_result(replace(picture, volcano=replace(picture.volcano, clipped=(3, 4))), "")
    kind_g = np.frombuffer(view.volcano._dots, np.uint8)[8 * len(picture.volcano.genes) :]
    assert list(np.flatnonzero(kind_g & 4)) == [3, 4], "triangles"
    assert "Triangles: 2 genes" in view.notes.text
    view.set_result(replace(picture, has_model=True, a_name=MARKUP), "x")
    assert view.side.options[0] == (MARKUP, "a")
    view.set_donors([("", "as found in the data"), ("x", MARKUP)])
    view.set_busy(True)
    view.set_busy(False)
    view.set_enabled(False, "no")
    assert view.swap.disabled
    view.set_result(None, "Nothing is compared yet.")
    assert heard == []
    view.genes.show([])
    view.set_result(picture, "")
    view.paint.value = "expression"
    assert heard == []
