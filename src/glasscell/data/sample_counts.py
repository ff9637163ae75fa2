"""The counts of the sample tissue, with everything that was planted in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from glasscell.data.sample_gene import LAYERS, NEIGHBOUR_GENES, PROGRAMME_GENES, SampleGene
from glasscell.data.sample_tissue import TYPES, SectionCells

if TYPE_CHECKING:
    from collections.abc import Sequence

MEDIAN_DEPTH = 900.0
DISPERSION = 8.0
NEIGHBOUR_RADIUS = 35.0
NEIGHBOUR_FOLD = 4.0
SPILL_SHARE = 0.12
SPILL_TYPE = "Microglia"
BATCH_FOLD = 8.0
PASSENGER_GAIN = 1.5
BATCH_DONOR = "D2"
_DONOR_DEPTH = {"D1": 1.0, "D2": 0.75, "D3": 1.25}

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlantedCounts:
    """Counts and what is known about them.

    Parameters
    ----------
    counts_cg
        int64, shape ``(n_cells, n_genes)``.
    programme_cp
        Activity of each programme in each cell.
    receiver_cp
        bool, shape ``(n_cells, n_pairs)``: the cell is a receiver beside a sender.
    """

    counts_cg: npt.NDArray[np.int64]
    programme_cp: Array
    receiver_cp: npt.NDArray[np.bool_]


def draw_counts(
    sections: Sequence[SectionCells], genes: Sequence[SampleGene], rng: np.random.Generator
) -> PlantedCounts:
    """Draw negative-binomial counts of all sections, in their order."""
    role = np.array([gene.role for gene in genes])
    of = np.array([gene.of for gene in genes])
    layer_c = np.concatenate([section.layer_c for section in sections])
    type_c = np.concatenate([section.type_c for section in sections])
    donor_c = np.concatenate([np.repeat(section.wedge.donor, len(section)) for section in sections])
    base_g = rng.lognormal(0.0, 0.8, size=len(genes))
    informative = role != "background"
    base_g[informative] = rng.uniform(0.5, 1.3, size=informative.sum())
    log_rate_cg = np.tile(np.log(base_g), (len(layer_c), 1))
    fold_g = np.log(rng.uniform(2.0, 3.2, size=len(genes)))
    strength_c = np.where(type_c < 4, 1.0, 0.75)
    for number, layer in enumerate(LAYERS):
        _raise(log_rate_cg, layer_c == number, (role == "layer") & (of == layer), fold_g, strength_c)
    for number, name in enumerate(TYPES):
        _raise(log_rate_cg, type_c == number, (role == "cell_type") & (of == name), fold_g * 1.8)
    programme_cp = np.concatenate([_programmes(section, rng) for section in sections])
    for number, name in enumerate(PROGRAMME_GENES):
        chosen = (role == "programme") & (of == name)
        log_rate_cg[:, chosen] += 0.6 * programme_cp[:, [number]] * rng.uniform(0.7, 1.3, size=chosen.sum())
    receiver_cp = np.concatenate([_receivers(section) for section in sections])
    for number, pair in enumerate(NEIGHBOUR_GENES):
        chosen = (role == "neighbour") & (of == ">".join(pair))
        log_rate_cg[np.ix_(receiver_cp[:, number], chosen)] += np.log(NEIGHBOUR_FOLD)
    log_rate_cg[np.ix_(donor_c == BATCH_DONOR, role == "batch")] += np.log(BATCH_FOLD)
    for donor in _DONOR_DEPTH:
        log_rate_cg[donor_c == donor] += rng.normal(0, 0.08, size=len(genes))
    rate_cg = _spill(np.exp(log_rate_cg), sections, (role == "cell_type") & (of == SPILL_TYPE))
    size_c = MEDIAN_DEPTH * rng.lognormal(0, 0.3, size=len(layer_c))
    size_c *= np.array([_DONOR_DEPTH[donor] for donor in donor_c])
    mean_cg = rate_cg / rate_cg.sum(axis=1, keepdims=True) * size_c[:, None]
    counts_cg = _negative_binomial(mean_cg, rng)
    _copy_passengers(counts_cg, mean_cg, role, of, rng)
    return PlantedCounts(counts_cg, programme_cp, receiver_cp)


def _raise(
    log_rate_cg: Array,
    cells: npt.NDArray[np.bool_],
    chosen: npt.NDArray[np.bool_],
    fold_g: Array,
    strength_c: Array | None = None,
) -> None:
    strength = np.ones((int(cells.sum()), 1)) if strength_c is None else strength_c[cells][:, None]
    log_rate_cg[np.ix_(cells, chosen)] += strength * fold_g[chosen]


def _copy_passengers(
    counts_cg: npt.NDArray[np.int64],
    mean_cg: Array,
    role: npt.NDArray[np.str_],
    of: npt.NDArray[np.str_],
    rng: np.random.Generator,
) -> None:
    """Let each passenger follow what was counted of its layer's genes: given those, it tells nothing more."""
    for layer in LAYERS:
        cause = (role == "layer") & (of == layer)
        passenger = (role == "passenger") & (of == layer)
        ratio_c = counts_cg[:, cause].sum(axis=1) / np.median(mean_cg[:, cause].sum(axis=1))
        noise_cp = rng.lognormal(0, 0.6, size=(len(ratio_c), passenger.sum()))
        level_p = np.median(mean_cg[:, passenger], axis=0)
        counts_cg[:, passenger] = _negative_binomial(
            level_p * ratio_c[:, None] ** PASSENGER_GAIN * noise_cp, rng
        )


def _programmes(section: SectionCells, rng: np.random.Generator) -> Array:
    """Return programmes that vary along the tissue but not with depth, so they do not go with a layer."""
    columns = []
    for waves in (2.5, 4.0, 6.0)[: len(PROGRAMME_GENES)]:
        wave = np.sin(2 * np.pi * waves * section.angle_c / 1.24 + rng.uniform(0, 2 * np.pi))
        columns.append(wave + rng.normal(0, 0.35, size=len(section)))
    return np.stack(columns, axis=1)


def _receivers(section: SectionCells) -> npt.NDArray[np.bool_]:
    columns = []
    for sender, receiver in NEIGHBOUR_GENES:
        senders = section.positions_cd[section.type_c == TYPES.index(sender)]
        distance, _ = cKDTree(senders).query(section.positions_cd)
        columns.append((section.type_c == TYPES.index(receiver)) & (distance < NEIGHBOUR_RADIUS))
    return np.stack(columns, axis=1)


def _spill(rate_cg: Array, sections: Sequence[SectionCells], chosen: npt.NDArray[np.bool_]) -> Array:
    """Mix a share of the six nearest cells' rates into each cell, as wrong cell borders do."""
    mixed_cg = rate_cg.copy()
    start = 0
    for section in sections:
        stop = start + len(section)
        _, near = cKDTree(section.positions_cd).query(section.positions_cd, k=7)
        own = rate_cg[start:stop][:, chosen]
        mixed_cg[start:stop, chosen] = (1 - SPILL_SHARE) * own + SPILL_SHARE * own[near[:, 1:]].mean(axis=1)
        start = stop
    return mixed_cg


def _negative_binomial(mean_cg: Array, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return rng.poisson(mean_cg * rng.gamma(DISPERSION, 1 / DISPERSION, size=mean_cg.shape))
