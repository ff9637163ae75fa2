"""What colours may never say: each promise of the never-shown list that colours can break."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from glasscell.data.channel import CellValues
from glasscell.data.palette import (
    categorical,
    diverging_map,
    from_oklab,
    pack,
    parse_colour,
    sequential_map,
    simulate_deficiency,
    to_hex,
    to_oklab,
    to_rgb,
)
from glasscell.errors import DataError
from glasscell.views.colour import (
    MISSING,
    MISSING_ALPHA,
    Default,
    automatic_limits,
    category_colours,
    colour_table,
    plain_table,
)


def rgba(words: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return words.view(np.uint8).reshape(-1, 4)


def over(words: NDArray[np.uint32], ground: float) -> NDArray[np.float64]:
    """Colours as seen on a ground, 0..1."""
    seen = rgba(words) / 255
    return seen[:, :3] * seen[:, 3:] + ground * (1 - seen[:, 3:])


def numbers(*values: float, centre: float | None = None, unit: str = "u") -> CellValues:
    return CellValues("x", unit=unit, values=np.array(values, np.float32), centre=centre)


@pytest.mark.parametrize("limits", [None, (-1.0, 3.0), (0.0, 2.0), (-5.0, -1.0), (4.0, 4.0)])
def test_diverging_colours_are_centred_at_zero(limits: tuple[float, float] | None) -> None:
    values = numbers(-1, 0, 2, 8, centre=0.0)
    table = colour_table(values, colouring=Default(limits=limits))
    assert table.bar is not None
    assert table.bar.low == -table.bar.high
    assert table.bar.centre == 0
    middle = to_rgb([diverging_map()[127]])
    np.testing.assert_array_equal(table.table_u32[2:3], pack(middle))


def test_another_centre_is_never_drawn_diverging() -> None:
    bar = colour_table(numbers(1, 2, 3, centre=2.0)).bar
    assert bar is not None
    assert bar.centre is None
    assert bar.colours == sequential_map()


def test_diverging_ends_are_alike_in_lightness() -> None:
    light = to_oklab(to_rgb(diverging_map()))[:, 0]
    np.testing.assert_allclose(light, light[::-1], atol=0.02)
    assert light.argmax() in (126, 127, 128)


def test_sequential_lightness_rises() -> None:
    assert (np.diff(to_oklab(to_rgb(sequential_map()))[:, 0]) > -2e-3).all()


def test_clipping_is_counted_at_both_ends() -> None:
    bar = colour_table(numbers(0, 1, 2, 3, 4, 5), colouring=Default(limits=(1.0, 3.5))).bar
    assert bar is not None
    assert (bar.below, bar.above, bar.automatic) == (1, 2, False)
    assert (bar.data_low, bar.data_high) == (0, 5)
    only = colour_table(numbers(0, 1, 2, 3, 4, 5), np.arange(6) < 5, Default(limits=(1.0, 3.5))).bar
    assert only is not None
    assert (only.below, only.above) == (1, 1)


@pytest.mark.parametrize(("theme", "ground"), [("dark", 0.0), ("light", 1.0)])
@pytest.mark.parametrize("centre", [None, 0.0])
def test_missing_zero_and_unselected_look_different(theme: str, ground: float, centre: float | None) -> None:
    values = numbers(0, np.nan, 0, 1, centre=centre)
    table = colour_table(values, np.array([True, True, False, True]), theme=theme)
    zero, missing, context = to_oklab(over(table.table_u32, ground))[1:4]
    for one, other in itertools.combinations((zero, missing, context), 2):
        assert np.linalg.norm(one - other) > 0.06
    assert table.bar is not None
    assert table.bar.missing == 1
    assert rgba(table.table_u32)[0, 3] == 0, "the background is transparent"


def test_no_default_category_looks_like_missing_or_context() -> None:
    colours = to_oklab(to_rgb(categorical(36)))
    values = CellValues("c", codes=np.array([-1, 0]), categories=("a",))
    for theme, ground in (("dark", 0.0), ("light", 1.0)):
        words = colour_table(values, np.array([True, False]), theme=theme).table_u32
        for plain in to_oklab(over(words, ground))[1:]:
            assert np.linalg.norm(colours - plain, axis=1).min() > 0.05


def test_default_palette_is_distinct_also_for_colour_blind_viewers() -> None:
    rgb = to_rgb(categorical(36))
    for seen in (rgb, simulate_deficiency(rgb, "protan"), simulate_deficiency(rgb, "deutan")):
        lab = to_oklab(seen)
        gaps = [np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)]
        assert min(gaps) > 0.04
    assert len(set(categorical(200))) == 200


def test_categories_keep_the_file_palette_and_fill_what_is_missing_in_it() -> None:
    values = CellValues(
        "c", codes=np.array([0, 1, 2, -1]), categories=("a", "b", "c"), palette=("#f00", "nan", "tab:blue")
    )
    assert category_colours(values) == ("#ff0000", categorical(3)[1], "#1f77b4")
    own = Default(palette=(("c", "#000102"),))
    assert category_colours(values, own)[2] == "#000102"
    table = colour_table(values, colouring=own)
    assert to_hex(over(table.table_u32, 0.0)[1:4]) == ("#ff0000", categorical(3)[1], "#000102")
    np.testing.assert_array_equal(table.table_u32[4:], pack(to_rgb([MISSING]), MISSING_ALPHA))
    assert table.legend is not None
    assert table.legend.missing == 1


def test_legend_counts_selected_of_all_and_hidden_are_not_drawn() -> None:
    values = CellValues("c", codes=np.array([0, 0, 1, 1, 1]), categories=("a", "b"))
    selected = np.array([True, False, True, True, False])
    table = colour_table(values, selected, Default(hidden=frozenset({"a"})))
    assert table.legend is not None
    assert [(i.name, i.count, i.total, i.shown) for i in table.legend.items] == [
        ("a", 1, 2, False),
        ("b", 2, 3, True),
    ]
    assert (rgba(table.table_u32)[1:3, 3] == 0).all(), "hidden, selected or not"
    assert 0 < rgba(table.table_u32)[5, 3] < 255, "unselected is translucent context"


def test_rare_expression_is_seen() -> None:
    values = np.zeros(5000, np.float32)
    values[7] = 3
    assert automatic_limits(values, None) == (0, 3)
    assert automatic_limits(values, 0.0) == (-3, 3)


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [2.0, 2.0], [0.0], [np.inf, 1.0]])
@pytest.mark.parametrize("centre", [None, 0.0])
def test_degenerate_values_have_a_range(values: list[float], centre: float | None) -> None:
    bar = colour_table(numbers(*values, centre=centre)).bar
    assert bar is not None
    assert bar.high > bar.low
    assert all(high > low for _, low, high in bar.percentiles)


def test_selection_of_other_cells_is_refused() -> None:
    with pytest.raises(DataError, match="select again"):
        colour_table(numbers(1, 2), np.ones(3, np.bool_))


def test_plain_table_and_parsing() -> None:
    table = plain_table(3, np.array([True, False, True]), "light")
    assert table.table_u32[1] == table.table_u32[3] != table.table_u32[2]
    assert parse_colour("#ABCDEF12") == "#abcdef"
    assert parse_colour("no colour") is None
    assert parse_colour(float("nan")) is None
    rgb = to_rgb(categorical(20))
    np.testing.assert_allclose(from_oklab(to_oklab(rgb)), rgb, atol=1e-6)
