"""The picture of a session: coloured as it is shown, written in the background."""

from pathlib import Path

import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.figure.live import save_picture
from glasscell.session import Session
from glasscell.testing.planted import tiny_adata


def test_the_picture_is_coloured_as_shown(tmp_path: Path) -> None:
    session = Session()
    with pytest.raises(DataError, match="Open a file"):
        save_picture(session, "tissue", tmp_path / "a.svg")
    session.open_dataset(Dataset(tiny_adata()))
    session.update(channel=ChannelRef.make("obs", "label"))
    for what in ("tissue", "embedding"):
        job = save_picture(session, what, tmp_path / f"{what}.svg")
        job.wait(30)
        assert "K1 (" in (tmp_path / f"{what}.svg").read_text()
    with pytest.raises(DataError, match=r"\.svg or \.png"):
        save_picture(session, "tissue", tmp_path / "a.gif")
    session.close()
