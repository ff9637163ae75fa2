"""Bundles on disk: bit-equal after loading, never half written, and a damaged one gets a sentence."""

from __future__ import annotations

import csv
import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from glasscell.data.dataset import Dataset
from glasscell.errors import ModelError
from glasscell.models import bundle_file
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.target import Target


def test_a_bundle_comes_back_bit_equal(bundle: Bundle, dataset: Dataset, tmp_path: Path) -> None:
    folder = save_bundle(bundle, tmp_path / "models" / "one")
    again = load_bundle(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.json",
        "predictions.csv",
        "weights.safetensors",
    ]
    assert (again.fingerprint, again.id, again.params) == (bundle.fingerprint, bundle.id, bundle.params)
    for name in (
        "classes",
        "labels_name",
        "split_scheme",
        "split_text",
        "metrics",
        "curves",
        "notes",
        "genes",
    ):
        assert getattr(again, name) == getattr(bundle, name)
    assert dict(again.baselines) == dict(bundle.baselines)
    assert dict(again.provenance) == dict(bundle.provenance)
    for part in ("names", "fold", "block", "truth", "probabilities_ck"):
        np.testing.assert_array_equal(getattr(again.cells, part), getattr(bundle.cells, part))
    for old, new in zip((*bundle.folds, bundle.twin), (*again.folds, again.twin), strict=True):
        assert old is not None
        assert new is not None
        batch = make_batch(dataset, old, np.arange(30))
        for target in (Target("class", "K1"), Target("contrast", "K1", "K2"), Target("latent", "3")):
            assert torch.equal(old.score(batch, target), new.score(batch, target))


def test_predictions_are_written_for_labelled_cells(bundle: Bundle, tmp_path: Path) -> None:
    folder = save_bundle(bundle, tmp_path / "one")
    with (folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["cell", "fold", "block", "truth", "prediction", "probability"]
    right = sum(row["truth"] == row["prediction"] for row in rows) / len(rows)
    assert right == pytest.approx(bundle.metrics.accuracy)


def test_no_import_path_and_no_pickle(bundle: Bundle, tmp_path: Path) -> None:
    folder = save_bundle(bundle, tmp_path / "one")
    text = (folder / "model.json").read_text()
    assert "glasscell." not in text.replace("glasscell.models", "")
    assert json.loads(text)["format_version"] == 2
    assert not (folder / "weights.safetensors").read_bytes().startswith(b"PK")


def test_saving_again_replaces_and_leaves_other_files(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    save_bundle(bundle, tmp_path)
    save_bundle(bundle.with_twin(bundle.folds[0]), tmp_path)
    again = load_bundle(tmp_path)
    assert again.twin is not None
    assert again.twin.fingerprint == bundle.folds[0].fingerprint
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_write_that_fails_at_any_moment_leaves_the_old_bundle(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = bundle.with_twin(bundle.folds[0])
    for name in ("fsync", "link", "open"):
        save_bundle(bundle, tmp_path)

        def full(*_: object, **__: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(bundle_file.os, name, full)
        try:
            save_bundle(other, tmp_path)
        except ModelError as error:
            assert "No space left" in str(error)  # noqa: PT017
            loaded = load_bundle(tmp_path)
            assert loaded.twin is not None
            assert bundle.twin is not None
            assert loaded.twin.fingerprint == bundle.twin.fingerprint
        monkeypatch.undo()
        assert not list(tmp_path.glob(".glasscell-*"))


def test_a_crash_before_any_replacement_leaves_a_readable_bundle(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = bundle.with_twin(bundle.folds[0])
    assert bundle.twin is not None
    for crash_at in range(3):
        save_bundle(bundle, tmp_path)
        count = 0
        real = Path.replace

        def dying(self: Path, target: Path, real=real, crash_at=crash_at) -> Path:  # type: ignore[no-untyped-def]
            nonlocal count
            count += 1
            if count > crash_at:
                raise KeyboardInterrupt
            result: Path = real(self, target)
            return result

        monkeypatch.setattr(Path, "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            save_bundle(other, tmp_path)
        monkeypatch.undo()
        loaded = load_bundle(tmp_path)
        assert loaded.twin is not None
        assert loaded.twin.fingerprint == bundle.twin.fingerprint
        save_bundle(other, tmp_path)
        assert load_bundle(tmp_path).twin.fingerprint == bundle.folds[0].fingerprint  # type: ignore[union-attr]


def test_absent_and_odd_folders_get_a_sentence(tmp_path: Path, bundle: Bundle) -> None:
    with pytest.raises(ModelError, match="no saved model"):
        load_bundle(tmp_path)
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(ModelError, match="is a file"):
        load_bundle(file)
    with pytest.raises(ModelError, match="could not be saved"):
        save_bundle(bundle, file)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("model.json", b"", "cannot be read"),
        ("model.json", b"[1]", "does not describe"),
        ("model.json", b'{"format_version": 99}', "newer"),
        ("weights.safetensors", b"", "missing or not those"),
        ("weights.safetensors", b"\x80\x04K\x01.", "missing or not those"),
    ],
)
def test_damaged_files_get_a_sentence(
    bundle: Bundle, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    save_bundle(bundle, tmp_path)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelError, match=words):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    "key", ["family", "params", "folds", "genes", "classes", "cells", "metrics", "split", "curves"]
)
@pytest.mark.parametrize("value", [None, 7, "x", [], {"a": 1}])
def test_wrong_words_in_the_description_get_a_sentence(
    bundle: Bundle, tmp_path: Path, key: str, value: object
) -> None:
    save_bundle(bundle, tmp_path)
    words = json.loads((tmp_path / "model.json").read_text())
    words[key] = value
    (tmp_path / "model.json").write_text(json.dumps(words))
    with pytest.raises(Exception, match=r"damaged|no model family|setting") as caught:
        load_bundle(tmp_path)
    assert caught.type.__name__ in ("ModelError", "NotCompatible")


def test_a_truncated_weights_file_with_the_right_digest_gets_a_sentence(
    bundle: Bundle, tmp_path: Path
) -> None:
    import hashlib

    save_bundle(bundle, tmp_path)
    data = (tmp_path / "weights.safetensors").read_bytes()[:1000]
    (tmp_path / "weights.safetensors").write_bytes(data)
    words = json.loads((tmp_path / "model.json").read_text())
    words["weights_sha256"] = hashlib.sha256(data).hexdigest()
    (tmp_path / "model.json").write_text(json.dumps(words))
    with pytest.raises(ModelError, match="damaged"):
        load_bundle(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that cannot be written")
def test_a_folder_without_permission_gets_a_sentence(bundle: Bundle, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ModelError, match="could not be saved"):
        save_bundle(bundle, tmp_path / "one")
    tmp_path.chmod(0o700)
