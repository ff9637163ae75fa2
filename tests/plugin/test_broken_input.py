"""Broken input through the window: one sentence, nothing lost."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import grid_adata, settled, spin, wait

pytestmark = pytest.mark.gui


@pytest.fixture
def shown(window: Callable[..., Any], grid_file: Path) -> Any:
    made = window(grid_file)
    settled(made.desk)
    return made


def told(window: Any) -> str:
    """The last sentence of the job strip."""
    spin(0.05)
    return str(window.docks["Jobs"].view.message.whole_text())


def open_through_window(window: Any, path: Path) -> str:
    window.docks["Data"].view.open_requested.emit(path)
    settled(window.desk)
    return told(window)


@pytest.mark.parametrize("kind", ["missing", "empty", "text"])
def test_a_file_that_cannot_be_read_keeps_what_is_open(shown: Any, tmp_path: Path, kind: str) -> None:
    before = shown.desk.session.state
    path = tmp_path / f"{kind}.h5ad"
    if kind != "missing":
        path.write_bytes(b"" if kind == "empty" else b"not a table of cells")
    sentence = open_through_window(shown, path)
    assert path.name in sentence
    assert "\n" not in sentence
    assert shown.desk.session.state == before
    assert shown.desk.session.dataset.n_cells == 400


def write(tmp_path: Path, change: Callable[[Any], Any]) -> Path:
    adata = grid_adata()
    changed = change(adata)
    path = tmp_path / "odd.h5ad"
    (adata if changed is None else changed).write_h5ad(path)
    return path


def duplicate_genes(adata: Any) -> None:
    adata.var_names = ["GENE1", *adata.var_names[1:]]


def no_coordinates(adata: Any) -> None:
    del adata.obsm["spatial"]


def empty_cells(adata: Any) -> None:
    counts = adata.X.toarray()
    counts[:7] = 0
    adata.X = counts


def string_ids(adata: Any) -> None:
    adata.obs_names = [f"aaa-{i}<b>" for i in range(adata.n_obs)]


@pytest.mark.parametrize("change", [duplicate_genes, no_coordinates, empty_cells, string_ids])
def test_odd_files_open_and_say_so(shown: Any, tmp_path: Path, change: Callable[[Any], Any]) -> None:
    open_through_window(shown, write(tmp_path, change))
    session = shown.desk.session
    assert session.dataset.path.name == "odd.h5ad"
    if change is no_coordinates:
        assert session.dataset.positions_cd is None
        assert not shown.viewer.layers
        assert "no positions" in shown.desk.tissue.overlay.caption
    assert session.dataset.n_cells == 400
    said = [message.text for message in session.messages]
    assert any(text.startswith("400 cells") for text in said), said
    if change is empty_cells:
        assert any("7 of 400 cells hold no counts" in text for text in said), said
    if change is string_ids:
        assert list(session.dataset.cell_names[:2]) == ["aaa-0<b>", "aaa-1<b>"]
        assert "400 cells" in told(shown)
    if change is duplicate_genes:
        assert any("GENE1" in message.text for message in session.messages)


def test_nan_is_told_before_training(shown: Any, tmp_path: Path) -> None:
    def nan(adata: Any) -> None:
        adata.X = adata.X.toarray()
        adata.X[3, 5] = np.nan

    open_through_window(shown, write(tmp_path, nan))
    view = shown.docks["Model"].view
    view.form.set_values({"max_epochs": 1})
    view.train.click()
    settled(shown.desk)
    assert shown.desk.session.bundle is None
    assert any("NaN" in message.text for message in shown.desk.session.messages)


def test_one_class_cannot_be_learned(shown: Any, tmp_path: Path) -> None:
    def one_class(adata: Any) -> None:
        adata.obs["half"] = "all"

    open_through_window(shown, write(tmp_path, one_class))
    view = shown.docks["Model"].view
    assert not view.train.isEnabled()
    assert view.reason.whole_text()
    with pytest.raises(Exception, match=r"class"):
        shown.desk.session.fit("half").value(60)


def test_an_unknown_gene_changes_nothing(shown: Any) -> None:
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    before = shown.desk.session.state
    search = shown.docks["Colour by"].view.search
    search.setFocus()
    QTest.keyClicks(search, "NOSUCHGENE9")
    spin(0.2)
    QTest.keyClick(search, Qt.Key.Key_Return)
    spin(0.1)
    assert shown.desk.session.state == before


def test_a_full_disk_is_told_and_nothing_is_lost(
    shown: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glasscell.data import write

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "out.h5ad"))

    monkeypatch.setattr(write, "write_h5ad", full)
    shown.docks["Data"].view.save_requested.emit(tmp_path / "out.h5ad")
    settled(shown.desk)
    wait(lambda: "disk is full" in told(shown), 10)
    assert not (tmp_path / "out.h5ad").exists()
    assert shown.desk.session.dataset.n_cells == 400


@pytest.mark.real_data
def test_masks_without_cells_are_told(window: Callable[..., Any], real_data: Callable[[str], Path]) -> None:
    made = window(real_data("mibitof_crc.sdata.zarr"))
    settled(made.desk)
    assert any("have no cell" in message.text for message in made.desk.session.messages)
    x, y = made.desk.session.dataset.positions_cd[0]
    assert made.desk.tissue.cells.pick(x, y) is not None
