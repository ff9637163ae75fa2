"""DRVI, SCVIVA and VELOVI in the real window: stopped, trained, saved, opened, explained, coloured by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.splicing import join_splicing
from glasscell.models.registry import family
from glasscell.testing.splicing import make_spliced_cells

from .conftest import search_for
from .family_walk import FamilyWalk, some_blood

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")
pytestmark = [
    pytest.mark.gui,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
TINY = {"n_hidden": 16, "n_latent": 3, "max_epochs": 4, "batch_size": 64}


@pytest.mark.real_data
def test_niches_of_cortex_by_the_buttons(
    window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    import anndata as ad

    whole = ad.read_h5ad(real_data("starmap_v1_BY3_1207x1020.h5ad"))
    total = np.asarray(whole.X.sum(axis=0)).ravel()
    whole[:, np.sort(np.argsort(-total)[:200])].copy().write_h5ad(tmp_path / "cortex.h5ad")
    walk = FamilyWalk(window(tmp_path / "cortex.h5ad"), "scviva", "cell_type", **TINY)
    view = walk.cancel()
    assert view.labels.isVisible(), "it is told what kind each cell is"
    bundle, session = walk.train(), walk.session
    net = bundle.folds[0]
    assert net.label_column == "cell_type"
    kind = net.types[0]
    search_for(walk.shown, f"{kind}: share expected around")
    assert session.state.colouring.channel.kind == "niche"
    values = session.resolve(session.state.colouring.channel).values
    assert 0 <= np.nanmin(values.values) < np.nanmax(values.values) <= 1
    walk.keep(tmp_path / "kept")
    walk.explain("latent:0", ranked=False)
    walk.explain(f"niche:{kind}", ranked=False)


def test_velocities_by_the_buttons(window: Callable[..., Any], tmp_path: Path) -> None:
    joined = join_splicing(make_spliced_cells(300, 20).adata)
    joined.write_h5ad(tmp_path / "moments.h5ad")
    walk = FamilyWalk(window(tmp_path / "moments.h5ad"), "velovi", **TINY)
    view = walk.cancel()
    assert not view.labels.isVisible()
    bundle, session = walk.train(), walk.session
    gene = bundle.folds[0].moving[0]
    search_for(walk.shown, f"{gene}: velocity")
    assert session.state.colouring.channel.kind == "velocity"
    assert session.resolve(session.state.colouring.channel).values.centre == 0
    walk.keep(tmp_path / "kept")
    walk.explain("latent:0", ranked=False)
    walk.explain(f"velocity:{gene}", ranked=False)


@pytest.mark.real_data
def test_drvi_by_the_buttons_or_greyed(
    window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    shown = window(some_blood(real_data("pbmc3k.h5ad"), tmp_path, n_genes=200, every=8))
    absent = getattr(family("drvi"), "why_not", "")
    if absent:
        shown.raise_dock("Model")
        view = shown.docks["Model"].view
        row = view.family.findData("drvi")
        assert "not here" in view.family.itemText(row) or not view.family.model().item(row).isEnabled()
        pytest.skip(absent)
    walk = FamilyWalk(shown, "drvi", **TINY)
    walk.cancel()
    walk.train()
    walk.keep(tmp_path / "kept")
    walk.explain("latent:0", ranked=False)
