"""Names and lists that people type, turned into channels and selections."""

from __future__ import annotations

import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.selection import Category, Cells, Everything
from glasscell.errors import DataError
from glasscell.views.naming import find_channel, find_selection

from .conftest import Window


def opened(window: Window) -> None:
    from glasscell.data.read import read
    from glasscell.data.sample import sample_path

    window.session.open_dataset(read(sample_path()))
    window.settle()


def test_whole_names_are_found_and_others_refused_with_what_is_near(window: Window) -> None:
    opened(window)
    session = window.session
    gene = str(session.dataset.genes.names[3])
    assert find_channel(session, gene) == ChannelRef.make("gene", gene)
    assert find_channel(session, gene.lower()) == ChannelRef.make("gene", gene)
    assert find_channel(session, f"gene:{gene}") == ChannelRef.make("gene", gene)
    column = next(iter(session.facts.columns))
    assert find_channel(session, column) == ChannelRef.make("obs", column)
    assert find_channel(session, None) is None
    with pytest.raises(DataError, match="Near it: "):
        find_channel(session, gene[:-1])
    with pytest.raises(DataError, match='Nothing is called "no such thing at all"'):
        find_channel(session, "no such thing at all")


def test_cells_are_meant_by_words_names_numbers_and_masks(window: Window) -> None:
    opened(window)
    session = window.session
    names = np.asarray(session.dataset.cell_names)
    n_cells = session.dataset.n_cells
    mask = np.arange(n_cells) % 7 == 0
    expected = np.flatnonzero(mask)
    for what in (mask, expected, list(names[expected]), Cells(expected.astype(np.int32))):
        session.update(selection=find_selection(session, what))
        assert np.array_equal(np.flatnonzero(session.mask()), expected)
    assert isinstance(find_selection(session, None), Everything)
    assert isinstance(find_selection(session, "layer=L5"), Category)
    for wrong, words in (
        (["nobody"], "not here"),
        ([n_cells], "numbered from 0"),
        ([-1], "numbered from 0"),
        (mask[:-1], "one entry for each"),
    ):
        with pytest.raises(DataError, match=words):
            find_selection(session, wrong)
