"""Files that must not be opened: one sentence each, and none of them runs or reaches anything."""

import json
from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest

from glasscell.data.guard_size import readable_size
from glasscell.data.guard_zarr import check_zarr
from glasscell.data.read import read
from glasscell.errors import DataError


@pytest.fixture
def h5ad(tmp_path: Path, make_adata) -> Path:
    path = tmp_path / "good.h5ad"
    make_adata().write_h5ad(path)
    return path


@pytest.fixture
def store(tmp_path: Path, make_adata) -> Path:
    path = tmp_path / "good.zarr"
    make_adata().write_zarr(path)
    return path


def refused(path: Path, match: str) -> None:
    with pytest.raises(DataError, match=match) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_missing_and_empty(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.h5ad", "There is no file")
    empty = tmp_path / "empty.h5ad"
    empty.touch()
    refused(empty, "is empty")
    refused(tmp_path / "", "is not a zarr store")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "is empty")


@pytest.mark.parametrize(
    ("start", "match"),
    [
        (b"\x1f\x8b rest of it", "gzipped"),
        (b"gene,cell\nA,1\n", "no columns of numbers"),
        (b"words without columns\nand more", "not a file of cells"),
        (b"\x89HDF\r\n", "cut short"),
        (b"abc", "cut short"),
    ],
)
def test_other_files(tmp_path: Path, start: bytes, match: str) -> None:
    path = tmp_path / "file.h5ad"
    path.write_bytes(start)
    refused(path, match)


def test_a_folder_names_what_it_contains(h5ad: Path) -> None:
    refused(h5ad.parent, "it contains good.h5ad: open that")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_files(h5ad: Path, share: float) -> None:
    whole = h5ad.read_bytes()
    h5ad.write_bytes(whole[: int(len(whole) * share)])
    refused(h5ad, "damaged or cut short")


def test_content_decides_not_the_name(h5ad: Path, store: Path, tmp_path: Path) -> None:
    odd = tmp_path / "table.zarr"
    h5ad.rename(odd)
    assert read(odd).n_cells == 30
    other = tmp_path / "folder.h5ad"
    store.rename(other)
    assert read(other).n_cells == 30


@pytest.mark.parametrize(
    ("group", "match"), [("matrix", "10x"), ("row_attrs", "loom"), ("mod", "MuData"), ("x", "without")]
)
def test_other_hdf5_files(tmp_path: Path, group: str, match: str) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file.create_group(group)
    refused(path, match)


def test_hdf5_that_reaches_outside(h5ad: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(80))
    with h5py.File(h5ad, "a") as file:
        file["uns"]["link"] = h5py.ExternalLink("other.h5", "/x")
    refused(h5ad, "link to somewhere else")
    with h5py.File(h5ad, "a") as file:
        del file["uns"]["link"]
        file["uns"].create_dataset("outside", (10,), "f8", external=[(str(secret), 0, 80)])
    refused(h5ad, "keeps its data in another file")
    with h5py.File(h5ad, "a") as file:
        del file["uns"]["outside"]
        layout = h5py.VirtualLayout((10,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "x", (10,))
        file["uns"].create_virtual_dataset("virtual", layout)
    refused(h5ad, "keeps its data in another file")


def test_hdf5_with_absurd_sizes_and_loops(h5ad: Path) -> None:
    with h5py.File(h5ad, "a") as file:
        file["uns"].create_dataset("huge", (1 << 40,), "f8", chunks=(1 << 10,))
    refused(h5ad, "damaged or not what it says")
    with h5py.File(h5ad, "a") as file:
        del file["uns"]["huge"]
        file["uns"]["again"] = file["uns"]
    with pytest.raises(DataError):
        read(h5ad)
    with h5py.File(h5ad, "a") as file:
        del file["uns"]["again"]
        group = file["uns"]
        for _ in range(80):
            group = group.create_group("g")
    refused(h5ad, "more than 64 deep")


def test_indices_that_point_outside_the_matrix(h5ad: Path) -> None:
    with h5py.File(h5ad, "a") as file:
        file["X/indices"][0] = 10_000_000
    refused(h5ad, "X of good.h5ad is damaged")


@pytest.mark.parametrize("codec", ["pickle", "msgpack2", "mystery"])
def test_unknown_codecs_are_refused_before_anything_is_opened(store: Path, codec: str) -> None:
    array = next(store.rglob("zarr.json" if (store / "zarr.json").exists() else ".zarray"))
    metadata = {"zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "filters": [{"id": codec}]}
    (array.parent / ".zarray").write_text(json.dumps(metadata))
    refused(store, codec)


def test_codecs_in_consolidated_metadata_and_shards_are_seen(tmp_path: Path) -> None:
    bad = {"id": "pickle"}
    inside = {"metadata": {"X/.zarray": {"filters": [bad], "compressor": None, "shape": [1]}}}
    shard = {"name": "sharding_indexed", "configuration": {"codecs": [{"name": "numcodecs.pickle"}]}}
    sharded = {"codecs": [shard], "node_type": "array"}
    documents = [(".zmetadata", inside), ("zmetadata", inside), ("zarr.json", sharded)]
    for number, (name, document) in enumerate(documents):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_text(json.dumps(document))
        with pytest.raises(DataError, match="pickle"):
            check_zarr(folder)


def test_attributes_are_free_to_speak_of_codecs(tmp_path: Path) -> None:
    document = {"attributes": {"codecs": ["pickle"]}, "node_type": "group"}
    (tmp_path / "zarr.json").write_text(json.dumps(document))
    check_zarr(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2", '{"shape": [-1], "dtype": "<f8"}', '{"shape": [1e3], "dtype": "<f8"}']
)
def test_damaged_zarr_metadata(store: Path, text: str) -> None:
    (store / ".zarray").write_text(text)
    with pytest.raises(DataError):
        read(store)


def test_zarr_with_absurd_sizes_and_links(store: Path, tmp_path: Path) -> None:
    (store / "elsewhere").symlink_to("/")
    refused(store, "link to outside")
    (store / "elsewhere").unlink()
    folder = store / "huge"
    folder.mkdir()
    (folder / ".zarray").write_text(json.dumps({"shape": [1 << 45], "dtype": "<f8", "chunks": [1]}))
    refused(store, "damaged or not what it says")


def test_a_zarr_folder_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text(json.dumps({"zarr_format": 3, "node_type": "group"}))
    refused(tmp_path, "neither an AnnData nor a SpatialData")


def test_a_table_is_not_chosen_where_there_is_one(h5ad: Path) -> None:
    with pytest.raises(DataError, match="one table only"):
        read(h5ad, table="x")


def test_sizes_are_readable() -> None:
    sizes = [readable_size(n) for n in (12, 1500, 2.5e9, 3e15)]
    assert sizes == ["12 bytes", "1.5 kB", "2.5 GB", "3,000.0 TB"]


@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_both_zarr_formats_open(tmp_path: Path, make_adata, zarr_format: int) -> None:
    with anndata.settings.override(zarr_write_format=zarr_format, auto_shard_zarr_v3=zarr_format == 3):
        make_adata().write_zarr(tmp_path / "a.zarr")
    dataset = read(tmp_path / "a.zarr")
    np.testing.assert_array_equal(dataset.adata.X.toarray(), make_adata().X.toarray())
