"""The shape of the sample tissue: three wedges of cortex with wavy layers, and the cells placed in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PIXEL = 0.8
MARGIN = 45.0
SPACING = 19.3
TYPES = (
    "L1 neuron",
    "Excitatory upper",
    "Excitatory deep",
    "Oligodendrocyte",
    "Astrocyte",
    "Interneuron",
    "Microglia",
    "Endothelial",
    "OPC",
)
_PRINCIPAL = (0, 1, 1, 1, 2, 2, 3)
_LAYER_DEPTH = (0.10, 0.215, 0.42, 0.535, 0.71, 0.85)
_OUTER, _INNER, _HALF_ANGLE = 1000.0, 330.0, 0.62
_OTHERS = {"Astrocyte": 0.12, "Interneuron": 0.11, "Microglia": 0.07, "Endothelial": 0.015, "OPC": 0.045}

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Wedge:
    """One section's outline, as waves around a circle; points are in micrometres, y pointing down.

    Parameters
    ----------
    name, donor
        Names of the section and of its donor.
    centre
        Centre of the circle.
    tilt
        Turn of the wedge, radians.
    phase
        Phases of the waves, shape ``(16,)``.
    vessels
        Angles of the vessels that run from the surface inwards.
    fold
        Angle of the tissue fold, the decoy region.
    """

    name: str
    donor: str
    centre: Array
    tilt: float
    phase: Array
    vessels: Array
    fold: float

    def polar(self, points_cd: Array) -> tuple[Array, Array]:
        """Return the radius and the angle from the wedge's axis of each point."""
        shift = points_cd - self.centre
        angle = np.arctan2(shift[..., 0], -shift[..., 1]) - self.tilt
        return np.hypot(shift[..., 0], shift[..., 1]), angle

    def depth(self, radius: Array, angle: Array) -> Array:
        """Return the depth below the surface: 0 at the surface, 1 at the inner edge of the white matter."""
        phase = self.phase
        outer = _OUTER + 26 * np.sin(5 * angle + phase[0]) + 11 * np.sin(13 * angle + phase[1])
        outer += 5 * np.sin(31 * angle + phase[2])
        inner = _INNER + 16 * np.sin(5 * angle + phase[3]) + 6 * np.sin(17 * angle + phase[4])
        return np.asarray((outer - radius) / (outer - inner))

    def inside(self, radius: Array, angle: Array) -> npt.NDArray[np.bool_]:
        """Tell which points lie in the tissue."""
        depth = self.depth(radius, angle)
        phase = self.phase
        limit = _HALF_ANGLE + 0.035 * np.sin(radius / 75 + phase[5]) + 0.012 * np.sin(radius / 21 + phase[6])
        limit = limit + 0.02 * np.sign(angle) * np.sin(radius / 130 + phase[7])
        corner = np.clip(np.abs(angle) / limit, 0, 1) ** 10
        return np.asarray((np.abs(angle) < limit) & (depth > 0.05 * corner) & (depth < 1 - 0.07 * corner))

    def layer(self, depth: Array, angle: Array) -> npt.NDArray[np.int32]:
        """Return the layer of each point, 0 for L1 to 6 for the white matter; the borders are wavy."""
        layer = np.zeros(depth.shape, dtype=np.int32)
        for number, border in enumerate(_LAYER_DEPTH):
            wave = 0.013 * np.sin(7 * angle + self.phase[8 + number]) + 0.006 * np.sin(
                19 * angle + self.phase[number]
            )
            layer += depth > border + wave
        return layer

    def in_fold(self, radius: Array, angle: Array) -> Array:
        """Return how deep a point lies in the fold, 0 outside to 1 at its crest."""
        middle = self.fold + 0.03 * np.sin(radius / 110 + self.phase[14])
        return np.asarray(np.clip(1 - np.abs(angle - middle) * radius / 42, 0, 1))


@dataclass(frozen=True, eq=False)
class SectionCells:
    """One section with its cells.

    Parameters
    ----------
    wedge
        The outline.
    shape
        Height and width of its pictures, in pixels of `PIXEL` micrometres.
    positions_cd
        x and y in micrometres, shape ``(n_cells, 2)``.
    depth_c, angle_c, layer_c, type_c, fold_c
        Depth, angle, layer, cell type and membership in the fold of each cell.
    """

    wedge: Wedge
    shape: tuple[int, int]
    positions_cd: Array
    depth_c: Array
    angle_c: Array
    layer_c: npt.NDArray[np.int32]
    type_c: npt.NDArray[np.int32]
    fold_c: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.positions_cd)


def plan_sections(seed: int) -> tuple[SectionCells, ...]:
    """Lay out three sections of three donors and place their cells."""
    rng = np.random.default_rng([seed, 1])
    tilts = (0.0, 0.16, -0.13)
    return tuple(_plan(f"S{number + 1}", f"D{number + 1}", tilt, rng) for number, tilt in enumerate(tilts))


def _plan(name: str, donor: str, tilt: float, rng: np.random.Generator) -> SectionCells:
    phase = rng.uniform(0, 2 * np.pi, size=16)
    vessels = np.linspace(-0.5, 0.5, 5) + rng.uniform(-0.06, 0.06, size=5)
    middle = (vessels[:-1] + vessels[1:]) / 2
    fold = float(middle[rng.integers(0, 2) * 2 + rng.integers(0, 2)])
    wedge = Wedge(name, donor, np.zeros(2), tilt, phase, vessels, fold)
    reach = _OUTER + 60
    grid = np.stack(np.meshgrid(np.arange(-reach, reach, 4.0), np.arange(-reach, 0, 4.0)), axis=-1)
    covered = grid[wedge.inside(*wedge.polar(grid))]
    low, high = covered.min(axis=0) - MARGIN, covered.max(axis=0) + MARGIN
    wedge = Wedge(name, donor, -low, tilt, phase, vessels, fold)
    width, height = np.ceil((high - low) / PIXEL).astype(int)
    positions_cd = _place(wedge, high - low, rng)
    radius, angle = wedge.polar(positions_cd)
    depth = wedge.depth(radius, angle)
    layer = wedge.layer(depth, angle)
    keep = (layer > 0) | (rng.random(len(layer)) < 0.8)
    positions_cd, layer = positions_cd[keep], layer[keep]
    radius, angle, depth = radius[keep], angle[keep], depth[keep]
    types = _cell_types(wedge, radius, angle, layer, rng)
    fold_c = wedge.in_fold(radius, angle) > 0
    return SectionCells(wedge, (int(height), int(width)), positions_cd, depth, angle, layer, types, fold_c)


def _place(wedge: Wedge, size: Array, rng: np.random.Generator) -> Array:
    """Put cells on a jittered hexagonal grid within the outline."""
    rows = np.arange(0, size[1], SPACING * np.sqrt(3) / 2)
    columns = np.arange(0, size[0], SPACING)
    x, y = np.meshgrid(columns, rows)
    x = x + (np.arange(len(rows)) % 2)[:, None] * SPACING / 2
    points_cd = np.stack([x.ravel(), y.ravel()], axis=1)
    points_cd += rng.uniform(-0.3, 0.3, size=points_cd.shape) * SPACING
    return np.asarray(points_cd[wedge.inside(*wedge.polar(points_cd))])


def _cell_types(wedge: Wedge, radius: Array, angle: Array, layer: Any, rng: np.random.Generator) -> Any:
    """Draw the cell types: the same mixture in every layer beside its principal cells; vessels are lined."""
    types = np.array(_PRINCIPAL, dtype=np.int32)[layer]
    draw = rng.random(len(types))
    start = 0.0
    for name, share in _OTHERS.items():
        types[(draw >= start) & (draw < start + share)] = TYPES.index(name)
        start += share
    distance = np.abs(angle[:, None] - vessel_angle(wedge, radius[:, None])) * radius[:, None]
    lining = (distance.min(axis=1) < 11) & (rng.random(len(types)) < 0.75)
    types[lining] = TYPES.index("Endothelial")
    return types


def vessel_angle(wedge: Wedge, radius: Array) -> Array:
    """Return the angle of each vessel at the given radii; broadcasts to ``(..., n_vessels)``."""
    bend = 0.02 * np.sin(radius / 140 + wedge.phase[10:15]) + 0.006 * np.sin(radius / 37 + wedge.phase[1:6])
    return np.asarray(wedge.vessels + bend)
