"""A comparison in a session: kept, brought back, shown as channels, set aside when the data change."""

from pathlib import Path

import numpy as np
import pytest

from glasscell.data.column import DataContext
from glasscell.errors import DataError, ModelError
from glasscell.explain.comparison.channel import comparison_ref, map_of
from glasscell.session import Session
from glasscell.session.comparing import KIND
from glasscell.session.resolve import Failed, Ready
from glasscell.session.result_file import load_result, save_result
from glasscell.testing.planted import planted_adata, planted_dataset
from glasscell.testing.toy_comparison import toy_comparison


def test_every_part_comes_back_from_a_folder(tmp_path: Path) -> None:
    found = toy_comparison(planted_dataset(n_cells=60, n_genes=10))
    save_result(found, tmp_path / "kept")
    again = load_result(tmp_path / "kept", ("ModelComparison",))
    assert again.to_json() == found.to_json()
    assert again.id == found.id
    for name, values in found.maps.items():
        np.testing.assert_array_equal(again.maps[name], values)
        np.testing.assert_array_equal(again.calls[name], found.calls[name])
        np.testing.assert_array_equal(again.reasons[name].values_gc, found.reasons[name].values_gc)
    assert again.reasons["rough"].genes == found.reasons["rough"].genes


def test_a_saved_session_holds_the_comparison(tmp_path: Path) -> None:
    planted_adata(n_cells=60, n_genes=10, seed=2).write_h5ad(tmp_path / "cells.h5ad")
    session = Session()
    session.open(tmp_path / "cells.h5ad")
    assert session.jobs.wait_idle(60)
    assert session.dataset is not None
    found = toy_comparison(session.dataset)
    session.hold(KIND, found)
    session.update(channel=comparison_ref(found, "rough", "own"))
    session.save_session(tmp_path / "kept.glasscell")
    assert session.jobs.wait_idle(60)
    assert session.close()
    other = Session()
    other.open_session(tmp_path / "kept.glasscell")
    assert other.jobs.wait_idle(60)
    assert other.latest(KIND).to_json() == found.to_json()
    channel = other.state.colouring.channel
    assert channel is not None
    resolved = other.resolve(channel)
    assert isinstance(resolved, Ready)
    np.testing.assert_array_equal(resolved.values.values, found.maps["rough"])
    assert other.close()


def test_channels_say_what_they_are() -> None:
    dataset = planted_dataset(n_cells=60, n_genes=10)
    found, context = toy_comparison(dataset), DataContext(dataset)
    own = map_of(context, found, "sure", "own")
    assert own.title == "sure: probability of the own label"
    assert "held out" in own.note
    voted = map_of(context, found, "voting", "label")
    assert voted.categories == found.classes
    assert "vote of the nearest cells of other folds" in voted.note
    gene = found.reasons["sure"].genes[1]
    share = map_of(context, found, "rough", "gene", gene)
    assert share.centre == 0
    assert share.values is not None
    np.testing.assert_array_equal(
        np.isfinite(share.values), np.isin(np.arange(60), found.reasons["rough"].cells)
    )
    with pytest.raises(DataError, match="there is one of sure, rough"):
        map_of(context, found, "voting", "own")
    with pytest.raises(DataError, match="there is one of sure\\."):
        map_of(context, found, "rough", "gene", found.reasons["sure"].genes[2])


def test_a_comparison_of_other_data_is_refused() -> None:
    session = Session()
    session.open_dataset(planted_dataset(n_cells=60, n_genes=10))
    found = toy_comparison(planted_dataset(n_cells=50, n_genes=10, seed=9))
    session.hold(KIND, found)
    assert session.latest(KIND) is None
    resolved = session.resolve(comparison_ref(found, "sure", "own"))
    assert isinstance(resolved, Failed)
    assert "other data" in resolved.reason
    with pytest.raises(ModelError, match="at least one model"):
        session.compare(())
    with pytest.raises(ModelError, match="Name each seed once"):
        session.compare(("vae",), seeds=(1, 1))
    assert session.close()
