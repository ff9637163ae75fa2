"""How much of an attribution falls on RNA and how much on the other kind of counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.capability.modality import UsesModalities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.explain.result import Bools, Explanation
    from glasscell.models.capability.model import Model

_BLOCK = 256
#: Cells whose shares are noted with an explanation, about.
MOST_CELLS = 2000
#: How the name of such a diagnostic begins.
NOTED = "share of attribution, "


@dataclass(frozen=True)
class ModalityShare:
    """One kind of counts in an explanation.

    Parameters
    ----------
    modality
        ``RNA``, ``protein``, ``chromatin``.
    share
        Of the sizes of all attributions, so much lies on its columns, 0 to 1; mean over cells. The shares of
        all kinds sum to one.
    net
        Sum of its signed attributions, mean over cells, in the unit of the explanation: how far it moves the
        target away from the baseline.
    columns
        Share of all columns: what ``share`` would be if every column counted alike.
    """

    modality: str
    share: float
    net: float
    columns: float


def modality_shares(
    explanation: Explanation,
    modalities: Sequence[str],
    mask: Bools | None = None,
    job: JobHandle = QUIET,
) -> tuple[ModalityShare, ...]:
    """Divide an explanation among the kinds of counts its columns hold.

    It tells which kind the model goes by. It does not tell which kind knows more: a model may go by either of
    two that say the same.

    Parameters
    ----------
    explanation
        Of a model of several kinds of counts (or of one: its share is then 1).
    modalities
        Kind of each column, in the order of ``explanation.genes``; a model's ``modalities``, or
        ``feature_modalities(dataset)``.
    mask
        Cells of the dataset, ``(n_cells,)``; None for all that were explained.

    Returns
    -------
    One row per kind, largest share first. A cell without any attribution counts for none.

    Raises
    ------
    DataError
        The kinds do not fit the columns, or no cell in the mask was explained.
    """
    kinds = np.asarray(modalities, np.str_)
    if len(kinds) != len(explanation.genes):
        raise DataError(
            f"Name the kind of each of the {len(explanation.genes)} columns; {len(kinds)} were given."
        )
    names, codes = np.unique(kinds, return_inverse=True)
    rows = explanation.rows(mask)
    if not len(rows):
        raise DataError("None of the selected cells was explained; choose others or explain these.")
    inside_gm = np.eye(len(names))[codes]
    share_m, net_m, counted = np.zeros(len(names)), np.zeros(len(names)), 0
    for start in range(0, len(rows), _BLOCK):
        job.report(start / len(rows))
        values_cg = np.asarray(explanation.block(rows[start : start + _BLOCK]), np.float64)
        size_cm = np.abs(values_cg) @ inside_gm
        total_c = size_cm.sum(axis=1)
        some = total_c > 0
        share_m += (size_cm[some] / total_c[some, None]).sum(axis=0)
        counted += int(some.sum())
        net_m += (values_cg @ inside_gm).sum(axis=0)
    share_m /= max(1, counted)
    found = [
        ModalityShare(str(name), float(share_m[m]), float(net_m[m] / len(rows)), float(np.mean(codes == m)))
        for m, name in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda one: -one.share))


def with_shares(explanation: Explanation, net: Model) -> Explanation:
    """Note among the diagnostics on which kinds of counts an attribution lies, if there are several."""
    if not isinstance(net, UsesModalities) or not len(explanation.cells):
        return explanation
    mask = np.zeros(explanation.n_cells, np.bool_)
    step = max(1, len(explanation.cells) // MOST_CELLS)
    mask[explanation.cells[::step]] = True
    noted = {
        f"{NOTED}{one.modality}": one.share for one in modality_shares(explanation, net.modalities, mask)
    }
    return replace(explanation, diagnostics={**explanation.diagnostics, **noted})


def noted_shares(explanation: Explanation) -> dict[str, float]:
    """Return what ``with_shares`` noted: share by kind, largest first; empty for models of one kind."""
    found = {
        name.removeprefix(NOTED): float(value)
        for name, value in explanation.diagnostics.items()
        if name.startswith(NOTED)
    }
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
