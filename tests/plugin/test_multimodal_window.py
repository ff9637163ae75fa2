"""TOTALVI and MULTIVI in the real window: stopped, trained, saved, opened, explained by kind of counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glasscell.data.modality import CHROMATIN, PROTEIN
from glasscell.explain.modality_share import noted_shares
from glasscell.testing.two_modalities import make_two_modalities

from .family_walk import FamilyWalk

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")
pytestmark = [pytest.mark.gui, pytest.mark.slow, pytest.mark.timeout(900)]
TINY = {"n_hidden": 16, "n_latent": 3, "n_layers": 1, "max_epochs": 4, "batch_size": 64}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("key", "kind"), [("totalvi", PROTEIN), ("multivi", CHROMATIN)])
def test_two_kinds_by_the_buttons(window: Callable[..., Any], tmp_path: Path, key: str, kind: str) -> None:
    made_up = make_two_modalities(0.5, n_cells=300, modality=kind)
    made_up.dataset.adata.write_h5ad(tmp_path / "both.h5ad")
    walk = FamilyWalk(window(tmp_path / "both.h5ad"), key, **TINY)
    view = walk.cancel()
    walk.train()
    walk.keep(tmp_path / "kept")
    other = "multivi" if key == "totalvi" else "totalvi"
    view.family.setCurrentIndex(view.family.findData(other))
    assert not view.train.isEnabled(), "the file has one of the two kinds only"
    assert "learns from RNA and" in view.reason.text()
    shares = noted_shares(walk.explain("latent:0", ranked=False))
    assert set(shares) == {"RNA", kind}
    assert sum(shares.values()) == pytest.approx(1.0)
