"""The pictures under the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.views.sight import N_SHOWN, channel_colour, channel_limits

if TYPE_CHECKING:
    from napari.layers import Image

    from glasscell.data.tissue import TissueImage
    from glasscell.plugin.canvas import Canvas
    from glasscell.views.picture import TissuePicture


def add_images(canvas: Canvas, picture: TissuePicture) -> tuple[Image, ...]:
    """Add the images of every section at its place.

    A photograph becomes one layer, any other picture one layer a channel, of which the first three are shown.
    """
    layers: list[Image] = []
    many = len(picture.sections) > 1
    for section in picture.sections:
        for place, image in enumerate(section.images):
            name = f"{section.name}: {image.name}" if many else image.name
            layers += _add(canvas, image, name, shown=place == 0)
    return tuple(layers)


def _add(canvas: Canvas, image: TissueImage, name: str, *, shown: bool) -> list[Image]:
    options: dict[str, Any] = {"affine": canvas.affine(image.scale, image.translate), "units": canvas.units}
    if image.rgb:
        return [canvas.viewer.add_image(_levels(image, None), name=name, rgb=True, visible=shown, **options)]
    n_channels = image.levels_yxc[0].shape[-1]
    layers = []
    for channel in range(n_channels):
        label = image.channels[channel] if channel < len(image.channels) else str(channel)
        levels = _levels(image, channel)
        layer = canvas.viewer.add_image(
            levels,
            name=name if n_channels == 1 else f"{name}: {label}",
            colormap=channel_colour(channel, n_channels),
            blending="translucent_no_depth" if channel == 0 else "additive",
            contrast_limits=channel_limits(levels[-1] if isinstance(levels, list) else levels),
            visible=shown and channel < N_SHOWN,
            **options,
        )
        layers.append(layer)
    return layers


def swap_images(layers: tuple[Image, ...], picture: TissuePicture) -> None:
    """Show another plane of each picture in the layers that `add_images` made; contrast and colours stay."""
    images = [
        (image, None if image.rgb else channel)
        for section in picture.sections
        for image in section.images
        for channel in range(1 if image.rgb else image.levels_yxc[0].shape[-1])
    ]
    for layer, (image, channel) in zip(layers, images, strict=True):
        if image.planes:
            layer.data = _levels(image, channel)


def _levels(image: TissueImage, channel: int | None) -> Any:
    """Give the picture as napari wants it: an array, or a list of arrays when it is a pyramid."""
    levels = [level if channel is None else level[..., channel] for level in image.levels_yxc]
    return levels if len(levels) > 1 else levels[0]
