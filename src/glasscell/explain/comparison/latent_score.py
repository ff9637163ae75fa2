"""How well latents tell labels apart that they were learnt without, beside components and smoothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glasscell.explain.comparison.result import Score
from glasscell.jobs import QUIET
from glasscell.models.batch import preprocessing_for
from glasscell.models.latent_metric import principal_components
from glasscell.models.metric import accuracy, macro_f1
from glasscell.models.mixture import fit_mixture
from glasscell.models.row import input_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.data.split import Split
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

N_NEIGHBOURS = 15
N_COMPONENTS = 50
#: Starts of each mixture; of more cells a sample is divided.
STARTS = 10
MOST_CELLS = 10_000
ACCURACY = f"accuracy by the {N_NEIGHBOURS} nearest cells of other folds"
MACRO_F1 = f"macro F1 by the {N_NEIGHBOURS} nearest cells of other folds"
ARI = "adjusted Rand index of groups"


class Judged(NamedTuple):
    """Figures of latents, and by the name of each table of latents the class of each cell, -1 for none."""

    rows: list[Score]
    calls: dict[str, NDArray[np.int32]]


def section(labels: Labels) -> str:
    """Name the section of these figures."""
    return f"latents learnt without {labels.name}"


def vote(latent_cz: Floats, labels: Labels, split: Split) -> tuple[float, float]:
    """Let each labelled cell's nearest labelled cells of other folds vote; return accuracy and macro F1."""
    return _accuracies(voted(latent_cz, labels, split), labels)


def voted(latent_cz: Floats, labels: Labels, split: Split) -> NDArray[np.int32]:
    """Return what the nearest labelled cells of other folds say, ``(n_cells,)``; -1 for cells not asked."""
    from sklearn.neighbors import KNeighborsClassifier

    known = (labels.codes >= 0) & (split.folds >= 0)
    guess = np.full(len(known), -1, np.int32)
    for fold in range(split.n_folds):
        train, test = (
            np.flatnonzero(split.training(fold) & known),
            np.flatnonzero(known & (split.folds == fold)),
        )
        if not len(test) or not len(train):
            continue
        voters = KNeighborsClassifier(min(N_NEIGHBOURS, len(train))).fit(
            latent_cz[train], labels.codes[train]
        )
        guess[test] = voters.predict(latent_cz[test])
    return guess


def most_voted(guesses: Sequence[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Return the class that most guesses give to each cell, ``(n_cells,)``; the first class of several."""
    table_sc = np.stack(guesses)
    counts_kc = np.stack([(table_sc == k).sum(axis=0) for k in range(int(table_sc.max(initial=-1)) + 1)])
    return np.where((table_sc >= 0).any(axis=0), counts_kc.argmax(axis=0), -1).astype(np.int32)


def _accuracies(guess: NDArray[np.int32], labels: Labels) -> tuple[float, float]:
    asked = guess >= 0
    truth = labels.codes[asked]
    return accuracy(truth, guess[asked]), macro_f1(truth, guess[asked])


def rand_index(found: Ints, labels: Labels) -> float:
    """Return how well groups fit the labels, corrected for chance; cells without either are left out."""
    from sklearn.metrics import adjusted_rand_score

    both = (labels.codes >= 0) & (np.asarray(found) >= 0)
    return float(adjusted_rand_score(labels.codes[both], found[both]))


def own_domains(bundle: Bundle) -> NDArray[np.int64]:
    """Return the domain that a model which finds domains gives to each of its cells, ``(n_cells,)``."""
    import torch

    net: Any = bundle.folds[0]
    with torch.no_grad():
        values = torch.from_numpy(np.array(bundle.cells.latent_cz)).to(net.device, net.dtype)
        return np.asarray(net.logits_of(values).argmax(dim=1).cpu().numpy(), np.int64)


def mixture_groups(latent_cz: Floats, n_groups: int, seed: int, job: JobHandle = QUIET) -> NDArray[np.int32]:
    """Divide cells by a tied mixture fitted to at most 10,000 of them, ``(n_cells,)``."""
    cells = np.arange(len(latent_cz))
    if len(cells) > MOST_CELLS:
        cells = np.sort(np.random.default_rng([seed, 0xC0]).permutation(len(cells))[:MOST_CELLS])
    return fit_mixture(latent_cz[cells], n_groups, seed, STARTS, job).assign(latent_cz)


def judge_latents(
    name: str,
    latents: Sequence[Floats],
    labels: Labels,
    split: Split,
    seeds: Sequence[int],
    job: JobHandle = QUIET,
    *,
    baseline: bool = False,
) -> Judged:
    """Judge one model's latents, one table ``(n_cells, n_latent)`` per seed."""
    guesses = [voted(latent_cz, labels, split) for latent_cz in latents]
    votes = [_accuracies(guess, labels) for guess in guesses]
    indices = [
        rand_index(mixture_groups(latent_cz, labels.n_classes, seed, job), labels)
        for latent_cz, seed in zip(latents, seeds, strict=False)
    ]
    where = section(labels)
    rows = [
        Score(where, ACCURACY, "more", name, tuple(one for one, _ in votes), baseline),
        Score(where, MACRO_F1, "more", name, tuple(one for _, one in votes), baseline),
        Score(where, ARI, "more", f"{name} + tied mixture", tuple(indices), baseline),
    ]
    return Judged(rows, {name: most_voted(guesses)})


def judge_baselines(
    dataset: Dataset, labels: Labels, split: Split, seeds: Sequence[int], job: JobHandle = QUIET
) -> Judged:
    """Judge components, components with k-means, and averages over neighbours, by the same figures."""
    from sklearn.cluster import KMeans

    table_cg = input_rows(dataset, preprocessing_for(dataset))
    latent_cz = principal_components(table_cg, N_COMPONENTS)
    name = f"{latent_cz.shape[1]} principal components"
    rows, calls = judge_latents(name, [latent_cz] * len(seeds), labels, split, seeds, job, baseline=True)
    means = [
        rand_index(KMeans(labels.n_classes, n_init=10, random_state=seed).fit_predict(latent_cz), labels)
        for seed in seeds
    ]
    rows.append(Score(section(labels), ARI, "more", f"{name} + k-means", tuple(means), baseline=True))
    if dataset.positions_cd is not None:
        rows.append(_smoothed(dataset, labels, seeds, job))
    return Judged(rows, calls)


def _smoothed(dataset: Dataset, labels: Labels, seeds: Sequence[int], job: JobHandle) -> Score:
    from glasscell.data.neighbour import GraphSpec
    from glasscell.models.spatial_attention.smoothing import smoothing_domains

    found = []
    for seed in seeds:
        domains = smoothing_domains(dataset, labels.n_classes, GraphSpec(), seed=seed, starts=STARTS, job=job)
        found.append(rand_index(domains, labels))
    name = "mean over neighbours + components + tied mixture"
    return Score(section(labels), ARI, "more", name, tuple(found), baseline=True)
