"""From the name of a channel to its values: at once, by a job, or not at all."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glasscell.data.channel import CellValues, ChannelRef, register_channel, resolve_channel
from glasscell.errors import GlasscellError
from glasscell.jobs import Job, JobHandle, JobRunner, Outcome
from glasscell.session.message import sentence

if TYPE_CHECKING:
    from glasscell.session.context import Context
    from glasscell.session.store import Key, Store

#: Kinds that cost one look at one column; the others may cost a pass over the whole table.
LIGHT = frozenset(
    {"obs", "position", "group", "groups", "embedding", "prediction", "applied", "domain", "comparison"}
)
#: Up to this many cells x genes even the others are looked up at once.
SMALL_TABLE = 4_000_000
KEPT_FAILURES = 100

log = logging.getLogger(__name__)

register_channel("applied", "glasscell.session.applying:resolve_applied")
register_channel("attention", "glasscell.explain.attention.channel:resolve_attention")
register_channel("attribution", "glasscell.explain.channel:resolve_attribution")
register_channel("cell_graph", "glasscell.models.scgnn.channel:resolve_cell_graph")
register_channel("comparison", "glasscell.explain.comparison.channel:resolve_comparison")
register_channel("domain", "glasscell.session.domain:resolve_domain")
register_channel("generated", "glasscell.models.gan.channel:resolve_generated")
register_channel("groups", "glasscell.session.group_column:resolve_groups")
register_channel("imputed", "glasscell.models.scgnn.channel:resolve_imputed")
register_channel("influence", "glasscell.models.grn.channel:resolve_influence")
register_channel("latent", "glasscell.explain.traversal.channel:resolve_latent")
register_channel("niche", "glasscell.models.scvi.channel:resolve_niche")
register_channel("perturbation", "glasscell.explain.perturbation.channel:resolve_perturbation")
register_channel("prediction", "glasscell.session.prediction:resolve_prediction")
register_channel("realism", "glasscell.models.gan.channel:resolve_realism")
register_channel("toggle", "glasscell.session.code:resolve_toggle")
register_channel("traversal", "glasscell.explain.traversal.channel:resolve_traversal")
register_channel("velocity", "glasscell.models.scvi.channel:resolve_velocity")


@dataclass(frozen=True, eq=False)
class Ready:
    """The values are here."""

    values: CellValues


@dataclass(frozen=True, eq=False)
class Pending:
    """The values are being worked out; ask again when the job has finished."""

    job: Job[Any]


@dataclass(frozen=True)
class Failed:
    """There will be no values, and why."""

    reason: str


Resolved = Ready | Pending | Failed


class Columns:
    """The columns of channels, each worked out once and held in the store.

    Parameters
    ----------
    store
        Where columns are held.
    jobs
        Where heavy ones are worked out, in the view lane.
    """

    def __init__(self, store: Store, jobs: JobRunner) -> None:
        self._store = store
        self._jobs = jobs
        self._pending: dict[Key, Job[Any]] = {}
        self._failed: dict[Key, str] = {}

    def resolve(self, ref: ChannelRef, context: Context) -> Resolved:
        """Return the values, or the job that works them out, or the reason why there are none."""
        key = context.column_key(ref)
        values = self._store.get(key)
        if values is not None:
            return Ready(values)
        if key in self._failed:
            return Failed(self._failed[key])
        job = self._pending.get(key)
        if job is not None:
            return Pending(job)
        if _is_light(ref, context):
            try:
                return Ready(resolve_channel(context, ref))
            except Exception as error:
                return self._fail(key, ref, error)
        return Pending(self._start(key, ref, context))

    def forget_failures(self) -> None:
        """Try again what failed: something it needs may have come."""
        self._failed.clear()

    def _start(self, key: Key, ref: ChannelRef, context: Context) -> Job[Any]:
        def work(job: JobHandle) -> CellValues:
            job.report(None, ref.key)
            values = resolve_channel(context, ref)
            job.report(1.0)
            return values

        def done(job: Job[CellValues]) -> None:
            if self._pending.get(key) is job:
                del self._pending[key]
            if job.outcome is Outcome.FAILED and job.error is not None:
                self._fail(key, ref, job.error)

        job = self._jobs.submit(
            work, title=f"Colour by {ref.key}", lane="view", key=("column", key), on_done=done
        )
        self._pending[key] = job
        return job

    def _fail(self, key: Key, ref: ChannelRef, error: BaseException) -> Failed:
        if len(self._failed) >= KEPT_FAILURES:
            self._failed.clear()
        if not isinstance(error, GlasscellError):
            log.error("Colouring by %s failed", ref, exc_info=error)
        reason = self._failed[key] = sentence(error, f"Colouring by {ref.key}")
        return Failed(reason)


def _is_light(ref: ChannelRef, context: Context) -> bool:
    return ref.kind in LIGHT or context.dataset.n_cells * context.dataset.n_genes <= SMALL_TABLE
