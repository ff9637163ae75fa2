"""Differences of channels: of numbers left less right, of names where they are not the same."""

import numpy as np
import pytest

from glasscell.data.channel import CellValues, ChannelRef, resolve_channel
from glasscell.data.column import DataContext
from glasscell.data.difference import OTHER, SAME, difference_of, difference_ref
from glasscell.errors import DataError
from glasscell.testing.planted import planted_dataset


def numbers(*values: float, unit: str = "u") -> CellValues:
    return CellValues("n", unit, np.array(values, np.float32))


def names(*codes: int, categories: tuple[str, ...] = ("a", "b")) -> CellValues:
    return CellValues("c", codes=np.array(codes, np.int32), categories=categories)


def test_numbers_are_left_less_right_and_centred() -> None:
    found = difference_of(numbers(1, 2, np.nan, 4), numbers(3, 1, 1, np.nan))
    assert found.values is not None
    np.testing.assert_array_equal(found.values, [-2, 1, np.nan, np.nan])
    assert (found.centre, found.unit) == (0.0, "u")
    assert difference_of(numbers(1), numbers(1, unit="v")).unit == "u less v"


def test_names_are_compared_by_name_and_not_by_code() -> None:
    found = difference_of(names(0, 1, 1, -1), names(1, 0, 1, 0, categories=("b", "a")))
    assert found.codes is not None
    assert found.categories == (SAME, OTHER)
    np.testing.assert_array_equal(found.codes, [0, 0, 1, -1])
    apart = difference_of(names(0, 1), names(0, 1, categories=("x", "y")))
    np.testing.assert_array_equal(apart.codes, [1, 1])


def test_what_has_no_difference_is_refused() -> None:
    with pytest.raises(DataError, match="two of the same kind"):
        difference_of(numbers(1), names(0))
    with pytest.raises(DataError, match="two of the same data"):
        difference_of(numbers(1), numbers(1, 2))


def test_any_two_channels_have_a_difference_channel() -> None:
    dataset = planted_dataset(n_cells=40, n_genes=10)
    context = DataContext(dataset)
    first, second = (ChannelRef.make("gene", str(dataset.genes.names[n])) for n in (0, 1))
    ref = difference_ref(first, second)
    assert ChannelRef.from_json(ref.to_json()) == ref
    one, other = (resolve_channel(context, each).values for each in (first, second))
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(resolve_channel(context, ref).values, one - other)
    with pytest.raises(DataError, match="names no two channels"):
        resolve_channel(context, ChannelRef.make("difference", "difference", a="{"))
    with pytest.raises(DataError, match="choose two channels"):
        resolve_channel(context, difference_ref(first, ref))
