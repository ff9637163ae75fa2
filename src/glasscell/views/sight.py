"""How a tissue is looked at: plane, turn, which channels of its pictures and how bright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from glasscell.data.tissue import TissueImage
    from glasscell.views.picture import TissuePicture

Light = tuple[float, float, float]

#: Colours of the channels of a picture that is not a photograph, in the names napari has for them.
CHANNEL_COLOURS = ("blue", "green", "red", "cyan", "magenta", "yellow", "gray")
#: So many channels of a picture are shown at first.
N_SHOWN = 3
_LIGHT = {
    "blue": (0.0, 0.0, 1.0),
    "green": (0.0, 1.0, 0.0),
    "red": (1.0, 0.0, 0.0),
    "cyan": (0.0, 1.0, 1.0),
    "magenta": (1.0, 0.0, 1.0),
    "yellow": (1.0, 1.0, 0.0),
    "gray": (1.0, 1.0, 1.0),
}


@dataclass(frozen=True)
class ChannelLook:
    """How one layer of a picture is shown.

    Parameters
    ----------
    visible
        Whether it is shown at all.
    low, high
        Intensities drawn black and full; of no meaning for a photograph.
    light
        Red, green and blue of the full colour, 0 to 1.
    opacity
        0 to 1.
    """

    visible: bool = True
    low: float = 0.0
    high: float = 1.0
    light: Light = (1.0, 1.0, 1.0)
    opacity: float = 1.0


@dataclass(frozen=True)
class Sight:
    """How a tissue is looked at.

    Parameters
    ----------
    plane
        Number of the plane shown; None for all.
    turned
        x runs down the picture and y across it.
    across, down
        1 or -1: whether the axis that runs across runs to the right, and the other one down.
    layers
        Of each picture, in order of sections and pictures, its channels (one for a photograph); None for
        what is shown at first.
    cells
        Opacity of the cells, 0 when they are hidden.
    points
        Which sets of points are shown; None for the first.
    gene
        Points of this gene only; None for all.
    """

    plane: int | None = None
    turned: bool = False
    across: int = 1
    down: int = 1
    layers: tuple[tuple[ChannelLook, ...], ...] | None = None
    cells: float = 1.0
    points: tuple[bool, ...] | None = None
    gene: str | None = None

    def shows_points(self, number: int) -> bool:
        """Whether a set of points is shown."""
        return number == 0 if self.points is None else number < len(self.points) and self.points[number]


def channel_colour(channel: int, n_channels: int) -> str:
    """Name the colour of a channel: grey where there is only one."""
    return "gray" if n_channels == 1 else CHANNEL_COLOURS[channel % len(CHANNEL_COLOURS)]


def first_looks(image: TissueImage, *, shown: bool) -> tuple[ChannelLook, ...]:
    """Return how the channels of a picture are shown before anybody has changed it."""
    if image.rgb:
        return (ChannelLook(shown),)
    coarsest_yxc = image.levels_yxc[-1]
    n_channels = int(coarsest_yxc.shape[-1])
    return tuple(
        ChannelLook(
            shown and channel < N_SHOWN,
            *channel_limits(coarsest_yxc[..., channel]),
            _LIGHT[channel_colour(channel, n_channels)],
        )
        for channel in range(n_channels)
    )


def shown_images(
    picture: TissuePicture, sight: Sight
) -> Iterator[tuple[TissueImage, tuple[ChannelLook, ...]]]:
    """Yield the pictures that are shown and how their channels are."""
    layers = iter(sight.layers) if sight.layers is not None else None
    for section in picture.sections:
        for number, image in enumerate(section.images):
            looks = first_looks(image, shown=number == 0) if layers is None else next(layers, ())
            if any(look.visible for look in looks):
                yield image, looks


def first_layers(picture: TissuePicture) -> tuple[tuple[ChannelLook, ...], ...]:
    """Return how every picture of a tissue is shown at first."""
    return tuple(
        first_looks(image, shown=number == 0)
        for section in picture.sections
        for number, image in enumerate(section.images)
    )


def channel_names(image: TissueImage) -> tuple[str, ...]:
    """Name the layers of a picture: its channels, or its own name where it is a photograph."""
    if image.rgb:
        return (image.name,)
    n_channels = int(image.levels_yxc[0].shape[-1])
    return tuple(image.channels[n] if n < len(image.channels) else str(n) for n in range(n_channels))


def first_channels(picture: TissuePicture) -> dict[str, tuple[bool, Light]]:
    """Say of each layer, by name, whether it is shown at first and its light; white for a photograph."""
    found: dict[str, tuple[bool, Light]] = {}
    for section in picture.sections:
        for number, image in enumerate(section.images):
            names = channel_names(image)
            for channel, name in enumerate(names):
                shown = number == 0 and (image.rgb or channel < N_SHOWN)
                light = (1.0, 1.0, 1.0) if image.rgb else _LIGHT[channel_colour(channel, len(names))]
                found.setdefault(name, (shown, light))
    return found


def channel_limits(plane_yx: Any) -> tuple[float, float]:
    """Contrast from the 1st to the 99.8th percentile of a coarse sample."""
    step = max(1, max(plane_yx.shape) // 512)
    sample = np.asarray(plane_yx[::step, ::step], np.float64)
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(sample, (1, 99.8)))
    return (low, high) if high > low else (low, low + 1.0)


def mix(channels_yx: Sequence[Any], looks: Sequence[ChannelLook]) -> NDArray[np.uint8]:
    """Add channels up as coloured light on black, ``(height, width, 3)``."""
    light_yxc = np.zeros((*channels_yx[0].shape, 3), np.float32)
    for plane_yx, look in zip(channels_yx, looks, strict=True):
        share_yx = (np.asarray(plane_yx, np.float32) - look.low) / max(look.high - look.low, 1e-12)
        share_yx = np.nan_to_num(share_yx.clip(0, 1)) * look.opacity
        light_yxc += share_yx[..., None] * np.asarray(look.light, np.float32)
    return np.asarray(np.rint(light_yxc.clip(0, 1) * 255), np.uint8)


def lit_pixels(image: TissueImage, level_yxc: Any, looks: Sequence[ChannelLook]) -> NDArray[np.uint8]:
    """Return (part of) a level of a picture as it is shown, ``(height, width, 3)``."""
    if image.rgb:
        return _bytes(np.asarray(level_yxc[..., :3]))
    shown = [number for number, look in enumerate(looks) if look.visible]
    return mix([level_yxc[..., number] for number in shown], [looks[number] for number in shown])


def _bytes(pixels_yxc: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels_yxc.dtype == np.uint8:
        return pixels_yxc
    top = 1.0 if pixels_yxc.dtype.kind == "f" else float(np.iinfo(pixels_yxc.dtype).max)
    return np.asarray((pixels_yxc.astype(np.float32) * (255.0 / top)).clip(0, 255), np.uint8)


def channel_words(image: TissueImage, looks: Sequence[ChannelLook]) -> str:
    """Say which light is which channel of a picture; nothing for a photograph or what is hidden."""
    if image.rgb:
        return ""
    names = {light: name for name, light in _LIGHT.items()}
    words = []
    for channel, look in enumerate(looks):
        if look.visible:
            title = channel_names(image)[channel]
            red, green, blue = (round(255 * part) for part in look.light)
            words.append(f"{title} in {names.get(look.light, f'#{red:02x}{green:02x}{blue:02x}')}")
    return ", ".join(words)
