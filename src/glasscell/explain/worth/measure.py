"""Measure what each gene set is worth to a model: leave one out, and prune more and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import NotCompatible
from glasscell.explain.part import Part
from glasscell.explain.worth.result import SetWorth
from glasscell.jobs import QUIET, JobHandle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle

FAMILY = "pathway_vae"
#: Of more cells a sample is measured.
MOST_CELLS = 2000


def has_sets(bundle: Bundle | None) -> bool:
    """Whether the latents of a model are gene sets that can be left out and pruned."""
    return bundle is not None and bundle.family == FAMILY


def why_no_worth(bundle: Bundle | None, dataset: Dataset | None) -> str:
    """Say in one sentence why the worth of gene sets cannot be measured; empty when it can."""
    if bundle is None or dataset is None:
        return f"Train a model of gene sets first: the family {FAMILY}."
    if not has_sets(bundle):
        return f"{bundle.folds[0].info.title} has no gene sets for latents: train {FAMILY}."
    if bundle.data_fingerprint != dataset.fingerprint:
        return "The model was trained on other data: open those to measure what its gene sets are worth."
    if dataset.sizes_c is None:
        return "Leaving gene sets out needs raw counts: choose the layer that holds counts."
    return ""


def measure_worth(
    dataset: Dataset,
    bundle: Bundle,
    *,
    path: bool = False,
    strengths: Sequence[float] = (),
    seed: int = 0,
    job: JobHandle = QUIET,
) -> SetWorth:
    """Measure how much worse cells are explained without each gene set, and what pruning each withstands.

    It tells which sets this net uses, not which are at work in the cells: sets that share genes stand in for
    each other.

    Parameters
    ----------
    dataset
        The cells the model was trained on; those that were held out are asked, at most 2,000.
    path
        Train the model again with weaker and stronger pruning, to see which sets stay. It takes as long as
        so many trainings.
    strengths
        Of the pruning, with ``path``; seven of them, and the model's own, when left out.
    seed
        Of the cells drawn.

    Raises
    ------
    NotCompatible
        The model has no gene sets, or its data are not these; the sentence says why.
    JobCancelled
        Somebody asked for it; nothing is kept.

    References
    ----------
    Lotfollahi et al. 2023, doi:10.1038/s41556-022-01072-x (pruning by group lasso).
    """
    from glasscell.models.pathway_vae.leave_out import leave_one_out

    if reason := why_no_worth(bundle, dataset):
        raise NotCompatible(reason)
    net: Any = bundle.folds[0]
    cells, held_out = _cells(dataset, bundle, seed)
    share = 0.1 if path else 1.0
    worth_k = leave_one_out(net, dataset, cells, Part(job, 0.0, share, "leaving gene sets out"))
    own = float(getattr(bundle.params, "group_lasso", 0.0))
    n_sets = net.n_sets
    found: dict[str, Any] = {"survives_p": np.full(n_sets, np.nan), "strengths": (), "deviance_s": ()}
    if path:
        found = _path(dataset, bundle, (*strengths, own), bool(strengths), Part(job, share, 1.0, "pruning"))
    return SetWorth(
        names=tuple(net.latent_names[:n_sets]),
        n_genes_p=np.asarray(net.mask_pg.sum(axis=1), np.int64),
        norm_p=np.asarray(net.norms_k[:n_sets], np.float64),
        worth_p=worth_k[:n_sets],
        setting=own,
        n_cells=len(cells),
        held_out=held_out,
        model=bundle.id,
        fingerprint=bundle.fingerprint,
        data=dataset.fingerprint,
        **found,
    )


def _cells(dataset: Dataset, bundle: Bundle, seed: int) -> tuple[NDArray[np.int64], bool]:
    """Return cells the net was not trained on, or all where there are none; of many a sample."""
    rows = bundle.rows(dataset, np.arange(dataset.n_cells))
    held_out = (rows >= 0) & (bundle.cells.fold[rows] == 0)
    cells = np.flatnonzero(held_out) if held_out.any() else np.arange(dataset.n_cells)
    if len(cells) > MOST_CELLS:
        cells = np.sort(np.random.default_rng([seed, 0x5E7]).permutation(cells)[:MOST_CELLS])
    return cells.astype(np.int64), bool(held_out.any())


def _path(
    dataset: Dataset, bundle: Bundle, strengths: Sequence[float], chosen: bool, job: JobHandle
) -> dict[str, Any]:
    from glasscell.models.pathway_vae.pruning import STRENGTHS, pruning_path
    from glasscell.models.request_again import request_of

    asked = strengths if chosen else (*STRENGTHS, *strengths)
    found = pruning_path(dataset, request_of(dataset, bundle), asked, job)
    return {
        "survives_p": found.survives_p,
        "strengths": found.strengths,
        "deviance_s": tuple(found.deviance_s.tolist()),
    }
