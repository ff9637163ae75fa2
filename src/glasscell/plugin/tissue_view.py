"""The tissue in napari."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from glasscell.plugin.canvas import Canvas
from glasscell.plugin.cell_layer import CellLayer
from glasscell.plugin.image_layer import add_images, swap_images
from glasscell.plugin.lasso import TissueLasso
from glasscell.plugin.overlay import CanvasOverlay
from glasscell.plugin.point_layer import PointLayers
from glasscell.views.sight import ChannelLook, Sight
from glasscell.views.view import TissueView

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from glasscell.jobs import JobRunner
    from glasscell.views.picture import TissuePicture


class NapariTissueView(TissueView):
    """Images and cells of a dataset on the canvas of a napari viewer.

    Parameters
    ----------
    viewer
        The viewer itself, not a proxy.
    runner
        Draws in its ``view`` lane.
    """

    captioned = Signal(str)
    pictured = Signal()  # another tissue, or another plane of it, is shown

    def __init__(self, viewer: Viewer, runner: JobRunner) -> None:
        self.canvas = Canvas(viewer)
        self.widget = self.canvas.native
        self.overlay = CanvasOverlay(self.canvas, self._on_left)
        self.cells = CellLayer(self.canvas, runner, self.overlay.update)
        self.points = PointLayers(self.canvas)
        self.lasso = TissueLasso(self.canvas, self.overlay, self._on_drawn, self._on_clicked)
        self._picture: TissuePicture | None = None
        self._images: tuple[Image, ...] = ()
        self._hovered: int | None = None
        self._home: tuple[float, ...] | None = None
        self.theme = self._ground()
        viewer.mouse_move_callbacks.append(self._on_moved)
        viewer.scene.camera.events.connect(self._on_camera)
        viewer.dims.events.order.connect(self._on_camera)
        viewer.canvas.events.background_color.connect(self._on_ground)
        viewer.canvas.events.size.connect(self._on_resized)

    def set_picture(self, picture: TissuePicture | None) -> None:
        """Draw another tissue; None empties the canvas of what we drew."""
        viewer = self.canvas.viewer
        self.cells.clear()
        for layer in self._images:
            if layer in viewer.layers:
                viewer.layers.remove(layer)
        self._images = ()
        self.overlay.set_mark(None)
        self.points.show(None)
        self._picture = picture
        self.pictured.emit()
        if picture is None:
            return
        self.canvas.set_unit(picture.unit, picture.microns_per_unit)
        self._images = add_images(self.canvas, picture)
        self.cells.show(picture)
        self.points.show(picture)
        viewer.canvas.overlays.scale_bar.visible = True
        self.go_home()

    @property
    def picture(self) -> TissuePicture | None:
        """What is drawn."""
        return self._picture

    def set_plane(self, picture: TissuePicture) -> None:
        """Draw another plane of the same tissue; the camera stays."""
        self._picture = picture
        if all(layer in self.canvas.viewer.layers for layer in self._images):
            swap_images(self._images, picture)
        self.cells.swap(picture)
        self.points.swap(picture)
        self.pictured.emit()

    def sight(self) -> Sight:
        """Tell plane, turn, and which layers are shown how, for a picture of the same on paper."""
        looks = iter([_look_of(layer) for layer in self._images])
        pictures = () if self._picture is None else self._picture.sections
        images = [image for section in pictures for image in section.images]
        counts = [1 if image.rgb else image.levels_yxc[0].shape[-1] for image in images]
        cells, (across, down) = self.cells.layers, self.canvas.signs
        return Sight(
            plane=None if self._picture is None else self._picture.plane,
            turned=self.canvas.turned,
            across=across,
            down=down,
            layers=tuple(tuple(islice(looks, count)) for count in counts),
            cells=float(cells[1].opacity) if cells is not None and cells[1].visible else 0.0,
            points=tuple(bool(layer.visible) for layer in self.points.layers),
            gene=self.points.gene,
        )

    def set_gene(self, gene: str | None) -> None:
        """Show the transcripts of one gene only; None for those of all."""
        self.points.set_gene(gene)

    def go_home(self) -> None:
        """Show every cell; napari's own Home also holds the margins of the images."""
        self.canvas.viewer.reset_view(layers=self.cells.layers)
        self._home = self._camera()

    def set_colours(self, table_u32: NDArray[np.uint32]) -> None:
        """Recolour the cells."""
        self.cells.set_colours(table_u32)

    def set_hovered(self, cell: int | None) -> None:
        """Ring one cell, or none."""
        picture = self._picture
        if picture is None or cell is None or not 0 <= cell < picture.n_cells:
            self.overlay.set_mark(None)
            return
        x, y = (float(v) for v in picture.positions_cd[cell])
        self.overlay.set_mark((x, y, float(picture.radius_c[cell])) if np.isfinite(x + y) else None)

    def set_caption(self, text: str) -> None:
        """Show one line at the top left of the canvas."""
        self.overlay.set_caption(text)
        self.captioned.emit(text)

    def set_stale(self, stale: bool) -> None:
        """Say that the colours are about to change."""
        self.overlay.set_badge("computing …" if stale else "")

    def close(self) -> None:
        """Take our hands off the viewer; layers stay."""
        viewer = self.canvas.viewer
        self.cells.close()
        self.lasso.close()
        if self._on_moved in viewer.mouse_move_callbacks:
            viewer.mouse_move_callbacks.remove(self._on_moved)
        viewer.scene.camera.events.disconnect(self._on_camera)
        viewer.dims.events.order.disconnect(self._on_camera)
        viewer.canvas.events.background_color.disconnect(self._on_ground)
        viewer.canvas.events.size.disconnect(self._on_resized)

    def _on_moved(self, viewer: Any, event: Any) -> None:
        self._hover(self.cells.pick(*self.canvas.event_point(event)))

    def _on_left(self) -> None:
        self._hover(None)

    def _hover(self, cell: int | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.cell_hovered.emit(cell)

    def _on_camera(self, event: Any = None) -> None:
        self.overlay.update()

    def _on_resized(self, event: Any = None) -> None:
        if self._picture is not None and self._home == self._camera():
            self.go_home()  # nobody has moved since everything was in sight, so it stays in sight

    def _camera(self) -> tuple[float, ...]:
        camera = self.canvas.viewer.scene.camera
        return (float(camera.zoom), *map(float, camera.center))

    def _on_drawn(self, outline_vd: NDArray[np.float64], mode: str) -> None:
        self.selection_drawn.emit(outline_vd, mode)

    def _on_clicked(self) -> None:
        self.selection_cleared.emit()

    def _on_ground(self, event: Any = None) -> None:
        self.overlay.update()
        ground = self._ground()
        if ground != self.theme:
            self.theme = ground
            self.theme_changed.emit()

    def _ground(self) -> str:
        """Whether the canvas is dark or light."""
        return "dark" if float(np.mean(self.canvas.viewer.canvas.background_color[:3])) < 0.5 else "light"


def _look_of(layer: Image) -> ChannelLook:
    """Read how a layer is shown; one taken out of the viewer keeps what it last was."""
    if layer.rgb:
        return ChannelLook(bool(layer.visible), opacity=float(layer.opacity))
    low, high = (float(value) for value in layer.contrast_limits)
    red, green, blue = (float(value) for value in layer.colormap.map(1.0).ravel()[:3])
    return ChannelLook(bool(layer.visible), low, high, (red, green, blue), float(layer.opacity))
