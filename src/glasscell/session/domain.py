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
    from glasscell.models.capability.domain import FindsDomains
    from glasscell.session.context import Context

KEYS = ("label", "share", "refined", "entropy")


def resolve_domain(context: Context, ref: ChannelRef) -> CellValues:
    """Return the domain of each cell, or how much of each domain is in it.

    ``label``: the domain; ``refined``: the same without lone cells, where cells lie on a tissue; ``share``:
    that of the likeliest domain; a number: the share of that domain; ``entropy``: 0 where a cell is of one
    domain, 1 where it is of all alike. The parameter ``model`` names the bundle. Cells of another file have
    domains once the model was applied.

    Raises
    ------
    DataError
        The model has gone, finds no domains, or does not know these cells.
    """
    if ref.key not in KEYS and not ref.key.isdecimal():
        raise DataError(f"Of domains there are {', '.join(KEYS)} and their numbers, not {ref.key!r}.")
    bundle = context.bundle(str(ref.param("model", "")))
    from glasscell.models.domain import domain_names, domain_of_cells
    from glasscell.models.refine import refine_domains, touching

    latent_cz = open_latents(context, bundle)
    logits_ck = domain_logits(bundle, latent_cz)
    known = np.asarray(np.isfinite(latent_cz).all(axis=1))
    net = need_domains(bundle)
    note = f"found by {bundle.folds[0].info.title} among these cells, not tested on others"
    if ref.key in ("label", "refined"):
        filled_cz = np.where(known[:, None], latent_cz, np.float32(0))
        codes = np.where(known, domain_of_cells(net, filled_cz), -1).astype(np.int32)
        if ref.key == "label":
            return CellValues("domain", codes=codes, categories=domain_names(net), note=note)
        codes = refine_domains(codes, touching(context.dataset))
        said = f"{note}; a cell that stands alone takes the domain around it"
        return CellValues("refined domain", codes=codes, categories=domain_names(net), note=said)
    title, values_c = _measured(ref.key, np.where(known[:, None], logits_ck, 0.0))
    unit = "" if ref.key == "entropy" else str(getattr(net, "share_unit", "under the mixture"))
    shown_c = np.where(known, values_c, np.nan).astype(np.float32)
    return CellValues(title, unit, shown_c, note=note)


def _measured(key: str, logits_ck: NDArray[np.float64]) -> tuple[str, NDArray[np.float64]]:
    """Return the title and values of a share or of the entropy, ``(n_cells,)``."""
    sizes_ck = np.exp(logits_ck - logits_ck.max(axis=1, keepdims=True))
    share_ck = sizes_ck / sizes_ck.sum(axis=1, keepdims=True)
    n_domains = share_ck.shape[1]
    if key == "share":
        return "share of the likeliest domain", share_ck.max(axis=1)
    if key == "entropy":
        logs_ck = np.log(np.maximum(share_ck, 1e-300))
        return "entropy over domains", -(share_ck * logs_ck).sum(axis=1) / np.log(max(n_domains, 2))
    if int(key) >= n_domains:
        raise DataError(f"There is no domain {key}: they run from 0 to {n_domains - 1}.")
    return f"share of domain {int(key)}", share_ck[:, int(key)]


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
    from glasscell.models.capability.domain import FindsDomains

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
