"""The picture of attention: both tables, names, notes; the session saves it as it is shown."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.figure.attention import MOST_ROWS, attention_figure
from glasscell.figure.live import save_picture
from glasscell.models.registry import FAMILIES
from glasscell.session import Session
from glasscell.testing.attending_family import TOKEN_FAMILY, attending_bundle
from glasscell.testing.planted import tiny_adata
from glasscell.views.attention_picture import SHOWN, attention_picture
from glasscell.views.heat import HeatPicture


@pytest.fixture
def session() -> Iterator[Session]:
    FAMILIES.register(TOKEN_FAMILY)
    made = Session()
    made.open_dataset(Dataset(tiny_adata(n_cells=60, seed=4)))
    made.update(model=made.hold("bundle", attending_bundle(made.dataset, "label", "tokens")))
    yield made
    assert made.close()
    FAMILIES.unregister(TOKEN_FAMILY.info.key)


def test_saved_as_shown(session: Session, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no attention yet"):
        save_picture(session, "attention", tmp_path / "a.svg")
    session.attend("label", params={"removal_cells": 4, "random_nets": 2}).wait(60)
    session.store.put(SHOWN, ("rollout", "weight"), 1)
    save_picture(session, "attention", tmp_path / "a.svg").wait(60)
    drawn = (tmp_path / "a.svg").read_text()
    for words in ("SET 3", "rollout", "change when removed", "not what matters", "K2"):
        assert words in drawn, words


def test_many_rows_and_none(session: Session) -> None:
    session.attend("label", params={"removal_cells": 4, "random_nets": 2}).wait(60)
    picture = attention_picture(session.latest("attention"))
    rows = tuple(f"ROW {k} <b>" for k in range(300))
    panels = tuple(
        replace(panel, values_rc=np.random.default_rng(0).normal(size=(300, 3)))
        for panel in picture.heat.panels
    )
    sheet = attention_figure(replace(picture, heat=HeatPicture(rows, picture.heat.columns, panels)))
    assert len(sheet.axes[0].get_yticks()) == MOST_ROWS
    said = " ".join(text.get_text() for text in sheet.texts)
    assert "60 of 300" in said
    with pytest.raises(DataError, match="no attention to draw"):
        attention_figure(replace(picture, heat=HeatPicture((), (), picture.heat.panels)))
