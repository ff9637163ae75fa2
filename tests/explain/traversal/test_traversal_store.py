"""Traversals come back equal from both formats, beside explanations, under keys every format can hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.read import read
from glasscell.errors import DataError
from glasscell.explain.store import read_back
from glasscell.explain.traversal import Traversal, TraverseRequest, traverse
from glasscell.explain.traversal.store import read_traversals, write_traversal
from glasscell.session import Session
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_latent import ToyLatent, latent_bundle


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return planted_dataset(n_cells=80, n_genes=20)


@pytest.fixture(scope="module")
def found(dataset: Dataset) -> Traversal:
    genes = [str(name) for name in dataset.genes.names][::-1][:18]
    weights_zg = np.random.default_rng(0).normal(size=(3, 18))
    start = np.arange(80) < 30
    request = TraverseRequest(start, "a / <b>weird</b> name", factors=(0, 2))
    return traverse(dataset, latent_bundle(dataset, ToyLatent(weights_zg, genes)), request)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_read_back_equal(dataset: Dataset, found: Traversal, tmp_path: Path, suffix: str) -> None:
    table = dataset.adata.copy()
    key = write_traversal(table, found)
    assert key.startswith("glasscell.traversal.a-b-weird-b-name-")
    (before,) = read_traversals(table)
    path = tmp_path / f"result.{suffix}"
    table.write_h5ad(path) if suffix == "h5ad" else table.write_zarr(path)
    again = ad.read_h5ad(path) if suffix == "h5ad" else ad.read_zarr(path)
    (after,) = read_traversals(again)
    assert after.equals(before)
    np.testing.assert_array_equal(after.change_ksg, found.change_ksg)
    np.testing.assert_array_equal(after.effects_kfg[:, 0], found.slope_kg)
    np.testing.assert_array_equal(after.latent_ck, found.latent_cz[:, [0, 2]])
    np.testing.assert_array_equal(after.nearest.cells_ksm, found.nearest.cells_ksm)
    assert after.links == found.links
    assert after.words["start_name"] == "a / <b>weird</b> name"
    assert read_back(again) == (), "it is no explanation"


def test_genes_the_model_does_not_know_are_missing(dataset: Dataset, found: Traversal) -> None:
    table = dataset.adata.copy()
    key = write_traversal(table, found, "mine")
    assert key == "glasscell.traversal.mine"
    unknown = ~np.isin(table.var_names, found.genes)
    assert np.isnan(table.varm[key][unknown]).all()
    assert np.isfinite(table.varm[key][~unknown]).all()
    assert not any("glasscell" in name for name in table.layers), "nothing decoded stands among the counts"


def test_a_damaged_or_newer_result_is_told(dataset: Dataset, found: Traversal) -> None:
    table = dataset.adata.copy()
    key = write_traversal(table, found)
    content: dict[str, Any] = json.loads(table.uns[key])
    table.uns[key] = json.dumps({**content, "format_version": 99})
    with pytest.raises(DataError, match="newer version"):
        read_traversals(table)
    del content["values_ks"]
    table.uns[key] = json.dumps(content)
    with pytest.raises(DataError, match="damaged"):
        read_traversals(table)
    with pytest.raises(DataError, match="and the table has 79"):
        write_traversal(table[:79].copy(), found)
    with pytest.raises(DataError, match="lacks the gene"):
        write_traversal(dataset.adata[:, :5].copy(), found)


def test_saved_data_hold_the_latest_traversal(dataset: Dataset, found: Traversal, tmp_path: Path) -> None:
    session = Session()
    session.open_dataset(dataset)
    session.hold("traversal", found)
    session.save_data(tmp_path / "out.h5ad").wait(60)
    session.save_table("traversal", tmp_path / "out.csv").wait(60)
    assert session.close()
    (kept,) = read_traversals(read(tmp_path / "out.h5ad").adata)
    np.testing.assert_array_equal(kept.change_ksg, found.change_ksg)
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 18
    assert lines[0].startswith("factor,gene,decoded_change_at_1_percent")
