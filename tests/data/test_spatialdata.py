"""SpatialData folders: links by key, geometry, mismatches in words."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glasscell.data.read import read
from glasscell.data.write import write_h5ad
from glasscell.errors import DataError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    spatialdata = pytest.importorskip("spatialdata")
    import geopandas
    import shapely
    from spatialdata.models import (
        Image2DModel,
        Labels2DModel,
        Labels3DModel,
        PointsModel,
        ShapesModel,
        TableModel,
    )
    from spatialdata.transformations import Affine, Identity, Scale, Sequence, Translation

pytestmark = pytest.mark.filterwarnings("ignore")


def save(path: Path, table: Any = None, **elements: Any) -> Path:
    parts = {**elements, **({} if table is None else {"tables": {"table": table}})}
    spatialdata.SpatialData(**parts).write(path)
    return path


def link_table(adata: Any, regions: list[str], keys: Any) -> Any:
    adata.obs["region"] = pd.Categorical(regions)
    adata.obs["instance"] = keys
    return TableModel.parse(adata, region=sorted(set(regions)), region_key="region", instance_key="instance")


def labelled(side: int = 20, count: int = 5) -> np.ndarray:
    labels = np.zeros((side, side), np.int64)
    for label in range(1, count + 1):
        labels[3 * label : 3 * label + 2, 2 : 2 + label] = label
    return labels


def test_masks_are_linked_by_key_never_by_order(make_adata, tmp_path: Path) -> None:
    adata = make_adata(n_cells=5)
    keys = np.array([4, 2, 5, 1, 3])
    labels = labelled()
    path = save(
        tmp_path / "s.zarr",
        link_table(adata, ["cells"] * 5, keys),
        labels={"cells": Labels2DModel.parse(labels, dims=("y", "x"))},
    )
    dataset = read(path)
    mask = dataset.tissue.sections[0].mask
    assert mask is not None
    for cell, key in enumerate(keys):
        assert (mask.cells[mask.labels_yx[labels == key]] == cell).all()
        rows, columns = np.nonzero(labels == key)
        np.testing.assert_allclose(dataset.positions_cd[cell], [columns.mean() + 0.5, rows.mean() + 0.5])
        assert dataset.tissue.radii_c[cell] == pytest.approx(np.sqrt(len(rows) / np.pi))
    assert dataset.problems == ()
    assert dataset.report() == "5 cells, 1 section with a mask, counts in X, no embedding: prepare?"


def test_text_keys_mismatches_and_positions_from_circles(make_adata, tmp_path: Path) -> None:
    adata = make_adata(n_cells=4)
    circles = ShapesModel.parse(
        np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        geometry=0,
        radius=np.array([1.0, 2.0, 3.0]),
        index=pd.Index(["c", "b", "z"]),
    )
    path = save(
        tmp_path / "s.zarr", link_table(adata, ["spots"] * 4, ["a", "b", "c", "d"]), shapes={"spots": circles}
    )
    dataset = read(path)
    np.testing.assert_array_equal(dataset.positions_cd, [[np.nan] * 2, [3, 4], [1, 2], [np.nan] * 2])
    np.testing.assert_array_equal(dataset.tissue.radii_c, np.array([np.nan, 2, 1, np.nan], np.float32))
    assert dataset.tissue.sections[0].radius == 1.5
    assert (
        "'spots': 2 of 4 cells have no shape (such as a, d); 1 of 3 shapes have no cell." in dataset.problems
    )
    assert any("2 of 4 cells have no coordinates" in sentence for sentence in dataset.problems)


def test_integer_keys_of_polygons_stored_as_text(make_adata, tmp_path: Path) -> None:
    squares = [shapely.box(i, 0, i + 1, 1) for i in range(3)]
    polygons = ShapesModel.parse(geopandas.GeoDataFrame(geometry=squares, index=[10, 11, 12]))
    adata = make_adata(n_cells=3, obsm={"spatial": np.array([[2.5, 0.5], [0.5, 0.5], [1.5, 0.5]])})
    path = save(tmp_path / "s.zarr", link_table(adata, ["p"] * 3, ["12", "10", "11"]), shapes={"p": polygons})
    dataset = read(path)
    assert dataset.problems == ()
    np.testing.assert_allclose(dataset.tissue.radii_c, np.sqrt(1 / np.pi), rtol=1e-6)


def test_masks_without_matching_cells(make_adata, tmp_path: Path) -> None:
    adata = make_adata(n_cells=5)
    labels = {"cells": Labels2DModel.parse(labelled(), dims=("y", "x"))}
    dataset = read(
        save(tmp_path / "s.zarr", link_table(adata, ["cells"] * 5, np.arange(100, 105)), labels=labels)
    )
    assert dataset.tissue.sections == ()
    assert dataset.n_cells == 5
    assert any(told.startswith("None of the 5 cells matches 'cells'") for told in dataset.problems)


def test_a_region_that_is_not_there(make_adata, tmp_path: Path) -> None:
    adata = make_adata(n_cells=5)
    path = save(tmp_path / "s.zarr", link_table(adata, ["gone"] * 5, np.arange(5)))
    assert any("belong to 'gone', which is not in the file" in told for told in read(path).problems)


def test_images_are_brought_into_the_world_of_the_cells(make_adata, tmp_path: Path) -> None:
    """The cells' element is scaled and shifted in the common system, the picture otherwise."""
    adata = make_adata(n_cells=2, obsm={"spatial": np.array([[1.0, 1.0], [9.0, 9.0]])})
    circles = ShapesModel.parse(
        adata.obsm["spatial"],
        geometry=0,
        radius=1.0,
        transformations={
            "global": Sequence(
                [Scale([2.0, 2.0], axes=("x", "y")), Translation([10.0, 0.0], axes=("x", "y"))]
            )
        },
    )
    picture = np.zeros((3, 64, 128), np.uint8)
    picture[:, 20, 30] = 255
    image = Image2DModel.parse(
        picture,
        dims=("c", "y", "x"),
        c_coords=["r", "g", "b"],
        scale_factors=[2, 2],
        transformations={"global": Scale([4.0, 0.5], axes=("x", "y"))},
    )
    other = Image2DModel.parse(picture, dims=("c", "y", "x"), transformations={"elsewhere": Identity()})
    path = save(
        tmp_path / "s.zarr",
        link_table(adata, ["spots"] * 2, [0, 1]),
        shapes={"spots": circles},
        images={"he": image, "other": other},
    )
    (section,) = read(path).tissue.sections
    (found,) = section.images
    assert found.name == "he"
    assert found.rgb
    assert [level.shape for level in found.levels_yxc] == [(64, 128, 3), (32, 64, 3), (16, 32, 3)]
    # pixel (30, 20): centre (30.5, 20.5) -> common (122, 10.25) -> cells ((122 - 10) / 2, 10.25 / 2)
    world = np.array(found.translate) + np.array(found.scale) * [30, 20]
    np.testing.assert_allclose(world, [56.0, 5.125])
    assert np.asarray(found.levels_yxc[0])[20, 30].tolist() == [255, 255, 255]


def test_flipped_and_turned_images(make_adata, tmp_path: Path) -> None:
    adata = make_adata(n_cells=2, obsm={"spatial": np.array([[1.0, 1.0], [9.0, 9.0]])})
    circles = ShapesModel.parse(adata.obsm["spatial"], geometry=0, radius=1.0)
    picture = np.zeros((1, 30, 40), np.uint8)
    picture[0, 5, 7] = 255
    axes = {"input_axes": ("x", "y"), "output_axes": ("x", "y")}
    angle = np.radians(20)
    turn = [[np.cos(angle), -np.sin(angle), 3], [np.sin(angle), np.cos(angle), 4], [0, 0, 1]]
    flip = [[-1, 0, 40], [0, 1, 0], [0, 0, 1]]
    images = {
        name: Image2DModel.parse(
            picture, dims=("c", "y", "x"), transformations={"global": Affine(affine, **axes)}
        )
        for name, affine in (("flipped", flip), ("turned", turn))
    }
    path = save(
        tmp_path / "s.zarr", link_table(adata, ["s"] * 2, [0, 1]), shapes={"s": circles}, images=images
    )
    dataset = read(path)
    for image, affine in zip(dataset.tissue.sections[0].images, (flip, turn), strict=True):
        array = np.asarray(image.levels_yxc[0])[:, :, 0]
        rows, columns = np.nonzero(array == 255)
        world = np.array(image.translate) + np.array(image.scale) * [columns.mean(), rows.mean()]
        np.testing.assert_allclose(world, (np.array(affine) @ [7.5, 5.5, 1])[:2], atol=0.8)
    assert any("'turned' lies at an angle" in told for told in dataset.problems)
    assert not any("flipped" in told for told in dataset.problems)


def test_sections_with_systems_of_their_own_get_their_own_images(make_adata, tmp_path: Path) -> None:
    adata = make_adata(n_cells=10)
    labels, images = {}, {}
    for name in ("one", "two"):
        own = {name: Identity()}
        labels[f"{name}_mask"] = Labels2DModel.parse(labelled(), dims=("y", "x"), transformations=own)
        images[f"{name}_image"] = Image2DModel.parse(
            np.zeros((3, 20, 20), np.uint8), dims=("c", "y", "x"), transformations=own
        )
    table = link_table(adata, ["two_mask"] * 5 + ["one_mask"] * 5, [1, 2, 3, 4, 5] * 2)
    dataset = read(save(tmp_path / "s.zarr", table, labels=labels, images=images))
    assert dataset.sections.names == ("one_mask", "two_mask")
    for section in dataset.tissue.sections:
        assert [image.name for image in section.images] == [section.name.replace("mask", "image")]
        assert section.mask is not None
        assert section.mask.matched.tolist() == np.flatnonzero(dataset.sections.mask(section.name)).tolist()
    one, two = (section.extent for section in dataset.tissue.sections)
    assert one.overlap(two) == 0
    assert read(tmp_path / "s.zarr", section="").sections.names == ("section 1",)


def test_tables_are_chosen_and_named(make_adata, tmp_path: Path) -> None:
    tables = {"small": make_adata(n_cells=3), "large": make_adata(n_cells=9)}
    spatialdata.SpatialData(tables=tables).write(tmp_path / "s.zarr")
    dataset = read(tmp_path / "s.zarr")
    assert dataset.n_cells == 9
    assert any("the file also has small (3 cells)" in told for told in dataset.problems)
    assert any("names no region and instance key" in told for told in dataset.problems)
    assert read(tmp_path / "s.zarr", table="small").n_cells == 3
    with pytest.raises(DataError, match=r"no table .x. in s\.zarr; it has"):
        read(tmp_path / "s.zarr", table="x")


def test_points_are_places_and_open_alone(make_adata, tmp_path: Path) -> None:
    points = PointsModel.parse(
        pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [4.0, 5.0, 6.0], "instance": [7, 8, 9]})
    )
    only = save(tmp_path / "only.zarr", points={"dots": points})
    alone = read(only)
    assert (alone.n_cells, alone.report()) == (0, "no cells, 3 points, 0 genes")
    table = link_table(make_adata(n_cells=3), ["dots"] * 3, [9, 7, 8])
    dataset = read(save(tmp_path / "s.zarr", table, points={"dots": points}))
    np.testing.assert_array_equal(dataset.positions_cd, [[3, 6], [1, 4], [2, 5]])


def test_outlines_transcripts_and_heights_come_with_the_cells(make_adata, tmp_path: Path) -> None:
    holed = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], [[(3, 3), (7, 3), (7, 7), (3, 7)]])
    parts = shapely.MultiPolygon([shapely.box(20, 0, 24, 4), shapely.box(26, 0, 30, 4)])
    frame = geopandas.GeoDataFrame({"z": [1.0, 5.0]}, geometry=[holed, parts], index=[7, 8])
    dots = pd.DataFrame({"x": [2.0, 4.0], "y": [1.0, 3.0], "gene": pd.Categorical(["B", "A"])})
    points = PointsModel.parse(
        dots, feature_key="gene", transformations={"global": Scale([2, 2], ("x", "y"))}
    )
    table = link_table(make_adata(n_cells=2), ["p"] * 2, [8, 7])
    path = save(tmp_path / "s.zarr", table, shapes={"p": ShapesModel.parse(frame)}, points={"rna": points})
    dataset = read(path)
    (section,) = dataset.tissue.sections
    assert section.polygons is not None
    np.testing.assert_array_equal(section.polygons.cells, [1, 0])
    np.testing.assert_array_equal(section.polygons.bounds, [[0, 0, 10, 10], [20, 0, 30, 4]])
    np.testing.assert_array_equal(section.points[0].positions_pd, [[4, 2], [8, 6]])
    assert section.points[0].gene_names().tolist() == ["B", "A"]
    np.testing.assert_array_equal(dataset.tissue.z_c, [5, 1])
    assert dataset.tissue.heights == (1.0, 5.0)
    fewer = dataset.with_adata(dataset.adata[1:].copy()).tissue
    assert fewer.sections[0].polygons.cells.tolist() == [0, -1]
    assert fewer.z_c.tolist() == [1.0]
    saved = read(write_h5ad(dataset, tmp_path / "saved.h5ad"))
    np.testing.assert_array_equal(saved.tissue.z_c, [5, 1])
    assert saved.tissue.heights == (1.0, 5.0)


def test_outlines_of_the_same_keys_are_found_beside_circles(make_adata, tmp_path: Path) -> None:
    """As Xenium has them: the table names circles; boundaries of cells and nuclei carry the same keys."""
    keys = ["a", "b", "c"]
    centres = np.array([[5.0, 5.0], [25.0, 5.0], [45.0, 5.0]])
    circles = ShapesModel.parse(centres, geometry=0, radius=np.full(3, 2.0), index=pd.Index(keys))

    def boxes(half: float, shift: float = 0.0) -> Any:
        around = [
            shapely.box(2 * (x - half + shift), 2 * (y - half), 2 * (x + half + shift), 2 * (y + half))
            for x, y in centres
        ]
        frame = geopandas.GeoDataFrame(geometry=around[::-1], index=pd.Index(keys[::-1]))
        return ShapesModel.parse(frame, transformations={"global": Scale([0.5, 0.5], ("x", "y"))})

    shapes = {"nucleus_boundaries": boxes(2), "cell_boundaries": boxes(4), "cell_circles": circles}
    table = link_table(make_adata(n_cells=3), ["cell_circles"] * 3, keys)
    (section,) = read(save(tmp_path / "s.zarr", table, shapes=shapes)).tissue.sections
    assert section.polygons is not None
    assert section.polygons.name == "cell_boundaries"
    np.testing.assert_array_equal(section.polygons.cells, [2, 1, 0])
    np.testing.assert_allclose(section.polygons.bounds[2], [1, 1, 9, 9])
    elsewhere = {"cell_boundaries": boxes(4, shift=300), "cell_circles": circles}
    table = link_table(make_adata(n_cells=3), ["cell_circles"] * 3, keys)
    (section,) = read(save(tmp_path / "t.zarr", table, shapes=elsewhere)).tissue.sections
    assert section.polygons is None, "equal keys alone do not make them the outlines of these cells"


def test_a_mask_in_three_dimensions_is_seen_from_above_and_by_plane(make_adata, tmp_path: Path) -> None:
    labels = np.zeros((3, 6, 8), np.int64)
    labels[0, :2], labels[1, 2:4], labels[2, 3:] = 1, 2, 3
    path = save(
        tmp_path / "s.zarr",
        link_table(make_adata(n_cells=3), ["m"] * 3, [3, 1, 2]),
        labels={"m": Labels3DModel.parse(labels, dims=("z", "y", "x"))},
    )
    dataset = read(path)
    mask = dataset.tissue.sections[0].mask
    assert mask is not None
    assert dataset.tissue.heights == (0.5, 1.5, 2.5)
    assert mask.cells[mask.labels_yx[:, 0]].tolist() == [1, 1, 2, 2, 0, 0]
    assert mask.cells[mask.at_plane(0.9).labels_yx[:, 0]].tolist() == [-1, -1, -1, 0, 0, 0]
    assert dataset.positions_cd[1].tolist() == [4.0, 1.0]


def test_one_sentence_without_spatialdata(make_adata, tmp_path: Path) -> None:
    path = save(tmp_path / "s.zarr", make_adata(n_cells=3))
    code = (
        "import sys; sys.modules['spatialdata'] = None\n"
        "from glasscell.data.read import read\n"
        "from glasscell.errors import DataError\n"
        f"try:\n    read({str(path)!r})\nexcept DataError as error:\n    print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == 'SpatialData files need one more package: pip install "glasscell[spatial]".'
