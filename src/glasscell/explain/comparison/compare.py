"""Train models on the same cells, split and seeds, and put their figures and reasons side by side."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import GlasscellError, JobCancelled, NotCompatible
from glasscell.explain.comparison.agreement import rank_agreements, reason_maps
from glasscell.explain.comparison.cell_map import called, own_probability
from glasscell.explain.comparison.latent_score import (
    ARI,
    Judged,
    judge_baselines,
    judge_latents,
    own_domains,
    rand_index,
    section,
)
from glasscell.explain.comparison.request import check_target
from glasscell.explain.comparison.result import Better, ModelComparison, Score
from glasscell.explain.explain import explain
from glasscell.explain.part import Part
from glasscell.explain.request import ExplainRequest
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.capability.domain import FindsDomains
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.registry import family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.comparison.request import CompareRequest
    from glasscell.explain.result import Explanation
    from glasscell.models.bundle import Bundle

_TRAINING = 0.8
_HELD_OUT: tuple[tuple[str, str, Better], ...] = (
    ("accuracy", "accuracy", "more"),
    ("macro_f1", "macro F1", "more"),
    ("calibration_error", "calibration error", "less"),
)


def compare(dataset: Dataset, request: CompareRequest, job: JobHandle = QUIET) -> ModelComparison:
    """Train every model once per seed on the same split; measure all by the same figures.

    Families that learn classes are judged on held-out cells. Families that learn without labels are judged by
    how their latents tell the labels apart, which they have not seen (the cells they have), and each by
    figures of its own, which are ranked only against rows of the same figure.

    Parameters
    ----------
    dataset
        Cells, genes and positions; never changed.
    request
        Models, labels, split, seeds, target.
    job
        Progress and cancel.

    Raises
    ------
    NotCompatible
        No model can be trained on these data; the sentence names the first. A model that cannot beside
        others that can is left out with a note. Or none of them has the target.
    ModelError
        The target is none.
    JobCancelled
        Somebody asked for it; nothing is kept.
    """
    _check(request)
    found = _Found()
    _train_all(dataset, request, found, job)
    found.scores += _supervised(found.bundles, request)
    judged = _unsupervised(dataset, found, request, Part(job, _TRAINING, 0.9, "figures"))
    found.scores += judged.rows
    found.scores += _own_figures(found.bundles)
    explained = _explained(dataset, found, request, Part(job, 0.9, 1.0, "Explaining"))
    return ModelComparison(
        models=tuple(found.bundles),
        seeds=request.seeds,
        scores=tuple(found.scores),
        agreements=tuple(rank_agreements(explained)),
        target=next((one.target for results in explained.values() for one in results), ""),
        labels="" if request.labels is None else request.labels.name,
        split="" if request.split is None else request.split.description,
        maps={
            name: own_probability(bundles) for name, bundles in found.bundles.items() if bundles[0].classes
        },
        calibrated=tuple(name for name, made in found.bundles.items() if all(one.calibrated for one in made)),
        classes=() if request.labels is None else request.labels.classes,
        calls=called(found.bundles, request) | judged.calls,
        reasons=reason_maps(explained),
        notes=tuple(dict.fromkeys((*found.notes, *_notes(found.bundles)))),
        fingerprints=tuple(one.fingerprint for bundles in found.bundles.values() for one in bundles),
        data=dataset.fingerprint,
        method=request.method,
    )


def _train_all(dataset: Dataset, request: CompareRequest, found: _Found, job: JobHandle) -> None:
    """Train every family; one that fails is left out with a note, unless it is the only one."""
    step = _TRAINING / len(request.models)
    for at, name in enumerate(request.models):
        try:
            _train(dataset, name, request, found, Part(job, step * at, step * (at + 1), name))
        except JobCancelled:
            raise
        except GlasscellError as error:  # what others have learnt meanwhile is not thrown away
            found.left_out[name] = error
    if not found.bundles:
        name, reason = next(iter(found.left_out.items()))
        raise NotCompatible(f"{name}: {reason}") from reason
    found.notes += [f"{name} was left out: {reason}" for name, reason in found.left_out.items()]


def _train(dataset: Dataset, name: str, request: CompareRequest, found: _Found, job: JobHandle) -> None:
    """Train one family once per seed; all of its nets or none are kept."""
    made = []
    for turn, seed in enumerate(request.seeds):
        low, high = (at / len(request.seeds) for at in (turn, turn + 1))
        part = _Named(job, low, high, f"{name}, seed {seed}")
        first = not turn and not found.has_baselines
        made.append(fit(dataset, replace(_asked(request, name, seed), baselines=first), part))
    found.bundles[name] = made


@dataclass
class _Found:
    """What has been gathered so far."""

    left_out: dict[str, GlasscellError] = field(default_factory=dict)
    bundles: dict[str, list[Bundle]] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_baselines(self) -> bool:
        """Whether baselines were trained beside a model; no seed changes them."""
        return any(one.baselines for made in self.bundles.values() for one in made)

    @contextmanager
    def noting(self, words: str) -> Iterator[None]:
        """Note why a part is missing: what others have learnt meanwhile is not thrown away."""
        try:
            yield
        except JobCancelled:
            raise
        except GlasscellError as error:
            self.notes.append(f"{words}: {error}")


def _check(request: CompareRequest) -> None:
    for name in request.models:
        info = family(name).info
        if info.why_labels and request.labels is None:
            raise NotCompatible(info.why_labels)
        if request.split is None and info.why_split:
            raise NotCompatible(info.why_split)
        if info.needs_action and request.action is None:
            raise NotCompatible(f"{info.title} learns what perturbations do: name the column of actions.")
    sorting = [info for info in (family(name).info for name in request.models) if info.needs_labels]
    if request.target and request.labels is not None and sorting:
        kinds = list(dict.fromkeys(kind for info in sorting for kind in info.target_kinds))
        check_target(request.target, request.labels.classes, kinds)


def _asked(request: CompareRequest, name: str, seed: int) -> FitRequest:
    """Return the request for one net: everything the family can use, and no more."""
    info = family(name).info
    asked = FitRequest(
        split=request.split, family=name, params=request.params.get(name), seed=seed, device=request.device
    )
    if info.why_labels:
        asked = replace(asked, labels=request.labels)
    if info.takes_batch:
        asked = replace(asked, batch=request.batch)
    if info.needs_action:
        asked = replace(asked, action=request.action, control=request.control)
    return asked


def _supervised(bundles: dict[str, list[Bundle]], request: CompareRequest) -> list[Score]:
    """Return the figures on held-out cells; baselines, which no seed changes, from the first model."""
    rows: dict[str, tuple[list[dict[str, Any]], bool]] = {}
    for name, made in bundles.items():
        if made[0].metrics is None:
            continue
        rows[name] = [one.metrics.to_json() for one in made if one.metrics is not None], False
        for title, figures in made[0].baselines.items():
            rows.setdefault(title, ([figures.to_json()], True))
    where = "" if request.labels is None else f"{request.labels.name} of held-out cells"
    return [
        Score(where, metric, better, name, tuple(float(one[key]) for one in values), baseline)
        for key, metric, better in _HELD_OUT
        for name, (values, baseline) in sorted(rows.items(), key=lambda row: row[1][1])
        if all(one[key] is not None for one in values)
    ]


def _unsupervised(dataset: Dataset, gathered: _Found, request: CompareRequest, job: JobHandle) -> Judged:
    """Judge latents and domains by labels they have not seen."""
    labels, split = request.labels, request.split
    chosen = {name: made for name, made in gathered.bundles.items() if made[0].cells.latent_cz is not None}
    if labels is None or split is None or not chosen:
        return Judged([], {})
    found = Judged([], {})
    rows = found.rows
    for name, made in chosen.items():
        latents = [one.cells.latent_cz for one in made if one.cells.latent_cz is not None]
        with gathered.noting(f"The latents of {name} were not judged"):
            one = judge_latents(name, latents, labels, split, request.seeds, job)
            rows += one.rows
            found.calls.update(one.calls)
        if isinstance(made[0].folds[0], FindsDomains):
            own = tuple(rand_index(own_domains(net), labels) for net in made)
            rows.append(Score(section(labels), ARI, "more", f"{name}, its own domains", own))
    with gathered.noting("Principal components were not judged beside"):
        cheap = judge_baselines(dataset, labels, split, request.seeds, job)
        rows += cheap.rows
        found.calls.update(cheap.calls)
    metrics = list(dict.fromkeys(row.metric for row in rows))
    return Judged(sorted(rows, key=lambda row: (metrics.index(row.metric), row.baseline)), found.calls)


def _own_figures(bundles: dict[str, list[Bundle]]) -> list[Score]:
    """Return what families measured of themselves; one figure is one section, so kinds never mix."""
    rows: list[Score] = []
    seen: set[tuple[str, str]] = set()
    for name, made in bundles.items():
        for title, figures in made[0].figures.items():
            for metric in figures:
                if (metric, title) in seen:
                    continue
                seen.add((metric, title))
                values = tuple(float(one.figures[title][metric]) for one in made)
                where = f"{metric}, cells not trained on"
                rows.append(Score(where, metric, "less", title, values, baseline=title != name))
    return sorted(rows, key=lambda row: (row.section, row.baseline))


def _explained(
    dataset: Dataset, found: _Found, request: CompareRequest, job: JobHandle
) -> dict[str, list[Explanation]]:
    """Explain the same target and cells by every model that has the target; of others a note says why."""
    chosen = {name: made for name, made in found.bundles.items() if made[0].classes}
    if not chosen or request.labels is None:
        return {}
    target = request.target or f"class:{_commonest(next(iter(chosen.values()))[0])}"
    results: dict[str, list[Explanation]] = {}
    for number, (name, made) in enumerate(chosen.items()):
        with found.noting(f"{name} was not explained"):
            own = []
            for at, one in enumerate(made, number * len(made)):
                total = len(chosen) * len(made)
                part = Part(job, at / total, (at + 1) / total, name)
                asked = ExplainRequest(request.method, target, evidence=False, cells=_of_class(one, target))
                own.append(explain(dataset, one, asked, part))
            results[name] = own
    return results


def _commonest(bundle: Bundle) -> str:
    truth = bundle.cells.truth
    return bundle.classes[int(np.bincount(truth[truth >= 0], minlength=len(bundle.classes)).argmax())]


def _of_class(bundle: Bundle, target: str) -> NDArray[np.int32] | None:
    """Return the labelled cells of the target's class; None for a target that is no class."""
    kind, _, name = target.partition(":")
    if kind != "class" or name not in bundle.classes:
        return None
    return np.flatnonzero(bundle.cells.truth == bundle.classes.index(name)).astype(np.int32)


class _Named(Part):
    """A part that says with every report which model it is of."""

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        """Pass progress on under the name of the model."""
        super().report(fraction, f"{self._text}: {text}" if text else "", **metrics)


def _notes(bundles: dict[str, list[Bundle]]) -> list[str]:
    said = [sentence for made in bundles.values() for one in made for sentence in one.notes]
    if any(made[0].cells.latent_cz is not None and not made[0].classes for made in bundles.values()):
        said.append(
            "Models that learn without labels have seen the expression of all cells but of the tenth or fold "
            "held out; no label was shown to them."
        )
    return said
