"""What stands beside the cells: legend, colour bar with its unit, scale bar."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from glasscell.figure.page import INK, MUTED, TEXT_POINTS, WARN, elide, plain_style
from glasscell.views.colour import CONTEXT, CONTEXT_ALPHA

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glasscell.views.colour import ColourTable
    from glasscell.views.legend import ColourBar, Legend

_LINE = 0.17


def draw_key(axes: Axes, table: ColourTable, n_context: int, observations: str) -> None:
    """Fill an empty column with the legend or the bar, and with what grey and missing mean."""
    height = axes.get_window_extent().height / axes.figure.dpi
    axes.set_xlim(0, 1)
    axes.set_ylim(height, 0)  # inches from the top
    y = 0.1
    if table.legend is not None:
        y = _legend(axes, table.legend, y, height - (3 * _LINE))
        if table.legend.missing:
            y = _swatch(axes, y, table.legend.missing_colour, f"no value ({table.legend.missing:,})")
    elif table.bar is not None:
        y = _bar(axes, table.bar, y)
    if n_context:
        _swatch(axes, y, CONTEXT, f"not selected ({n_context:,} {observations})", CONTEXT_ALPHA["light"])


def scale_length(width: float) -> float:
    """Longest of 1, 2, 5, 10, ... that is at most a quarter of a width."""
    power = 10.0 ** math.floor(math.log10(width / 4))
    return max(step * power for step in (1, 2, 5) if step * power <= width / 4 * (1 + 1e-9))


def scale_words(width: float, unit: str, microns_per_unit: float | None) -> tuple[float, str]:
    """Length of a scale bar for a picture so wide, in its own units, and what it says: pixels if unknown."""
    length = microns_per_unit or (1.0 if unit == "um" else None)
    per_unit, name = (1.0, "px") if length is None else (length, "µm")
    told = scale_length(width * per_unit)
    text = f"{told / 1000:g} mm" if name == "µm" and told >= 1000 else f"{told:g} {name}"
    return told / per_unit, text


def draw_scale(axes: Axes, unit: str, microns_per_unit: float | None) -> None:
    """Draw a bar of true length below the picture; in pixels where no length is known."""
    x0, x1 = sorted(axes.get_xlim())
    length, text = scale_words(x1 - x0, unit, microns_per_unit)
    share = length / (x1 - x0)
    with plain_style():
        axes.plot(
            [0, share], [-0.018, -0.018], transform=axes.transAxes, color=INK, lw=2, clip_on=False,
            solid_capstyle="butt", gid="scale-bar",
        )  # fmt: skip
        axes.text(0, -0.03, text, transform=axes.transAxes, va="top", ha="left")


def _legend(axes: Axes, legend: Legend, y: float, bottom: float) -> float:
    shown = [item for item in legend.items if item.shown]
    room = max(int((bottom - y) / _LINE), 1)
    listed = shown if len(shown) <= room else shown[: room - 1]
    for item in listed:
        y = _swatch(axes, y, item.colour, f"{elide(item.name, 22)} ({item.count:,})")
    if len(listed) < len(shown):
        y = _words(axes, y, f"and {len(shown) - len(listed)} more categories")
    if len(shown) < len(legend.items):
        y = _words(axes, y, f"{len(legend.items) - len(shown)} categories not drawn", WARN)
    return y


def _bar(axes: Axes, bar: ColourBar, y: float) -> float:
    from matplotlib.colorbar import Colorbar
    from matplotlib.colors import ListedColormap, Normalize

    place = axes.get_position()
    height = axes.get_ylim()[0]
    tall = min(1.6, height * 0.5)
    y = _words(axes, y, elide(bar.unit, 34)) if bar.unit else y
    strip = axes.figure.add_axes(
        (
            place.x0 + 0.03 * place.width,
            place.y0 + place.height * (1 - (y + tall) / height),
            0.09 * place.width,
            place.height * tall / height,
        )
    )
    ends: dict[tuple[bool, bool], Any] = {
        (False, False): "neither",
        (True, False): "min",
        (False, True): "max",
        (True, True): "both",
    }
    colours = Colorbar(
        strip,
        cmap=ListedColormap(list(bar.colours)),
        norm=Normalize(bar.low, bar.high),
        extend=ends[bool(bar.below), bool(bar.above)],
    )
    colours.outline.set_linewidth(0.5)
    middle = 0.0 if bar.centre == 0 else (bar.low + bar.high) / 2
    colours.set_ticks([bar.low, middle, bar.high], labels=[f"{v:.3g}" for v in (bar.low, middle, bar.high)])
    y += tall + 0.16
    for count, word, end in ((bar.below, "below", bar.low), (bar.above, "above", bar.high)):
        if count:
            y = _words(axes, y, f"clipped: {count:,} {word} {end:.3g}", WARN)
    if bar.missing:
        y = _swatch(axes, y, bar.missing_colour, f"no value ({bar.missing:,})")
    return y


def _swatch(axes: Axes, y: float, colour: str, text: str, alpha: float = 1.0) -> float:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((0.03, y - 0.055), 0.06, 0.11, color=colour, alpha=alpha, lw=0))
    axes.text(0.13, y, elide(text, 34), va="center", fontsize=TEXT_POINTS - 0.5)
    return y + _LINE


def _words(axes: Axes, y: float, text: str, colour: str = MUTED) -> float:
    axes.text(0.03, y, text, va="center", color=colour, fontsize=TEXT_POINTS - 0.5)
    return y + _LINE
