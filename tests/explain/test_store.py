"""Results come back equal from both formats, under keys every format can hold, without a dense table."""

from __future__ import annotations

import json
from dataclasses import replace

import anndata as ad
import numpy as np
import pytest

from glasscell.errors import DataError
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest
from glasscell.explain.store import SELECTION, read_back, slug, write_back


@pytest.fixture
def written(dataset, truth, make_bundle):
    found = explain(
        dataset, make_bundle(), ExplainRequest(target="contrast:K1/K2", cells=np.arange(0, 90, 2))
    )
    table = dataset.adata.copy()
    groups = {"K1": truth == 0, "weird / name": truth == 1}
    key = write_back(table, found, mask=truth == 0, groups=groups, k=7)
    return found, table, key


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_read_back_equal(written, tmp_path, suffix):
    found, table, key = written
    (before,) = read_back(table)
    path = tmp_path / f"result.{suffix}"
    table.write_h5ad(path) if suffix == "h5ad" else table.write_zarr(path)
    again = ad.read_h5ad(path) if suffix == "h5ad" else ad.read_zarr(path)
    (after,) = read_back(again)
    assert after.equals(before)
    assert after.key == key
    assert after.provenance == found.provenance
    np.testing.assert_array_equal(after.gene(after.genes[0]), before.gene(before.genes[0]))


def test_what_is_written(written, truth):
    found, table, key = written
    (kept,) = read_back(table)
    assert key.startswith("glasscell.integrated_gradients.contrast-K1-K2-")
    assert "/" not in key
    assert kept.genes == tuple(gene for gene, _ in found.top(7, truth == 0))
    assert kept.groups == (SELECTION, "K1", "weird / name")
    expected = np.where(truth == 0, found.gene(kept.genes[0]), np.nan).astype(np.float32)
    np.testing.assert_array_equal(kept.gene(kept.genes[0]), expected)
    np.testing.assert_array_equal(kept.group_mean("K1"), found.mean(truth == 0).astype(np.float32))
    assert table.obsm[key].shape == (90, 7)
    assert table.varm[key].shape == (40, 3)
    assert not any("glasscell" in name for name in table.layers)
    with pytest.raises(DataError, match="keeps maps of"):
        kept.gene("other")
    with pytest.raises(DataError, match="keeps means of"):
        kept.group_mean("other")


def test_the_original_is_not_touched(dataset, written):
    assert not any(str(key).startswith("glasscell.") for key in (*dataset.adata.obsm, *dataset.adata.uns))


def test_genes_the_model_lacks_are_missing(dataset, make_bundle):
    found = explain(dataset, make_bundle(), ExplainRequest(target="class:K1", evidence=False))
    renamed = dataset.adata.copy()
    renamed.var_names = [*[f"new{i}" for i in range(3)], *dataset.adata.var_names[3:]]
    write_back(renamed, found, name="mine / of today")
    (kept,) = read_back(renamed)
    assert kept.key == "glasscell.integrated_gradients.mine-of-today"
    assert np.isnan(kept.group_mean(SELECTION)[:3]).all()
    assert np.isfinite(kept.group_mean(SELECTION)[3:]).all()


def test_damaged_entries_and_wrong_tables_get_a_sentence(written):
    found, table, key = written
    with pytest.raises(DataError, match="90 cells and the table has 10"):
        write_back(table[:10].copy(), found)
    content = json.loads(table.uns[key])
    table.uns[key] = json.dumps({**content, "format_version": 99})
    with pytest.raises(DataError, match="newer version"):
        read_back(table)
    table.uns[key] = "{not json"
    with pytest.raises(DataError, match="damaged"):
        read_back(table)
    del table.uns[key]
    table.uns["glasscell.other.thing"] = "somebody else's"
    assert read_back(table) == ()


def test_slugs():
    assert slug("class:L5 / a b") == "class-L5-a-b"
    assert slug("///") == "result"


def test_unequal_results_differ(written):
    _, table, _ = written
    (kept,) = read_back(table)
    assert not kept.equals(replace(kept, maps_ct=kept.maps_ct + 1))
    assert not kept.equals(replace(kept, groups=("x", "y", "z")))
