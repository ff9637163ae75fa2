"""Which action is the control."""

import pytest

from glasscell.data.control import find_control
from glasscell.errors import DataError


def test_the_one_named_or_the_one_called_so() -> None:
    assert find_control(("KLF1", "Control", "HK2")) == "Control"
    assert find_control(("a", "non_targeting")) == "non_targeting"
    assert find_control(("a", "b"), "b") == "b"


def test_doubt_is_said() -> None:
    with pytest.raises(DataError, match="could all be the control"):
        find_control(("ctrl", "control"))
    with pytest.raises(DataError, match="name the one that is"):
        find_control(("a", "b"))
    with pytest.raises(DataError, match="No cell has the action 'c'"):
        find_control(("a", "b"), "c")
