"""What each code and each toggle means in genes: measured differences, and decoded changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from glasscell.errors import NotCompatible

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.models.saucie.model import SaucieModel

#: Said wherever genes of a code are shown.
CAUTION = "codes were found in these cells, so that their genes are described and not tested"


def decoded_codes(model: SaucieModel) -> Tensor:
    """Return the expression that the mean activities of each code stand for, ``(n_domains, n_genes)``."""
    return model.expression(model.network.active_ku)


def toggle_effects(model: SaucieModel) -> Tensor:
    """Return the decoded change when a toggle goes on in a cell that has it off, ``(n_bits, n_genes)``.

    Expression is linear in the activities of the code's units, so that it is the same whatever else is on.
    """
    on_ju = model.network.bit_ju * model.network.on_u
    return model.expression(on_ju) - model.expression(torch.zeros_like(on_ju))


@torch.no_grad()
def switched(model: SaucieModel, code: str, bit: int) -> NDArray[np.float32]:
    """Switch one toggle of a code and return the change of decoded expression, ``(n_genes,)``.

    Units that are on go to 0, units that are off to their mean over the cells that have them on. Decoded
    half-way between batches, in the unit of the model's input; what comes out is no cell that was measured.

    Raises
    ------
    NotCompatible
        There is no such code or toggle.
    """
    network, (row, bit) = model.network, _place(model, code, bit)
    active_u, units_u = network.active_ku[row].clone(), network.bit_ju[bit]
    active_u[units_u] = 0.0 if model.bit_kj[row, bit] else network.on_u[units_u]
    before_g, after_g = model.expression(torch.stack([network.active_ku[row], active_u]))
    return np.asarray((after_g - before_g).cpu().numpy(), np.float32)


def code_table(model: SaucieModel, top: int = 10) -> pd.DataFrame:
    """List each code's genes: those whose mean differs most from that of all other cells.

    Parameters
    ----------
    top
        Genes per code, the largest difference of either sign first.

    Returns
    -------
    ``code, cells, gene, mean, elsewhere, difference``: means of the model's input, measured in the cells of
    the training; ``decoded``: what the model decodes for the code; ``toggle, switched``: the toggle whose
    switching moves the gene farthest, and the decoded change that it makes (empty for a code without
    toggles).
    """
    import pandas as pd

    parts, network = model.parts(), model.network
    rest_kg = network.rest_kg.cpu().numpy()
    rows: list[dict[str, Any]] = []
    for k, code in enumerate(model.domain_names):
        change_jg = [switched(model, code, bit) for bit in range(len(network.bit_ju))]
        for g in np.argsort(-np.abs(parts["difference"][k]), kind="stable")[:top]:
            best = int(np.argmax([abs(change_g[g]) for change_g in change_jg])) if change_jg else -1
            rows.append(
                {
                    "code": code,
                    "cells": int(parts["cells"][k]),
                    "gene": model.genes[g],
                    "mean": float(parts["mean"][k, g]),
                    "elsewhere": float(rest_kg[k, g]),
                    "difference": float(parts["difference"][k, g]),
                    "decoded": float(parts["decoded"][k, g]),
                    "toggle": best if change_jg else None,
                    "switched": float(change_jg[best][g]) if change_jg else None,
                }
            )
    columns = ["code", "cells", "gene", "mean", "elsewhere", "difference", "decoded", "toggle", "switched"]
    return pd.DataFrame(rows, columns=columns)


def _place(model: SaucieModel, code: str, bit: int) -> tuple[int, int]:
    n_bits = len(model.network.bit_ju)
    if code not in model.domain_names or not 0 <= bit < n_bits:
        known = ", ".join(model.domain_names) or "none"
        toggles = f"toggles 0 to {n_bits - 1}" if n_bits else "no toggles"
        raise NotCompatible(f"There is no toggle {bit} of {code!r}: there are {toggles}, and codes {known}.")
    return model.domain_names.index(code), bit
