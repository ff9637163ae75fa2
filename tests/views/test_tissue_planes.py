"""Planes and transcripts through the tissue presenter, with fake views."""

from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.points import TissuePoints
from glasscell.data.tissue import Tissue, TissueSection
from glasscell.errors import DataError
from glasscell.views.tissue_presenter import describe_points

BOX = [(-1.0, -1.0), (9.0, -1.0), (9.0, 9.0), (-1.0, 9.0)]


def make(n_cells: int = 40, *, points: bool = True) -> Dataset:
    """Cells at two heights with transcripts; no cells at all when asked for."""
    rng = np.random.default_rng(0)
    var = pd.DataFrame(
        {"feature_name": ["Sox2", "Pax6", "Gad1"]}, index=[f"ENSG0000000000{i}" for i in range(1, 4)]
    )
    adata = ad.AnnData(rng.poisson(3, (n_cells, 3)).astype(np.float32), var=var)
    adata.obs_names = [f"c{i}" for i in range(n_cells)]
    heights: tuple[float, ...] = ()
    if n_cells:
        adata.obsm["spatial"] = rng.uniform(0, 8, (n_cells, 2))
        heights = (1.0, 2.0)
    rna = TissuePoints(
        "rna", rng.uniform(0, 8, (90, 2)), 300, np.arange(90, dtype=np.int32) % 3, ("Gad1", "Pax6", "Sox2")
    )
    section = TissueSection("one", radius=0.2, points=(rna,) if points else ())
    z_c = np.where(np.arange(n_cells) < 10, 1.0, 2.0)
    return Dataset(adata, tissue=Tissue((section,), z_c=z_c, heights=heights))


def test_a_lasso_in_one_plane_takes_the_cells_of_that_plane(window: Any) -> None:
    window.session.open_dataset(make())
    window.tissue.selection_drawn.emit(BOX, "replace")
    assert window.session.mask().sum() == 40
    window.tissue.plane_requested.emit(0)
    assert window.tissue.shown["picture"].plane == 0
    window.tissue.selection_drawn.emit(BOX, "replace")
    np.testing.assert_array_equal(np.flatnonzero(window.session.mask()), np.arange(10))
    window.session.undo()
    assert window.session.mask().sum() == 40, "undo takes back the lasso, not the plane"
    assert window.tissue.shown["picture"].plane == 0
    window.tissue.plane_requested.emit(None)
    assert window.tissue.shown["picture"].plane is None


def test_the_caption_tells_how_many_transcripts_of_which_gene(window: Any) -> None:
    window.session.open_dataset(make())
    window.settle()
    assert window.tissue.shown["caption"] == "showing 90 of 300 transcripts"
    window.session.update(channel=ChannelRef.make("gene", "ENSG00000000001"))
    window.settle()
    told = "Sox2: showing 30 of 300 transcripts (90 were drawn at random)"
    assert window.tissue.shown["caption"] == told
    window.tissue.plane_requested.emit(1)
    assert window.tissue.shown["caption"] == f"z = 2   {told}"
    whole = make(points=False)
    window.session.open_dataset(whole)
    assert window.tissue.shown["caption"] == ""


def test_no_cells_greys_what_learns_and_says_why(window: Any) -> None:
    window.session.open_dataset(make(0))
    window.settle()
    for view in (window.prepare, window.model, window.attribution):
        enabled, reason = view.shown["enabled"]
        assert not enabled
        assert reason.startswith("This file holds points and no cells")
    assert window.prepare.shown["report"] == "no cells, 300 transcripts (90 of them shown), 3 genes"
    window.session.update(channel=ChannelRef.make("gene", "Pax6"))
    window.settle()
    assert "Pax6: showing 30 of 300" in window.tissue.shown["caption"]
    window.tissue.selection_drawn.emit(BOX, "replace")
    assert window.tissue.shown["picture"].n_cells == 0


def test_a_table_without_cells_and_points_is_still_refused() -> None:
    with pytest.raises(DataError, match="it is empty"):
        make(0, points=False)


def test_nothing_is_told_where_there_is_nothing() -> None:
    from glasscell.views.picture import resolve_tissue

    picture = resolve_tissue(make(points=False))
    assert picture is not None
    assert describe_points(picture) == ""
