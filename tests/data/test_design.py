"""Donors and conditions: read, split off a sample's name, or said by the user."""

from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.design import find_design, split_column
from glasscell.data.read import read
from glasscell.errors import DataError


def made(**columns: list[str]) -> Dataset:
    n = len(next(iter(columns.values()))) * 3
    obs = pd.DataFrame(
        {key: values * 3 for key, values in columns.items()}, index=[f"c{i}" for i in range(n)]
    )
    counts = np.random.default_rng(0).poisson(3, (n, 6)).astype(np.float32)
    return Dataset(anndata.AnnData(counts, obs=obs))


def test_a_plain_sample_column_is_split_and_said() -> None:
    dataset = made(
        sample=["ctrl101", "stim101", "ctrl107", "stim107"], condition=["ctrl", "stim", "ctrl", "stim"]
    )
    design = find_design(dataset)
    assert design.donors is not None
    assert design.conditions is not None
    assert sorted(design.donors.names) == ["101", "107"]
    assert design.conditions.source == "condition"
    assert "101, 107" in design.note
    assert (design.donors.codes == design.donors.codes[[0, 0, 2, 2] * 3]).all()


@pytest.mark.parametrize(
    "samples",
    [["P12_pre", "P12_post", "P40_pre", "P40_post"], ["pre-P12", "post-P12", "pre-P40", "post-P40"]],
)
def test_the_condition_may_stand_before_or_behind(samples: list[str]) -> None:
    design = find_design(made(sample_id=samples, treatment=["pre", "post", "pre", "post"]))
    assert design.donors is not None
    assert set(design.donors.names) == {"P12", "P40"}


def test_without_a_condition_column_letters_and_number_are_split() -> None:
    design = find_design(made(sample=["ctrl101", "stim101", "ctrl107", "stim107"]))
    assert design.conditions is not None
    assert set(design.conditions.names) == {"ctrl", "stim"}


@pytest.mark.parametrize(
    "samples",
    [
        ["ctrl1", "stim1", "ctrl2", "stim2"],  # numbered anew in each condition: perhaps four people
        ["ctrl101", "ctrl102", "stim103", "stim104"],  # nobody recurs, so nothing is gained
        ["a", "b", "c", "d"],
    ],
)
def test_what_would_be_a_guess_is_left_alone(samples: list[str]) -> None:
    design = find_design(made(sample=samples, condition=[name[:4] for name in samples]))
    assert design.donors is None
    assert not design.note


def test_a_donor_column_or_a_template_comes_first() -> None:
    dataset = made(
        sample=["ctrl1", "stim1", "ctrl2", "stim2"], condition=["ctrl", "stim"] * 2, who=["x", "x", "y", "y"]
    )
    by_column = find_design(dataset, "who")
    by_pattern = find_design(dataset, "sample={condition}{donor}")
    assert by_column.donors is not None
    assert by_pattern.donors is not None
    assert (by_column.donors.codes == by_pattern.donors.codes).all()
    assert by_pattern.donors.names == ("1", "2")


@pytest.mark.parametrize(
    ("values", "template", "donors"),
    [
        (["d1_ctrl", "d2_ctrl"], "s={donor}_{condition}", ("d1", "d2")),
        (["1016ctrl", "7stim"], "s={donor}{condition}", ("7", "1016")),
        (["run-7", "run-8"], "s=run-{donor}", ("7", "8")),
        (["ctrl101b", "stim101b"], "s={condition}{donor}", ("101b",)),
    ],
)
def test_templates(values: list[str], template: str, donors: tuple[str, ...]) -> None:
    found, _ = split_column(made(s=values).obs, template)
    assert set(found.names) == set(donors)


@pytest.mark.parametrize(
    ("template", "says"),
    [("s={who}", "for example"), ("s=x{donor}", "not made up like"), ("t={donor}", "no obs column")],
)
def test_a_wrong_template_is_one_sentence(template: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        split_column(made(s=["a1", "b2"]).obs, template)


def test_kang(real_data: Callable[[str], Path]) -> None:
    design = find_design(read(real_data("kang_labelled_1556x1267.h5ad")))
    assert design.donors is not None
    assert sorted(design.donors.names) == ["101", "107"]
    assert find_design(read(real_data("kang_2000x9015.h5ad"))).donors is None
