"""Splits and labels: whole blocks, disjoint folds, classes spread, and one sentence when impossible."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasscell.data.block import assign_blocks, spatial_blocks
from glasscell.data.dataset import Dataset
from glasscell.data.labels import Labels, drop_rare, labels_from_groups, read_labels
from glasscell.data.read import read
from glasscell.data.split import Split, default_scheme, split
from glasscell.errors import DataError
from glasscell.testing.planted import planted_adata, planted_dataset, tiny_adata, tiny_dataset


def check_whole_blocks(result: Split) -> None:
    """Every block lies in one fold, every fold has cells, and training never sees what is held out."""
    used = result.folds >= 0
    assert ((result.blocks >= 0) == used).all()
    table = pd.crosstab(result.blocks[used], result.folds[used])
    assert ((table > 0).sum(axis=1) == 1).all()
    assert (table.sum(axis=0) > 0).all()
    assert sorted(np.unique(result.blocks[used])) == list(range(len(result.block_names)))
    assert len(set(result.block_names)) == len(result.block_names)
    for fold in range(result.n_folds):
        assert not (result.training(fold) & result.held_out(fold)).any()
    assert sum(result.held_out(fold).sum() for fold in range(result.n_folds)) == used.sum()


def test_blocks_are_whole_balanced_and_repeatable() -> None:
    dataset = planted_dataset(n_cells=900, n_sections=1)
    labels = read_labels(dataset, "label")
    first = split(dataset, "blocks", labels=labels, seed=3)
    check_whole_blocks(first)
    np.testing.assert_array_equal(first.folds, split(dataset, "blocks", labels=labels, seed=3).folds)
    assert len(first.block_names) == 16
    assert "16 spatial blocks" in first.description
    table = pd.crosstab(labels.codes, first.folds)
    assert (table > 0).all(axis=None)
    assert table.sum(axis=0).max() < 1.4 * table.sum(axis=0).min()


def test_blocks_never_span_sections() -> None:
    dataset = planted_dataset(n_cells=900, n_sections=3)
    result = split(dataset, "blocks")
    check_whole_blocks(result)
    assert len(result.block_names) == 48
    assert (pd.crosstab(result.blocks, dataset.obs["section"].to_numpy()) > 0).sum(axis=1).max() == 1
    assert result.block_of(0).startswith("S1 ")


def test_different_seeds_deal_differently() -> None:
    dataset = planted_dataset(n_cells=600)
    dealt = {split(dataset, "blocks", seed=seed).folds.tobytes() for seed in range(5)}
    assert len(dealt) > 1


def test_the_gap_keeps_training_cells_away() -> None:
    dataset = planted_dataset(n_cells=900)
    result = split(dataset, "blocks", gap=2.0)
    check_whole_blocks(result)
    for fold in range(result.n_folds):
        train = dataset.positions_cd[result.training(fold)]
        test = dataset.positions_cd[result.held_out(fold)]
        distance = np.sqrt(((train[:, None] - test[None]) ** 2).sum(axis=-1))
        assert distance.min() > 2.0
    assert "gap of 2" in result.description
    with pytest.raises(DataError, match="gap"):
        split(dataset, "random", gap=1.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 20), st.integers(1, 5), st.integers(2, 5), st.integers(0, 99))
def test_each_class_lands_in_many_folds(blocks: int, classes: int, folds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(20, (blocks, classes)) * (rng.random((blocks, classes)) < 0.6)
    dealt = assign_blocks(counts, folds, seed)
    assert len(np.unique(dealt)) == folds
    np.testing.assert_array_equal(dealt, assign_blocks(counts, folds, seed))
    possible = np.minimum((counts > 0).sum(axis=0), folds)
    reached = np.array([len(np.unique(dealt[counts[:, k] > 0])) for k in range(classes)])
    assert (reached <= possible).all()
    assert (possible - reached).sum() <= 1


def test_cells_without_a_position_have_no_block() -> None:
    positions = np.random.default_rng(0).uniform(size=(100, 2))
    positions[:3] = np.nan
    blocks, keys = spatial_blocks(positions, np.zeros(100, np.int32), 4)
    assert (blocks[:3] == -1).all()
    assert (blocks[3:] >= 0).all()
    assert len(keys) == 16
    few, keys = spatial_blocks(positions[3:12], np.zeros(9, np.int32), 4)
    assert len(keys) == 1
    assert (few == 0).all()


def test_donor_and_section_are_held_out_in_turn() -> None:
    dataset = planted_dataset(n_cells=300, n_sections=3)
    for scheme in ("donor", "section"):
        result = split(dataset, scheme)
        check_whole_blocks(result)
        assert result.n_folds == 3
        assert "in turn" in result.description
    many = planted_dataset(n_cells=700, n_sections=7)
    grouped = split(many, "section", n_folds=4)
    check_whole_blocks(grouped)
    assert (grouped.n_folds, len(grouped.block_names)) == (4, 7)


def test_the_strictest_possible_scheme_is_offered() -> None:
    assert default_scheme(planted_dataset(n_cells=60, n_sections=2)) == "donor"
    adata = planted_adata(n_cells=60, n_sections=2)
    del adata.obs["donor"]
    assert default_scheme(Dataset(adata)) == "section"
    assert default_scheme(planted_dataset(n_cells=60)) == "blocks"
    bare = planted_adata(n_cells=60)
    del bare.obsm["spatial"]
    assert default_scheme(Dataset(bare)) == "random"
    bare.obs["batch"] = np.where(np.arange(60) % 2, "one", "two")
    several = Dataset(bare)
    assert default_scheme(several) == "obs:batch"
    assert "several samples" in split(several, "random").warnings[0]
    assert split(several, "obs:batch").n_folds == 2
    del bare.obs["donor"]
    bare.obs["condition"] = np.tile(["ctrl", "stim"], 30)
    bare.obs["sample"] = np.tile(["ctrl101", "stim101", "ctrl107", "stim107"], 15)
    worked_out = Dataset(bare)
    assert default_scheme(worked_out) == "donor"
    made = split(worked_out, "donor")
    assert (made.n_folds, made.block_names) == (2, ("101", "107"))


def test_random_is_stratified_and_warns_on_tissue() -> None:
    dataset = planted_dataset(n_cells=400)
    labels = read_labels(dataset, "label")
    result = split(dataset, "random", labels=labels, seed=1)
    table = pd.crosstab(labels.codes, result.folds)
    assert (table.max(axis=1) - table.min(axis=1)).max() <= 1
    assert len(result.warnings) == 1
    assert "leak" in result.warnings[0]
    adata = planted_adata(n_cells=400)
    del adata.obsm["spatial"]
    assert split(Dataset(adata), "random").warnings == ()


def test_a_column_makes_one_fold_of_each_value() -> None:
    adata = tiny_adata()
    adata.obs["batch"] = pd.Categorical(["a", "b"] * 59 + [None, None], categories=["unused", "b", "a"])
    result = split(Dataset(adata), "obs:batch")
    assert result.block_names == ("b", "a")
    np.testing.assert_array_equal(result.folds, [1, 0] * 59 + [-1, -1])
    np.testing.assert_array_equal(result.training(0), result.held_out(1))


def test_a_file_of_folds_is_matched_by_name(tmp_path: Path) -> None:
    dataset = tiny_dataset(n_cells=20)
    path = tmp_path / "folds.csv"
    table = pd.DataFrame({"cell": dataset.cell_names[::-1][:18], "fold": ["b", "a"] * 9})
    table.to_csv(path, index=False)
    result = split(dataset, str(path))
    expected = dict(zip(table["cell"], table["fold"], strict=True))
    found = {
        name: result.block_names[block]
        for name, block in zip(dataset.cell_names, result.blocks, strict=True)
        if block >= 0
    }
    assert found == expected
    assert "2 cells are not named" in result.warnings[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cell,group\nx,1\n", "needs the columns cell and fold"),
        ("cell,fold\nx,1\ny,2\n", "None of the cells"),
        ("cell,fold\ncell00001,1\ncell00001,2\n", "more than once"),
        ("cell,fold\ncell00001,1\ncell00002,1\n", "1 different values"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_file_of_folds_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "folds.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        split(tiny_dataset(n_cells=20), str(path))


def test_an_impossible_split_is_one_sentence(tmp_path: Path) -> None:
    dataset = tiny_dataset(n_cells=40)
    bare = tiny_adata(n_cells=40)
    del bare.obsm["spatial"]
    for scheme, message in {
        "donor": "fewer than two donors",
        "section": "fewer than two sections",
        "obs:labl": "did you mean label",
        "obs:score": "holds numbers",
        "magic": "There is no split",
        str(tmp_path / "absent.csv"): "There is no file",
    }.items():
        with pytest.raises(DataError, match=message):
            split(dataset, scheme)
    with pytest.raises(DataError, match="no positions"):
        split(Dataset(bare), "blocks")
    with pytest.raises(DataError, match="2 to 50 folds"):
        split(dataset, "blocks", n_folds=1)
    with pytest.raises(DataError, match="spatial blocks, too few"):
        split(tiny_dataset(n_cells=10), "blocks")
    with pytest.raises(DataError, match="too few for 8 folds"):
        split(tiny_dataset(n_cells=10), "random", n_folds=8)


def make_labels(codes: np.ndarray, names: str) -> Labels:
    return Labels("kind", codes, tuple(names))


def test_rare_classes_are_left_out_with_one_sentence() -> None:
    codes = np.repeat([0, 1, 2, 3, -1], [50, 50, 10, 40, 5])
    folds = np.arange(155) % 4
    folds[110:150] = 2
    result = drop_rare(make_labels(codes, "abcd"), Split("blocks", folds, folds, tuple("wxyz"), ""))
    assert result.classes == ("a", "b")
    np.testing.assert_array_equal(np.unique(result.codes, return_counts=True), [[-1, 0, 1], [55, 50, 50]])
    assert len(result.dropped) == 1
    assert "c (10 cells in 4 blocks), d (40 cells in 1 block)" in result.dropped[0]


def test_nothing_is_left_out_without_need_and_one_class_is_refused() -> None:
    codes = np.repeat([0, 1], 50)
    folds = (np.arange(100) % 4).astype(np.int32)
    labels = make_labels(codes, "ab")
    assert drop_rare(labels, Split("blocks", folds, folds, tuple("wxyz"), "")) is labels
    folds = np.where(codes == 1, 0, folds)
    with pytest.raises(DataError, match="Fewer than two classes"):
        drop_rare(labels, Split("blocks", folds, folds, tuple("wxyz"), ""))


def test_labels_are_read_with_gaps() -> None:
    adata = tiny_adata(n_cells=30)
    adata.obs["kind"] = ["b", "a", None] * 10
    adata.obs["one"] = "same"
    adata.obs["name"] = adata.obs_names
    dataset = Dataset(adata)
    labels = read_labels(dataset, "kind")
    assert labels.classes == ("a", "b")
    np.testing.assert_array_equal(labels.counts(), [10, 10])
    assert labels.labelled.sum() == 20
    assert labels.n_classes == 2
    for column, message in {
        "one": 'only "same"',
        "score": "holds numbers",
        "kin": "did you mean kind",
    }.items():
        with pytest.raises(DataError, match=message):
            read_labels(dataset, column)
    with pytest.raises(DataError, match="too many"):
        read_labels(tiny_dataset_of_names(), "name")


def tiny_dataset_of_names() -> Dataset:
    adata = tiny_adata(n_cells=300)
    adata.obs["name"] = adata.obs_names
    return Dataset(adata)


def test_groups_become_classes_and_shared_cells_none() -> None:
    rows = np.arange(12)
    labels = labels_from_groups({"left": rows < 6, "right": rows >= 4})
    assert labels.classes == ("left", "right")
    np.testing.assert_array_equal(labels.counts(), [4, 6])
    assert "2 cells lie in more than one group" in labels.dropped[0]
    with pytest.raises(DataError, match="at least two classes"):
        labels_from_groups({"left": rows < 6})
    with pytest.raises(DataError, match="at least two classes"):
        labels_from_groups({"left": rows < 6, "also": rows < 6})


@pytest.mark.real_data
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_real_blocks_of_dlpfc(real_data: object, seed: int) -> None:
    dataset = read(real_data("dlpfc_151673.h5ad"))
    labels = read_labels(dataset, "layer")
    assert labels.labelled.sum() == 3611
    result = split(dataset, "blocks", labels=labels, seed=seed)
    check_whole_blocks(result)
    assert (result.n_folds, len(result.block_names)) == (4, 16)
    table = pd.crosstab(labels.codes[labels.labelled], result.folds[labels.labelled])
    blocks_of = pd.crosstab(labels.codes[labels.labelled], result.blocks[labels.labelled])
    possible = np.minimum((blocks_of > 0).sum(axis=1), 4)
    assert ((table > 0).sum(axis=1) == possible).all()
    assert drop_rare(labels, result) is labels
    assert table.sum(axis=0).max() < 1.35 * table.sum(axis=0).min()
    print(f"\nDLPFC seed {seed}: spots per fold {table.sum(axis=0).tolist()}")


@pytest.mark.real_data
def test_real_fields_of_view_and_protocols(real_data: object) -> None:
    fields = split(read(real_data("mibitof_crc_3309x36.h5ad")), "obs:library_id")
    assert fields.n_folds == 3
    protocols = split(read(real_data("mixology_3lines_celseq2_dropseq.h5ad")), "obs:batch")
    assert protocols.n_folds == 2
    np.testing.assert_array_equal(protocols.training(0), protocols.held_out(1))


def test_anndata_is_never_changed() -> None:
    adata = planted_adata(n_cells=200)
    before = adata.copy()
    dataset = Dataset(adata)
    split(dataset, "blocks", labels=read_labels(dataset, "label"))
    assert isinstance(adata, anndata.AnnData)
    pd.testing.assert_frame_equal(adata.obs, before.obs)
    assert (adata.X != before.X).nnz == 0
