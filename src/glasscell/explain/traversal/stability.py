"""Is a factor found again? The model is trained with other seeds, and each factor looks for its likeness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError, NotCompatible
from glasscell.explain.traversal.result import VANISHED
from glasscell.explain.traversal.stability_result import FactorStability, read_stability
from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle

__all__ = [
    "FactorStability",
    "match_factors",
    "measure_stability",
    "read_stability",
    "why_no_stability",
]

#: Runs in all, the model's own among them.
N_SEEDS = 5
#: A latent that varies less over cells than this is flat: it correlates with nothing.
_FLAT = 1e-9
_BLOCK = 2048


def match_factors(
    own_cz: NDArray[Any], other_cz: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pair each factor with one of another run so that the summed |correlation| is largest.

    Parameters
    ----------
    own_cz, other_cz
        Latents of the same cells, ``(n_cells, n_factors)`` each.

    Returns
    -------
    The other run's factor for each of our own, and the Pearson correlation of the pair, 0 for a flat factor.

    Raises
    ------
    DataError
        The two have other shapes.

    References
    ----------
    Kuhn 1955, doi:10.1002/nav.3800020109.
    """
    from scipy.optimize import linear_sum_assignment

    if own_cz.shape != other_cz.shape:
        raise DataError("Factors are matched over the same cells and between models of as many factors.")
    correlation_zz = _standard(own_cz).T @ _standard(other_cz)
    own, match = linear_sum_assignment(-np.abs(correlation_zz))
    return np.asarray(match, np.int64), np.asarray(correlation_zz[own, match], np.float64)


def _standard(latent_cz: NDArray[Any]) -> NDArray[np.float64]:
    """Centre the columns and make them of length one; flat ones become 0."""
    centred = np.asarray(latent_cz, np.float64)
    centred = centred - centred.mean(axis=0)
    length_z = np.linalg.norm(centred, axis=0)
    flat = length_z <= _FLAT * np.sqrt(len(centred))
    return np.asarray(np.where(flat, 0.0, centred / np.where(flat, 1.0, length_z)))


def why_no_stability(bundle: Bundle | None, dataset: Dataset | None) -> str:
    """Say in one sentence why stability cannot be measured; empty when it can."""
    from glasscell.models.capability.latent import Encodes
    from glasscell.models.registry import FAMILIES

    if bundle is None or dataset is None:
        return "Train a model with latent factors first, for example the family additive_vae."
    net = bundle.folds[0]
    if not isinstance(net, Encodes) or bundle.cells.latent_cz is None:
        return f"{net.info.title} has no latent factors: train one that has, for example additive_vae."
    if bundle.family not in FAMILIES or FAMILIES[bundle.family].info.needs_labels:
        return f"{net.info.title} cannot be trained again from its file: train it here without labels."
    if bundle.data_fingerprint != dataset.fingerprint:
        return "The model was trained on other data: open those to train it again with other seeds."
    return ""


def measure_stability(
    dataset: Dataset, bundle: Bundle, n_seeds: int = N_SEEDS, job: JobHandle = QUIET
) -> FactorStability:
    """Train a model again with other seeds, same settings and data, and match its factors.

    Parameters
    ----------
    dataset
        The cells the model was trained on.
    n_seeds
        Runs in all, the model's own among them.

    Raises
    ------
    NotCompatible
        The model has no factors, or cannot be trained again on these data; the sentence says why.
    DataError
        Fewer than two runs.
    JobCancelled
        Somebody asked for it; nothing is kept.
    """
    from dataclasses import replace

    from glasscell.models.fit import fit
    from glasscell.models.request_again import request_of
    from glasscell.models.span import Span

    if reason := why_no_stability(bundle, dataset):
        raise NotCompatible(reason)
    if n_seeds < 2:
        raise DataError("Stability needs two runs or more: the model's own and another.")
    request = request_of(dataset, bundle)
    own_cz = _own_latents(dataset, bundle)
    seeds = [request.seed + step for step in range(n_seeds)]
    pairs = []
    for number, seed in enumerate(seeds[1:]):
        part = Span(job, number / n_seeds, (number + 1) / n_seeds, f"run {number + 2} of {n_seeds}")
        again = fit(dataset, replace(request, seed=seed), part)
        assert again.cells.latent_cz is not None
        pairs.append(match_factors(own_cz, again.cells.latent_cz))
    untrained_rk = _untrained(
        dataset, bundle, own_cz, n_seeds - 1, Span(job, 1 - 1 / n_seeds, 1.0, "untrained")
    )
    names = tuple(map(str, getattr(bundle.folds[0], "latent_names", ())))
    return FactorStability(
        names=names or tuple(map(str, range(own_cz.shape[1]))),
        named=bool(names),
        seeds=tuple(seeds),
        match_rk=np.stack([match for match, _ in pairs]),
        correlation_rk=np.stack([correlation for _, correlation in pairs]),
        untrained_rk=untrained_rk,
        vanished_k=np.asarray(np.abs(own_cz).max(axis=0) < VANISHED, np.bool_),
        model=bundle.id,
        fingerprint=bundle.fingerprint,
        family=bundle.family,
        data=dataset.fingerprint,
    )


def _own_latents(dataset: Dataset, bundle: Bundle) -> NDArray[np.float32]:
    assert bundle.cells.latent_cz is not None
    return bundle.cells.latent_cz[bundle.rows(dataset, np.arange(dataset.n_cells))]


def _untrained(
    dataset: Dataset, bundle: Bundle, own_cz: NDArray[np.float32], n_nets: int, job: JobHandle
) -> NDArray[np.float64]:
    """Match the factors with those of nets with random weights, ``(n_nets, n_factors)``."""
    import torch

    from glasscell.explain.randomise import reinitialise
    from glasscell.models.batch import make_batch

    rows = []
    for number in range(n_nets):
        net: Any = reinitialise(bundle, bundle.folds[0], number)
        parts = []
        for start in range(0, dataset.n_cells, _BLOCK):
            job.report((number + start / dataset.n_cells) / n_nets)
            cells = np.arange(start, min(start + _BLOCK, dataset.n_cells))
            with torch.no_grad():
                parts.append(net.encode(make_batch(dataset, net, cells)).cpu().numpy())
        latent_cz = np.concatenate(parts)
        finite = np.isfinite(latent_cz).all()
        rows.append(
            np.abs(match_factors(own_cz, latent_cz)[1]) if finite else np.full(own_cz.shape[1], np.nan)
        )
    return np.stack(rows)
