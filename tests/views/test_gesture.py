"""The pointer tool as a state machine."""

from typing import Any

import numpy as np
import pytest

from glasscell.views.gesture import MODES, Gesture, selection_mode

PIXEL = (0.1, 0.2)


class Hand:
    """A hand that drags in logical pixels; the world is 0.1 x 0.2 as large."""

    def __init__(self) -> None:
        self.gesture = Gesture()
        self.told: list[tuple[Any, ...]] = []
        self.gesture.panned.connect(lambda x, y: self.told.append(("panned", x, y)))
        self.gesture.drawn.connect(lambda outline, mode: self.told.append(("drawn", outline, mode)))
        self.gesture.clicked.connect(lambda mode: self.told.append(("clicked", mode)))

    def drag(self, *path: tuple[float, float], keys: tuple[str, ...] = (), button: int = 1) -> None:
        first, *rest, last = path
        self.gesture.press(first, self.world(first), button, keys)
        for point in rest:
            self.gesture.move(point, self.world(point), PIXEL)
        self.gesture.release(last, self.world(last), PIXEL)

    @staticmethod
    def world(point: tuple[float, float]) -> tuple[float, float]:
        return point[0] * PIXEL[0], point[1] * PIXEL[1]


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_moving_pans_step_by_step_and_draws_nothing(hand: Hand) -> None:
    hand.drag((10, 10), (15, 12), (15, 12), (20, 30))
    assert hand.told == [("panned", 5, 2), ("panned", 5, 18)]


def test_the_middle_button_pans_with_any_tool_and_the_right_one_does_nothing(hand: Hand) -> None:
    hand.gesture.tool = "lasso"
    hand.drag((0, 0), (50, 50), button=3)
    assert hand.told == [("panned", 50, 50)]
    hand.drag((0, 0), (50, 50), button=2)
    assert len(hand.told) == 1


def test_a_lasso_follows_the_pointer_in_world_units(hand: Hand) -> None:
    hand.gesture.tool = "lasso"
    path = [(0, 0), (100, 0), (101, 1), (100, 100), (0, 100)]
    hand.drag(*path)
    ((kind, outline, mode),) = hand.told
    assert (kind, mode) == ("drawn", "replace")
    np.testing.assert_allclose(outline, [hand.world(p) for p in path if p != (101, 1)], atol=1e-12)


def test_a_rectangle_has_four_corners_wherever_it_began(hand: Hand) -> None:
    hand.gesture.tool = "rectangle"
    hand.drag((100, 50), (3, 3), (20, 10), keys=("Shift",))
    ((_, outline, mode),) = hand.told
    assert mode == "add"
    np.testing.assert_allclose(outline, [(10, 10), (2, 10), (2, 2), (10, 2)])


@pytest.mark.parametrize(
    ("keys", "mode"),
    [
        ((), "replace"),
        (("Shift",), "add"),
        (("Alt",), "subtract"),
        (("Control",), "subtract"),
        (("Shift", "Alt"), "intersect"),
        (("Meta",), "replace"),
    ],
)
def test_modifier_keys(keys: tuple[str, ...], mode: str) -> None:
    assert selection_mode(keys) == mode
    assert mode in MODES


def test_the_mode_chosen_before_holds_without_keys(hand: Hand) -> None:
    hand.gesture.tool, hand.gesture.mode = "rectangle", "subtract"
    hand.drag((0, 0), (50, 50))
    hand.drag((0, 0), (50, 50), keys=("Shift",))
    assert [told[2] for told in hand.told] == ["subtract", "add"]


def test_a_short_drag_is_a_click_and_a_line_is_nothing(hand: Hand) -> None:
    hand.gesture.tool = "lasso"
    hand.drag((10, 10), (12, 11), (12, 12))
    assert hand.told == [("clicked", "replace")]
    hand.drag((0, 0), (30, 30), (60, 60))
    assert len(hand.told) == 1, "a line holds no cells"


def test_cancelling_and_changing_the_tool_drop_the_outline(hand: Hand) -> None:
    seen: list[bool] = []
    hand.gesture.outlined.connect(lambda: seen.append(hand.gesture.stroke is not None))
    for drop in (hand.gesture.cancel, lambda: setattr(hand.gesture, "tool", "rectangle")):
        hand.gesture.tool = "lasso"
        hand.gesture.press((0, 0), (0, 0), 1, ())
        hand.gesture.move((50, 0), (5, 0), PIXEL)
        assert not hand.gesture.is_idle
        drop()
        assert hand.gesture.is_idle
        hand.gesture.release((50, 50), (5, 10), PIXEL)
    assert not hand.told
    assert seen == [True, False, True, False]
    hand.gesture.tool = "nonsense"
    assert hand.gesture.tool == "move"
