"""The first screen of a notebook: type a path, read what it is, prepare, save."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glasscell.session import Session
from glasscell.testing.planted import planted_adata
from glasscell.views.form import fields
from glasscell.views.prepare_presenter import PreparePresenter
from glasscell.views.typed_path import typed_path, typed_paths

pytest.importorskip("ipywidgets")
from glasscell.data.prepare import PrepareParams
from glasscell.jupyter.prepare import JupyterPrepareView

MARKUP = "<img src=x onerror=alert(1)>"
INTENTS = ("run_requested", "open_requested", "choice_requested", "save_requested")


def told(view: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for name in INTENTS:
        signal = getattr(view, name)
        signal.connect(lambda *values, name=name: found.append((name, *values)), check_nargs=False)
    return found


def test_paths_are_read_as_typed() -> None:
    assert typed_path("  ") is None
    assert typed_path('"/x/a b.h5ad"') == Path("/x/a b.h5ad")
    assert typed_path("~/a") == Path.home() / "a"
    assert typed_path("/x/c", ".h5ad") == Path("/x/c.h5ad")
    assert typed_path("/x/c.zarr", ".h5ad") == Path("/x/c.zarr")
    assert typed_paths("/x/a; /x/b;") == [Path("/x/a"), Path("/x/b")]
    assert typed_paths("/x/a") == Path("/x/a")
    assert typed_paths(";") is None


def test_showing_asks_for_nothing_and_pressing_does() -> None:
    view = JupyterPrepareView()
    heard = told(view)
    view.set_form(fields(PrepareParams))
    view.set_report(MARKUP)
    view.set_choices(("X", "layers/raw"), ("symbols",), ("layers/raw", "symbols"))
    view.run.click()
    view.open.click()
    view.save.click()
    assert heard == []
    assert view.report.text == MARKUP
    assert "<img" not in view.report.value
    assert view.counts.key == "layers/raw"
    assert view.counts.label == "layer raw"
    assert not view.counts.disabled
    assert view.genes.disabled, "one alone cannot be changed"
    view.set_enabled(True, "")
    view.run.click()
    assert heard.pop() == ("run_requested", PrepareParams().model_dump())
    view.path.value = "/x/a.h5ad"
    view.path._handle_custom_msg({"event": "submit"}, [])
    assert heard.pop() == ("open_requested", Path("/x/a.h5ad"))
    view.save_path.value = "/x/c"
    view.save.click()
    assert heard.pop() == ("save_requested", Path("/x/c.h5ad"))
    view.counts.value = "X"
    assert heard == [("choice_requested", "counts", "X")]
    view.set_choices((), (), ("", ""))
    assert view.choices.layout.display == "none"
    assert len(heard) == 1


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session()
    yield made
    assert made.close()


def test_a_file_is_opened_prepared_and_saved(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "cells.h5ad"
    planted_adata(n_cells=150, n_genes=40).write_h5ad(path)
    view = JupyterPrepareView()
    presenter = PreparePresenter(session, view)
    assert view.run.disabled
    view.path.value = str(path)
    view.open.click()
    assert session.jobs.wait_idle(60)
    assert "150" in view.report.text
    assert not view.run.disabled
    view.form.set_values({"n_components": 10})
    view.run.click()
    assert view.run.disabled
    assert "Preparing" in view.reason.text
    assert session.jobs.wait_idle(120)
    assert not view.run.disabled
    assert "X_umap" in session.facts.embeddings
    view.save_path.value = str(tmp_path / "new")
    view.save.click()
    assert session.jobs.wait_idle(60)
    assert (tmp_path / "new.h5ad").exists()
    presenter.close()
