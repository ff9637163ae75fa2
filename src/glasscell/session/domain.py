"""The domains a model divides the tissue into, as a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.models.applied import Applied
    from glasscell.models.bundle import Bundle
    from glasscell.models.protocol import FindsDomains
    from glasscell.session.context import Context

KEYS = ("label", "share")


def resolve_domain(context: Context, ref: ChannelRef) -> CellValues:
    """Return the domain of each cell, or the share of the likeliest domain in it under the mixture.

    The parameter ``model`` names the bundle. Cells of another file have domains once the model was applied.

    Raises
    ------
    DataError
        The model has gone, finds no domains, or does not know these cells.
    """
    if ref.key not in KEYS:
        raise DataError(f"Of domains there are {', '.join(KEYS)}, not {ref.key!r}.")
    bundle = context.bundle(str(ref.param("model", "")))
    from glasscell.models.domain import domain_names, domain_of_cells

    latent_cz = open_latents(context, bundle)
    logits_ck = domain_logits(bundle, latent_cz)
    known = np.asarray(np.isfinite(latent_cz).all(axis=1))
    net = need_domains(bundle)
    note = f"found by {bundle.folds[0].info.title} among these cells, not tested on others"
    if ref.key == "label":
        filled_cz = np.where(known[:, None], latent_cz, np.float32(0))
        codes = np.where(known, domain_of_cells(net, filled_cz), -1).astype(np.int32)
        return CellValues("domain", codes=codes, categories=domain_names(net), note=note)
    filled_ck = np.where(known[:, None], logits_ck, 0.0)
    sizes_ck = np.exp(filled_ck - filled_ck.max(axis=1, keepdims=True))
    share_c = np.where(known, 1.0 / sizes_ck.sum(axis=1), np.nan).astype(np.float32)
    return CellValues("share of the likeliest domain", "under the mixture", share_c, note=note)


def domain_logits(bundle: Bundle, latent_cz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the logit of each domain at some latents, ``(n, n_domains)``; NaN where a latent is.

    Raises
    ------
    DataError
        The model finds no domains.
    """
    import torch

    net: Any = need_domains(bundle)
    values = torch.from_numpy(np.array(latent_cz)).to(net.device, net.dtype)
    with torch.no_grad():
        return np.asarray(net.logits_of(values).cpu().numpy(), np.float64)


def need_domains(bundle: Bundle) -> FindsDomains:
    """Return the net of a model that finds domains; DataError for any other."""
    from glasscell.models.protocol import FindsDomains

    net = bundle.folds[0]
    if not isinstance(net, FindsDomains):
        raise DataError(f"{net.info.title} finds no domains; train Spatial attention for them.")
    return net


def open_latents(context: Context, bundle: Bundle) -> NDArray[np.float32]:
    """Return latents of the open cells, NaN for cells the model does not know, ``(n_cells, n_latent)``."""
    own_cz, dataset = bundle.cells.latent_cz, context.dataset
    rows = bundle.rows(dataset, np.arange(dataset.n_cells))
    if own_cz is not None and (rows >= 0).any():
        return np.where((rows >= 0)[:, None], own_cz[rows], np.float32(np.nan))
    name = f"{bundle.id}@{dataset.fingerprint[:12]}"
    store = getattr(context, "store", None)  # a picture from the shell has none
    applied = None if store is None else cast("Applied | None", store.get(("applied", name)))
    if applied is None or applied.latent_cz is None:
        raise DataError("This model was trained on other cells; apply it to these to see their domains.")
    return applied.latent_cz
