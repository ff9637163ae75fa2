"""Colours as such: palettes, colour maps, and the space in which they are told apart."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Rgb = NDArray[np.float64]

# Chosen one by one for the largest OKLab distance to the others under normal, protan and deutan vision.
CATEGORICAL: tuple[str, ...] = (
    "#3d7fe0", "#f0982d", "#1f8f6a", "#c84b9b", "#8fd0f5", "#e9dc5a", "#7a3fc0", "#3cc396", "#006900",
    "#b496ff", "#960f78", "#78f0b4", "#e16900", "#5aa5c3", "#964b4b", "#c31e0f", "#4b4b96", "#96d278",
    "#c39669", "#87f0f0", "#5a962d", "#f0a5b4", "#f078c3", "#ffb400", "#7878b4", "#8787ff", "#a53c78",
    "#695ae1", "#3ca596", "#00c3e1", "#5aff96", "#69d2d2", "#007896", "#b4b469", "#875ac3", "#1e694b",
)  # fmt: skip

NAMED = {
    "black": "#000000", "white": "#ffffff", "red": "#ff0000", "green": "#008000", "blue": "#0000ff",
    "yellow": "#ffff00", "cyan": "#00ffff", "magenta": "#ff00ff", "orange": "#ffa500", "purple": "#800080",
    "brown": "#a52a2a", "pink": "#ffc0cb", "gray": "#808080", "grey": "#808080", "lightgray": "#d3d3d3",
    "lightgrey": "#d3d3d3", "navy": "#000080", "teal": "#008080", "olive": "#808000", "gold": "#ffd700",
    "tab:blue": "#1f77b4", "tab:orange": "#ff7f0e", "tab:green": "#2ca02c", "tab:red": "#d62728",
    "tab:purple": "#9467bd", "tab:brown": "#8c564b", "tab:pink": "#e377c2", "tab:gray": "#7f7f7f",
    "tab:olive": "#bcbd22", "tab:cyan": "#17becf",
}  # fmt: skip

# Björn Ottosson, "A perceptual color space for image processing", 2020 (public domain constants).
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def parse_colour(text: object) -> str | None:
    """Read a colour as ``#rrggbb``; None when the text is no colour we know."""
    plain = str(text).strip().lower()
    plain = NAMED.get(plain, plain)
    digits = plain[1:]
    if not plain.startswith("#") or not digits.isascii() or any(c not in "0123456789abcdef" for c in digits):
        return None
    if len(digits) in (3, 4):
        digits = "".join(2 * c for c in digits)
    return f"#{digits[:6]}" if len(digits) in (6, 8) else None


def to_rgb(colours: Sequence[str]) -> Rgb:
    """Turn ``#rrggbb`` into numbers 0..1, ``(n, 3)``."""
    return np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours]).reshape(-1, 3)


def to_hex(rgb: Rgb) -> tuple[str, ...]:
    """Turn numbers 0..1, ``(n, 3)``, into ``#rrggbb``."""
    return tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in (np.clip(rgb, 0, 1) * 255).round().astype(int))


def greyed(colours: Sequence[str], share: float = 0.8) -> tuple[str, ...]:
    """Take most of the hue out of colours, for values of what was never observed."""
    rgb = to_rgb(colours)
    grey_n1 = (rgb @ np.array([0.299, 0.587, 0.114]))[:, None]
    return to_hex(share * grey_n1 + (1 - share) * rgb)


def pack(rgb: Rgb, alpha: float = 1.0) -> NDArray[np.uint32]:
    """Pack colours ``(n, 3)`` and one opacity into little-endian RGBA words, ``(n,)``."""
    bytes_n4 = np.empty((len(rgb), 4), np.uint8)
    bytes_n4[:, :3] = (np.clip(rgb, 0, 1) * 255).round()
    bytes_n4[:, 3] = round(alpha * 255)
    return bytes_n4.view("<u4").ravel().astype(np.uint32, copy=False)


def to_oklab(rgb: Rgb) -> Rgb:
    """Perceptual coordinates of sRGB colours, ``(n, 3)``: lightness 0..1, green-red, blue-yellow."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab: Rgb = np.cbrt(linear @ _LMS.T) @ _LAB.T
    return lab


def from_oklab(lab: Rgb) -> Rgb:
    """Invert ``to_oklab``, clipped to what a screen can show."""
    linear = np.clip((lab @ np.linalg.inv(_LAB).T) ** 3 @ np.linalg.inv(_LMS).T, 0, 1)
    rgb: Rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.clip(rgb, 0, 1)


def simulate_deficiency(rgb: Rgb, kind: str) -> Rgb:
    """Show colours as a protan or deutan viewer sees them (Viénot 1999, doi:10.1002/col.5080240405)."""
    first = {"protan": (0.10889, 0.89111), "deutan": (0.29031, 0.70969)}[kind]
    blue = {"protan": 0.00447, "deutan": -0.02197}[kind]
    matrix = np.array([[*first, 0.0], [*first, 0.0], [blue, -blue, 1.0]])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ matrix.T, 0, 1)
    shown: Rgb = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return shown


def categorical(n: int) -> tuple[str, ...]:
    """Return ``n`` different colours; the first 36 also differ for colour-blind viewers."""
    extra = np.arange(max(n - len(CATEGORICAL), 0))
    hue, light = 2.399963 * extra + 0.4, 0.50 + 0.38 * ((extra * 0.414214) % 1)
    lab = np.stack([light, 0.10 * np.cos(hue), 0.10 * np.sin(hue)], axis=1)
    return (*CATEGORICAL[:n], *to_hex(from_oklab(lab)))


def _between(stops: str, n: int) -> tuple[str, ...]:
    """Interpolate stops, written ``lightness chroma hue``, evenly in OKLab; hue in degrees."""
    light, chroma, hue = np.array([[float(v) for v in stop.split()] for stop in stops.split(",")]).T
    lab = np.stack([light, chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))], axis=1)
    at = np.linspace(0, len(lab) - 1, n)
    return to_hex(from_oklab(np.stack([np.interp(at, np.arange(len(lab)), axis) for axis in lab.T], axis=1)))


@lru_cache
def sequential_map(n: int = 256) -> tuple[str, ...]:
    """Indigo to yellow with evenly rising lightness: more is brighter."""
    return _between("0.30 .13 290, .42 .13 278, .54 .11 235, .66 .115 175, .78 .16 135, .91 .17 104", n)


@lru_cache
def diverging_map(n: int = 255) -> tuple[str, ...]:
    """Blue over cream to red; the middle entry is zero and the two ends are equally dark."""
    return _between(
        ".42 .16 262, .60 .13 250, .77 .07 240, .93 .02 90, .77 .09 50, .60 .16 32, .42 .16 25", n
    )
