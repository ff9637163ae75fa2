"""The perturbation dock pressed on real data: knock out, paint, arrows, a learned perturbation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.labels import read_labels
from glasscell.data.read import read
from glasscell.data.split import split
from glasscell.models.bundle_file import save_bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.registry import family

from .conftest import canvas_pixels, settled, spin, wait
from .test_contrast_dock import choose, press

pytestmark = [pytest.mark.gui, pytest.mark.real_data]


def opened(window: Callable[..., Any], path: Path, model: Path) -> Any:
    """Open a file with a model and bring the dock to the front."""
    shown = window(path)
    settled(shown.desk)
    shown.desk.session.load_model(model)
    settled(shown.desk)
    shown.raise_dock("Perturbation")
    spin(0.2)
    return shown


@pytest.mark.slow
def test_a_gene_of_the_cortex_is_knocked_out(
    window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    whole = read(real_data("dlpfc_151673.h5ad"))
    part = tmp_path / "part.h5ad"
    genes = [*range(0, 5000, 8), int(whole.genes.index("PCP4")), int(whole.genes.index("MBP"))]
    whole.adata[:, sorted(set(genes))].copy().write_h5ad(part)
    small = read(part)
    labels = read_labels(small, "layer")
    params = family("classifier").params(max_epochs=4)
    request = FitRequest(
        labels=labels, split=split(small, "blocks", labels=labels, n_folds=2), params=params, seed=1
    )
    shown = opened(window, part, save_bundle(fit(small, request), tmp_path / "model"))
    desk, view = shown.desk, shown.docks["Perturbation"].view
    before = canvas_pixels(shown.viewer)
    assert view.direction.findData("learned") < 0
    view.genes.setText("PCP4, MBP")
    choose(view.cells, "obs:layer=WM")
    press(view.ask)
    settled(desk)
    found = desk.session.latest("perturbation")
    truth = np.asarray(small.obs["layer"].astype(str))
    assert len(found.cells) == int((truth == "WM").sum())
    assert "expected by the model" in view.message.whole_text()
    assert "random genes of like expression" in view.evidence.whole_text()
    assert (canvas_pixels(shown.viewer) != before).any(axis=-1).mean() > 0.01
    assert np.nanmean(found.logit_change("WM")) < 0
    press(view.paint_flips)
    settled(desk)
    assert desk.session.state.colouring.channel.key == "flip"
    view.genes.setText("PCP4, no such gene")
    press(view.ask)
    settled(desk)
    assert "no such gene" in desk.session.messages[-1].text


@pytest.mark.slow
def test_a_learned_perturbation_is_given_to_control_cells(
    window: Callable[..., Any], real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    path = real_data("norman2019_3375x500.h5ad")
    cells = read(path)
    action = read_labels(cells, "perturbation")
    control = next(name for name in action.classes if "control" in name.casefold())
    params = family("ivae").params(max_epochs=6)
    request = FitRequest(family="ivae", action=action, control=control, params=params, seed=1)
    shown = opened(window, path, save_bundle(fit(cells, request), tmp_path / "model"))
    desk, view = shown.desk, shown.docks["Perturbation"].view
    choose(view.direction, "learned")
    assert view.action.isVisible()
    assert not view.genes.isVisible()
    assert view.action.findText(control) < 0
    place = next(at for at in range(view.action.count()) if "KLF1" in view.action.itemText(at))
    view.action.setCurrentIndex(place)
    choose(view.cells, f"obs:perturbation={control}")
    press(view.ask)
    settled(desk)
    found = desk.session.latest("perturbation")
    assert found.observed is not None
    assert "measured shift" in view.evidence.whole_text()
    embedding = next(name for name in desk.session.dataset.embeddings)
    desk.session.update(embedding=embedding)
    settled(desk)
    scatter = shown.docks["Embedding"].view
    wait(lambda: len(scatter.arrows.xData) > 0, 20, "the arrows")
    assert scatter.arrow_note.whole_text()
    view.changes.clicked.emit(view.changes.genes.index(0, 0))
    settled(desk)
    assert desk.session.state.colouring.channel.key.startswith("gene:")
    desk.session.update(channel=None)
    assert scatter.arrows.xData is None or len(scatter.arrows.xData) == 0
    teach(shown, "KLF1 once more", view.action.itemText(place))


def teach(shown: Any, name: str, known: str) -> None:
    """Teach the model what was done to the cells of a perturbation, and give it to the others."""
    desk, view = shown.desk, shown.docks["Perturbation"].view
    view.another.header.click()
    spin(0.1)
    assert view.learn.isVisible()
    choose(view.cells, f"obs:perturbation={known}")
    view.new_name.setText(name)
    press(view.learn)
    settled(desk)
    assert view.action.findText(name) >= 0
    assert desk.session.bundle.notes[-1].startswith(f"{name} was learnt after the training")
    net = desk.session.bundle.folds[0]
    effects = dict(zip(net.actions, net.parts()["effects"], strict=True))
    alike = {one: np.corrcoef(effects[name], effects[one])[0, 1] for one in net.actions if effects[one].any()}
    del alike[name]
    assert max(alike, key=lambda one: alike[one]) == known
    assert alike[known] > 0.7
    press(view.learn)
    settled(desk)
    assert "already" in desk.session.messages[-1].text
