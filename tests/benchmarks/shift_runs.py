"""What is run for the models of shifts: planted shifts (S2) and halves of the Norman subset."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.jobs import QUIET
from glasscell.models.batch import make_batch
from glasscell.models.family import FoldPlan
from glasscell.models.fit import FitRequest, fit
from glasscell.models.registry import family
from glasscell.models.svae.family import ShiftModel
from glasscell.models.svae.likelihood import weighted_bound
from glasscell.models.svae.new_action import fit_action
from glasscell.models.training_data import batch_of, training_data
from glasscell.testing.sparse_shift import sparse_shift_adata

NORMAN = Path(__file__).parents[2].parent / "shared" / "data" / "norman2019_3375x500.h5ad"
N_HELD, N_DRAWS = 20, 1000
#: New actions of which only so few cells are known.
FEW = (12, 40)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlantedRun:
    """Figures of one net on planted shifts; ``bounds`` are means over cells of each held-out action, nats.

    ``few`` are those with the shift learnt from few cells, ``(n_actions, len(FEW))``.
    """

    mcc: float
    f1: float
    density: float
    true_density: float
    bounds: Floats
    no_shift: Floats
    few: Floats


def planted_run(name: str, settings: dict[str, Any], seed: int) -> PlantedRun:
    """Train on 80 perturbations and the control; give the shifts of the other 20 to what stays as it is."""
    adata = sparse_shift_adata(seed=seed)
    codes = np.asarray(adata.obs["action"].cat.codes)
    held = np.sort(np.random.default_rng([seed, 0x4E1D]).choice(np.arange(1, 101), N_HELD, replace=False))
    kept = ~np.isin(codes, held)
    dataset = Dataset(adata[kept].copy())
    params = family(name).params(**settings)
    request = FitRequest(family=name, params=params, seed=seed, action=read_labels(dataset, "action"))
    bundle = fit(dataset, request)
    model = bundle.folds[0]
    assert isinstance(model, ShiftModel)
    assert bundle.cells.latent_cz is not None
    rows = [list(adata.uns["actions"]).index(action) for action in model.actions]
    mcc, own, true = matched(bundle.cells.latent_cz, adata.obsm["z_true"][kept])
    others = np.arange(len(model.actions)) != model.actions.index(model.control)
    truth_az = adata.uns["targets"][rows][:, true][others]
    parts = model.parts()
    gates_az = parts["gates"][others][:, own] > 0.5
    found_az = gates_az if name == "svae" else two_largest(parts["shifts"][others][:, own])
    hits = 2 * (found_az & truth_az).sum() / (found_az.sum() + truth_az.sum())
    everything = Dataset(adata)
    scored = np.asarray([held_out(model, everything, np.flatnonzero(codes == action)) for action in held])
    density = float(gates_az.mean()), float(truth_az.mean())
    return PlantedRun(mcc, float(hits), *density, scored[:, 0], scored[:, 1], scored[:, 2:])


def matched(found_cz: Floats, true_cz: Floats) -> tuple[float, NDArray[np.intp], NDArray[np.intp]]:
    """Match latents to the true ones; return the mean |Pearson| and both orders."""
    n = found_cz.shape[1]
    strength = np.abs(np.corrcoef(found_cz.T, true_cz.T)[:n, n:])
    own, true = linear_sum_assignment(-strength)
    return float(strength[own, true].mean()), own, true


def two_largest(shifts_az: Floats) -> NDArray[np.bool_]:
    """Take the two largest shifts of each action for its targets."""
    found = np.zeros(shifts_az.shape, np.bool_)
    np.put_along_axis(found, np.argsort(-np.abs(shifts_az), axis=1)[:, :2], True, axis=1)
    return found


def held_out(model: ShiftModel, dataset: Dataset, cells: NDArray[np.intp]) -> list[float]:
    """Fit the shift on half of the cells; return the others' bound with it and without.

    Then those with shifts fitted on few cells.
    """
    half = len(cells) // 2
    known, *few = (fit_action(model, dataset, cells[:n], "new") for n in (half, *FEW))
    at = cells[half:]
    counts = torch.from_numpy(dataset.expression_cg("counts")[at].toarray().astype(np.float32))
    batch = make_batch(dataset, known, at)
    means = []
    for one, action in ((known, "new"), (known, model.control), *((one, "new") for one in few)):
        given = replace(batch, action=torch.full((len(at),), one.action_code(action)))
        means.append(float(weighted_bound(one, given, counts, n_samples=N_DRAWS).mean()))
    return means


@dataclass(frozen=True)
class HalfRun:
    """Mean Pearson over perturbations with the other half's mean shift."""

    ours: float
    half: float
    average: float
    wrong: float


def norman_run(name: str, settings: dict[str, Any], epochs: int, seed: int) -> HalfRun:
    """Train on half of each perturbation's cells; compare decoded effects with the other half's shifts."""
    adata = ad.read_h5ad(NORMAN)
    label = np.asarray(adata.obs["perturbation"].astype(str))
    rng, half = np.random.default_rng(seed), np.zeros(len(label), np.bool_)
    for action in np.unique(label):
        cells = rng.permutation(np.flatnonzero(label == action))
        half[cells[: len(cells) // 2]] = True
    whole, dataset = Dataset(adata), Dataset(adata[half].copy())
    chosen = family(name)
    params = chosen.params(**settings)
    request = FitRequest(family=name, params=params, seed=seed, action=read_labels(dataset, "perturbation"))
    data = training_data(dataset, request, chosen, "cpu")
    nobody = np.empty(0, np.int64)
    plan = FoldPlan(np.arange(dataset.n_cells), nobody, seed, "cpu", epochs)
    model, _, _ = chosen.train(data, plan, params, QUIET)
    assert isinstance(model, ShiftModel)
    names = [action for action in np.unique(label) if action != "control"]
    every = batch_of(data, torch.arange(dataset.n_cells), model)
    with torch.no_grad():

        def decoded(action: str) -> Floats:
            latent_cz = model.given(every, model.action_code(action))
            return np.asarray(model.decode(latent_cz, every).numpy().mean(axis=0), np.float64)

        ours_ag = np.stack([decoded(action) for action in names]) - decoded("control")
    full = training_data(
        whole, FitRequest(family=name, action=read_labels(whole, "perturbation")), chosen, "cpu"
    )
    values_cg = full.rows.table_cg.toarray()

    def shifts(mask: NDArray[np.bool_]) -> Floats:
        means = [values_cg[(label == action) & mask].mean(axis=0) for action in ("control", *names)]
        return np.asarray(means[1:]) - means[0]

    train_ag, test_ag = shifts(half), shifts(~half)
    return HalfRun(
        pearson(ours_ag, test_ag),
        pearson(train_ag, test_ag),
        pearson(np.broadcast_to(train_ag.mean(axis=0), train_ag.shape), test_ag),
        pearson(np.roll(ours_ag, 1, axis=0), test_ag),
    )


def pearson(a_ag: Floats, b_ag: Floats) -> float:
    """Return the mean over rows of the correlation over columns; a row without any change counts as 0."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a_ag, b_ag))
    size = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return float(np.where(size > 0, (a * b).sum(axis=1) / np.where(size > 0, size, 1.0), 0.0).mean())
