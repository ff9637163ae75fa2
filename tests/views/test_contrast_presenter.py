"""The contrast presenter with a fake view: sides, comparing, clicking, gene sets, refusals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Cells
from glasscell.session import Session
from glasscell.session.contrasting import ContrastWish
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import tiny_adata
from glasscell.views.contrast_picture import volcano
from glasscell.views.contrast_presenter import ContrastPresenter
from glasscell.views.contrast_view import ContrastView, wish_of


@pytest.fixture
def shown() -> Iterator[tuple[Session, Any]]:
    session, view = Session(), fake(ContrastView)()
    presenter = ContrastPresenter(session, view)
    assert view.shown["enabled"] == (False, "Open data first.")
    adata = tiny_adata(n_cells=160, n_genes=30, seed=2)
    adata.obs = adata.obs[["label"]].copy()
    adata.obs["leiden"] = adata.obs["label"]
    session.open_dataset(Dataset(adata))
    assert session.jobs.wait_idle(60)
    yield session, view
    presenter.close()
    assert session.close()


def keys(view: Any) -> list[str]:
    return [key for key, _ in view.shown["sides"]]


def compare(session: Session, view: Any, a: str, b: str, independent: bool = False) -> None:
    view.contrast_requested.emit(wish_of(a, b, "", independent))
    assert session.jobs.wait_idle(120)


def test_sides_follow_selection_and_groups(shown: tuple[Session, Any]) -> None:
    session, view = shown
    assert view.shown["enabled"] == (True, "")
    assert "selection" not in keys(view)
    session.update(selection=Cells(np.arange(40, dtype=np.int32)))
    assert keys(view)[0] == "selection"
    session.grouping.add("corner")
    assert "group:corner" in keys(view)
    compare(session, view, "group:corner", "rest")
    assert view.shown["result"][0].a_name == "group corner"
    assert session.latest("contrast") is not None
    assert (session.latest("contrast").n_a, session.latest("contrast").n_b) == (40, 120)


def test_compare_order_click_and_table(shown: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = shown
    compare(session, view, "obs:label=K1", "obs:label=K2")
    picture, _ = view.shown["result"]
    assert picture.p_text == ""
    assert picture.volcano.y_name == "-log10 p"
    assert view.shown["busy"] is False
    first = picture.rows[0]
    assert first.change > 0
    view.order_chosen.emit("expression", "b")
    assert view.shown["result"][0].rows[0].change < 0
    view.gene_clicked.emit(first.gene, "expression")
    assert session.state.colouring.channel == ChannelRef("gene", first.gene)
    session.save_table("contrast", tmp_path / "c.csv")
    assert session.jobs.wait_idle(30)
    assert (tmp_path / "c.csv").read_text().count("\n") == 31


def test_clusters_have_no_p_until_somebody_vouches(shown: tuple[Session, Any]) -> None:
    session, view = shown
    compare(session, view, "obs:leiden=K1", "rest")
    picture, message = view.shown["result"]
    assert picture.p_text == "same counts"
    assert "same counts" in message
    assert any("made from these counts" in note for note in picture.notes)
    assert "p" not in picture.volcano.y_name.split()
    compare(session, view, "obs:leiden=K1", "rest", independent=True)
    assert view.shown["result"][0].p_text == ""


def test_gene_sets(shown: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = shown
    path = tmp_path / "sets.gmt"
    genes = [str(name) for name in session.dataset.genes.names] if session.dataset else []
    path.write_text("one\t-\t" + "\t".join(genes[:10]) + "\nother\t-\t" + "\t".join(genes[10:20]) + "\n")
    view.gene_sets_requested.emit(path)
    compare(session, view, "obs:label=K1", "obs:label=K2")
    rows, message = view.shown["gene_sets"]
    assert rows
    assert "label: K1" in message
    view.gene_sets_requested.emit(tmp_path / "absent.gmt")
    assert session.jobs.wait_idle(30)
    assert "no file" in session.messages[-1].text


def test_what_cannot_be_is_said_and_changes_nothing(shown: tuple[Session, Any]) -> None:
    session, view = shown
    compare(session, view, "obs:label=K1", "obs:label=K1")
    assert "share" in session.messages[-1].text
    compare(session, view, "", "")
    assert "Choose cells" in session.messages[-1].text
    compare(session, view, "selection", "rest")
    assert session.latest("contrast") is None
    assert ContrastWish("rest").b == "rest"


def test_a_p_of_zero_is_marked_as_clipped(shown: tuple[Session, Any]) -> None:
    session, view = shown
    compare(session, view, "obs:label=K1", "obs:label=K2")
    found = session.latest("contrast")
    assert found is not None
    assert found.tested.p_g is not None
    found.tested.p_g[3] = 0.0
    drawn = volcano(found)
    assert drawn.clipped == (3,)
    assert drawn.y_g[3] == 300


def test_another_dataset_clears_it(shown: tuple[Session, Any]) -> None:
    session, view = shown
    compare(session, view, "obs:label=K1", "rest")
    session.open_dataset(Dataset(tiny_adata(n_cells=60, n_genes=20, seed=5)))
    assert view.shown["result"] == (None, "Nothing is compared yet.")
