"""Paths typed in a notebook are read as everywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasscell.jupyter.path_line import PathLine


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("  sets", Path("sets.csv")),
        ('"my table.csv" ', Path("my table.csv")),
        ("~/made.tsv", Path("~/made.tsv").expanduser()),
    ],
)
def test_a_typed_path_is_read(typed: str, read: Path) -> None:
    line, found = PathLine("Save", "Write it", "made.csv", ".csv"), list[Path]()
    line.connect(found.append)
    line.press.click()
    assert not found, "an empty line does nothing"
    line.text.value = typed
    line.press.click()
    line.text._handle_custom_msg({"event": "submit"}, [])
    assert found == [read, read]
