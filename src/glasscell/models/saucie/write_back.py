"""What ``saucie`` found, written into the table of cells: places on the map, codes and their genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from glasscell.data.shadow import shallow_copy
from glasscell.errors import NotCompatible
from glasscell.models.saucie.model import SaucieModel
from glasscell.models.saucie.signature import CAUTION

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle

PREFIX = "glasscell.saucie"


def annotate(dataset: Dataset, bundle: Bundle) -> Dataset:
    """Return the dataset with what the model found; the caller's table is not changed.

    Written are ``obsm["glasscell.saucie.map"]``, ``obs["glasscell.saucie.code"]``, missing for cells with a
    code of their own, ``obs["glasscell.saucie.toggle.0"]`` and so on (``off`` or ``on``),
    ``varm["glasscell.saucie.difference"]`` and ``varm["glasscell.saucie.toggle"]`` (genes by codes, genes by
    toggles), and what they are in ``uns["glasscell.saucie"]``.

    Parameters
    ----------
    dataset
        The cells the model was trained on, in any order.
    bundle
        Of the family ``saucie``.

    Raises
    ------
    NotCompatible
        The bundle is of another family, or was trained on other cells or genes.
    """
    net, latent_cz = bundle.folds[0], bundle.cells.latent_cz
    if not isinstance(net, SaucieModel) or latent_cz is None:
        raise NotCompatible(f"{net.info.title} has no codes: train SAUCIE for them.")
    rows_c = bundle.rows(dataset, np.arange(dataset.n_cells))
    if (rows_c < 0).any() or tuple(map(str, dataset.genes.names)) != net.genes:
        raise NotCompatible("The model was trained on other cells or genes: open the file it was trained on.")
    adata, parts = shallow_copy(dataset.adata), net.parts()
    places = torch.from_numpy(np.array(latent_cz[rows_c])).to(net.device, net.dtype)
    adata.obsm[f"{PREFIX}.map"] = latent_cz[rows_c]
    codes_c = net.domain_codes(places).cpu().numpy()
    adata.obs[f"{PREFIX}.code"] = pd.Categorical.from_codes(codes_c, pd.Index(net.domain_names, dtype=object))
    for bit in range(net.bit_kj.shape[1]):
        state_c = net.toggled(places, bit).cpu().numpy()
        adata.obs[f"{PREFIX}.toggle.{bit}"] = pd.Categorical.from_codes(state_c, pd.Index(["off", "on"]))
    adata.varm[f"{PREFIX}.difference"] = parts["difference"].T.copy()
    adata.varm[f"{PREFIX}.toggle"] = parts["toggle"].T.copy()
    adata.uns[PREFIX] = {
        "model": bundle.id,
        "codes": np.asarray(net.domain_names, object),
        "difference": f"mean of a code's cells less that of all others, {net.preprocessing.unit}; {CAUTION}",
        "toggle": f"decoded (not measured) change when a toggle goes on, {net.preprocessing.unit}",
    }
    return dataset.with_adata(adata)
