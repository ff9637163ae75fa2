"""Where dots of a volcano lie and which are named."""

from __future__ import annotations

import numpy as np

from glasscell.views.contrast_view import Volcano
from glasscell.views.volcano import CONTEXT, LEADS_A, LEADS_B, apart, kinds, lead_inks, limits

SHOWN = Volcano(
    genes=("a", "b", "c", "d"),
    x_g=np.array([2.0, -3.0, np.nan, 0.5]),
    y_g=np.array([9.0, 1.0, 4.0, 8.8]),
    lead_a=(0, 3),
    lead_b=(1,),
    clipped=(),
    x_name="change",
    y_name="level",
)


def test_dots_are_sorted_and_both_sides_are_as_wide() -> None:
    assert list(kinds(SHOWN)) == [LEADS_A, LEADS_B, CONTEXT, LEADS_A]
    assert limits(SHOWN) == (-3.0, 1.0, 3.0, 9.0)
    more_in_a, more_in_b = lead_inks()
    assert more_in_a != more_in_b


def test_names_do_not_lie_on_each_other() -> None:
    assert apart((0, 3, 1), SHOWN.y_g, 0.5, 9) == [0, 1], "3 would lie on 0"
    assert apart((0, 3, 1), SHOWN.y_g, 0.0, 2) == [0, 3]
