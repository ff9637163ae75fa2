"""The loss over epochs: the ends of its axes, and a small drawing for front ends without plots."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from glasscell.data.palette import categorical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.views.row import Curve

_WIDTH, _HEIGHT = 380.0, 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 8.0, 32.0
#: Read on white and on black alike.
_INK = "#7b838d"


def rounded_up(value: float) -> float:
    """Return the next half step of the value's power of ten: 230 becomes 250, 0.7 stays 0.7."""
    step = 10.0 ** math.floor(math.log10(value)) / 2
    return math.ceil(value / step - 1e-9) * step


def loss_range(losses: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the loss axis in round steps: from zero, unless all losses lie far above it."""
    low, high = min(losses, default=0.0), max([0.1, *losses])
    if low <= 0.6 * high:
        return min(0.0, low), rounded_up(high)
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-3 * high))) * 2
    start = math.floor(low / step) * step
    return start, max(math.ceil(high / step) * step, start + step)


def ends(curves: Sequence[Curve]) -> tuple[float, tuple[float, float]]:
    """Return the last epoch of the axis, and the ends of the loss; ends that seldom move."""
    lines = [losses for curve in curves for losses in (curve.train, curve.valid)]
    longest = max((len(losses) for losses in lines), default=0)
    known = [loss for losses in lines for loss in losses if math.isfinite(loss)]
    return rounded_up(max(longest, 5)), loss_range(known)


def curve_svg(curves: Sequence[Curve]) -> bytes:
    """Draw the loss of each net over epochs: training dotted, validation solid, in one colour a net.

    Returns
    -------
    An SVG without a ground, for light and dark pages; empty where there are no curves.
    """
    if not any(curve.train for curve in curves):
        return b""
    last, (low, high) = ends(curves)

    def x(epoch: float) -> float:
        return _LEFT + (epoch - 1) / (last - 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(loss: float) -> float:
        return _HEIGHT - _BOTTOM - (loss - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = _axes(x(1), x(last), y(low), y(high), last, (low, high))
    for curve, colour in zip(curves, categorical(max(len(curves), 1)), strict=True):
        for losses, dash in ((curve.train, ' stroke-dasharray="1.5 3"'), (curve.valid, "")):
            places = [
                f"{x(epoch):.1f},{y(loss):.1f}" for epoch, loss in enumerate(losses, 1) if math.isfinite(loss)
            ]
            if places:
                look = f'fill="none" stroke="{colour}" stroke-width="1.6" stroke-linecap="round"{dash}'
                name = f"<title>{escape(curve.name)}</title>"
                parts.append(f'<polyline {look} points="{" ".join(places)}">{name}</polyline>')
    size = f'viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="{_WIDTH:g}" height="{_HEIGHT:g}"'
    style = f'font-family="sans-serif" font-size="11" fill="{_INK}"'
    body = "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{body}</svg>'.encode()


def _axes(
    left: float, right: float, bottom: float, top: float, last: float, losses: tuple[float, float]
) -> list[str]:
    """Draw both axes with a number at each end and a name in the middle."""
    middle = (top + bottom) / 2
    line = f'<path d="M{left:g} {top:g}V{bottom:g}H{right:g}" fill="none" stroke="{_INK}"/>'
    places = (
        (left - 4, bottom, "end", f"{losses[0]:.4g}"),
        (left - 4, top + 8, "end", f"{losses[1]:.4g}"),
        (left, bottom + 13, "middle", "1"),
        (right, bottom + 13, "end", f"{last:g}"),
        ((left + right) / 2, bottom + 26, "middle", "epoch"),
    )
    texts = [f'<text x="{x:g}" y="{y:g}" text-anchor="{side}">{text}</text>' for x, y, side, text in places]
    turned = f'<text transform="translate(11 {middle:g}) rotate(-90)" text-anchor="middle">loss</text>'
    return [line, *texts, turned]
