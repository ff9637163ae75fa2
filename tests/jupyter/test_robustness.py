"""The robustness of a model in a notebook: asked by a button, shown as a table, hidden when there is none."""

from __future__ import annotations

from glasscell.jupyter.robustness import JupyterRobustnessView
from glasscell.models.robustness import Robustness, RobustnessRow
from glasscell.views.robustness_view import CHECK_TIP, NOT_CHECKED, robustness_table, robustness_words


def test_the_button_and_the_table() -> None:
    view, asked = JupyterRobustnessView(), []
    view.robustness_requested.connect(lambda: asked.append(1))
    assert view.ask.disabled
    view.set_offer(False, "It is being checked.")
    assert (view.ask.disabled, view.ask.tooltip) == (True, "It is being checked.")
    view.set_offer(True, "")
    assert (view.ask.disabled, view.ask.tooltip) == (False, CHECK_TIP)
    view.ask.click()
    assert asked == [1]
    view.set_robustness(None, NOT_CHECKED)
    assert view.table.widget.layout.display == "none"
    found = Robustness((RobustnessRow("as measured", "as measured", 9, {"accuracy": 0.5}),), "m", "d", 0)
    view.set_robustness(robustness_table(found), robustness_words(found))
    assert view.table.widget.layout.display != "none"
    assert view.table.sheet.rows[0] == ("as measured", "0.500")
