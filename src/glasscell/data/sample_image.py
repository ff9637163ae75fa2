"""The pictures of the sample tissue: a section stained with two dyes, and the segmentation of its cells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from glasscell.data.sample_tissue import PIXEL, TYPES, SectionCells, vessel_angle

Array = npt.NDArray[np.float64]

# Optical density of haematoxylin (nuclei) and eosin (the rest) in red, green and blue.
_HAEMATOXYLIN = np.array([0.66, 0.68, 0.32])
_EOSIN = np.array([0.10, 0.90, 0.38])
_GLASS = np.array([245.0, 243.0, 244.0])
# Half axes of the nucleus in micrometres, darkness of its chromatin, darkness of the cytoplasm around it.
_NUCLEUS = {
    "L1 neuron": (3.4, 2.6, 0.75, 0.02),
    "Excitatory upper": (4.6, 4.0, 0.55, 0.10),
    "Excitatory deep": (5.3, 4.4, 0.52, 0.14),
    "Oligodendrocyte": (3.1, 2.9, 1.05, -0.10),
    "Astrocyte": (4.0, 3.3, 0.62, 0.0),
    "Interneuron": (4.2, 3.7, 0.58, 0.06),
    "Microglia": (4.0, 1.5, 1.00, 0.0),
    "Endothelial": (5.0, 1.5, 0.90, 0.03),
    "OPC": (3.3, 3.0, 0.85, -0.04),
}
_BODY_RADIUS = 10.5


def draw_section(
    section: SectionCells, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Draw one section.

    Parameters
    ----------
    section
        The section with its cells.
    rng
        Source of the texture.

    Returns
    -------
    The picture, uint8 of shape ``(height, width, 3)``, and the mask, int32 of shape ``(height, width)``: 0
    outside cells, else 1 + the number of the cell in its section.
    """
    points = _pixel_centres(section.shape)
    radius, angle = section.wedge.polar(points)
    depth = section.wedge.depth(radius, angle)
    tissue = section.wedge.inside(radius, angle)
    warp = np.stack([_noise(section.shape, 5, rng), _noise(section.shape, 5, rng)], axis=-1)
    flat = (points + 1.1 * warp)[tissue]
    distance, nearest = cKDTree(section.positions_cd).query(flat)
    mask_yx = np.zeros(section.shape, dtype=np.int32)
    size_c = rng.uniform(0.85, 1.1, size=len(section)) * _BODY_RADIUS
    mask_yx[tissue] = np.where(distance < size_c[nearest], nearest + 1, 0)
    dye_h, dye_e = _matrix(section, radius, angle, depth, rng)
    _stain_nuclei(dye_h, dye_e, flat, nearest, tissue, section, rng)
    crest = section.wedge.in_fold(radius, angle)
    thick = 1 + 0.55 * np.clip(crest * 2.2, 0, 1)
    soft = gaussian_filter(tissue.astype(np.float64), 1.2)
    lumen = _vessel_lumen(section, radius, angle, rng)
    amount_h = dye_h * thick * soft * (1 - lumen)
    amount_e = dye_e * thick * soft * (1 - 0.85 * lumen)
    density = amount_h[..., None] * _HAEMATOXYLIN + amount_e[..., None] * _EOSIN
    picture = _GLASS * np.exp(-np.clip(density, 0, None))
    picture -= 1.2 * _noise(section.shape, 60, rng)[..., None]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), mask_yx


def _pixel_centres(shape: tuple[int, int]) -> Array:
    """Return x and y of each pixel, in micrometres; whole numbers are centres of one-micrometre pixels."""
    y, x = ((np.arange(size) + 0.5) * PIXEL - 0.5 for size in shape)
    return np.stack(np.meshgrid(x, y), axis=-1)


def _noise(shape: tuple[int, int], blur: float, rng: np.random.Generator) -> Array:
    """Return smooth noise of unit variance; coarse noise is drawn coarsely and enlarged."""
    step = max(1, int(blur / 3))
    small = gaussian_filter(rng.normal(size=[size // step + 4 for size in shape]), blur / step)
    small /= small.std()
    if step == 1:
        return np.asarray(small[: shape[0], : shape[1]])
    y, x = np.meshgrid(*(np.arange(size) / step + 1 for size in shape), indexing="ij")
    return np.asarray(map_coordinates(small, [y, x], order=1))


def _fibres(radius: Array, angle: Array, along: tuple[float, float], rng: np.random.Generator) -> Array:
    """Return streaks that follow the layers or cross them, by the blur along (radius, angle)."""
    table = gaussian_filter(rng.normal(size=(560, 900)), along)
    table /= table.std()
    row = np.clip((radius - 280) / 820, 0, 1) * 559
    column = np.clip((angle + 0.75) / 1.5, 0, 1) * 899
    return np.asarray(map_coordinates(table, [row, column], order=1))


def _matrix(
    section: SectionCells, radius: Array, angle: Array, depth: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return both dyes between the nuclei: pale at the surface, fibrous and dense in the white matter."""
    shape = section.shape
    white = 1 / (1 + np.exp(-(depth - 0.86) * 45))
    surface = np.exp(-np.clip(depth, 0, None) * 14)
    radial = _fibres(radius, angle, (16, 0.9), rng)
    across = _fibres(radius, angle, (0.9, 12), rng)
    dye_e = 0.30 + 0.13 * white - 0.07 * surface + 0.03 * np.sin(depth * 19)
    dye_e += 0.022 * radial * (1 - white) + 0.055 * across * white
    dye_e += 0.020 * _noise(shape, 1.6, rng) + 0.022 * _noise(shape, 9, rng) + 0.022 * _noise(shape, 70, rng)
    dye_e += 0.22 * np.exp(-np.clip(depth, 0, 1) * 150)
    dye_h = 0.055 + 0.03 * white + 0.010 * _noise(shape, 3, rng) + 0.012 * _noise(shape, 40, rng)
    return np.clip(dye_h, 0, None), np.clip(dye_e, 0.05, None)


def _stain_nuclei(
    dye_h: Array,
    dye_e: Array,
    points: Array,
    nearest: npt.NDArray[np.int64],
    tissue: npt.NDArray[np.bool_],
    section: SectionCells,
    rng: np.random.Generator,
) -> None:
    """Add nuclei and cytoplasm in place; each pixel belongs to its nearest cell."""
    look = np.array([_NUCLEUS[name] for name in TYPES])[section.type_c]
    scale_c = rng.uniform(0.82, 1.15, size=len(section))
    turn_c = rng.uniform(0, np.pi, size=len(section))
    lining = section.type_c == TYPES.index("Endothelial")
    turn_c[lining] = np.arctan2(-np.cos(section.angle_c), np.sin(section.angle_c))[lining]
    dark_c = look[:, 2] * rng.uniform(0.8, 1.15, size=len(section))
    shift = points - section.positions_cd[nearest]
    cosine, sine = np.cos(turn_c)[nearest], np.sin(turn_c)[nearest]
    along = (shift[:, 0] * cosine + shift[:, 1] * sine) / (look[:, 0] * scale_c)[nearest]
    beside = (-shift[:, 0] * sine + shift[:, 1] * cosine) / (look[:, 1] * scale_c)[nearest]
    reach = np.hypot(along, beside)
    nucleus = 1 / (1 + np.exp((reach - 1) * 9))
    rim = np.exp(-(((reach - 0.92) / 0.16) ** 2))
    cytoplasm = np.exp(-((reach / 1.9) ** 4)) - nucleus
    speckle = 1 + 0.22 * _noise(section.shape, 1.1, rng)[tissue]
    dye_h[tissue] += dark_c[nearest] * (nucleus * speckle + 0.22 * rim)
    dye_h[tissue] += np.clip(look[:, 3], 0, None)[nearest] * cytoplasm
    dye_e[tissue] += (0.9 * look[:, 3])[nearest] * cytoplasm + 0.10 * nucleus
    np.clip(dye_e, 0.02, None, out=dye_e)


def _vessel_lumen(section: SectionCells, radius: Array, angle: Array, rng: np.random.Generator) -> Array:
    """Return how far a pixel lies within a vessel, 0 to 1; vessels thin out towards the depth."""
    paths = vessel_angle(section.wedge, radius[..., None])
    distance = np.abs(angle[..., None] - paths).min(axis=-1) * radius
    wide = 2.1 * _noise(section.shape, 45, rng) + 0.5 * _noise(section.shape, 12, rng)
    width = 1.2 * np.clip((radius - 400) / 400, 0, 1) - 0.8 + wide
    return np.asarray(1 / (1 + np.exp(np.clip((distance - width) * 2.2, -60, 60))))
