"""Whole explanations as folders: read back equal, and refused when damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.explain.explain import explain, with_twin
from glasscell.explain.explanation_file import VALUES, WORDS, load_explanation, save_explanation
from glasscell.explain.request import ExplainRequest
from glasscell.explain.result import Explanation
from glasscell.session.spill import FolderSpill


@pytest.fixture
def made(dataset: Dataset, make_bundle: Callable[..., Any]) -> Callable[[bool], Explanation]:
    def make(factored: bool) -> Explanation:
        bundle = make_bundle(factored=factored)
        request = ExplainRequest(method="integrated_gradients", target="class:K2")
        return with_twin(explain(dataset, bundle, request), dataset, bundle)

    return make


def same(one: Explanation, other: Explanation) -> None:
    assert type(one) is type(other)
    assert one.id == other.id
    assert one.provenance.to_json() == other.provenance.to_json()
    assert dict(one.diagnostics) == pytest.approx(dict(other.diagnostics), nan_ok=True)
    rows = np.arange(len(one.cells))
    assert np.array_equal(one.block(rows), other.block(rows))
    assert np.array_equal(one.gene(one.genes[3]), other.gene(one.genes[3]), equal_nan=True)
    for mine, theirs in zip(one.evidence(), other.evidence(), strict=True):
        assert np.array_equal(mine, theirs)
    assert np.array_equal(one.mean_difference_g, other.mean_difference_g)  # type: ignore[arg-type]


@pytest.mark.parametrize("factored", [True, False])
def test_an_explanation_and_its_twin_come_back_equal(
    made: Callable[[bool], Explanation], factored: bool, tmp_path: Path
) -> None:
    explanation = made(factored)
    again = load_explanation(save_explanation(explanation, tmp_path / "e"))
    same(explanation, again)
    assert explanation.twin is not None
    assert again.twin is not None
    same(explanation.twin, again.twin)


def test_one_is_put_aside_and_brought_back(made: Callable[[bool], Explanation]) -> None:
    spill, explanation = FolderSpill(), made(True)
    assert spill.save(("explanation", explanation.id), explanation)
    assert spill.names("explanation") == (explanation.id,)
    same(explanation, spill.load(("explanation", explanation.id)))
    assert not spill.save(("column", "x"), np.zeros(3))
    spill.close()


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "another kind": lambda at: edit(at, "kind", "os.system"),
    "no genes": lambda at: edit(at, "genes", 7),
    "no provenance": lambda at: edit(at, "provenance", {}),
    "an unknown difference": lambda at: edit(at, "difference", "exec"),
    "too few cells": lambda at: edit(at, "n_cells", 2),
    "weights that are not there": lambda at: edit(at, "n_weights", 99),
    "no json": lambda at: (at / WORDS).write_bytes(b"\x80\x04cos\nsystem\n."),
    "other values": lambda at: (at / VALUES).write_bytes(b"0" * 64),
    "no values": lambda at: (at / VALUES).unlink(),
}


def edit(folder: Path, name: str, value: Any) -> None:
    words = json.loads((folder / WORDS).read_text())
    words["result"][name] = value
    (folder / WORDS).write_text(json.dumps(words))


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_in_one_sentence(
    made: Callable[[bool], Explanation], damage: str, tmp_path: Path
) -> None:
    folder = save_explanation(made(True), tmp_path / "e")
    DAMAGE[damage](folder)
    with pytest.raises(DataError) as caught:
        load_explanation(folder)
    assert "\n" not in str(caught.value)
