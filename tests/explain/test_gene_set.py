"""Gene sets: read from GMT, tested against the measured genes, adjusted for their number."""

from collections.abc import Callable
from math import comb
from pathlib import Path

import numpy as np
import pytest

from glasscell.errors import DataError
from glasscell.explain.gene_set import GeneSet, adjust, overlap, read_gmt

MEASURED = [f"G{i}" for i in range(100)]


def literal_chance(n_all: int, n_set: int, n_drawn: int, n_both: int) -> float:
    ways = sum(
        comb(n_set, k) * comb(n_all - n_set, n_drawn - k) for k in range(n_both, min(n_set, n_drawn) + 1)
    )
    return ways / comb(n_all, n_drawn)


def test_p_is_the_hypergeometric_tail_over_measured_genes() -> None:
    inside = GeneSet("inside", frozenset([*MEASURED[:10], "NOT_MEASURED"]))
    beside = GeneSet("beside", frozenset(MEASURED[50:60]))
    few = GeneSet("few", frozenset(MEASURED[:2]))
    rows = overlap([*MEASURED[:6], "UNKNOWN", *MEASURED[55:57]], MEASURED, [beside, few, inside])
    assert [row.name for row in rows] == ["inside", "beside"]
    assert rows[0].n_set == 10
    assert rows[0].genes == tuple(MEASURED[:6])
    assert rows[0].expected == pytest.approx(8 * 10 / 100)
    for row, both in zip(rows, (6, 2), strict=True):
        assert row.p == pytest.approx(literal_chance(100, 10, 8, both), rel=1e-9)
    assert rows[0].q == pytest.approx(min(1, rows[0].p * 2), rel=1e-9)


def test_an_impostor_list_finds_nothing() -> None:
    rng = np.random.default_rng(0)
    sets = [GeneSet(f"s{i}", frozenset(rng.choice(MEASURED, 12, replace=False))) for i in range(60)]
    smallest = [
        min(row.q for row in overlap(list(rng.choice(MEASURED, 15, replace=False)), MEASURED, sets))
        for _ in range(20)
    ]
    assert np.mean(np.array(smallest) < 0.05) <= 0.15


def test_adjust_by_hand() -> None:
    found = adjust(np.array([0.01, 0.04, np.nan, 0.03, 0.5]))
    assert found[[0, 1, 3, 4]] == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert np.isnan(found[2])


def test_letter_case_of_the_species_does_not_matter() -> None:
    rows = overlap(["Isg15"], ["Isg15", "A", "B", "C", "D"], [GeneSet("s", frozenset(["ISG15", *"ABCD"]))])
    assert rows[0].genes == ("Isg15",)


@pytest.mark.parametrize(
    ("content", "says"), [("name only\n", "Line 1"), ("", "holds no gene set"), ("a\tb\n", "Line 1")]
)
def test_what_is_no_gmt(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "x.gmt"
    path.write_text(content)
    with pytest.raises(DataError, match=says):
        read_gmt(path)
    with pytest.raises(DataError, match="no file"):
        read_gmt(tmp_path / "absent.gmt")


def test_sets_of_another_species_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="this species"):
        overlap(["G1"], MEASURED, [GeneSet("s", frozenset(f"Zz{i}" for i in range(9)))])
    with pytest.raises(DataError, match="None of the listed"):
        overlap(["X"], MEASURED, [GeneSet("s", frozenset(MEASURED[:9]))])


def test_hallmark(real_data: Callable[[str], Path]) -> None:
    sets = read_gmt(real_data("gene_sets/hallmark.gmt"))
    assert len(sets) == 50
