"""Edges that come in at the hovered cell, drawn over the tissue of a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.jupyter.overlay import EdgeLines
from glasscell.views.attention_edge import EdgePicture, EdgeView

if TYPE_CHECKING:
    from glasscell.jupyter.tissue import JupyterTissueView


class JupyterEdgeView(EdgeView):
    """Edges over a tissue.

    Parameters
    ----------
    tissue
        Where to draw.
    """

    def __init__(self, tissue: JupyterTissueView) -> None:
        self._tissue = tissue
        self.picture: EdgePicture | None = None

    def set_edges(self, picture: EdgePicture | None) -> None:
        """Draw the edges of one cell; None draws none. Cells without a place are left out."""
        self.picture, shown = picture, self._tissue.picture
        if picture is None or shown is None or picture.cell >= shown.n_cells:
            self._tissue.canvas.set_overlay(edges=None)
            return
        here_d, there_nd = shown.positions_cd[picture.cell], shown.positions_cd[picture.senders]
        ends = np.stack([there_nd, np.broadcast_to(here_d, there_nd.shape)], axis=1)
        self._tissue.canvas.set_overlay(edges=EdgeLines(np.asarray(ends, np.float64), picture))
