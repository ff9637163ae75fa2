"""The picture of a session: coloured as it is shown, written in the background."""

from pathlib import Path

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.selection import Category
from glasscell.data.tissue import TissueImage
from glasscell.errors import DataError
from glasscell.figure.cell import tissue_figure
from glasscell.figure.live import plan_picture, save_picture
from glasscell.session import Session
from glasscell.testing.planted import tiny_adata
from glasscell.views.sight import ChannelLook, Sight, channel_words, first_looks, mix


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


def test_the_picture_follows_plane_turn_and_mirror(tmp_path: Path) -> None:
    dataset = Dataset(tiny_adata())
    plain = tissue_figure(dataset, sight=Sight()).axes[0]
    turned = tissue_figure(dataset, sight=Sight(turned=True, across=-1)).axes[0]
    assert turned.get_ylim() == tuple(plain.get_xlim())[::-1], "x runs down"
    assert turned.get_xlim() == plain.get_ylim(), "y runs across, to the left"
    seen = np.asarray(plain.images[-1].get_array())
    assert np.array_equal(np.asarray(turned.images[-1].get_array()), seen.swapaxes(0, 1))
    hidden = tissue_figure(dataset, sight=Sight(cells=0.0)).axes[0]
    assert len(hidden.images) == len(plain.images) - 1, "hidden cells are not drawn"


def test_two_channels_stand_on_the_axes_with_their_numbers(tmp_path: Path) -> None:
    session = Session()
    session.open_dataset(Dataset(tiny_adata()))
    x, y = (ChannelRef.make("gene", str(name)) for name in session.dataset.genes.symbols[:2])  # type: ignore[union-attr]
    session.update(axes=(x, y), channel=ChannelRef.make("obs", "label"))
    save_picture(session, "embedding", tmp_path / "e.svg").wait(30)
    text = (tmp_path / "e.svg").read_text()
    assert f"{x.key} (" in text
    assert f"{y.key} (" in text
    assert "umap" not in text.lower(), "the impostor: the embedding that is not shown"
    session.close()


def test_what_is_not_there_is_asked_for_in_a_sentence(tmp_path: Path) -> None:
    session = Session()
    session.open_dataset(Dataset(tiny_adata()))
    for what, words in {
        "ranking": "explain a target",
        "curve": "train or load",
        "metrics": "train or load",
        "volcano": "compare two groups",
        "moon": "There is no picture",
    }.items():
        with pytest.raises(DataError, match=words):
            plan_picture(session, what)
    session.close()


def test_the_volcano_of_a_contrast_is_saved(tmp_path: Path) -> None:
    session = Session()
    session.open_dataset(Dataset(tiny_adata()))
    names = session.dataset.obs["label"].cat.categories  # type: ignore[union-attr]
    a, b = (Category(ChannelRef("obs", "label"), (name,)) for name in names[:2])
    session.contrast(a, b, a_name="first <i>", b_name="second", independent=True).wait(60)
    found = session.latest("contrast")
    assert found is not None
    save_picture(session, "volcano", tmp_path / "v.svg").wait(30)
    text = (tmp_path / "v.svg").read_text()
    assert "more in first &lt;i&gt;" in text
    assert found.genes[int(found.order_of("expression", "a")[0])] in text
    session.close()


def test_channels_are_coloured_light_within_their_limits() -> None:
    plane = np.array([[0.0, 5.0, 10.0, 20.0]])
    looks = (ChannelLook(True, 0, 10, (0, 0, 1)), ChannelLook(True, 10, 20, (1, 0, 0), 0.5))
    mixed = mix([plane, plane], looks)
    assert mixed.tolist() == [[[0, 0, 0], [0, 0, 128], [0, 0, 255], [128, 0, 255]]]
    image = TissueImage("f", (np.zeros((8, 8, 5)),), (1.0, 1.0), channels=("DAPI", "CD3"))
    first = first_looks(image, shown=True)
    assert [look.visible for look in first] == [True, True, True, False, False]
    assert channel_words(image, first) == "DAPI in blue, CD3 in green, 2 in red"
