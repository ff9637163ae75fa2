"""Training models side by side, and which two of them are looked at beside each other."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glasscell.session.file import make_params, need_dataset
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from glasscell.data.channel import ChannelRef
    from glasscell.explain.comparison.request import CompareRequest
    from glasscell.explain.comparison.result import ModelComparison
    from glasscell.jobs import Job, JobHandle
    from glasscell.session.context import Context
    from glasscell.session.core import Core

#: The kind under which a session holds such a result, and that of the two that are looked at.
KIND, PAIR = "comparison", "pair"
#: How the titles of these jobs begin.
SIDE_BY_SIDE = "Side by side: "


@dataclass(frozen=True)
class CompareWish:
    """What the user asks for; ``CompareRequest`` is what it becomes on a dataset.

    Parameters
    ----------
    models
        Registry keys, each once.
    labels, split, batch, action, control, device
        As in ``FitWish``; one split for all models.
    seeds
        Each model is trained once per seed.
    target
        Whose explanations are compared; empty for the commonest class.
    params
        Settings by family.
    """

    models: tuple[str, ...]
    labels: str = ""
    split: str | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    target: str = ""
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    batch: str = ""
    action: str = ""
    control: str = ""
    device: str = "auto"


def compare(session: Core, wish: CompareWish) -> Job[Any]:
    """Train in the background; the result becomes ``session.latest("comparison")``.

    Raises
    ------
    ModelError
        There is no model or no seed, or one stands twice.
    """
    dataset, context = need_dataset(session), session.context
    assert context is not None
    make_request(CompareWish(wish.models, seeds=wish.seeds), None)

    def work(job: JobHandle) -> ModelComparison:
        from glasscell.explain.comparison.compare import compare as run

        job.report(None, "Reading labels")
        return run(dataset, make_request(wish, context), job)

    def commit(job: Job[ModelComparison], found: ModelComparison) -> None:
        now = session.dataset
        if now is None or now.fingerprint != found.data:
            set_aside(session, job, "the data changed while it ran, so its result was not used.")
            return
        session.hold(KIND, found)

    return submit(session, work, commit, title=f"{SIDE_BY_SIDE}{', '.join(wish.models)}", lane="train")


def make_request(wish: CompareWish, context: Context | None) -> CompareRequest:
    """Turn a wish into labels and folds of a dataset; without one only check it."""
    from glasscell.explain.comparison.request import CompareRequest

    if context is None:
        return CompareRequest(tuple(wish.models), seeds=tuple(wish.seeds))
    from glasscell.models.registry import family
    from glasscell.session.training import FitWish
    from glasscell.session.training import make_request as make_fit

    asked = make_fit(
        FitWish(wish.labels, wish.split, batch=wish.batch, action=wish.action, control=wish.control), context
    )
    return CompareRequest(
        models=tuple(wish.models),
        labels=asked.labels,
        split=asked.split,
        seeds=tuple(wish.seeds),
        target=wish.target,
        params={name: make_params(family(name).params, wish.params.get(name, {})) for name in wish.models},
        batch=asked.batch,
        action=asked.action,
        control=wish.control,
        device=wish.device,
    )


def table(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per figure and seed of the last comparison."""
    found: ModelComparison | None = session.latest(KIND)
    return None if found is None else found.table


@dataclass(frozen=True)
class Pair:
    """Two channels of the open data that stand beside each other with their difference."""

    left: ChannelRef
    right: ChannelRef
    data: str

    @property
    def id(self) -> str:
        """A short name."""
        said = json.dumps([self.left.to_json(), self.right.to_json(), self.data], sort_keys=True)
        return f"pair-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def look_at(session: Core, left: ChannelRef, right: ChannelRef) -> None:
    """Put two channels beside each other, in every front end; ``made`` tells of it."""
    session.hold(PAIR, Pair(left, right, need_dataset(session).fingerprint))
