"""Vendor folders, several files and the pickers, through the window."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QFileDialog

from glasscell.plugin.desk import desk_for
from glasscell.plugin.docks import PrepareDock
from glasscell.plugin.reader import get_reader

pytestmark = pytest.mark.gui


def opened(dock: PrepareDock, qtbot: Any, n_cells: int) -> Any:
    session = dock.desk.session
    qtbot.waitUntil(
        lambda: session.dataset is not None and session.dataset.n_cells == n_cells, timeout=30_000
    )
    return session.dataset


def test_several_files_are_chosen_and_counts_picked_with_one_click(
    viewer: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import anndata
    import numpy as np
    import pandas as pd
    import scipy.sparse as sp

    paths = []
    for name in ("one", "two"):
        counts = sp.csr_matrix(np.random.default_rng(0).poisson(2.0, (20, 5)) + 1).astype(np.float32)
        var = pd.DataFrame(
            {"gene_ids": [f"ENSG{i:011d}" for i in range(5)]}, index=[f"G{i}" for i in range(5)]
        )
        adata = anndata.AnnData(counts, var=var, layers={"spliced": counts * 2})
        adata.write_h5ad(tmp_path / f"{name}.h5ad")
        paths.append(str(tmp_path / f"{name}.h5ad"))
    assert get_reader(paths) is not None
    dock = PrepareDock(viewer)
    viewer.window.add_dock_widget(dock, name="Data")
    view: Any = dock.view
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (paths, ""))
    view.open_file.click()
    joined = opened(dock, qtbot, 40)
    assert joined.obs["section"].nunique() == 2
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (paths[:1], ""))
    view.open_file.click()
    opened(dock, qtbot, 20)
    qtbot.waitUntil(lambda: view.counts.count() == 2, timeout=10_000)
    session = dock.desk.session
    view.counts.setCurrentIndex(1)
    view.counts.activated.emit(1)
    qtbot.waitUntil(lambda: session.dataset.counts == "layers/spliced", timeout=10_000)
    view.genes.setCurrentIndex(1)
    view.genes.activated.emit(1)
    qtbot.waitUntil(lambda: session.dataset.genes.names[0].startswith("ENSG"), timeout=10_000)
    assert session.dataset.counts == "layers/spliced"


@pytest.mark.filterwarnings("ignore")
def test_a_vendor_folder_is_chosen_as_a_folder(
    viewer: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendors: Callable[..., Any]
) -> None:
    pytest.importorskip("spatialdata_io")
    folder = vendors("visium")(tmp_path / "run1")
    assert get_reader(str(folder)) is not None
    assert get_reader(str(tmp_path)) is None
    dock = PrepareDock(viewer)
    viewer.window.add_dock_widget(dock, name="Data")
    view: Any = dock.view
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    view.open_folder.click()
    assert opened(dock, qtbot, 12).platform == "Visium"
    assert desk_for(viewer).session.dataset.report().startswith("12 Visium spots")


@pytest.fixture
def vendors() -> Callable[[str], Any]:
    """Find a writer of a vendor's folder by name."""
    import importlib.util

    place = Path(__file__).parents[1] / "data" / "vendor_folder.py"
    spec = importlib.util.spec_from_file_location("vendor_folder", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda name: getattr(module, name)
