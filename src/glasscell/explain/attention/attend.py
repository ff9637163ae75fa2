"""Attention of a bundle's nets: every cell by the net that did not see it, removal beside every weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.explain.attention.asked import resolve
from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.explain.attention.request import AttentionRequest
    from glasscell.explain.attention.result import Attention
    from glasscell.models.bundle import Bundle
    from glasscell.models.capability.attention import Attends


def attend(dataset: Dataset, bundle: Bundle, request: AttentionRequest, job: JobHandle = QUIET) -> Attention:
    """Tell what a model's cells attend to, and what changes when that is taken away.

    It tells where the model looks, group by group: weights by layer and head, through all layers (rollout),
    times the size of what they carry (norm-weighted), and relative to uniform. It does not tell what matters:
    a weight can be high without effect. So each stands beside the measured change when that token, edge or
    type of neighbour is removed, and beside z against nets that learnt nothing.

    Parameters
    ----------
    dataset
        The cells; its genes must contain the model's.
    bundle
        Trained nets. Each cell is asked of the net that held it out, unless ``nets`` says otherwise.
    request
        Groups, cells, what removal is measured on, settings.
    job
        Progress and cancel point.

    Returns
    -------
    A ``TokenAttention`` for models of tokens, an ``EdgeAttention`` for models of neighbours.

    Raises
    ------
    NotCompatible
        The model does not attend, nothing can be taken out of its input, or it has no such target.
    DataError
        No chosen cell has a group, or the table does not fit in memory.

    References
    ----------
    Abnar & Zuidema 2020, arXiv:2005.00928 (rollout); Kobayashi et al. 2020, arXiv:2004.10102 (norms);
    Jain & Wallace 2019, arXiv:1902.10186 (why removal stands beside).
    """
    asked = resolve(dataset, bundle, request)
    net: Attends = bundle.folds[0]  # type: ignore[assignment]
    if net.tokens:
        from glasscell.explain.attention.attend_token import attend_tokens

        return attend_tokens(asked, job)
    from glasscell.explain.attention.attend_edge import attend_edges

    return attend_edges(asked, job)
