"""Transcripts and other points over the cells, as napari points whose number is told in their name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from napari.layers import Points
    from numpy.typing import NDArray

    from glasscell.data.points import TissuePoints
    from glasscell.plugin.canvas import Canvas
    from glasscell.views.picture import TissuePicture

#: Size of a point as a fraction of the longer side of the tissue.
POINT_SIZE = 1 / 500
POINT_COLOUR = "#ffb000"


class PointLayers:
    """One napari layer for each set of points of a tissue; the first is shown, the others wait.

    Parameters
    ----------
    canvas
        Where to draw.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._picture: TissuePicture | None = None
        self._gene: str | None = None
        self._layers: tuple[Points, ...] = ()

    @property
    def layers(self) -> tuple[Points, ...]:
        """Those that are still in the viewer."""
        return tuple(layer for layer in self._layers if layer in self._canvas.viewer.layers)

    @property
    def gene(self) -> str | None:
        """Gene whose transcripts alone are shown."""
        return self._gene

    def show(self, picture: TissuePicture | None) -> None:
        """Draw the points of another tissue; None draws none."""
        for layer in self.layers:
            self._canvas.viewer.layers.remove(layer)
        self._layers, self._picture, self._gene = (), picture, None
        if picture is None:
            return
        x0, y0, x1, y1 = picture.bounds
        size = max(x1 - x0, y1 - y0) * POINT_SIZE
        self._layers = tuple(
            self._canvas.viewer.add_points(
                points.positions_pd[:, ::-1],
                name=f"{points.name}: {points.told()}",
                features=_features(points),
                size=size,
                border_width=0,
                symbol="disc",
                face_color=POINT_COLOUR,
                border_color=POINT_COLOUR,  # napari blends it into small points even at width 0
                antialiasing=0,
                opacity=0.8,
                affine=self._canvas.affine((1.0, 1.0), (0.0, 0.0)),
                units=self._canvas.units,
                visible=place == 0,
            )
            for place, points in enumerate(picture.points)
        )
        for layer in self._layers:
            layer.editable = False

    def swap(self, picture: TissuePicture) -> None:
        """Show another plane of the same tissue."""
        self._picture = picture
        self._update()

    def set_gene(self, gene: str | None) -> None:
        """Show the transcripts of one gene only; None for those of all."""
        if gene != self._gene:
            self._gene = gene
            self._update()

    def _update(self) -> None:
        picture = self._picture
        if picture is None:
            return
        masks: tuple[NDArray[np.bool_], ...] = picture.shown_points(self._gene)
        for layer, points, shown in zip(self._layers, picture.points, masks, strict=True):
            _put(layer, points, shown)
            of_gene = f" of {self._gene}" if self._gene is not None and points.genes else ""
            layer.name = f"{points.name}{of_gene}: {points.told(int(shown.sum()))}"


def _features(points: TissuePoints) -> dict[str, NDArray[Any]]:
    return {"gene": points.gene_names()} if points.genes else {}


def _put(layer: Points, points: TissuePoints, shown: NDArray[np.bool_]) -> None:
    """Put only some points into a layer: napari 0.9 ignores ``shown`` where there is no slider."""
    if len(layer.data) == int(shown.sum()) and shown.all():
        return
    colour = layer.face_color[0] if len(layer.data) else POINT_COLOUR
    size = float(layer.size[0]) if len(layer.data) else float(layer.current_size)
    layer.data = points.positions_pd[shown][:, ::-1]
    layer.features = {name: values[shown] for name, values in _features(points).items()}
    layer.size, layer.border_width = size, 0
    layer.face_color = layer.border_color = colour
    layer.current_size = size
    layer.editable = False
