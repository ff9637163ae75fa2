"""Sweep every factor of a model from a group of cells, and say what it does and what stands beside it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError, ModelError
from glasscell.explain.traversal.effect import possible_effects
from glasscell.explain.traversal.label import label_links
from glasscell.explain.traversal.nearest import nearest_cells
from glasscell.explain.traversal.request import (
    INNER,
    OUTER,
    TraverseRequest,
    latent_names,
    need_decoder,
)
from glasscell.explain.traversal.result import Traversal
from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle

#: Numbers a result may hold.
MOST_NUMBERS = 400_000_000
#: Added to the sum of rates of a gene, as a share of the sum over genes: one count per ten thousand.
PSEUDO_SHARE = 1e-4
LENDERS = 8  # cells that lend their batch to the possible effects


def traverse(
    dataset: Dataset, bundle: Bundle, request: TraverseRequest | None = None, job: JobHandle = QUIET
) -> Traversal:
    """Set each latent of some cells to each value it takes in the data, and decode.

    It tells what the decoder expects when one factor differs and all others stay; it does not tell that any
    cell ever was there: see the nearest real cells, and mistrust what lies beyond the 1st to 99th percentile.

    Parameters
    ----------
    dataset
        Cells with the model's genes.
    bundle
        A model that encodes and decodes.

    Returns
    -------
    Changes of expression per factor, step and gene, in the unit of the model's input.

    Raises
    ------
    NotCompatible
        The model has no latents or no decoder, or the data lack its genes.
    DataError
        No cell to start from, or the result would be too large.

    References
    ----------
    Moinfar & Theis 2024, doi:10.1101/2024.11.06.622266, for the possible effects.
    """
    from glasscell.explain.traversal import engine

    request = request or TraverseRequest()
    net = need_decoder(bundle)
    start = request.cells(dataset.n_cells)
    factors = _factors(net, request)
    n_numbers = len(factors) * (INNER + 2 * OUTER) * len(net.genes)
    if n_numbers > MOST_NUMBERS:
        raise DataError(
            f"{len(factors)} factors of {len(net.genes):,} genes are too many: choose some factors."
        )
    latent_cz = engine.latents_of(dataset, bundle, net, job)
    if not np.isfinite(latent_cz).all():
        raise ModelError("Some latents are no numbers: train the model again.")
    values_ks, low_k, high_k = sweep_values(latent_cz[:, factors])
    rng = np.random.default_rng(request.seed)
    drawn = start if len(start) <= request.sample else np.sort(rng.choice(start, request.sample, False))
    some = engine.decoding(dataset, net, drawn, latent_cz)
    base_g, change_ksg = engine.sweep(some, factors.tolist(), values_ks, job)
    effects = getattr(net, "effects", None)  # a decoder that adds factors up knows them exactly
    if effects is None:
        lenders = engine.decoding(dataset, net, drawn[:LENDERS], latent_cz)
        up_ksg, down_ksg = engine.rates_from_rest(lenders, latent_cz, job=job)
        effects = possible_effects(up_ksg, down_ksg, PSEUDO_SHARE * float(up_ksg[:, 0].sum()))
    return Traversal(
        factors=tuple(factors.tolist()),
        names=tuple(latent_names(net)[k] for k in factors),
        named=bool(getattr(net, "latent_names", ())),
        genes=tuple(net.genes),
        values_ks=values_ks,
        low_k=low_k,
        high_k=high_k,
        start_k=latent_cz[start][:, factors].mean(axis=0),
        base_g=base_g,
        change_ksg=change_ksg,
        slope_kg=some.slopes(factors.tolist(), job),
        highest_kdg=effects.highest_kdg[factors],
        lowest_kdg=effects.lowest_kdg[factors],
        nearest=nearest_cells(latent_cz, start, factors, values_ks, request.nearest, job),
        links=tuple(label_links(dataset, latent_cz[:, k]) for k in factors),
        latent_cz=latent_cz,
        start=start,
        start_name=request.start_name,
        unit=net.preprocessing.unit,
        model=bundle.id,
        data=dataset.fingerprint,
        observations=dataset.observations,
        n_drawn=len(drawn),
        seed=request.seed,
        digest=_digest(bundle, dataset, request, start, factors),
    )


def sweep_values(latent_ck: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Lay out the steps of each factor: most between its 1st and 99th percentile, some on to its extremes.

    Returns
    -------
    Values ``(n_factors, n_steps)``, ascending; 1st and 99th percentile ``(n_factors,)``.
    """
    least, low, high, most = np.percentile(latent_ck, [0, 1, 99, 100], axis=0)
    parts = (
        np.linspace(least, low, OUTER, endpoint=False, axis=1),
        np.linspace(low, high, INNER, axis=1),
        np.linspace(most, high, OUTER, endpoint=False, axis=1)[:, ::-1],
    )
    return np.concatenate(parts, axis=1), low, high


def _factors(net: Any, request: TraverseRequest) -> NDArray[np.int64]:
    wanted = range(net.n_latent) if request.factors is None else request.factors
    for factor in wanted:
        if not 0 <= factor < net.n_latent:
            raise DataError(f"There is no factor {factor}: the model has 0 to {net.n_latent - 1}.")
    if not len(wanted):
        raise DataError("Choose at least one factor to sweep.")
    return np.unique(np.asarray(wanted, np.int64))


def _digest(
    bundle: Bundle,
    dataset: Dataset,
    request: TraverseRequest,
    start: NDArray[np.int32],
    factors: NDArray[np.int64],
) -> str:
    digest = hashlib.sha256()
    for text in (bundle.fingerprint, dataset.fingerprint, request.start_name):
        digest.update(f"{text}\x1f".encode())
    digest.update(repr((request.sample, request.nearest, request.seed)).encode())
    digest.update(start.tobytes())
    digest.update(factors.tobytes())
    return digest.hexdigest()
