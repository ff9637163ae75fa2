"""The toggles of a model's binary codes as channels: on or off in each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError
from glasscell.session.domain import open_latents

if TYPE_CHECKING:
    from glasscell.session.context import Context


def resolve_toggle(context: Context, ref: ChannelRef) -> CellValues:
    """Return whether a toggle (the key is its number) is on in each cell; missing where it is neither.

    The parameter ``model`` names the bundle. A toggle switches several units at once; in a cell of which only
    some are on it is neither on nor off.

    Raises
    ------
    DataError
        The model has gone, has no such toggle, or does not know these cells.
    """
    import torch

    from glasscell.models.saucie.model import SaucieModel

    bundle = context.bundle(str(ref.param("model", "")))
    net = bundle.folds[0]
    n_bits = net.bit_kj.shape[1] if isinstance(net, SaucieModel) else 0
    if not isinstance(net, SaucieModel) or not ref.key.isdigit() or int(ref.key) >= n_bits:
        raise DataError(f"{net.info.title} has no toggle {ref.key!r}; it has {n_bits}, counted from 0.")
    latent_cz = open_latents(context, bundle)
    known = np.asarray(np.isfinite(latent_cz).all(axis=1))
    values = torch.from_numpy(np.where(known[:, None], latent_cz, 0.0)).to(net.device, net.dtype)
    codes = np.where(known, net.toggled(values, int(ref.key)).cpu().numpy(), -1).astype(np.int32)
    note = f"toggle {ref.key} of {bundle.id}; its genes are in the table of the model's codes"
    return CellValues(f"toggle {ref.key}", codes=codes, categories=("off", "on"), note=note)
