"""Folders of vendors, read through spatialdata-io; impostors beside them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import vendor_folder

from glasscell.data.read import read
from glasscell.data.sniff import VENDOR, sniff
from glasscell.data.vendor import find_vendor
from glasscell.errors import DataError

pytest.importorskip("spatialdata_io")

# what is said, unit, micrometres of one unit, first two positions
EXPECTED = {
    "visium": (
        "12 Visium spots, 1 section, counts in X, no embedding: prepare?",
        "px",
        1.0,
        [[60, 50], [140, 50]],
    ),
    "visium_hd": (
        "64 Visium HD bins, 1 section with outlines, counts in X, no embedding: prepare?",
        "px",
        0.5,
        [[8, 8], [24, 8]],
    ),
    "xenium": (
        "9 Xenium cells, 1 section with a mask, 50 transcripts, counts in X, no embedding: prepare?",
        "px",
        0.2125,
        [[8, 8], [28, 8]],
    ),
    "cosmx": (
        "8 CosMx cells, 2 sections with masks, 8 transcripts, counts in X, no embedding: prepare?",
        "px",
        0.12,
        [[1008, 508], [1028, 508]],
    ),
    "merscope": (
        "9 MERSCOPE cells, 1 section with outlines, 9 transcripts, counts in X, no embedding: prepare?",
        "um",
        1.0,
        [[100, 200], [110, 200]],
    ),
}
SEEDS = {"visium": 0, "visium_hd": 8, "xenium": 3, "merscope": 5}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EXPECTED)
def test_a_vendors_folder_opens_by_what_lies_in_it(name: str, tmp_path: Path) -> None:
    folder = getattr(vendor_folder, name)(tmp_path / "run1")
    assert sniff(folder) == VENDOR
    dataset = read(folder)
    said, unit, microns, first_cd = EXPECTED[name]
    print(name, "·", dataset.report())
    assert dataset.report() == said
    assert (dataset.position_unit, dataset.tissue.microns_per_unit) == (unit, pytest.approx(microns))
    np.testing.assert_allclose(dataset.positions_cd[:2], first_cd, atol=1e-3)
    genes = list(vendor_folder.GENES if name != "merscope" else vendor_folder.GENES[:-1])
    assert dataset.genes.names.tolist() == genes
    if name in SEEDS:
        extra = 1 if name == "xenium" else 0
        counts = vendor_folder.counts(dataset.n_cells, SEEDS[name], len(vendor_folder.GENES) + extra)
        np.testing.assert_array_equal(dataset.expression_cg("counts").toarray(), counts[:, : len(genes)])
    assert all(section.images for section in dataset.tissue.sections)
    for section in dataset.tissue.sections:
        own_cd = dataset.positions_cd[dataset.sections.mask(section.name)]
        extent = section.images[0].extent
        assert (own_cd >= [extent.x0, extent.y0]).all(), section.name
        assert (own_cd <= [extent.x1, extent.y1]).all(), section.name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["xenium", "cosmx"])
def test_every_cell_lies_in_its_own_mask(name: str, tmp_path: Path) -> None:
    dataset = read(getattr(vendor_folder, name)(tmp_path / "run1"))
    for section in dataset.tissue.sections:
        mask, own = section.mask, np.flatnonzero(dataset.sections.mask(section.name))
        at = ((dataset.positions_cd[own] - mask.translate) / mask.scale).round().astype(int)
        assert mask.cells[mask.labels_yx[at[:, 1], at[:, 0]]].tolist() == own.tolist()


@pytest.mark.filterwarnings("ignore")
def test_other_bins_are_named_and_open(tmp_path: Path) -> None:
    folder = vendor_folder.visium_hd(tmp_path / "run1")
    usual = read(folder)
    assert any('open others with table="square_016um"' in told for told in usual.problems)
    coarse = read(folder, table="square_016um")
    assert (coarse.n_cells, coarse.observation) == (16, "bin")


def test_a_folder_that_only_looks_like_one_says_what_is_lacking(tmp_path: Path) -> None:
    (tmp_path / "experiment.xenium").write_text("{}")
    with pytest.raises(DataError, match=r"Xenium folder .* lacks cell_feature_matrix.h5, cells.parquet"):
        read(tmp_path)


def test_names_alone_make_no_vendor(tmp_path: Path) -> None:
    impostor = tmp_path / "visium_xenium_cosmx"
    impostor.mkdir()
    (impostor / "notes.txt").write_text("Visium")
    assert find_vendor(impostor) is None
    with pytest.raises(DataError, match="vendor's folder that is known"):
        read(impostor)


@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_inside_is_one_sentence(tmp_path: Path) -> None:
    folder = vendor_folder.visium(tmp_path / "run1")
    (folder / "spatial" / "scalefactors_json.json").write_text("{}")
    with pytest.raises(DataError, match=r"^The Visium folder 'run1' cannot be read: .*Check that its files"):
        read(folder)


@pytest.mark.real_data
def test_a_part_of_a_vendors_export_is_not_taken_for_the_whole(real_data: Callable[[str], Path]) -> None:
    for name in ("cosmx_lung_mini", "merscope_brain_mini"):
        assert find_vendor(real_data(name)) is None
