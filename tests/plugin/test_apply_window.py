"""A model of one slide applied to another by the buttons of the Model dock."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.labels import read_labels
from glasscell.data.read import read
from glasscell.data.split import split
from glasscell.models.bundle_file import save_bundle
from glasscell.models.classifier.family import ClassifierParams
from glasscell.models.fit import FitRequest, fit

from .conftest import canvas_pixels, settled, spin
from .test_contrast_dock import press

pytestmark = [pytest.mark.gui, pytest.mark.real_data, pytest.mark.slow]


@pytest.fixture
def half_genes(real_data: Callable[[str], Path], tmp_path: Path) -> tuple[Path, Path]:
    """Return DLPFC with every second gene, and a short model of the layers on all of them."""
    whole = read(real_data("dlpfc_151673.h5ad"))
    labels = read_labels(whole, "layer")
    params = ClassifierParams(max_epochs=3)
    request = FitRequest(
        labels=labels, split=split(whole, "blocks", labels=labels, n_folds=2), params=params, seed=3
    )
    folder = save_bundle(fit(whole, request), tmp_path / "model")
    part = tmp_path / "half.h5ad"
    whole.adata[:, ::2].copy().write_h5ad(part)
    return part, folder


def test_a_model_is_applied_to_another_file(
    window: Callable[..., Any], half_genes: tuple[Path, Path]
) -> None:
    part, folder = half_genes
    shown = window(part)
    desk, session = shown.desk, shown.desk.session
    settled(desk)
    before = canvas_pixels(shown.viewer)
    session.load_model(folder)
    settled(desk)
    shown.raise_dock("Model")
    spin(0.1)
    check = shown.docks["Model"].view.preflight
    assert any("2,500 of the model's 5,000 genes" in line for line in check.applying.texts), (
        check.applying.texts
    )
    check._applying_fold.set_open(True)
    press(check.apply)
    settled(desk)
    channel = session.state.colouring.channel
    assert channel is not None
    assert channel.kind == "applied"
    after = canvas_pixels(shown.viewer)
    assert (before != after).any(axis=-1).mean() > 0.02
    applied = session.store.get(("applied", str(channel.param("applied"))))
    truth = np.asarray(session.dataset.obs["layer"].astype(str))
    named = np.array(applied.classes)[applied.codes]
    known = truth != "nan"
    assert (named[known] == truth[known]).mean() > 0.5
    assert "2,500" in check.notes.whole_text()
