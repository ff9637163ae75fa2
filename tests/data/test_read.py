"""Real files, opened and described."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glasscell.data.read import read
from glasscell.data.report import why_no_cells
from glasscell.errors import DataError

RealData = Callable[[str], Path]

REPORTS = {
    "cosmx_lung_mini.h5ad": "120 cells, 2 sections, counts in X, no embedding: prepare?",
    "cycif_lymphoma_3029x33.h5ad": (
        "3,029 cells, 1 section, continuous values in X, no counts, no embedding: prepare?"
    ),
    "dlpfc_151673.h5ad": "3,639 Visium spots, 1 section, counts in X, no embedding: prepare?",
    "kang_2000x9015.h5ad": "2,000 cells, no tissue coordinates, counts in X, no embedding: prepare?",
    "kang_labelled_1556x1267.h5ad": "1,556 cells, no tissue coordinates, counts in X, no embedding: prepare?",
    "merfish_hypothalamus_bregma+0.26.h5ad": (
        "5,584 cells, 1 section, continuous values in X, no counts, no embedding: prepare?"
    ),
    "merfish_visp_2389x268.h5ad": "2,389 cells, 1 section, counts in X, no embedding: prepare?",
    "merscope_brain_mini.h5ad": "470 cells, 1 section, counts in X, no embedding: prepare?",
    "mibitof_crc_3309x36.h5ad": (
        "3,309 cells, 3 sections, 2 donors, continuous values in X, no counts, embeddings UMAP, scanorama"
    ),
    "mixology_3lines_celseq2_dropseq.h5ad": (
        "499 cells, no tissue coordinates, counts in X, no embedding: prepare?"
    ),
    "mixology_RNAmix_celseq2.h5ad": "340 cells, no tissue coordinates, counts in X, no embedding: prepare?",
    "norman2019_3375x500.h5ad": "3,375 cells, no tissue coordinates, counts in X, no embedding: prepare?",
    "paul15_2660x240.h5ad": "2,660 cells, no tissue coordinates, counts in X, no embedding: prepare?",
    "pbmc3k.h5ad": "2,638 cells, no tissue coordinates, counts in X, embeddings UMAP, t-SNE, PCA",
    "starmap_mpfc_BZ5.h5ad": "1,049 cells, 1 section, counts in X, no embedding: prepare?",
    "starmap_v1_BY3_1207x1020.h5ad": "1,207 cells, 1 section, counts in X, no embedding: prepare?",
    "worm_embryo_1805x10000.h5ad": "1,805 cells, no tissue coordinates, counts in X, no embedding: prepare?",
}
FOLDERS = {
    "mibitof_crc.sdata.zarr": (
        "3,309 cells, 3 sections with masks, 2 donors, continuous values in X, no counts, "
        "embeddings UMAP, scanorama"
    ),
    "merfish_visp.sdata.zarr": "2,389 cells, 1 section, counts in X, no embedding: prepare?",
    "merfish_ileum3d.sdata.zarr": (
        "13 cells, 1 section, 9 planes in z, 473 transcripts, counts in X, no embedding: prepare?"
    ),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", [*REPORTS, *FOLDERS])
def test_real_files_are_described(real_data: RealData, name: str) -> None:
    dataset = read(real_data(name))
    assert dataset.report() == {**REPORTS, **FOLDERS}[name]
    assert np.isfinite(dataset.expression_cg().data).all()
    gene = dataset.genes.names[-1]
    np.testing.assert_array_equal(
        dataset.gene_column(gene), dataset.expression_cg()[:, [-1]].toarray().reshape(-1)
    )


@pytest.mark.real_data
def test_dlpfc_lies_on_its_picture(real_data: RealData) -> None:
    dataset = read(real_data("dlpfc_151673.h5ad"))
    (section,) = dataset.tissue.sections
    (image,) = section.images
    assert image.name == "lowres"
    assert image.levels_yxc[0].shape == (600, 600, 3)
    assert image.scale == pytest.approx((22.22, 22.22), rel=1e-3)
    assert section.radius == pytest.approx(48.2, rel=1e-3)
    assert dataset.tissue.microns_per_unit == pytest.approx(0.674, rel=1e-3)
    at = ((dataset.positions_cd - image.translate) / image.scale).round().astype(int)
    under = image.levels_yxc[0][at[:, 1], at[:, 0]].astype(float)
    assert (
        under.mean() < image.levels_yxc[0].mean()
    )  # spots lie on stained tissue, which is darker than glass
    assert dataset.genes.ids[0].startswith("ENSG")
    assert dataset.problems == ()


@pytest.mark.real_data
def test_mibitof_cells_lie_in_their_masks(real_data: RealData) -> None:
    dataset = read(real_data("mibitof_crc.sdata.zarr"))
    assert dataset.sections.names == ("point8_labels", "point16_labels", "point23_labels")
    extents = [section.extent for section in dataset.tissue.sections]
    assert all(a.overlap(b) == 0 for i, a in enumerate(extents) for b in extents[i + 1 :])
    for section in dataset.tissue.sections:
        mask, own = section.mask, np.flatnonzero(dataset.sections.mask(section.name))
        assert mask is not None
        assert len(section.images) == 1
        at = ((dataset.positions_cd[own] - mask.translate) / mask.scale).round().astype(int)
        at = at.clip(0, 1023)
        assert (mask.cells[mask.labels_yx[at[:, 1], at[:, 0]]] == own).mean() > 0.99
        assert mask.matched.tolist() == own.tolist()
    assert all("labels have no cell" in told for told in dataset.problems)


@pytest.mark.real_data
def test_merfish_has_the_positions_of_its_shapes(real_data: RealData) -> None:
    dataset = read(real_data("merfish_visp.sdata.zarr"))
    table = read(real_data("merfish_visp_2389x268.h5ad"))
    np.testing.assert_allclose(dataset.positions_cd, table.positions_cd, atol=0.01)
    assert dataset.tissue.radii_c is not None
    assert dataset.tissue.sections[0].radius == pytest.approx(np.median(dataset.tissue.radii_c))
    # shapes.parquet in the store and the provenance of the table agree on the first cell
    np.testing.assert_allclose(dataset.positions_cd[0], [1161.113, 6178.383], atol=0.01)


@pytest.mark.real_data
def test_points_alone_open_as_a_dataset_of_no_cells(real_data: RealData) -> None:
    dataset = read(real_data("xenium_points.sdata.zarr"))
    assert dataset.report() == "no cells, 213,191 transcripts (50,000 of them shown), 527 genes"
    assert dataset.problems == ()
    (points,) = dataset.tissue.sections[0].points
    assert points.told() == "showing 50,000 of 213,191 transcripts"
    assert dataset.positions_cd is not None
    assert dataset.positions_cd.shape == (0, 2)
    assert why_no_cells(dataset).startswith("This file holds points and no cells")
    again = read(real_data("xenium_points.sdata.zarr")).tissue.sections[0].points[0]
    np.testing.assert_array_equal(points.positions_pd, again.positions_pd)


@pytest.mark.real_data
def test_the_ileum_has_planes_and_each_cell_a_height(real_data: RealData) -> None:
    tissue = read(real_data("merfish_ileum3d.sdata.zarr")).tissue
    assert len(tissue.heights) == 9
    assert np.allclose(np.diff(tissue.heights), 13.76819064)
    assert tissue.z_c is not None
    assert np.isfinite(tissue.z_c).all()
    (image,) = tissue.sections[0].images
    assert len(image.planes) == 9
    assert not np.array_equal(image.at_plane(0.0).levels_yxc[0], image.at_plane(1.0).levels_yxc[0])
    np.testing.assert_array_equal(image.levels_yxc[0], image.at_plane(0.5).levels_yxc[0])


def fresh(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_reading_loads_no_heavy_library(make_adata, tmp_path: Path) -> None:
    make_adata().write_h5ad(tmp_path / "a.h5ad")
    heavy = "{'torch', 'scanpy', 'napari', 'qtpy', 'spatialdata', 'pydantic', 'shapely', 'matplotlib'}"
    code = (
        "import sys\nimport glasscell\nglasscell.read, glasscell.Dataset\n"
        "assert 'anndata' not in sys.modules\n"
        f"glasscell.read({str(tmp_path / 'a.h5ad')!r}).report()\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    assert fresh(code).strip() == "[]"


def test_a_file_that_may_not_be_read(make_adata, tmp_path: Path, monkeypatch) -> None:
    make_adata().write_h5ad(tmp_path / "a.h5ad")

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match="may not be read by this user"):
        read(tmp_path / "a.h5ad")


def test_the_home_folder_is_understood(make_adata, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make_adata().write_h5ad(tmp_path / "a.h5ad")
    assert read("~/a.h5ad").n_cells == 30
