"""The pictures below the cells: photographs as they are, channels as coloured light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.views.sight import Sight, channel_words, lit_pixels, shown_images

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from glasscell.data.tissue import TissueImage
    from glasscell.views.picture import TissuePicture
    from glasscell.views.sight import ChannelLook

Bounds = tuple[float, float, float, float]


def draw_photographs(axes: Axes, picture: TissuePicture, sight: Sight, longest: int) -> None:
    """Draw every picture that is shown, the coarsest level of it that is still sharp enough."""
    for image, looks in shown_images(picture, sight):
        extent = image.extent
        bounds = (extent.x0, extent.y0, extent.x1, extent.y1)
        opacity = looks[0].opacity if image.rgb else 1.0
        place(axes, _pixels(image, looks, longest), bounds, sight, zorder=1, alpha=opacity)


def photograph_words(picture: TissuePicture, sight: Sight) -> list[str]:
    """Say which light is which channel, once where sections agree."""
    return list(dict.fromkeys(channel_words(image, looks) for image, looks in shown_images(picture, sight)))


def place(
    axes: Axes, pixels_yxc: NDArray[np.uint8], bounds: Bounds, sight: Sight, zorder: int, alpha: float = 1.0
) -> None:
    """Draw pixels over a rectangle of the world, turned as the tissue is looked at."""
    x0, y0, x1, y1 = bounds
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(
        pixels_yxc.swapaxes(0, 1) if sight.turned else pixels_yxc,
        extent=(y0, y1, x1, x0) if sight.turned else (x0, x1, y1, y0),
        interpolation="none",
        aspect="auto",
        zorder=zorder,
        alpha=None if alpha >= 1 else alpha,
    )
    axes.set_xlim(limits[0])
    axes.set_ylim(limits[1])


def look_along(axes: Axes, bounds: Bounds, sight: Sight) -> None:
    """Let the axes span a rectangle of the world, turned and mirrored as it is looked at."""
    x0, y0, x1, y1 = bounds
    across, down = ((y0, y1), (x0, x1)) if sight.turned else ((x0, x1), (y0, y1))
    axes.set_xlim(*(across if sight.across > 0 else across[::-1]))
    axes.set_ylim(*(down[::-1] if sight.down > 0 else down))


def _pixels(image: TissueImage, looks: tuple[ChannelLook, ...], longest: int) -> NDArray[np.uint8]:
    levels: Any = image.levels_yxc
    finest = max((n for n, level in enumerate(levels) if max(level.shape[:2]) >= longest), default=0)
    step = max(max(levels[finest].shape[:2]) // (2 * longest), 1)
    level_yxc = levels[finest][::step, ::step]
    return lit_pixels(image, level_yxc, looks)
