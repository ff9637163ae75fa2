"""Which columns may say what was done to each cell."""

from __future__ import annotations

from typing import Any

import pandas as pd

from glasscell.testing.planted import planted_dataset
from glasscell.views.action_choice import action_columns, controls
from glasscell.views.family_choice import why_not_these
from glasscell.views.row import FamilyRow


def test_without_a_column_of_actions_training_is_greyed() -> None:
    row = FamilyRow("svae", "Sparse shifts", False, True, "", needs_action=True)
    dataset = planted_dataset(n_cells=40, n_genes=20)
    assert "no column says what was done" in why_not_these(row, dataset, ())
    assert why_not_these(row, dataset, ("label",)) == ""


class Table:
    obs = pd.DataFrame(
        {
            "leiden": ["1", "2", "1"],
            "perturbation": pd.Categorical(["control", "KLF1", "HK2"]),
            "stim": ["a", "b", None],
        }
    )


def test_columns_with_a_control_come_first() -> None:
    table: Any = Table()
    assert action_columns(table, ("leiden", "stim", "perturbation")) == ("perturbation", "stim", "leiden")
    assert controls(table, "perturbation") == (("HK2", "KLF1", "control"), "control")
    assert controls(table, "stim") == (("a", "b"), "")
    assert controls(table, "nowhere") == ((), "")
