"""SpaGCN in the real window, on a real slice: cancelled, trained, coloured by, saved, loaded, explained."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import search_for
from .family_walk import FamilyWalk, rows_told

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(600)]
SHORT = {"n_domains": 4, "starts": 2, "k": 12, "max_epochs": 20}


def test_the_whole_way(window: Callable[..., Any], cortex: Path, tmp_path: Path) -> None:
    walk = FamilyWalk(window(cortex), "spagcn", **SHORT)
    view = walk.cancel(beyond=0.2, starts=200)
    assert not view.labels.isVisible()
    bundle, shown, session = walk.train(), walk.shown, walk.session
    assert any("chosen without labels" in note for note in bundle.notes)
    assert rows_told(view, 2) == ["spagcn", "mean of the neighbours"]

    search_for(shown, "refined domain")
    channel = session.state.colouring.channel
    assert (channel.kind, channel.key) == ("domain", "refined")
    refined = session.resolve(channel).values
    assert len(refined.categories) == 4
    search_for(shown, "share of domain 2")
    share = session.resolve(session.state.colouring.channel).values
    assert share.title == "share of domain 2"
    assert "Student" in share.unit
    assert 0 <= np.nanmin(share.values) <= np.nanmax(share.values) <= 1
    search_for(shown, "entropy over domains")
    assert session.state.colouring.channel.key == "entropy"

    walk.keep(tmp_path / "model")
    walk.explain("domain:1")
    own, around = (session.explanation.part(part) for part in ("own", "neighbours"))
    cells = np.arange(20)
    whole = session.explanation.block(cells)
    assert own.block(cells) + around.block(cells) == pytest.approx(whole, abs=1e-4)
