"""Files that napari hands us."""

from pathlib import Path
from typing import Any

import pytest

from .conftest import settled


def test_only_files_of_cells_are_offered(tmp_path: Path) -> None:
    from glasscell.plugin.reader import SAMPLE_URI, get_reader

    image = tmp_path / "image.zarr"
    image.mkdir()
    (image / ".zattrs").write_text('{"multiscales": []}')
    cells = tmp_path / "cells.zarr"
    cells.mkdir()
    (cells / ".zattrs").write_text('{"encoding-type": "anndata"}')
    assert get_reader("a.h5ad") is not None
    assert get_reader("A.H5AD") is not None
    assert get_reader(SAMPLE_URI) is not None
    assert get_reader(str(cells)) is not None
    assert get_reader(str(image)) is None
    assert get_reader("a.tif") is None
    assert get_reader(["a.h5ad", "b.h5ad"]) is not None
    assert get_reader(["a.h5ad", "b.tif"]) is None


@pytest.mark.real_data
def test_spatialdata_folders_are_offered(real_data: Any) -> None:
    from glasscell.plugin.reader import get_reader

    assert get_reader(str(real_data("mibitof_crc.sdata.zarr"))) is not None


def test_manifest_is_valid_and_leaves_the_file_menu_alone() -> None:
    from npe2 import PluginManifest

    import glasscell.plugin

    manifest = PluginManifest.from_file(Path(glasscell.plugin.__file__).with_name("napari.yaml"))
    manifest.validate_imports()
    assert not manifest.contributions.menus
    assert len(manifest.contributions.widgets or ()) >= 9


@pytest.mark.gui
def test_opening_a_file_and_the_sample_through_napari(viewer: Any, grid_file: Path) -> None:
    from npe2 import PluginManager

    from glasscell.plugin.desk import desk_for

    manager = PluginManager.instance()
    manager.discover()
    if "glasscell" not in manager:
        pytest.skip("needs an installed glasscell: pip install -e .")
    assert viewer.open(grid_file, plugin="glasscell") == []
    desk = desk_for(viewer)
    settled(desk)
    assert desk.session.dataset.n_cells == 400
    viewer.open_sample("glasscell", "layered_tissue")
    settled(desk)
    assert desk.session.dataset.n_cells > 4000
    assert "Cells" in [layer.name for layer in viewer.layers]
