"""Attention as a channel, and written to files and back."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import anndata as ad
import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.labels import Labels
from glasscell.errors import DataError
from glasscell.explain.attention.attend import attend
from glasscell.explain.attention.channel import attention_ref, resolve_attention
from glasscell.explain.attention.request import AttentionRequest
from glasscell.explain.attention.store import read_attention, store_attention, write_attention
from glasscell.explain.store import read_back
from glasscell.models.bundle import Bundle

MakeBundle = Callable[..., Bundle]
FEW = {"removal_cells": 4, "random_nets": 2}


@pytest.mark.parametrize("kind", ["tokens", "neighbours"])
@pytest.mark.parametrize("ending", ["h5ad", "zarr"])
def test_written_and_read_back_equal(
    kind: str, ending: str, dataset: Dataset, by: Labels, make_bundle: MakeBundle, tmp_path: Path
) -> None:
    found = attend(dataset, make_bundle(kind), AttentionRequest(by, params=FEW))
    copy = dataset.adata.copy()
    key = write_attention(copy, found)
    assert key.startswith("glasscell.attention.label-")
    assert "/" not in key
    path = tmp_path / f"a.{ending}"
    if ending == "h5ad":
        copy.write_h5ad(path)
        again = ad.read_h5ad(path)
    else:
        copy.write_zarr(path)
        again = ad.read_zarr(path)
    (kept,) = read_attention(again)
    assert kept.equals(store_attention(found))
    assert kept.provenance == found.provenance
    assert read_back(again) == (), "attributions are another kind of result"
    if kind == "neighbours":
        assert kept.edges.nnz == int(found.proper_e.sum())
        cell, edges = 7, found.neighbours(7)
        np.testing.assert_allclose(kept.edges[cell].toarray()[0, edges.senders], edges.relative, rtol=1e-6)
    fewer = store_attention(found, k=1)
    assert not fewer.equals(kept)
    again.uns[key] = "{}"
    with pytest.raises(DataError, match="damaged"):
        read_attention(again)


def test_another_number_of_cells(dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    found = attend(dataset, make_bundle("tokens"), AttentionRequest(by, params=FEW))
    with pytest.raises(DataError, match="the table has 3"):
        write_attention(dataset.adata[:3].copy(), found)


def test_channel_tells_what_removal_does(dataset: Dataset, by: Labels, make_bundle: MakeBundle) -> None:
    found = attend(dataset, make_bundle("tokens"), AttentionRequest(by, params=FEW))
    context = SimpleNamespace(dataset=dataset, result=lambda kind, name: found)
    values = resolve_attention(context, attention_ref(found, "SET 2"))
    assert values.centre == 0.0
    assert values.unit.startswith("log2")
    np.testing.assert_allclose(2 ** values.values.astype(float), found.cell_values("SET 2"), rtol=1e-4)
    assert "not importance" in values.note
    assert "removed, predicted changes by" in values.note
    removed = resolve_attention(context, attention_ref(found, "SET 2", quantity="removed"))
    assert "measured in 12 cells" in removed.note
    assert int(removed.missing.sum()) == 48
    weight = resolve_attention(context, attention_ref(found, "SET 2", "rollout", "weight"))
    assert weight.centre is None
    with pytest.raises(DataError, match="must name its result"):
        resolve_attention(context, ChannelRef("attention", "SET 2"))
    other = SimpleNamespace(dataset=SimpleNamespace(fingerprint="x"), result=lambda kind, name: found)
    with pytest.raises(DataError, match="another dataset"):
        resolve_attention(other, attention_ref(found, "SET 2"))
