"""Gene sets: as a mask over measured genes, and those that come with the sample."""

from pathlib import Path

import numpy as np
import pytest

from glasscell.data.gene_set import (
    SAMPLE_SETS,
    GeneSet,
    find_gmt,
    gene_mask,
    jaccard,
    matched_decoys,
    read_gmt,
    write_gmt,
)
from glasscell.data.sample import sample_path
from glasscell.data.sample_gene import planted_sets
from glasscell.errors import DataError

GENES = [f"G{number}" for number in range(20)]
FIRST = GeneSet("first", frozenset(["g0", "G1", "G2", "ELSEWHERE"]))
SECOND = GeneSet("second", frozenset(["G2", "G3", "G4", "G5"]))


def test_a_mask_holds_exactly_the_measured_members() -> None:
    found = gene_mask([SECOND, FIRST], GENES, min_genes=3)
    assert found.names == ("second", "first")
    expected = np.array(
        [[gene.lower() in {g.lower() for g in one.genes} for gene in GENES] for one in (SECOND, FIRST)]
    )
    assert np.array_equal(found.mask_pg, expected)


def test_sets_of_few_or_many_measured_genes_are_left_out_and_named() -> None:
    whole = GeneSet("whole", frozenset(GENES))
    found = gene_mask([FIRST, SECOND, whole], GENES, min_genes=4, max_genes=10)
    assert (found.names, found.too_small, found.too_large) == (("second",), ("first",), ("whole",))
    with pytest.raises(DataError, match="None of 1 gene sets"):
        gene_mask([FIRST], GENES, min_genes=5)


def test_jaccard_is_shared_over_either() -> None:
    mask_pg = gene_mask([FIRST, SECOND], GENES, min_genes=1).mask_pg
    assert np.allclose(jaccard(mask_pg), [[1, 1 / 6], [1 / 6, 1]])


def test_sets_written_read_back_equal(tmp_path: Path) -> None:
    write_gmt([FIRST, SECOND], tmp_path / "a.gmt")
    assert read_gmt(tmp_path / "a.gmt") == (FIRST, SECOND)


def test_the_packaged_sets_are_what_was_planted_and_open_by_name() -> None:
    assert find_gmt(SAMPLE_SETS) == sample_path().with_name(SAMPLE_SETS)
    assert {one.name: one.genes for one in read_gmt(SAMPLE_SETS)} == planted_sets()


def test_no_path_is_one_sentence() -> None:
    with pytest.raises(DataError, match="No gene sets are named"):
        read_gmt(" ")
    with pytest.raises(DataError, match="There is no file"):
        read_gmt("nowhere/at_all.gmt")


def test_decoys_are_as_many_and_as_abundant_and_none_of_the_set() -> None:
    rng = np.random.default_rng(0)
    abundance = np.sort(rng.gamma(0.5, 2.0, size=600))[rng.permutation(600)]
    mask = np.zeros(600, bool)
    mask[np.argsort(-abundance)[20:50]] = True
    decoys = matched_decoys(mask, abundance, 50, seed=1)
    assert (decoys.sum(axis=1) == 30).all()
    assert not (decoys & mask).any()
    assert np.median(abundance[mask]) == pytest.approx(
        np.median([abundance[d].mean() for d in decoys]), rel=0.25
    )
    random = np.mean([abundance[rng.choice(600, 30)].mean() for _ in range(50)])
    assert random < 0.5 * abundance[mask].mean(), "unmatched sets are not as abundant"
    assert len({row.tobytes() for row in decoys}) == 50
    assert np.array_equal(decoys, matched_decoys(mask, abundance, 50, seed=1))
    with pytest.raises(DataError, match="too few to draw"):
        matched_decoys(np.arange(600) < 400, abundance, 2)
