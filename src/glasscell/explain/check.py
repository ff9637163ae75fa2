"""Checks a biologist can read: each can fail, and says in one sentence what its outcome means."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from glasscell.explain.evidence import MIN_CELLS_PER_FOLD, fold_ranks
from glasscell.explain.modality_share import noted_shares
from glasscell.explain.result import Bools, Explanation, Ints, order, rank

Verdict = Literal["ok", "warn", "bad", "cannot tell"]

GAP_OK, GAP_WARN = 0.01, 0.05
RANDOM_OK, RANDOM_WARN = 0.1, 0.3
TWIN_OK, TWIN_WARN = 0.3, 0.6
FOLDS_OK, FOLDS_WARN = 0.4, 0.2
#: Accuracy that a model may lack against its best baseline, and must have over always guessing one class.
BEHIND, ABOVE = 0.02, 0.05
#: Share of an attribution below which a kind of counts hardly matters.
HARDLY = 0.05
#: Share of the top genes from which on a map is that of the mean difference, in another order or not.
SAME = 0.9
TOP = 20


@dataclass(frozen=True)
class Check:
    """One test of an explanation: a figure, a verdict and a sentence."""

    name: str
    value: float
    verdict: Verdict
    sentence: str


def checks(explanation: Explanation, mask: Bools | None = None, k: int = TOP) -> tuple[Check, ...]:
    """Judge an explanation over a selection.

    Parameters
    ----------
    mask
        Selected cells, ``(n_cells,)``; None for all that were explained.
    k
        How many top genes are compared with the twin, the plain comparison and over folds; at most a tenth
        of all genes (but three), so that small panels do not agree by chance.
    """
    values_g = explanation.mean(mask)
    top = order(values_g)[: min(k, max(3, len(values_g) // 10))]
    return (
        *_model(explanation),
        *_modalities(explanation),
        _completeness(explanation),
        _random_net(explanation),
        _twin(explanation, mask, top),
        _folds(explanation, mask, len(top)),
        _plain_comparison(explanation, top),
        _training(explanation, mask),
    )


def _verdict(value: float, ok: float, warn: float, *, small_is_good: bool = True) -> Verdict:
    if np.isnan(value):
        return "cannot tell"
    distance = value if small_is_good else -value
    limits = (ok, warn) if small_is_good else (-ok, -warn)
    return "ok" if distance <= limits[0] else "warn" if distance <= limits[1] else "bad"


def _model(explanation: Explanation) -> tuple[Check, ...]:
    """Judge whether there is anything to explain; no row for models without figures on held-out cells."""
    found = explanation.diagnostics
    if "held_out_accuracy" not in found or "majority_accuracy" not in found:
        return ()
    own, majority = found["held_out_accuracy"], found["majority_accuracy"]
    best = max(majority, found.get("logistic_accuracy", 0.0), found.get("coordinates_accuracy", 0.0))
    verdict: Verdict = "bad" if own < majority + ABOVE else "warn" if own < best - BEHIND else "ok"
    said = f"On held-out cells the model is right for {own:.1%}, its best plain comparison for {best:.1%}"
    sentence = {
        "ok": f"{said}.",
        "warn": f"{said}: something simpler knows more, so read the reasons with care.",
        "bad": f"{said}, always guessing one class for {majority:.1%}: it has learnt too little to explain.",
    }[verdict]
    return (Check("model", own - best, verdict, sentence),)


def _modalities(explanation: Explanation) -> tuple[Check, ...]:
    """Say on which kind of counts an attribution lies; no row for models of one kind."""
    shares = noted_shares(explanation)
    if len(shares) < 2:
        return ()
    said = ", ".join(f"{share:.0%} on {name}" for name, share in shares.items())
    least = min(shares, key=lambda name: shares[name])
    verdict: Verdict = "ok" if shares[least] >= HARDLY else "warn"
    sentence = {
        "ok": f"Of the attribution lie {said}.",
        "warn": f"Of the attribution lie {said}: for this target the model hardly goes by {least}.",
    }[verdict]
    return (Check("modalities", shares[least], verdict, sentence),)


def _completeness(explanation: Explanation) -> Check:
    gap = explanation.completeness_gap
    verdict = _verdict(gap, GAP_OK, GAP_WARN)
    sentence = {
        "ok": f"The genes' shares add up to the model's output to within {gap:.2%}.",
        "warn": f"The genes' shares miss the model's output by up to {gap:.1%}: raise the number of steps.",
        "bad": f"The genes' shares miss the model's output by up to {gap:.0%}: raise the steps first.",
        "cannot tell": "The values of this method are not meant to add up to the model's output.",
    }[verdict]
    return Check("completeness", gap, verdict, sentence)


def _random_net(explanation: Explanation) -> Check:
    value = float(explanation.diagnostics.get("reinitialised_correlation", np.nan))
    verdict = _verdict(value, RANDOM_OK, RANDOM_WARN)
    sentence = {
        "ok": f"A net with random weights gives an unrelated map (correlation {value:.2f}), as it should.",
        "warn": f"A net with random weights gives a somewhat similar map (correlation {value:.2f}).",
        "bad": f"A net with random weights gives nearly the same map (correlation {value:.2f}): "
        "it shows the data, not what the model learnt.",
        "cannot tell": "No net with random weights was explained for comparison.",
    }[verdict]
    return Check("random net", value, verdict, sentence)


def _twin(
    explanation: Explanation, mask: Bools | None, top: Ints | np.ndarray[tuple[int], np.dtype[np.intp]]
) -> Check:
    if explanation.twin is None:
        return Check("twin", np.nan, "cannot tell", "The twin trained on permuted labels is not there yet.")
    ranks = rank(explanation.twin.mean(mask))[top]
    share = float(np.mean(ranks <= len(top)))
    hits = f"{int((ranks <= len(top)).sum())} of the top {len(top)} genes also lead"
    blind = "permuted labels" if explanation.provenance.labels else "redrawn counts"
    count = f"{hits} for a twin trained on {blind}"
    verdict = _verdict(share, TWIN_OK, TWIN_WARN)
    sentence = {
        "ok": f"{count}: the ranking does not follow from the data alone.",
        "warn": f"{count}: part of the ranking needs no learning.",
        "bad": f"{count}: the ranking says little about the model.",
        "cannot tell": "The twin gives no ranking.",
    }[verdict]
    return Check("twin", share, verdict, sentence)


def _folds(explanation: Explanation, mask: Bools | None, k: int) -> Check:
    tops = [set(np.flatnonzero(ranks <= k).tolist()) for ranks in fold_ranks(explanation, mask)]
    if len(tops) < 2:
        text = f"Fewer than two nets explain {MIN_CELLS_PER_FOLD} of these cells each: agreement is unknown."
        return Check("folds", np.nan, "cannot tell", text)
    value = float(np.mean([len(a & b) / len(a | b) for a, b in combinations(tops, 2)]))
    verdict = _verdict(value, FOLDS_OK, FOLDS_WARN, small_is_good=False)
    shared = round(2 * value / (1 + value) * k)
    sentence = f"Nets trained on different tissue share about {shared} of their top {k} genes."
    if verdict != "ok":
        sentence += " Trust single genes less than the group."
    return Check("folds", value, verdict, sentence)


def _plain_comparison(explanation: Explanation, top: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Check:
    if explanation.mean_difference_g is None:
        return Check(
            "plain comparison", np.nan, "cannot tell", "The target is not a class, so there is none."
        )
    ranks = rank(explanation.mean_difference_g)[top]
    count = int((ranks <= len(top)).sum())
    same = count >= SAME * len(top)
    sentence = f"{count} of the top {len(top)} genes are also those of largest mean difference."
    if same:
        sentence += " The map adds next to nothing to a plain comparison."
    return Check("plain comparison", count / max(1, len(top)), "warn" if same else "ok", sentence)


def _training(explanation: Explanation, mask: Bools | None) -> Check:
    seen = explanation.in_training[explanation.rows(mask)]
    share = float(seen.mean())
    if not seen.any():
        return Check(
            "held out", share, "ok", "Every cell is explained by a net that did not see it in training."
        )
    sentence = (
        f"{int(seen.sum()):,} of {len(seen):,} cells were seen in training by the net that explains them."
    )
    return Check("held out", share, "warn", sentence)
