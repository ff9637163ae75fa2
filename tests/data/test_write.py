"""Saving: whole or not at all."""

import errno
import os
import stat
import threading
from pathlib import Path

import anndata
import numpy as np
import pytest

from glasscell.data import atomic
from glasscell.data.dataset import Dataset
from glasscell.data.read import read
from glasscell.data.write import write, write_h5ad, write_zarr
from glasscell.errors import DataError, JobCancelled

SUFFIXES = pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])


@pytest.fixture
def dataset(make_adata) -> Dataset:
    adata = make_adata(obsm={"spatial": np.random.default_rng(0).random((30, 2)) * 50})
    adata.obs["text"] = ["a", "b"] * 15
    adata.uns["spatial"] = {"lib": {"images": {"hires": np.zeros((5, 5, 3), np.uint8)}, "scalefactors": {}}}
    return Dataset(adata)


@SUFFIXES
def test_round_trip(dataset: Dataset, tmp_path: Path, suffix: str) -> None:
    path = write(dataset, tmp_path / f"a{suffix}")
    again = read(path)
    assert again.fingerprint == dataset.fingerprint
    assert again.obs["text"].tolist() == dataset.obs["text"].tolist()
    np.testing.assert_array_equal(again.positions_cd, dataset.positions_cd)
    assert dataset.obs["text"].dtype == object  # the caller's column did not become a category
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    write(again, path)  # over the file it came from
    assert read(path).fingerprint == dataset.fingerprint


@SUFFIXES
@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_full_disk_loses_nothing(
    dataset: Dataset, tmp_path: Path, suffix: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(dataset, tmp_path / f"a{suffix}")
    before = {item: item.read_bytes() for item in [path, *path.rglob("*")] if item.is_file()}

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(self: anndata.AnnData, to: Path, **kwargs: object) -> None:
        folder = Path(to).suffix == ".zarr" or suffix == ".zarr"
        Path(to).mkdir() if folder else None
        (Path(to) / "part" if folder else Path(to)).write_bytes(b"half a file")
        full()

    if where == "write":
        monkeypatch.setattr(anndata.AnnData, "write_h5ad", half)
        monkeypatch.setattr(anndata.AnnData, "write_zarr", half)
    elif where == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(atomic, "_exchange", full)
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match="disk is full; the file that was there is unchanged"):
        write(dataset, path)
    monkeypatch.undo()
    assert {item: item.read_bytes() for item in [path, *path.rglob("*")] if item.is_file()} == before
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_full_disk_behind_another_error_is_recognised() -> None:
    behind = RuntimeError("cannot write attribute")
    behind.__cause__ = OSError("Can't write data (file write failed: errno = 28, 'No space left on device')")
    assert atomic.is_full(behind)
    assert not atomic.is_full(ValueError("no"))


def test_what_cannot_be_saved_leaves_nothing(dataset: Dataset, tmp_path: Path, monkeypatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ValueError("keys must be text\nand more")

    monkeypatch.setattr(anndata.AnnData, "write_h5ad", broken)
    with pytest.raises(DataError, match="keys must be text and more; nothing was left behind"):
        write_h5ad(dataset, tmp_path / "new.h5ad")
    assert list(tmp_path.iterdir()) == []


@SUFFIXES
def test_folders_are_swapped_without_the_system_s_help(
    dataset: Dataset, tmp_path: Path, suffix: str, monkeypatch
) -> None:
    monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    path = write(dataset, tmp_path / f"a{suffix}")
    changed = dataset.editable()
    changed.obs["new"] = 1
    write(dataset.with_adata(changed), path)
    assert "new" in read(path).obs
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_cancelling_leaves_the_old_file(dataset: Dataset, tmp_path: Path) -> None:
    class Cancels:
        def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
            if text.startswith("Flushing"):
                raise JobCancelled("stopped")

    path = write(dataset, tmp_path / "a.h5ad")
    before = path.read_bytes()
    with pytest.raises(JobCancelled):
        write(dataset, path, job=Cancels())
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.h5ad"]


def test_targets_that_would_be_lost_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        write(dataset, tmp_path / "nowhere" / "a.h5ad")
    folder = tmp_path / "things"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(DataError, match="is a folder"):
        write_h5ad(dataset, folder)
    with pytest.raises(DataError, match="holds other things"):
        write_zarr(dataset, folder)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="is a file"):
        write_zarr(dataset, tmp_path / "file")
    spatial = tmp_path / "s.zarr"
    spatial.mkdir()
    (spatial / "zarr.json").write_text('{"attributes": {"spatialdata_attrs": {}}}')
    with pytest.raises(DataError, match="more than a table"):
        write_zarr(dataset, spatial)


def test_mode_and_links_are_kept(dataset: Dataset, tmp_path: Path) -> None:
    path = write(dataset, tmp_path / "a.h5ad")
    path.chmod(0o640)
    link = tmp_path / "link.h5ad"
    link.symlink_to(path)
    write(dataset, link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_tissue_from_elsewhere_travels_with_the_table(make_adata, tmp_path: Path) -> None:
    from glasscell.data.tissue import Tissue, TissueImage, TissueMask, TissueSection

    adata = make_adata(obsm={"spatial": np.random.default_rng(0).random((30, 2)) * 50})
    adata.obs["piece"] = ["a"] * 15 + ["b"] * 15
    adata.obs["cell_id"] = np.arange(30) + 1
    sections = []
    for name, first in (("a", 0), ("b", 15)):
        labels = np.zeros((50, 50), np.int32)
        labels[::3, ::3] = np.arange(289).reshape(17, 17) % 16
        labels[labels > 0] += first
        cells = np.full(64, -1, np.int32)
        cells[first + 1 : first + 16] = np.arange(first, first + 15)
        picture = np.random.default_rng(0).integers(0, 255, (3000, 10, 3), np.uint8)
        image = TissueImage("he", (picture,), (0.5, 2.0), (3.0, 4.0), rgb=True)
        mask = TissueMask(name, labels, (1.0, 1.0), (0.5, 0.5), cells)
        sections.append(TissueSection(name, (image,), mask, 2.5))
    dataset = Dataset(adata, tissue=Tissue(tuple(sections)), section="piece")
    again = read(write(dataset, tmp_path / "a.h5ad"))
    assert again.sections.names == ("a", "b")
    for old, new in zip(dataset.tissue.sections, again.tissue.sections, strict=True):
        assert old.mask is not None
        assert new.mask is not None
        np.testing.assert_array_equal(old.mask.cells[old.mask.labels_yx], new.mask.cells[new.mask.labels_yx])
        assert new.radius == 2.5
        assert new.images[0].levels_yxc[0].shape == (1500, 5, 3)
        assert new.images[0].scale == (1.0, 4.0)
        assert new.images[0].extent == old.images[0].extent
    np.testing.assert_array_equal(dataset.positions_cd, again.positions_cd)
    assert "spatial" not in adata.uns


def test_what_a_late_writer_adds_is_cleared_away_too(tmp_path: Path) -> None:
    writers: list[threading.Thread] = []

    def late(folder: Path) -> None:
        for part in range(5):
            threading.Event().wait(0.015)
            (folder / "chunk").mkdir(parents=True, exist_ok=True)
            (folder / "chunk" / str(part)).write_bytes(b"late")

    def write_some(folder: Path) -> None:
        folder.mkdir()
        writers.append(threading.Thread(target=late, args=(folder,)))
        writers[0].start()
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match="disk is full"):
        atomic.write_atomically(tmp_path / "a.zarr", write_some)
    writers[0].join()
    assert not list(tmp_path.iterdir())
