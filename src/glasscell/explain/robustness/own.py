"""What a family that learns without labels measures of itself, under one condition."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.explain.robustness.protocol import request_without
from glasscell.models.family import Measures
from glasscell.models.registry import FAMILIES
from glasscell.models.row import Rows, input_rows
from glasscell.models.training_data import training_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.models.fit_request import FitRequest


def own_figures(
    dataset: Dataset, bundle: Bundle, cells: NDArray[np.int64], job: JobHandle
) -> dict[str, float]:
    """Return what the family measures of itself on cells it was not trained on, best baseline beside."""
    family, net = FAMILIES.get(bundle.family), bundle.folds[0]
    if family is None or not isinstance(family, Measures):
        return {}
    request = _request_as_trained(dataset, bundle)
    data = training_data(dataset, request, family, str(net.device))
    recipe = net.preprocessing
    data = replace(data, rows=Rows(input_rows(dataset, recipe), str(net.device)), preprocessing=recipe)
    found = family.figures(net, data, cells, job)
    return beside_best(replace(bundle, figures=found))


def _request_as_trained(dataset: Dataset, bundle: Bundle) -> FitRequest:
    nothing = np.zeros(dataset.n_cells, np.int32)
    asked = request_without(dataset, bundle, "", nothing, ("",), 0)
    return replace(asked, split=None)


def beside_best(bundle: Bundle) -> dict[str, float]:
    """Return a bundle's own figures, each with the best cheap baseline's; less is better."""
    figures: dict[str, float] = {}
    for name, value in bundle.figures.get(bundle.family, {}).items():
        figures[name] = float(value)
        beside = [
            float(row[name])
            for title, row in bundle.figures.items()
            if title != bundle.family and name in row
        ]
        if beside:
            figures[f"{name}, best baseline"] = min(beside)
    return figures
