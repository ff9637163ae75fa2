"""What the contract goes by: views that speak unasked are heard, and what views are told is compared."""

from __future__ import annotations

from typing import Any

from glasscell.jobs import InlineDispatcher
from glasscell.session import Session
from glasscell.testing.fake_views import fake
from glasscell.views.job_presenter import JobPresenter
from glasscell.views.view import JobView, PrepareView

from .fronts import OF_THE_MOMENT, Front


def test_a_view_that_speaks_unasked_is_heard() -> None:
    class Talker(fake(JobView)):  # type: ignore[misc]
        def set_jobs(self, rows: Any) -> None:
            self.cancel_requested.emit(1)

    session = Session(InlineDispatcher())
    front = Front(session, {"Jobs": Talker()})
    presenter = JobPresenter(session, front.views["Jobs"])
    front.settle()
    assert front.unasked
    assert set(front.unasked) == {"Jobs.cancel_requested"}
    presenter.close()
    assert session.close()


def test_what_views_are_told_is_compared() -> None:
    front = Front(Session(InlineDispatcher()), {"Data": fake(PrepareView)()})
    front.views["Data"].set_report("a <b> c")
    front.views["Data"].set_enabled(True, "")
    assert front.answers() == {"Data.set_report": ["a <b> c"], "Data.set_enabled": [True, ""]}
    assert not any("Data" in part for part in OF_THE_MOMENT)
    assert front.session.close()
