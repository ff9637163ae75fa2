"""Held-out cells of real classes: a model's bundle beside logistic regression, cell by cell, over seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.row import Row

DATA = Path(__file__).parents[3] / "shared" / "data"
SEEDS = (0, 1, 2)
SMALLEST_CLASS = 30
FOLDS, RESAMPLES = 5, 1000
#: Said beside figures of classes that were made from the counts a model reads.
CIRCULAR = "; the labels were made from the same counts, so the comparison counts, not the height"


def large_classes(dataset: Any, column: str) -> Any:
    """Read labels, and take them off the cells of classes that are too small."""
    from glasscell.data.labels import read_labels

    labels = read_labels(dataset, column)
    count_k = np.bincount(labels.codes[labels.codes >= 0], minlength=len(labels.classes))
    kept = np.flatnonzero(count_k >= SMALLEST_CLASS)
    place = np.full(len(count_k) + 1, -1, np.int32)
    place[kept] = np.arange(len(kept))
    classes = tuple(labels.classes[code] for code in kept)
    return replace(labels, codes=place[labels.codes], classes=classes)


def logistic_codes(dataset: Any, bundle: Any) -> Any:
    """Predict every labelled cell by logistic regression on the nets' own folds."""
    from glasscell.models.baseline import logistic
    from glasscell.models.batch import preprocessing_for
    from glasscell.models.row import input_rows

    table_cg, cells = input_rows(dataset, preprocessing_for(dataset)), bundle.cells
    codes = np.full(len(cells.truth), -1)
    for fold in range(len(bundle.folds)):
        train = np.flatnonzero(cells.labelled & (cells.fold != fold))
        test = np.flatnonzero(cells.labelled & (cells.fold == fold))
        found = logistic(table_cg[train], cells.truth[train], table_cg[test], len(bundle.classes))
        codes[test] = found.argmax(axis=1)
    return codes


def lower_bound(truth: Any, ours: Any, theirs: Any) -> float:
    """Return the 2.5th percentile of the difference in macro-F1 over resamples of the cells."""
    from glasscell.models.metric import macro_f1

    rng = np.random.default_rng(0)
    found = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(len(truth), size=len(truth))
        found.append(macro_f1(truth[drawn], ours[drawn]) - macro_f1(truth[drawn], theirs[drawn]))
    return float(np.quantile(found, 0.025))


def against_logistic(dataset: Any, bundle: Any) -> dict[str, float]:
    """Compare a bundle's held-out predictions with logistic regression's, and its twin's where it has one."""
    from glasscell.models.batch import make_batch
    from glasscell.models.metric import macro_f1

    known = np.flatnonzero(bundle.cells.labelled)
    truth = bundle.cells.truth[known]
    ours = bundle.cells.probabilities_ck[known].argmax(axis=1)
    theirs = logistic_codes(dataset, bundle)[known]
    found = {
        "ours": macro_f1(truth, ours),
        "logistic": macro_f1(truth, theirs),
        "lower": lower_bound(truth, ours, theirs),
        "majority": bundle.baselines["majority"].macro_f1,
        "classes": len(bundle.classes),
        "seconds": bundle.provenance["seconds"],
    }
    if bundle.twin is not None:
        held = known[bundle.cells.fold[known] == 0]
        said = bundle.twin.probabilities(make_batch(dataset, bundle.twin, held)).argmax(dim=1).numpy()
        found["twin"] = macro_f1(bundle.cells.truth[held], said)
    return found


def spread(values: list[float]) -> str:
    """Write the figure of every seed."""
    return " ".join(f"{value:.3f}" for value in values)


def by_name(found: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Turn figures by seed into figures by name."""
    return {name: [one[name] for one in found] for name in found[0]}


def logistic_row(id: str, words: str, found: list[dict[str, float]], remark: str = "") -> Row:
    """Put the comparison over seeds in a row; the worst seed decides."""
    by = by_name(found)
    twin = f"; labels permuted {spread(by['twin'])}" if "twin" in by else ""
    return Row(
        id,
        f"{words.format(by['classes'][0])}: macro-F1 less logistic's, lower bound",
        f"F1 {np.mean(by['ours']):.3f}",
        f"logistic {np.mean(by['logistic']):.3f}",
        min(by["lower"]),
        -0.03,
        note=f"seeds {SEEDS}: lower bounds {spread(by['lower'])}, F1 {spread(by['ours'])}, logistic "
        f"{spread(by['logistic'])}{twin}, majority {spread(by['majority'])}; "
        f"{' '.join(f'{one:.0f}' for one in by['seconds'])} s{remark}",
    )
