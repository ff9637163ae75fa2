"""Channels: names that survive saving, and columns that say what they are."""

import json

import numpy as np
import pandas as pd
import pytest

from glasscell.data.channel import (
    CellValues,
    ChannelRef,
    channel_kinds,
    register_channel,
    resolve_channel,
)
from glasscell.data.column import DataContext, categorical_codes, is_continuous
from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.testing.planted import tiny_adata, tiny_dataset


@pytest.fixture(scope="module")
def context() -> DataContext:
    dataset = tiny_dataset()
    return DataContext(dataset, groups={"mine": np.arange(dataset.n_cells) < 7})


def test_a_reference_survives_json_and_ignores_the_order_of_its_parameters() -> None:
    ref = ChannelRef.make("attribution", "PCP4", explanation="e1", baseline="zero", steps=32)
    again = ChannelRef.from_json(json.loads(json.dumps(ref.to_json())))
    assert again == ref
    assert hash(again) == hash(ref)
    assert ChannelRef.make("gene", "A", b=1, a=2) == ChannelRef.make("gene", "A", a=2, b=1)
    assert ref.param("explanation") == "e1"
    assert ref.param("absent", 3) == 3


def test_a_gene_has_the_expression_of_the_dataset(context: DataContext) -> None:
    name = str(context.dataset.genes.symbols[3])
    column = resolve_channel(context, ChannelRef("gene", name))
    np.testing.assert_allclose(column.values, context.dataset.gene_column(name))
    assert column.unit == context.dataset.expression_unit
    counts = resolve_channel(context, ChannelRef.make("gene", name, layer="counts"))
    np.testing.assert_allclose(counts.values, context.dataset.adata.X[:, 3].toarray().ravel())
    assert counts.unit == "counts"


def test_obs_columns_are_numbers_or_categories_with_the_palette_of_the_file() -> None:
    adata = tiny_adata()
    adata.obs["label"] = adata.obs["label"].cat.set_categories(["K3", "unused", "K1", "K2"])
    adata.uns["label_colors"] = np.array(["#300000", "#ffffff", "#100000", "#200000"])
    context = DataContext(Dataset(adata))
    label = resolve_channel(context, ChannelRef("obs", "label"))
    assert label.kind == "categorical"
    assert label.categories == ("K3", "K1", "K2")
    assert label.palette == ("#300000", "#100000", "#200000")
    assert [label.categories[code] for code in label.codes] == list(adata.obs["label"])
    score = resolve_channel(context, ChannelRef("obs", "score"))
    assert score.kind == "continuous"
    assert score.text(0).startswith(f"{adata.obs['score'].iloc[0]:.4g}")


def test_embeddings_positions_and_groups_resolve(context: DataContext) -> None:
    umap = resolve_channel(context, ChannelRef.make("embedding", "X_umap", component=1))
    np.testing.assert_array_equal(umap.values, context.dataset.embeddings["X_umap"][:, 1])
    x = resolve_channel(context, ChannelRef("position", "x"))
    np.testing.assert_allclose(x.values, context.dataset.positions_cd[:, 0])
    group = resolve_channel(context, ChannelRef("group", "mine"))
    assert group.categories == ("mine", "not mine")
    assert int((group.codes == 0).sum()) == 7


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        (ChannelRef("obs", "labl"), "did you mean label"),
        (ChannelRef("gene", "NOPE"), "NOPE"),
        (ChannelRef("embedding", "X_umpa"), "did you mean X_umap"),
        (ChannelRef.make("embedding", "X_umap", component=9), "components 0 to 1"),
        (ChannelRef("position", "z"), '"x" or "y"'),
        (ChannelRef("group", "other"), "mine"),
        (ChannelRef("nonsense", "x"), "known kinds"),
    ],
)
def test_an_unknown_name_is_one_sentence(context: DataContext, ref: ChannelRef, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        resolve_channel(context, ref)
    assert "\n" not in str(caught.value)


def test_no_positions_is_said() -> None:
    adata = tiny_adata()
    del adata.obsm["spatial"]
    with pytest.raises(DataError, match="no positions"):
        resolve_channel(DataContext(Dataset(adata)), ChannelRef("position", "x"))


def test_a_new_kind_needs_only_a_resolver(context: DataContext) -> None:
    register_channel("test index", lambda c, ref: CellValues("index", values=np.arange(c.dataset.n_cells)))
    assert "test index" in channel_kinds()
    assert resolve_channel(context, ChannelRef("test index", "")).text(5) == "5"


def test_the_fingerprint_follows_the_content() -> None:
    values = np.array([1, 2, np.nan], np.float32)
    first, same = CellValues("a", values=values), CellValues("b", values=values.copy())
    assert first.fingerprint == same.fingerprint
    assert first.fingerprint != CellValues("a", values=values * 2).fingerprint
    codes = np.array([0, 1, -1])
    named = CellValues("a", codes=codes, categories=("x", "y"))
    assert named.fingerprint != CellValues("a", codes=codes, categories=("x", "z")).fingerprint
    np.testing.assert_array_equal(first.missing, [False, False, True])
    np.testing.assert_array_equal(named.missing, [False, False, True])
    assert (first.text(2), named.text(2), named.text(1)) == ("missing", "missing", "y")


def test_a_column_cannot_be_changed_or_be_half_made() -> None:
    column = CellValues("a", values=np.ones(3, np.float32))
    with pytest.raises(ValueError, match="read-only"):
        np.copyto(column.values, 2)
    with pytest.raises(DataError, match="either numbers or categories"):
        CellValues("a")
    with pytest.raises(DataError, match="one value per cell"):
        CellValues("a", values=np.ones((2, 2)))
    with pytest.raises(DataError, match="1 colours"):
        CellValues("a", codes=np.zeros(2), categories=("x", "y"), palette=("#000000",))


def test_the_callers_array_stays_writable() -> None:
    mine = np.ones(3, np.float32)
    CellValues("a", values=mine)
    mine[0] = 5
    assert mine[0] == 5


@pytest.mark.parametrize(
    ("column", "continuous"),
    [
        (pd.Series([1, 2, 3]), False),
        (pd.Series(range(40)), True),
        (pd.Series([0.5, 1.5]), True),
        (pd.Series([True, False]), False),
        (pd.Series(["a", "b"]), False),
        (pd.Series([1, 2], dtype="category"), False),
    ],
)
def test_numbers_are_told_from_categories(column: pd.Series, continuous: bool) -> None:
    assert is_continuous(column) is continuous


def test_empty_names_are_missing_and_equal_names_are_one() -> None:
    codes, names = categorical_codes(pd.Series(["b", " ", "a", None, "nan", "b"]))
    assert names == ("a", "b")
    np.testing.assert_array_equal(codes, [1, -1, 0, -1, -1, 1])
    codes, names = categorical_codes(pd.Series([1, "1", 2], dtype="category"))
    assert names == ("1", "2")
    np.testing.assert_array_equal(codes, [0, 0, 1])
