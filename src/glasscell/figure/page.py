"""A sheet of paper to draw on, and how it becomes a file; names from the data stay plain text."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Kinds of file, by ending.
ENDINGS = (".svg", ".png")
INK, MUTED, WARN = "#1b1f24", "#5c6670", "#a04a00"
TEXT_POINTS = 8.0

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text, so that it can be edited and read
    "svg.hashsalt": "glasscell",  # the same picture is the same file
    "text.parse_math": False,  # a gene named a$b$c is no formula
    "text.usetex": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": TEXT_POINTS,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "hatch.linewidth": 0.6,
    "axes.unicode_minus": True,
}


@contextmanager
def plain_style() -> Iterator[None]:
    """Draw in our style inside the block and leave the caller's settings of matplotlib as they were."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # A name in a script that the font lacks is drawn as a box in a PNG; in an SVG it stays text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def new_sheet(width: float, height: float) -> Figure:
    """Make an empty white sheet of so many inches; call it inside ``plain_style``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sheet = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(sheet)
    return sheet


def add_title(sheet: Figure, title: str, note: str = "") -> None:
    """Write a title, and below it the sentence that must stand beside the picture."""
    height = sheet.get_size_inches()[1]
    sheet.text(0.02, 1 - 0.10 / height, elide(title, 80), va="top", fontsize=TEXT_POINTS + 2, weight="bold")
    if note:
        sheet.text(0.02, 1 - 0.33 / height, wrap(note, 108), va="top", color=MUTED)


def title_inches(note: str = "") -> float:
    """Height that a title with its note takes."""
    return 0.38 + (0.15 * (wrap(note, 108).count("\n") + 1) if note else 0.0)


def bare(axes: Axes) -> None:
    """Take away frame and ticks."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def elide(text: str, longest: int) -> str:
    """Put a name on one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def wrap(text: str, width: int) -> str:
    """Break a sentence into lines, at most four."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width, max_lines=4, placeholder=" …"))


def check_ending(ending: str) -> None:
    """Refuse a kind of file that cannot be written."""
    if ending not in ENDINGS:
        given = repr(ending) if ending else "a name without an ending"
        raise DataError(f"A picture is written as .svg or .png, not as {given}.")


def figure_bytes(sheet: Figure, ending: str, dpi: float = 200.0) -> bytes:
    """Return a sheet as the bytes of a file.

    Parameters
    ----------
    ending
        ``.svg`` (text as text, cells as one embedded picture) or ``.png``.
    dpi
        Dots per inch of a PNG.

    Raises
    ------
    DataError
        The ending is another one.
    """
    check_ending(ending)
    buffer = io.BytesIO()
    fixed: dict[str, Any] = {"Date": None} if ending == ".svg" else {}
    with plain_style():
        sheet.savefig(buffer, format=ending[1:], dpi=dpi, metadata={**fixed, "Title": "Glasscell"})
    return buffer.getvalue()


def save_figure(sheet: Figure, path: Path, dpi: float = 200.0) -> None:
    """Write a sheet as ``.svg`` or ``.png``; an old file stays whole until the new one is.

    Raises
    ------
    DataError
        The ending is another one, or the place cannot be written.
    """
    from glasscell.data.atomic import write_atomically

    content = figure_bytes(sheet, path.suffix.lower(), dpi)
    write_atomically(path, lambda fresh: _write(fresh, content))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
