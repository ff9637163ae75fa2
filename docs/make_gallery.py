"""Pictures of every dock with real content: ``.ci/display.py python docs/make_gallery.py [FOLDER]``.

The sample tissue is opened, prepared, learnt and explained by pressing the window's buttons; then every dock
that ``plugin/napari.yaml`` names is brought to the front, in both themes and at both sizes. Pictures go to
``docs/images/gallery``, the page that shows them is ``docs/gallery.md``. With FOLDER both go there instead.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.plugin.demo import Demo
    from glasscell.session.state import Colouring

    Scene = tuple[str | None, str | None, Colouring]  # model, explanation and colouring

DOCS = Path(__file__).resolve().parent
SIZES = ((1366, 768), (1920, 1080))
THEMES = ("dark", "light")
#: Of a WebP picture: small, while text stays sharp and colours true.
QUALITY = 82
#: Of all pictures together, four of each of thirteen docks.
LIMIT_BYTES = 8_000_000
#: Docks beside which the explained gene's attribution is shown, and those beside which the groups are.
EXPLAINED, GROUPED = ("Attribution", "Contrast", "Colour by"), ("Groups",)
#: Models of the dock that compares them.
SIDE_BY_SIDE = ("classifier", "spatial_attention")
GROUPS = (("Upper layers", ("L2", "L3")), ("Deep layers", ("L5", "L6")))


def main() -> int:
    """Make the pictures and the page; return an exit code."""
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    folder = base / "images" / "gallery"
    with tempfile.TemporaryDirectory() as own:
        os.environ["NAPARI_CONFIG"] = str(Path(own) / "napari.yaml")
        os.environ["GLASSCELL_STATE_FOLDER"] = own
        names, fresh = _docks(), Path(own) / "pictures"
        _take(names, fresh)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.webp"):
            old.unlink()
        for picture in fresh.iterdir():
            shutil.copyfile(picture, folder / picture.name)
    (base / "gallery.md").write_text(page(names), encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.glob("*.webp"))
    sys.stdout.write(f"{len(list(folder.glob('*.webp')))} pictures, {size / 1e6:.1f} MB, in {folder}\n")
    return 0 if size <= LIMIT_BYTES else 1


def page(names: Sequence[str]) -> str:
    """Write the page that shows the pictures."""
    lines = [
        "# Every dock",
        "",
        "The sample tissue with a classifier of its layers, explained; `make gallery` takes these pictures.",
        "Every picture shows the whole window; click one for its full size.",
    ]
    for name in names:
        lines += ["", f"## {name}", ""]
        for width, height in SIZES:
            lines += [f"| {width} x {height}, dark | light |", "|---|---|"]
            shown = (
                f"![{name}, {theme}, {width} x {height}](images/gallery/{_slug(name)}-{theme}-{width}.webp)"
                for theme in THEMES
            )
            lines += [f"| {' | '.join(shown)} |", ""]
        lines.pop()
    return "\n".join(lines) + "\n"


def _docks() -> list[str]:
    """Names of the docks, as the manifest lists them."""
    from npe2 import PluginManifest

    import glasscell.plugin

    manifest = PluginManifest.from_file(Path(glasscell.plugin.__file__).with_name("napari.yaml"))
    return [widget.display_name for widget in manifest.contributions.widgets or []]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _take(names: Sequence[str], folder: Path) -> None:
    from glasscell.data.sample import sample_path
    from glasscell.plugin.demo import Demo
    from glasscell.plugin.window import open_window

    folder.mkdir()
    window = open_window(sample_path())
    try:
        demo = Demo(window)
        demo.run()
        explained = _scene(demo)
        _group(demo)
        _compare(demo)
        scenes = dict.fromkeys(EXPLAINED, explained)
        scenes["Perturbation"] = _perturb(demo)
        scenes["Traversal"] = _traverse(demo)
        scenes["Attention"] = _attend(demo)
        scenes["Compare"] = _side_by_side(demo)
        for size in SIZES:
            window.viewer.window.resize(*size)
            demo.pause(1.0)
            window.arrange()
            for theme in THEMES:
                window.viewer.theme = theme
                demo.pause(0.5)
                for name in names:
                    _colour(demo, name, scenes)
                    _picture(demo, name, folder / f"{_slug(name)}-{theme}-{size[0]}.webp")
    finally:
        window.viewer.close()


def _group(demo: Demo) -> None:
    """Draw two groups of layers, as a lasso along the sample's layers would."""
    from glasscell.data.channel import ChannelRef
    from glasscell.data.selection import Category, Everything

    session = demo.window.desk.session
    for name, layers in GROUPS:
        session.update(selection=Category(ChannelRef("obs", "layer"), layers))
        session.grouping.add(name)
    session.update(selection=Everything())


def _compare(demo: Demo) -> None:
    """Compare the two groups where the window has a dock for it."""
    if "Contrast" not in demo.window.docks:
        return
    view = demo.show("Contrast")
    for box, (name, _) in zip((view.a, view.b), GROUPS, strict=True):
        place = next((i for i in range(box.count()) if name in box.itemText(i)), -1)
        if place >= 0:
            box.setCurrentIndex(place)
            box.activated.emit(place)
    demo.press(view.compare)
    demo.wait(lambda: not demo.window.desk.session.jobs.active, "comparing")
    demo.settle()


def _scene(demo: Demo) -> Scene:
    """Return the model, the explanation and the colouring that are shown now."""
    state = demo.window.desk.session.state
    return state.model, state.explanation, state.colouring


def _idle(demo: Demo, doing: str) -> None:
    demo.wait(lambda: not demo.window.desk.session.jobs.active, doing)
    demo.settle()


def _perturb(demo: Demo) -> Scene:
    """Knock two genes out of the deepest layers, with the classifier."""
    view = demo.show("Perturbation")
    view.genes.setText("PCP4, MBP")
    view.cells.setCurrentIndex(view.cells.findData("group:Deep layers"))
    demo.press(view.ask)
    _idle(demo, "perturbing")
    demo.press(view.paint_flips)
    _idle(demo, "painting")
    return _scene(demo)


def _traverse(demo: Demo) -> Scene:
    """Train a model whose factors add up, and move one of them."""
    session = demo.window.desk.session
    session.fit(family="additive_vae", params={"n_latent": 10, "max_epochs": 60})
    _idle(demo, "training the additive model")
    view = demo.show("Traversal")
    demo.press(view.sweep)
    _idle(demo, "sweeping")
    found = session.latest("traversal")
    view.slider_moved.emit(int(found.factors[0]), int(found.n_steps * 0.8), False)
    _idle(demo, "moving a factor")
    return _scene(demo)


def _attend(demo: Demo) -> Scene:
    """Train a model of neighbours, and ask who attends to whom."""
    session = demo.window.desk.session
    session.fit(family="spatial_attention")
    _idle(demo, "training the model of neighbours")
    view = demo.show("Attention")
    view.by.setCurrentIndex(view.by.findData("layer"))
    demo.press(view.ask)
    _idle(demo, "asking for attention")
    found = session.latest("attention")
    view.place_clicked.emit(found.groups[-1], found.columns[-1], "relative")
    _idle(demo, "painting attention")
    return _scene(demo)


def _side_by_side(demo: Demo) -> Scene:
    """Train two models side by side, look at the class they give, and colour by where they differ."""
    from qtpy.QtCore import Qt

    view = demo.show("Compare")
    for row in range(view.models.count()):
        item = view.models.item(row)
        if item.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            wanted = item.data(int(Qt.ItemDataRole.UserRole)) in SIDE_BY_SIDE
            item.setCheckState(Qt.CheckState.Checked if wanted else Qt.CheckState.Unchecked)
    view.labels.setCurrentIndex(view.labels.findData("layer"))
    view.labels.activated.emit(view.labels.currentIndex())
    view.seeds.setText("0, 1")
    demo.press(view.run)
    _idle(demo, "comparing models")
    view.pair.pair_chosen.emit("label", "", *(f"compared:{name}" for name in SIDE_BY_SIDE))
    demo.press(view.pair.paint)
    _idle(demo, "painting the difference")
    return _scene(demo)


def _colour(demo: Demo, name: str, scenes: Mapping[str, Scene]) -> None:
    """Colour the cells by what the dock is about, with its model."""
    from glasscell.data.channel import ChannelRef

    session = demo.window.desk.session
    model, explanation, colouring = scenes.get(name, (*scenes["Attribution"][:2], None))
    session.update(model=model, explanation=explanation, embedding="X_umap")
    if name == "Traversal":
        found = session.latest("traversal")
        view = demo.window.docks[name].view
        view.slider_moved.emit(int(found.factors[0]), int(found.n_steps * 0.8), False)
    if name == "Compare":
        from qtpy.QtWidgets import QScrollArea

        view = demo.window.docks[name].view
        view.widget.findChild(QScrollArea).ensureWidgetVisible(view.pair.own, 0, 120)
    if colouring is not None:
        session.update(colouring=colouring)
    elif name in GROUPED:
        session.grouping.colour_by()
    else:
        session.update(channel=ChannelRef("obs", "layer"))
    demo.pause(0.2)
    demo.wait(lambda: not session.jobs.active, "colouring")


def _picture(demo: Demo, name: str, path: Path) -> None:
    """Bring a dock to the front and take the whole window."""
    from qtpy.QtCore import QEvent
    from qtpy.QtWidgets import QApplication

    window = demo.window
    if name in window.docks:
        window.raise_dock(name)
        demo.wait(lambda: window.docks[name].view is not None, f"the dock {name}")
    else:  # a dock that the window leaves to the Plugins menu
        frame, _ = window.viewer.window.add_plugin_dock_widget("glasscell", name)
        frame.raise_()
    demo.settle()
    window.desk.tissue.canvas.main_window.statusBar().clearMessage()
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    _save(window.viewer.window.screenshot(flash=False, canvas_only=False), path)


def _save(pixels: Any, path: Path) -> None:
    """Write a small picture with true colours."""
    import numpy as np
    from PIL import Image

    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(path, quality=QUALITY, method=6)


if __name__ == "__main__":
    sys.exit(main())
