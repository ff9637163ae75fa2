"""A class has the colour of its label column, whatever the order or number of the classes asked for."""

import numpy as np
import pandas as pd
import pytest

from glasscell.data.channel import ChannelRef, resolve_channel
from glasscell.data.class_colour import class_colours, named_colours
from glasscell.data.column import DataContext
from glasscell.data.dataset import Dataset
from glasscell.data.palette import CATEGORICAL, categorical, to_oklab, to_rgb
from glasscell.testing.planted import tiny_adata

STORED = ("#300000", "#003000", "#000030")


def opened(*colours: str, categories: tuple[str, ...] = ("K1", "K2", "K3")) -> DataContext:
    adata = tiny_adata()
    adata.obs["label"] = adata.obs["label"].cat.set_categories(list(categories))
    if colours:
        adata.uns["label_colors"] = np.array(colours)
    return DataContext(Dataset(adata))


@pytest.mark.parametrize("colours", [STORED, ()])
def test_order_and_number_of_classes_do_not_matter(colours: tuple[str, ...]) -> None:
    context, known = opened(*colours), colours or categorical(3)
    assert class_colours(context, "label", ("K1", "K2", "K3")) == known
    assert class_colours(context, "label", ("K3", "K1")) == (known[2], known[0])
    column = resolve_channel(context, ChannelRef("obs", "label"))
    assert column.palette == known


@pytest.mark.parametrize("colours", [STORED, CATEGORICAL[3:6], ()])
def test_a_class_that_the_column_lacks_has_a_colour_of_its_own(colours: tuple[str, ...]) -> None:
    context, known = opened(*colours), colours or categorical(3)
    first, new, last, other = class_colours(context, "label", ("K3", "new", "K1", "other"))
    assert (first, last) == (known[2], known[0])
    assert len({*known, new, other}) == 5, "not even the colour of a class that is not asked for"
    assert {new, other} <= set(CATEGORICAL)


def test_a_new_colour_is_far_from_those_there_are() -> None:
    near = {f"K{place}": colour[:-1] + "8" for place, colour in enumerate(CATEGORICAL[:4])}
    (new,) = named_colours(["new"], near)
    rgb = to_oklab(to_rgb([new, *near.values()]))
    assert np.linalg.norm(rgb[1:] - rgb[0], axis=1).min() > 0.1


def test_a_colour_stored_for_a_class_without_cells_here_is_kept() -> None:
    context = opened("#111111", *STORED, categories=("gone", "K1", "K2", "K3"))
    assert class_colours(context, "label", ("K2", "gone")) == (STORED[1], "#111111")


def test_where_there_is_no_such_column_colours_are_those_by_place() -> None:
    context = opened(*STORED)
    for column in ("absent", "", "score", "groups"):
        assert class_colours(context, column, ("K2", "K1")) == categorical(2), column


def test_stored_colours_that_cannot_be_read_leave_default_ones() -> None:
    for colours in (("#300000", "nan", "#000030"), STORED[:2]):
        assert class_colours(opened(*colours), "label", ("K3", "K1")) == (CATEGORICAL[2], CATEGORICAL[0])
    assert class_colours(opened("red", "#0F0", "#0000FFFF"), "label", ("K1", "K2", "K3")) == (
        "#ff0000",
        "#00ff00",
        "#0000ff",
    )


def test_more_names_than_colours_told_apart_by_hand() -> None:
    known = dict(zip((f"K{place}" for place in range(40)), categorical(40), strict=True))
    names = [f"new {place}" for place in range(50)]
    found = named_colours([*known, *names], known)
    assert len(set(found)) == 90
    assert named_colours(names, {}) == categorical(50)


def test_words_that_are_no_categories_have_default_colours() -> None:
    adata = tiny_adata()
    adata.obs["label"] = pd.Series(adata.obs["label"].astype(str), dtype=object)
    adata.uns["label_colors"] = np.array(STORED)
    assert class_colours(DataContext(Dataset(adata)), "label", ("K2",)) == (CATEGORICAL[1],)
