"""Transcripts and other points over the cells, with the number that is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glasscell.views.picture import TissuePicture
    from glasscell.views.sight import Sight

POINT_COLOUR = "#ffb000"


def draw_points(axes: Axes, picture: TissuePicture, sight: Sight) -> None:
    """Draw the points that are shown, as one embedded picture even in an SVG."""
    for number, mask in enumerate(picture.shown_points(sight.gene)):
        if sight.shows_points(number):
            places_pd = picture.points[number].positions_pd[mask]
            across, up = (1, 0) if sight.turned else (0, 1)
            axes.scatter(
                places_pd[:, across], places_pd[:, up], s=1.0, color=POINT_COLOUR, lw=0, alpha=0.8, zorder=3,
                rasterized=True,
            )  # fmt: skip


def draw_words(picture: TissuePicture, sight: Sight) -> list[str]:
    """Say how many points of each shown set are drawn."""
    words = []
    for number, mask in enumerate(picture.shown_points(sight.gene)):
        if sight.shows_points(number):
            points = picture.points[number]
            of_gene = f" of {sight.gene}" if sight.gene is not None and points.genes else ""
            words.append(f"{points.name}{of_gene}: {points.told(int(mask.sum()))}")
    return words
