"""Models side by side: one split, one meaning per figure, baselines beside, impostors found out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import f1_score

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import JobCancelled, ModelError, NotCompatible
from glasscell.explain.comparison import compare as comparing
from glasscell.explain.comparison.agreement import MEAN_DIFFERENCE, rank_agreements
from glasscell.explain.comparison.compare import compare
from glasscell.explain.comparison.latent_score import (
    ACCURACY,
    ARI,
    judge_latents,
    most_voted,
    rand_index,
    vote,
)
from glasscell.explain.comparison.request import CompareRequest
from glasscell.explain.comparison.result import ModelComparison, Score
from glasscell.figure.comparison import comparison_figure
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.registry import family
from glasscell.testing.toy_family import RECIPES, toy_dataset

SEEDS = (0, 1)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return toy_dataset(n_cells=240)


@pytest.fixture(scope="module")
def request_(dataset: Dataset) -> CompareRequest:
    labels = read_labels(dataset, "label")
    return CompareRequest(
        models=("classifier", "vae", "additive_vae", "spagcn"),
        labels=labels,
        split=split(dataset, "random", n_folds=3, seed=0, labels=labels),
        seeds=SEEDS,
        params={
            name: family(name).params(**{**RECIPES[name], **more})
            for name, more in (
                ("classifier", {"max_epochs": 12}),
                ("vae", {}),
                ("additive_vae", {}),
                ("spagcn", {}),
            )
        },
        device="cpu",
    )


class _Listening:
    """A job that remembers what was said."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        self.texts.append(text)


@pytest.fixture(scope="module")
def listening() -> _Listening:
    return _Listening()


@pytest.fixture(scope="module")
def found(dataset: Dataset, request_: CompareRequest, listening: _Listening) -> ModelComparison:
    return compare(dataset, request_, listening)  # type: ignore[arg-type]


def test_every_model_and_baseline_has_the_same_figures(found: ModelComparison) -> None:
    rows = found.sections()
    held_out = rows["label of held-out cells", "accuracy"]
    assert [row.model for row in held_out] == ["classifier", "majority", "logistic", "coordinates"]
    assert [row.baseline for row in held_out] == [False, True, True, True]
    assert all(len(row.values) == len(SEEDS) for row in held_out if not row.baseline)
    judged = {row.model for row in rows["latents learnt without label", ACCURACY]}
    assert {"vae", "additive_vae", "spagcn"} < judged
    groups = {row.model for row in rows["latents learnt without label", ARI]}
    assert {"vae + tied mixture", "spagcn, its own domains"} < groups
    assert any("k-means" in name for name in groups)
    assert any("neighbours" in name for name in groups)


def test_figures_are_those_of_the_same_training_alone(
    found: ModelComparison, dataset: Dataset, request_: CompareRequest
) -> None:
    alone = fit(
        dataset,
        FitRequest(
            request_.labels, request_.split, "classifier", request_.params["classifier"], 1, device="cpu"
        ),
    )
    known = alone.cells.labelled
    truth, guess = alone.cells.truth[known], alone.cells.probabilities_ck[known].argmax(axis=1)
    row = found.sections()["label of held-out cells", "macro F1"][0]
    assert row.values[1] == pytest.approx(f1_score(truth, guess, average="macro"))
    own = alone.cells.probabilities_ck[known, truth]
    other = fit(
        dataset,
        FitRequest(
            request_.labels, request_.split, "classifier", request_.params["classifier"], 0, device="cpu"
        ),
    )
    theirs = other.cells.probabilities_ck[known, truth]
    np.testing.assert_allclose(found.maps["classifier"][known], (own + theirs) / 2, rtol=1e-5)


def test_kinds_of_figures_never_share_a_row(found: ModelComparison) -> None:
    for rows in found.sections().values():
        assert len({(row.section, row.metric, row.better) for row in rows}) == 1
        assert len({row.model for row in rows}) == len(rows)
    of = {metric: {row.model for row in rows} for (_, metric), rows in found.sections().items()}
    deviance = next(models for metric, models in of.items() if "deviance" in metric)
    assert {"vae", "additive_vae"} < deviance
    assert "spagcn" not in deviance
    assert "classifier" not in deviance


def test_labels_decide_nothing_of_latents(dataset: Dataset, request_: CompareRequest) -> None:
    """Latents of shuffled cells vote no better than chance."""
    labels, folds = request_.labels, request_.split
    assert labels is not None
    assert folds is not None
    right = np.eye(labels.n_classes)[labels.codes] + 0.01 * np.random.default_rng(0).standard_normal(
        (dataset.n_cells, labels.n_classes)
    )
    assert vote(right, labels, folds)[0] == 1.0
    shuffled = np.random.default_rng(1).permutation(right)
    assert vote(shuffled, labels, folds)[0] < 1.4 / labels.n_classes + 0.1
    rows = judge_latents("shuffled", [shuffled], labels, folds, (0,)).rows
    assert abs(next(row for row in rows if row.metric == ARI).mean) < 0.1
    assert rand_index(labels.codes, labels) == 1.0


def test_a_vote_never_hears_the_cells_own_fold(dataset: Dataset, request_: CompareRequest) -> None:
    labels, folds = request_.labels, request_.split
    assert labels is not None
    assert folds is not None
    by_fold = np.asarray(folds.folds, float)[:, None] * 100  # cells of one fold lie on one spot
    lone = replace(labels, codes=np.where(folds.folds == 0, 0, 1).astype(labels.codes.dtype))
    assert vote(by_fold, lone, folds)[0] < 0.8, "fold 0 alone has class 0, so nobody could tell it"


class _Told:
    """What an explanation tells of genes."""

    def __init__(self, values: Any, difference: Any = None) -> None:
        self.genes, self._values = tuple(f"g{at}" for at in range(len(values))), np.asarray(values)
        self.mean_difference_g = difference

    def mean(self) -> Any:
        return self._values


def test_agreement_is_spearmans_and_an_impostor_agrees_by_chance() -> None:
    rng = np.random.default_rng(0)
    first, again, other = rng.standard_normal(400), rng.standard_normal(400), rng.standard_normal(400)
    again = first + 0.5 * again
    told: Any = {"a": [_Told(first, first), _Told(again, first)], "b": [_Told(other), _Told(other)]}
    pairs = {(pair.first, pair.second): pair for pair in rank_agreements(told)}
    assert pairs["a", "a"].values == (pytest.approx(spearmanr(first, again).statistic),)
    assert abs(pairs["a", "b"].mean) < 0.1
    assert pairs["b", "b"].mean == pytest.approx(1.0)
    assert pairs["a", MEAN_DIFFERENCE].values[0] == pytest.approx(1.0)
    assert ("b", MEAN_DIFFERENCE) not in pairs


def test_reasons_of_a_model_agree_over_seeds(found: ModelComparison) -> None:
    assert found.target.startswith("class:")
    pairs = {(pair.first, pair.second): pair.mean for pair in found.agreements}
    assert -1 <= pairs["classifier", "classifier"] <= 1
    assert ("classifier", MEAN_DIFFERENCE) in pairs


def test_the_table_holds_every_figure_of_every_seed(found: ModelComparison, tmp_path: Path) -> None:
    table = found.table()
    row = table[(table.model == "classifier") & (table.metric == "accuracy")].iloc[0]
    assert [row["seed 0"], row["seed 1"]] == list(
        found.sections()["label of held-out cells", "accuracy"][0].values
    )
    assert len(found.to_json()["scores"]) == len(found.scores)
    sheet = comparison_figure(found)
    texts = " ".join(text.get_text() for text in sheet.findobj(lambda one: hasattr(one, "get_text")))
    assert "spagcn, its own domains" in texts
    assert "logistic" in texts


def of_rows(*rows: Score) -> ModelComparison:
    return ModelComparison(
        models=("net",), seeds=(0, 1), scores=rows, agreements=(), target="", labels="", split="",
        maps={}, calibrated=(), classes=(), calls={}, reasons={}, notes=(), fingerprints=("x",), data="d",
    )  # fmt: skip


def test_other_questions_have_other_names() -> None:
    made = of_rows()
    asked: list[dict[str, Any]] = [
        {"models": ("other",)}, {"seeds": (0, 2)}, {"labels": "type"}, {"classes": ("a",)}, {"split": "by"},
        {"method": "saliency"}, {"target": "class:a"}, {"calls": {"net": np.array([0, 1], np.int32)}},
        {"calls": {"net": np.array([1, 0], np.int32)}},
    ]  # fmt: skip
    assert len({made.id, *(replace(made, **one).id for one in asked)}) == len(asked) + 1
    assert replace(made).id == made.id


def test_a_row_without_a_mean_is_never_the_best() -> None:
    nothing = Score("s", "accuracy", "more", "nothing", (float("nan"), 0.9))
    some, best = (
        Score("s", "accuracy", "more", name, (at, at)) for name, at in (("some", 0.1), ("best", 0.2))
    )
    for rows in ((nothing, some, best), (some, best, nothing)):
        assert of_rows(*rows).best("s", "accuracy") == "best"
    assert of_rows(nothing).best("s", "accuracy") == ""


def test_the_best_row_may_be_a_baseline() -> None:
    rows = (
        Score("s", "error", "less", "net", (0.3, 0.5)),
        Score("s", "error", "less", "plain", (0.35,), True),
    )
    made = of_rows(*rows)
    assert made.best("s", "error") == "plain"
    assert np.isnan(rows[1].spread)
    assert rows[0].spread == pytest.approx(0.2)


def test_what_cannot_be_compared_is_said(dataset: Dataset, request_: CompareRequest) -> None:
    with pytest.raises(ModelError, match="at least one model"):
        replace(request_, models=())
    with pytest.raises(ModelError, match="Name each seed once"):
        replace(request_, seeds=(1, 1))
    with pytest.raises(NotCompatible, match="name the column of labels"):
        compare(dataset, replace(request_, labels=None))
    with pytest.raises(NotCompatible, match="column of actions"):
        compare(dataset, replace(request_, models=("svae",)))


def test_a_target_that_nobody_has_is_refused_before_training(
    dataset: Dataset, request_: CompareRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("something was trained")

    monkeypatch.setattr(comparing, "fit", never)
    assert request_.labels is not None
    first = request_.labels.classes[0]
    for target, said in (
        ("class:zzz", "no class 'zzz'"),
        (f"contrast:{first}/zzz", "no contrast 'zzz'"),
        ("gene:g1", "no target of kind gene"),
    ):
        with pytest.raises(NotCompatible, match=said):
            compare(dataset, replace(request_, target=target))
    with pytest.raises(ModelError, match="is not a target"):
        compare(dataset, replace(request_, target="zzz"))
    for target in (f"class:{first}", f"contrast:{first}", "latent:0"):
        with pytest.raises(AssertionError, match="was trained"):
            compare(dataset, replace(request_, target=target))


def test_what_fails_at_the_end_takes_no_training_with_it(
    dataset: Dataset, request_: CompareRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: Any, **__: Any) -> None:
        raise ModelError("no such thing here.")

    def stop(*_: Any, **__: Any) -> None:
        raise JobCancelled("stopped")

    few = replace(request_, models=("classifier", "vae"), seeds=(0,), target="latent:999")
    monkeypatch.setattr(comparing, "judge_latents", nothing)
    made = compare(dataset, few)
    assert made.models == ("classifier", "vae")
    assert not made.reasons
    assert any(note.startswith("classifier was not explained: ") and "'999'" in note for note in made.notes)
    assert "The latents of vae were not judged: no such thing here." in made.notes
    assert any("principal components" in row.model for row in made.scores)
    for part in ("judge_latents", "explain"):
        with monkeypatch.context() as patch:
            patch.setattr(comparing, part, stop)
            with pytest.raises(JobCancelled):
                compare(dataset, few)


class _Stopping:
    """A job that is cancelled at its third report."""

    def __init__(self) -> None:
        self.told = 0

    def report(self, fraction: float | None, text: str = "", **metrics: float) -> None:
        self.told += 1
        if self.told > 3:
            raise JobCancelled("stopped")


def test_it_stops_when_asked_to(dataset: Dataset, request_: CompareRequest) -> None:
    job = _Stopping()
    with pytest.raises(JobCancelled):
        compare(dataset, request_, job)  # type: ignore[arg-type]
    assert job.told == 4


def test_progress_names_model_and_seed(found: ModelComparison, listening: _Listening) -> None:
    for name in found.models:
        for seed in SEEDS:
            assert any(text.startswith(f"{name}, seed {seed}") for text in listening.texts), (name, seed)


def test_maps_are_those_of_the_nets(
    found: ModelComparison, dataset: Dataset, request_: CompareRequest
) -> None:
    labels = request_.labels
    assert labels is not None
    assert {"classifier", "vae", "additive_vae", "spagcn"} < set(found.calls)
    assert any("principal components" in name for name in found.calls)
    known = found.calls["classifier"] >= 0
    right = float((found.calls["classifier"] == labels.codes)[known].mean())
    rows = found.sections()["label of held-out cells", "accuracy"][0]
    assert min(rows.values) - 0.05 <= right <= max(rows.values) + 0.05
    assert np.isnan(found.maps["classifier"][~known]).all()
    one = labels.classes.index(found.target.removeprefix("class:"))
    reasons = found.reasons["classifier"]
    np.testing.assert_array_equal(reasons.cells, np.flatnonzero((labels.codes == one) & known))
    full = reasons.gene(reasons.genes[0], dataset.n_cells)
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(full)), reasons.cells)
    assert set(found.reasons) == {"classifier"}, "only models that sort into classes are explained"


def test_most_votes_win() -> None:
    guesses = [np.array([0, 1, -1, 2], np.int32), np.array([0, 2, -1, 2], np.int32), np.array([1, 2, -1, -1])]
    assert most_voted(guesses).tolist() == [0, 2, -1, 2]


def test_a_model_that_cannot_be_trained_takes_nothing_from_the_others(
    dataset: Dataset, request_: CompareRequest
) -> None:
    params = {**request_.params, "pathway_vae": family("pathway_vae").params(gene_sets="nowhere.gmt")}
    both = replace(
        request_, models=("pathway_vae", "vae"), seeds=(0,), params=params, labels=None, split=None
    )
    made = compare(dataset, both)
    assert made.models == ("vae",)
    assert any(note.startswith("pathway_vae was left out: ") for note in made.notes)
    with pytest.raises(NotCompatible, match="pathway_vae: "):
        compare(dataset, replace(both, models=("pathway_vae",)))
