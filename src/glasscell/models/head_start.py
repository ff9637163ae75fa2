"""Where a head begins: at logistic regression on what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from glasscell.models.baseline import logistic_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from glasscell.jobs import JobHandle


@torch.no_grad()
def start_head(head: nn.Linear, values_cn: Tensor, codes: NDArray[np.integer[Any]], job: JobHandle) -> None:
    """Set a head's weights to multinomial logistic regression, which has one best answer.

    Steps of Adam that stop early reach it for common classes and not for rare ones; what the network learns
    besides is then learnt from a head that is right already.

    Parameters
    ----------
    head
        To logits; changed in place.
    values_cn
        What it reads of the training cells, ``(n_cells, head.in_features)``.
    codes
        Class of each of them, ``(n_cells,)``.
    """
    table_cn = values_cn.double().cpu().numpy()
    centre_n = table_cn.mean(axis=0)
    weights_nk, intercept_k = logistic_weights(table_cn - centre_n, codes, head.out_features, job=job)
    head.weight.copy_(torch.from_numpy(weights_nk.T).to(head.weight))
    head.bias.copy_(torch.from_numpy(intercept_k - centre_n @ weights_nk).to(head.bias))
