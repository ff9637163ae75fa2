"""Which of the names of actions (perturbations) is the control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: How a control is usually called.
USUAL = ("control", "ctrl", "non-targeting", "nontargeting", "nt", "ntc", "dmso", "vehicle", "unperturbed")


def find_control(names: Sequence[str], wanted: str = "") -> str:
    """Return the name of the control.

    Parameters
    ----------
    names
        All actions.
    wanted
        One of them; empty for the one that is called as a control usually is.

    Raises
    ------
    DataError
        There is no such name, or none or several look like a control.
    """
    if wanted:
        if wanted in names:
            return wanted
        shown = ", ".join(names[:4])
        raise DataError(f"No cell has the action {wanted!r}: name the control among them ({shown}, ...).")
    found = [name for name in names if name.strip().lower().replace("_", "-") in USUAL]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{', '.join(found)} could all be the control: name the one that is.")
    raise DataError("No action is called as a control usually is: name the one that is the control.")
