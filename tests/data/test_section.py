"""Sections, donors, and where they are drawn."""

import numpy as np
import pandas as pd
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.section import find_donors, find_sections, group_by, lay_out, natural_key
from glasscell.data.tissue import Extent
from glasscell.errors import DataError

GRID = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)
TWO = np.repeat(["b", "a"], 50)


def test_groups_are_sorted_naturally_and_keep_missing_apart() -> None:
    groups = group_by(pd.DataFrame({"s": ["p16", "p8", None, "p8"]}), "s")
    assert groups.names == ("p8", "p16")
    assert groups.codes.tolist() == [1, 0, -1, 0]
    assert groups.sizes.tolist() == [2, 1]
    assert groups.mask("p8").tolist() == [False, True, False, True]
    with pytest.raises(DataError, match="there are p8, p16"):
        groups.mask("p9")
    assert group_by(pd.DataFrame({"s": [1.0, 2.0]}), "s").names == ("1", "2")
    assert sorted(["x10", "x9", "10", "9"], key=natural_key) == ["9", "10", "x9", "x10"]


@pytest.mark.parametrize("column", ["library_id", "Section", "slice", "slice_id"])
def test_section_columns(column: str) -> None:
    found = find_sections(pd.DataFrame({column: TWO}), GRID)
    assert found is not None
    assert found.names == ("a", "b")
    assert found.source == column


def test_fields_of_view_are_sections_only_where_their_coordinates_coincide() -> None:
    obs = pd.DataFrame({"fov": TWO})
    assert find_sections(obs, GRID) is None  # two halves of one grid: one tissue, seen in two pictures
    local = GRID.copy()
    local[50:, 1] -= 5
    found = find_sections(obs, local)
    assert found is not None
    assert len(found) == 2


def test_names_of_pictures_decide() -> None:
    obs = pd.DataFrame({"section": ["same"] * 100, "odd": TWO})
    found = find_sections(obs, GRID, ["a", "b"])
    assert found is not None
    assert found.source == "odd"
    assert find_sections(obs, None, ["a", "b"]) is None


def test_a_column_that_numbers_cells_is_no_donor() -> None:
    assert find_donors(pd.DataFrame({"subject": range(100)})) is None
    found = find_donors(pd.DataFrame({"Donor_ID": TWO}))
    assert found is not None
    assert found.names == ("a", "b")


def test_overlapping_sections_are_laid_side_by_side(make_adata) -> None:
    boxes = {name: Extent(0, 0, 10, 10) for name in "abcde"}
    offsets = lay_out(boxes)
    moved = [boxes[name].shifted(offset) for name, offset in offsets.items()]
    assert all(a.overlap(b) == 0 for i, a in enumerate(moved) for b in moved[i + 1 :])
    apart = {"a": Extent(0, 0, 1, 1), "b": Extent(5, 0, 6, 1)}
    assert set(lay_out(apart).values()) == {(0.0, 0.0)}
    adata = make_adata(n_cells=100, obsm={"spatial": np.vstack([GRID[:50], GRID[:50]])})
    adata.obs["section"] = TWO
    dataset = Dataset(adata)
    assert dataset.layout.offsets["a"] == (0.0, 0.0)
    shift = dataset.layout.offsets["b"]
    assert shift[0] > 9
    moved_cd = adata.obsm["spatial"] + (TWO == "b")[:, None] * shift
    np.testing.assert_allclose(dataset.positions_cd, moved_cd)


def test_cells_of_no_section_form_their_own(make_adata) -> None:
    adata = make_adata(n_cells=100, obsm={"spatial": GRID})
    adata.obs["piece"] = ["x"] * 60 + [None] * 40
    dataset = Dataset(adata, section="piece")
    assert dataset.sections.names == ("x", "no piece")
    assert dataset.sections.sizes.tolist() == [60, 40]
    assert Dataset(adata, section="").sections.names == ("section 1",)


def test_radius_is_half_the_distance_of_neighbours(make_adata) -> None:
    dataset = Dataset(make_adata(n_cells=100, obsm={"spatial": GRID * 7}))
    assert dataset.tissue.sections[0].radius == pytest.approx(3.5)
