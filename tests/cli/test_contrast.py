"""``glasscell contrast`` on real data: donors from the sample's name, refusals, gene sets, files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glasscell.cli.app import run

KANG = "kang_labelled_1556x1267.h5ad"


def call(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    code = run(["contrast", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_between_conditions(
    real_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sides = ("--a", "condition=stim", "--b", "condition=ctrl")
    sets = real_data("gene_sets/hallmark.gmt")
    code, out, _ = call(
        capsys, real_data(KANG), *sides, "--gene-sets", sets, "--out", tmp_path / "c.csv", "--json"
    )
    assert code == 0
    found = json.loads(out)
    assert (found["unit"], found["p"], found["a"]["n_donors"]) == ("donors", "too few donors", 2)
    assert {"ISG15", "IFIT1", "IFIT3"} <= {row["gene"] for row in found["top"]["expression_a"]}
    assert {row["p"] for row in found["top"]["expression_a"]} == {"too few donors"}
    assert "INTERFERON" in found["gene_sets"]["expression_a"][0]["name"]
    assert any("101, 107" in note for note in found["notes"])
    assert (tmp_path / "c.csv").read_text().count("too few donors") == 2 * 1267
    pattern = call(capsys, real_data(KANG), *sides, "--donor", "sample={condition}{donor}", "--json")
    assert json.loads(pattern[1])["top"] == found["top"]


def test_refusals_have_their_exit_codes(
    real_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sides = ("--a", "condition=stim", "--b", "condition=ctrl")
    code, _, err = call(capsys, real_data(KANG), *sides, "--unit", "cells")
    assert code == 5
    assert "cells cannot be the unit" in err
    code, _, err = call(capsys, real_data(KANG), *sides, "--donor", "nobody")
    assert code == 3
    assert "no obs column" in err
    code, _, err = call(capsys, real_data(KANG), "--a", "condition=stim", "--b", "condition=stim,ctrl")
    assert code == 3
    assert "share" in err


def test_people_read_a_table(real_data: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(
        capsys, real_data(KANG), "--a", "condition=stim", "--b", "condition=ctrl", "--top", 3
    )
    assert code == 0
    assert "too few donors" in out
    assert "101, 107" in err
