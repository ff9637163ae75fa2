"""What is drawn over the cells of a canvas: outline, ring, arrows, scale bar, words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from glasscell.figure.key import scale_words
from glasscell.views.arrow import arrow_lines
from glasscell.views.attention_edge import HALO, NOT_MEASURED, UNIFORM_PX, WIDTHS
from glasscell.views.scatter import tick_places

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from glasscell.views.attention_edge import EdgePicture
    from glasscell.views.camera import Camera
    from glasscell.views.theme import Theme

_FINE = 3  # lines are drawn so much larger and then reduced
_FONT_PIXELS, _SMALL_PIXELS, _RIM = 13, 11, 8


@dataclass(frozen=True, eq=False)
class EdgeLines:
    """Edges from neighbours to the hovered cell.

    Parameters
    ----------
    ends_ned
        Sender and receiver of each, ``(n_edges, 2, 2)``; NaN where a cell has no place.
    picture
        Their widths and colours, and what these mean.
    """

    ends_ned: NDArray[np.float64]
    picture: EdgePicture


@dataclass
class Overlay:
    """What lies over the cells, in world units where it has a place.

    Parameters
    ----------
    mark
        The hovered cell as (x, y, radius).
    outline_vd, mode
        The outline being drawn, and how it will combine.
    arrows
        Starts and ends ``(n_arrows, 2)`` each.
    unit, microns
        Of a scale bar: the unit and how many micrometres it has; an empty unit draws none.
    message
        A sentence in the middle.
    badge
        A word at the top right.
    corner
        A line at the bottom left.
    axes
        Names of two axes whose numbers mean something, so that they have ticks; else None.
    edges
        What comes in at the hovered cell.
    """

    mark: tuple[float, float, float] | None = None
    outline_vd: NDArray[np.float64] | None = None
    mode: str = "replace"
    arrows: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    unit: str = ""
    microns: float | None = None
    message: str = ""
    badge: str = ""
    corner: str = ""
    axes: tuple[str, str] | None = None
    edges: EdgeLines | None = None

    def draw(self, frame_yxc: NDArray[np.uint8], camera: Camera, theme: Theme) -> NDArray[np.uint8]:
        """Return a frame with all of it."""
        sheet = _Sheet(frame_yxc, camera, theme)
        if self.axes is not None:
            sheet.draw_ticks(*self.axes)
        if self.arrows is not None:
            sheet.draw_arrows(*self.arrows)
        if self.edges is not None:
            sheet.draw_edges(self.edges)
        if self.mark is not None:
            sheet.draw_ring(*self.mark)
        if self.outline_vd is not None and len(self.outline_vd) > 1:
            sheet.draw_outline(self.outline_vd, self.mode)
        if self.unit:
            sheet.draw_scale(self.unit, self.microns)
        for text, place in ((self.corner, "corner"), (self.badge, "badge"), (self.message, "message")):
            if text:
                sheet.write(text, place)
        return np.asarray(sheet.image)


class _Sheet:
    """An image with the means to draw on it; lengths are logical pixels."""

    def __init__(self, frame_yxc: NDArray[np.uint8], camera: Camera, theme: Theme) -> None:
        self.image = Image.fromarray(frame_yxc)
        self._camera, self._theme, self._ratio = camera, theme, camera.ratio

    def draw_outline(self, outline_vd: NDArray[np.float64], mode: str) -> None:
        points = self._camera.to_screen(outline_vd)
        colour = self._theme.bad if mode == "subtract" else self._theme.accent
        self._ink(points, lambda pen, at, _: pen.polygon(_flat(at), fill=46), colour)
        self._line(np.concatenate([points, points[:1]]), 1.8, colour)

    def draw_ring(self, x: float, y: float, radius: float) -> None:
        (place,) = self._camera.to_screen([[x, y]])
        reach = max(6.5, radius / self._camera.pixel + 2.0)
        for colour, width in ((self._theme.canvas, 4.0), (self._theme.text, 2.0)):
            half = reach + width / 2
            self._ring(place + np.array([[-half, -half], [half, half]]), width, colour)

    def _ring(self, box: NDArray[np.float64], width: float, colour: str) -> None:
        self._ink(box, lambda pen, at, s: pen.ellipse(_flat(at), outline=255, width=round(width * s)), colour)

    def _line(self, points: NDArray[np.float64], width: float, colour: str) -> None:
        def pen_down(pen: Any, at: NDArray[np.float64], s: float) -> None:
            pen.line(_flat(at), fill=255, width=round(width * s), joint="curve")

        self._ink(points, pen_down, colour)

    def draw_arrows(self, start_ad: NDArray[np.float64], end_ad: NDArray[np.float64]) -> None:
        lines = self._camera.to_screen(arrow_lines(start_ad, end_ad)).reshape(-1, 2, 2)

        def pen_down(pen: Any, at: NDArray[np.float64], s: float) -> None:
            for ends in at.reshape(-1, 2, 2):
                pen.line(_flat(ends), fill=255, width=round(1.6 * s))

        self._ink(lines.reshape(-1, 2), pen_down, self._theme.text)

    def draw_edges(self, edges: EdgeLines) -> None:
        picture = edges.picture
        lines = self._camera.to_screen(edges.ends_ned.reshape(-1, 2)).reshape(-1, 2, 2)
        for line, width, colour in zip(lines, picture.widths, picture.colours, strict=True):
            if not np.isfinite(line).all():
                continue
            self._line(line, float(width) + 2, HALO)
            if colour:
                self._line(line, float(width), colour)
                continue
            share = np.arange(0, max(int(np.hypot(*(line[1] - line[0])) / 4), 1)) * 4
            way = (line[1] - line[0]) / max(np.hypot(*(line[1] - line[0])), 1e-9)
            for start in share:
                self._line(line[0] + way * np.array([[start], [start + 2.0]]), float(width), NOT_MEASURED)
        self._edge_key(picture)

    def _edge_key(self, picture: EdgePicture) -> None:
        """Say at the lower left what width and colour mean."""
        high, wide, ratio = self._camera.height - 36, 70, self._ratio  # above the scale bar
        low_end, high_end = picture.ends
        ramp = np.array([ImageColor.getrgb(colour) for colour in picture.colour_map], np.uint8)[None]
        size = (round(wide * ratio), round(8 * ratio))
        self.image.paste(Image.fromarray(ramp).resize(size), (round(_RIM * ratio), round((high - 8) * ratio)))
        said = f"{low_end} to {high_end} when removed, in {picture.unit}; dotted: not measured"
        self._text(said, _RIM + wide + 6, high, "ls", _SMALL_PIXELS, wide + 6)
        for number, line in enumerate(
            (f"width: attention, {UNIFORM_PX:g} pixels when {WIDTHS}", picture.title)
        ):
            self._text(line, _RIM, high - 14 * (number + 1), "ls", _SMALL_PIXELS)

    def draw_scale(self, unit: str, microns: float | None) -> None:
        camera = self._camera
        length, words = scale_words(camera.width * camera.pixel, unit, microns)
        wide, right, low = length / camera.pixel, camera.width - _RIM - 4, camera.height - _RIM - 4
        bar = np.array([[right - wide, low], [right, low]])
        for colour, width in ((self._theme.canvas, 5.0), (self._theme.text, 2.0)):
            self._line(bar + np.array([[-1, 0], [1, 0]]) * (width - 2) / 2, width, colour)
        self._text(words, right - wide / 2, low - 5, "ms", _SMALL_PIXELS)

    def draw_ticks(self, x_name: str, y_name: str) -> None:
        camera, ends = self._camera, []
        width, height = camera.width, camera.height
        (left, low), (right, high) = camera.to_world(0, height), camera.to_world(width, 0)
        for value in tick_places(left, right, max(int(width / 60), 2)):
            ((x, _),) = camera.to_screen([(value, low)])
            if 4 * _RIM < x < width - 4 * _RIM:
                ends.append([[x, height - 5], [x, height]])
                self._text(f"{value:g}", x, height - 7, "ms", _SMALL_PIXELS)
        for value in tick_places(low, high, max(int(height / 60), 2)):
            ((_, y),) = camera.to_screen([(left, value)])
            if 4 * _RIM < y < height - 4 * _RIM:
                ends.append([[0, y], [5, y]])
                self._text(f"{value:g}", 8, y, "lm", _SMALL_PIXELS)
        for end in ends:
            self._line(np.array(end, np.float64), 1.2, self._theme.muted)
        self._text(f"{x_name} →", width - _RIM, height - 24, "rs", _SMALL_PIXELS)
        self._text(f"{y_name} ↑", _RIM, _RIM, "la", _SMALL_PIXELS)

    def write(self, text: str, place: str) -> None:
        camera = self._camera
        if place == "corner":
            self._text(text, _RIM, camera.height - _RIM, "ls", _SMALL_PIXELS)
        elif place == "badge":
            self._text(text, camera.width - _RIM, _RIM, "ra", _FONT_PIXELS)
        else:
            lines = wrap(text, camera.width - 40, _FONT_PIXELS)
            high = 1.4 * _FONT_PIXELS
            for number, line in enumerate(lines):
                y = camera.height / 2 + (number - (len(lines) - 1) / 2) * high
                self._text(line, camera.width / 2, y, "mm", _FONT_PIXELS)

    def _text(self, text: str, x: float, y: float, anchor: str, size: int, indent: float = 0.0) -> None:
        ratio = self._ratio
        room = self._camera.width - 2 * _RIM - indent
        ImageDraw.Draw(self.image).text(
            (x * ratio, y * ratio),
            cut(text, room, size),
            font=font(round(size * ratio)),
            fill=self._theme.text,
            anchor=anchor,
            stroke_width=max(round(2 * ratio), 1),
            stroke_fill=self._theme.canvas,
        )

    def _ink(
        self, points: NDArray[np.float64], pen_down: Callable[[Any, Any, float], Any], colour: str
    ) -> None:
        """Draw smooth lines in logical pixels: on a finer mask round them, which is then reduced."""
        points = np.nan_to_num(points) * self._ratio
        low = np.floor(np.clip(points.min(axis=0) - 8 * self._ratio, 0, self.image.size)).astype(int)
        high = np.ceil(np.clip(points.max(axis=0) + 8 * self._ratio, 0, self.image.size)).astype(int)
        if (high <= low).any():
            return
        width, height = (int(side) for side in high - low)
        mask = Image.new("L", (width * _FINE, height * _FINE))
        pen_down(ImageDraw.Draw(mask), np.clip((points - low) * _FINE, -1e5, 1e5), _FINE * self._ratio)
        self.image.paste(colour, (int(low[0]), int(low[1]), int(high[0]), int(high[1])), mask.reduce(_FINE))


@lru_cache(maxsize=16)
def font(pixels: int) -> Any:
    """Return the font of the overlay: the one of our figures, which has Greek letters and arrows."""
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), pixels) if path.is_file() else ImageFont.load_default(pixels)


def cut(text: str, room: float, pixels: int) -> str:
    """Shorten to a width what is made one line first."""
    text = " ".join(text.split())
    if font(pixels).getlength(text) <= room:
        return text
    while text and font(pixels).getlength(text + "…") > room:
        text = text[: -max(1, len(text) // 16)]
    return text + "…"


def wrap(text: str, room: float, pixels: int) -> list[str]:
    """Break a sentence into lines of a width."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font(pixels).getlength(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _flat(points: NDArray[np.float64]) -> list[float]:
    return [float(value) for value in points.ravel()]
