"""Selections: the algebra holds, saving loses nothing, and a changed column never moves the cells."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from glasscell.data.channel import ChannelRef
from glasscell.data.column import DataContext
from glasscell.data.dataset import Dataset
from glasscell.data.selection import (
    MASKS,
    Category,
    Cells,
    Everything,
    Lasso,
    Not,
    Range,
    Selection,
    inside_polygon,
    parse_selection,
    refresh,
    selection_from_json,
)
from glasscell.errors import DataError
from glasscell.testing.planted import tiny_adata, tiny_dataset

CONTEXT = DataContext(tiny_dataset(n_cells=90))
LABEL = ChannelRef("obs", "label")
SCORE = ChannelRef("obs", "score")
SQUARE = ((-0.5, -0.5), (4.5, -0.5), (4.5, 4.5), (-0.5, 4.5))
AXES = (ChannelRef("position", "x"), SCORE)

_corner = st.tuples(st.floats(-3, 12, width=32), st.floats(-3, 12, width=32))
_outlines = st.lists(_corner, min_size=3, max_size=7, unique=True).map(tuple)
_leaves = st.one_of(
    st.just(Everything()),
    st.lists(st.integers(0, 89), max_size=12).map(lambda rows: Cells(np.array(rows, np.int32))),
    st.lists(st.sampled_from(["K1", "K2", "K3"])).map(lambda names: Category(LABEL, tuple(names))),
    st.floats(-2, 2).map(lambda low: Range(SCORE, low)),
    st.tuples(st.floats(-2, 0), st.floats(0, 2)).map(lambda ends: Range(SCORE, *ends)),
    _outlines.map(lambda corners: Lasso("tissue", corners)),
    _outlines.map(lambda corners: Lasso("embedding:X_umap", corners, (1, 0))),
    _outlines.map(lambda corners: Lasso("channels", corners, AXES)),
)
_selections = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        inner.map(lambda a: ~a),
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] - pair[1]),
    ),
    max_leaves=5,
)
_quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_quick
@given(_selections, _selections)
def test_the_algebra_is_that_of_sets(a: Selection, b: Selection) -> None:
    in_a, in_b = a.mask(CONTEXT), b.mask(CONTEXT)
    np.testing.assert_array_equal((a & b).mask(CONTEXT), in_a & in_b)
    np.testing.assert_array_equal((a | b).mask(CONTEXT), in_a | in_b)
    np.testing.assert_array_equal((a - b).mask(CONTEXT), in_a & ~in_b)
    np.testing.assert_array_equal((~(a & b)).mask(CONTEXT), (~a | ~b).mask(CONTEXT))
    np.testing.assert_array_equal((~(a | b)).mask(CONTEXT), (~a & ~b).mask(CONTEXT))
    assert ~~a == a


@_quick
@given(_selections)
def test_a_selection_survives_json_and_is_a_key(selection: Selection) -> None:
    again = selection_from_json(json.loads(json.dumps(selection.to_json())))
    assert again == selection
    assert {selection: 1}[again] == 1
    np.testing.assert_array_equal(again.mask(CONTEXT), selection.mask(CONTEXT))


@_quick
@given(_selections)
def test_pinning_changes_no_cell_and_pinned_ones_survive_json(selection: Selection) -> None:
    pinned, said = refresh(selection, CONTEXT)
    assert said == ()
    np.testing.assert_array_equal(pinned.mask(CONTEXT), selection.mask(CONTEXT))
    assert selection_from_json(json.loads(json.dumps(pinned.to_json()))) == pinned
    assert refresh(pinned, CONTEXT) == (pinned, ())


def test_masks_are_shared_and_cannot_be_written_to() -> None:
    pinned, _ = refresh(Category(LABEL, ("K1",)), CONTEXT)
    mask = pinned.mask(CONTEXT)
    assert pinned.mask(CONTEXT) is mask
    for selection in (pinned, pinned & Everything(), ~pinned, Cells(np.array([1])), Everything()):
        with pytest.raises(ValueError, match="read-only"):
            selection.mask(CONTEXT)[0] = True


def test_equal_choices_are_equal_however_they_were_written() -> None:
    assert Category(LABEL, ("K2", "K1", "K2")) == Category(LABEL, ("K1", "K2"))
    assert Cells(np.array([3, 1, 3])) == Cells(np.array([1, 3]))
    assert Cells(np.array([1])) != Cells(np.array([2]))
    assert len(Cells.from_mask(np.array([True, False, True]))) == 2


def test_missing_values_are_never_selected_by_content() -> None:
    adata = tiny_adata(n_cells=30)
    adata.obs["score"] = np.where(np.arange(30) < 10, np.nan, 1.0)
    adata.obs["label"] = adata.obs["label"].where(np.arange(30) >= 5)
    context = DataContext(Dataset(adata))
    assert Range(SCORE).mask(context).sum() == 20
    assert Category(LABEL, ("K1", "K2", "K3")).mask(context).sum() == 25


def test_a_changed_column_freezes_the_cells_and_says_so() -> None:
    adata = tiny_adata()
    before = DataContext(Dataset(adata))
    chosen, _ = refresh(Category(LABEL, ("K1",)) & ~Range(SCORE, 0.0), before)
    cells = chosen.mask(before).copy()
    changed = adata.copy()
    changed.obs["label"] = changed.obs["label"].to_numpy()[::-1]
    after = DataContext(Dataset(changed))
    kept, said = refresh(chosen, after)
    np.testing.assert_array_equal(kept.mask(after), cells)
    assert len(said) == 1
    assert '"label" has changed' in said[0]
    assert "cells" in said[0]


def test_a_removed_column_freezes_too_and_a_forgotten_mask_is_asked_of_the_old_data() -> None:
    adata = tiny_adata()
    before = DataContext(Dataset(adata))
    chosen, _ = refresh(Lasso("embedding:X_umap", ((0, 0), (9, 0), (9, 9), (0, 9))), before)
    cells = chosen.mask(before).copy()
    bare = adata.copy()
    del bare.obsm["X_umap"]
    after = DataContext(Dataset(bare))
    MASKS.clear()
    kept, said = refresh(chosen, after, before=before)
    np.testing.assert_array_equal(kept.mask(after), cells)
    assert "is gone" in said[0]
    MASKS.clear()
    lost, said = refresh(chosen, after)
    assert lost == Cells(np.zeros(0, np.int32))
    assert "no longer known" in said[0]


def test_a_stale_leaf_never_answers_for_the_new_column() -> None:
    adata = tiny_adata()
    chosen, _ = refresh(Category(LABEL, ("K1",)), DataContext(Dataset(adata)))
    changed = adata.copy()
    changed.obs["label"] = changed.obs["label"].to_numpy()[::-1]
    MASKS.clear()
    with pytest.raises(DataError, match="has changed"):
        chosen.mask(DataContext(Dataset(changed)))


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Category(LABEL, ("K9",)), 'called "K9"'),
        (Category(SCORE, ("1",)), "select a range"),
        (Range(LABEL, 0), "holds categories"),
        (Cells(np.array([500])), "500"),
        (Lasso("tissue", ((0, 0), (1, 1))), "three different corners"),
        (Lasso("tissue", ((0, 0), (1, 1), (np.nan, 1))), "not a number"),
        (Lasso("elsewhere", SQUARE), "cannot be read"),
        (Lasso("channels", SQUARE, (LABEL, SCORE)), "holds categories"),
    ],
)
def test_what_cannot_be_selected_is_one_sentence(selection: Selection, message: str) -> None:
    with pytest.raises(DataError, match=message):
        selection.mask(CONTEXT)


def test_wrong_numbers_are_refused_at_once() -> None:
    with pytest.raises(DataError, match="empty"):
        Range(SCORE, 2, 1)
    with pytest.raises(DataError, match="from 0"):
        Cells(np.array([-1]))
    with pytest.raises(DataError, match="cannot be read"):
        selection_from_json({"kind": "future"})


def test_the_cache_drops_the_oldest_mask() -> None:
    from glasscell.data.leaf import MaskCache

    cache = MaskCache(limit=250)
    leaves = [Range(SCORE, float(number), column="x") for number in range(3)]
    for leaf in leaves:
        cache.put(leaf, np.zeros(100, np.bool_))
    assert cache.get(leaves[0]) is None
    assert cache.get(leaves[2]) is not None


@_quick
@given(_outlines, st.integers(0, 1000))
def test_a_lasso_agrees_with_an_independent_even_odd_rule(corners: tuple, seed: int) -> None:
    points = np.random.default_rng(seed).uniform(-3, 12, size=(300, 2))
    corner_array = np.array(corners)
    ends = np.roll(corner_array, -1, axis=0)
    x, y = points[:, :1], points[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        run, rise = (ends - corner_array).T
        at = corner_array[:, 0] + (y - corner_array[:, 1]) / rise * run
    crosses = ((corner_array[:, 1] > y) != (ends[:, 1] > y)) & (x < at)
    expected = crosses.sum(axis=1) % 2 == 1
    found = inside_polygon(points, corners)
    near_edge = np.abs(at - x).min(axis=1, initial=np.inf, where=np.isfinite(at)) < 1e-6
    np.testing.assert_array_equal(found[~near_edge], expected[~near_edge])


def test_a_lasso_on_many_cells_is_exact() -> None:
    points = np.random.default_rng(0).uniform(0, 1000, size=(200_000, 2))
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    wave = 120 + 30 * np.sin(9 * turn)
    corners = np.stack([500 + wave * np.cos(turn), 400 + wave * np.sin(turn)], axis=1)
    found = inside_polygon(points, corners)
    np.testing.assert_array_equal(found, Outline(corners).contains_points(points))


def test_points_on_corners_and_edges_are_where_shapely_has_them() -> None:
    rng = np.random.default_rng(0)
    lattice = np.stack(np.meshgrid(np.arange(-1, 14), np.arange(-1, 14)), -1).reshape(-1, 2).astype(float)
    points = np.vstack([lattice, lattice + 0.5])
    tried = 0
    while tried < 300:
        corners = rng.integers(0, 12, (rng.integers(3, 9), 2)).astype(float)
        polygon = shapely.Polygon(corners)
        if not polygon.is_valid or polygon.area == 0:
            continue
        tried += 1
        expected = shapely.contains_xy(polygon, points)
        np.testing.assert_array_equal(inside_polygon(points, corners), expected)


def test_cells_without_a_position_are_outside() -> None:
    points = np.array([[1, 1], [np.nan, 1], [9, 9]])
    np.testing.assert_array_equal(inside_polygon(points, SQUARE), [True, False, False])


def test_no_positions_no_lasso() -> None:
    adata = tiny_adata()
    del adata.obsm["spatial"]
    with pytest.raises(DataError, match="no positions"):
        Lasso("tissue", SQUARE).mask(DataContext(Dataset(adata)))


def test_cells_are_named_in_a_shell() -> None:
    dataset = CONTEXT.dataset
    gene = str(dataset.genes.symbols[0])
    expected = {
        "": Everything(),
        "all": Everything(),
        "label=K1": Category(LABEL, ("K1",)),
        "label = K1, K2": Category(LABEL, ("K1", "K2")),
        "score=0..1.5": Range(SCORE, 0, 1.5),
        "score=0..": Range(SCORE, 0),
        f"{gene}=1..": Range(ChannelRef("gene", gene), 1),
        "label=K1; score=..0": Category(LABEL, ("K1",)) & Range(SCORE, high=0),
    }
    for text, selection in expected.items():
        assert parse_selection(text, dataset) == selection
    outside = parse_selection("label!=K1", dataset).mask(CONTEXT)
    np.testing.assert_array_equal(outside, Not(Category(LABEL, ("K1",))).mask(CONTEXT))
    for text, message in {
        "label": "COLUMN=VALUE",
        "labl=K1": "did you mean",
        "score=high": "LOW..HIGH",
    }.items():
        with pytest.raises(DataError, match=message):
            parse_selection(text, dataset)
