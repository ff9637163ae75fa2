"""The picture of a factor: plain names, grey ends, and the sentence that it is decoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

from glasscell.errors import DataError
from glasscell.explain.traversal import Traversal, traverse
from glasscell.figure.live import plan_picture, save_picture
from glasscell.figure.traversal import traversal_figure
from glasscell.jobs import QUIET
from glasscell.session import Session
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_latent import ToyLatent, latent_bundle


@pytest.fixture(scope="module")
def found() -> Traversal:
    dataset = planted_dataset(n_cells=80, n_genes=20)
    weights_zg = np.random.default_rng(0).normal(size=(3, 20))
    return traverse(
        dataset, latent_bundle(dataset, ToyLatent(weights_zg, [str(g) for g in dataset.genes.names]))
    )


def test_curves_are_the_changes_and_ends_are_grey(found: Traversal) -> None:
    sheet = traversal_figure(found, 1)
    curves, bars = sheet.axes
    texts = " ".join(text.get_text() for text in sheet.findobj() if hasattr(text, "get_text"))
    assert "Decoded, not measured" in texts.replace("\n", " ")
    assert "decoded change" in curves.get_ylabel()
    seen = [s for s in range(found.n_steps) if found.is_observed(1, s)]
    named = [line for line in curves.lines if line.get_label() in found.genes]
    assert len(named) == 10
    for line in named:
        expected = found.change_ksg[1, seen, found.gene(line.get_label())]
        np.testing.assert_allclose(line.get_ydata(), expected)
    unobserved = [line for line in curves.lines if len(line.get_xdata()) == found.n_steps]
    for line in unobserved:
        red, green, blue = (int(to_hex(line.get_color())[i : i + 2], 16) for i in (1, 3, 5))
        assert max(red, green, blue) - min(red, green, blue) < 30, "beyond the range curves are grey"
    assert len(bars.patches) >= 48


def test_names_are_plain_text(found: Traversal, tmp_path: Path) -> None:
    genes = ("$x_1$", *found.genes[1:])
    sheet = traversal_figure(replace(found, genes=genes, start_name="$a$ <b>b</b>"), 0)
    sheet.savefig(tmp_path / "plain.png")


def test_from_a_session_to_a_file(found: Traversal, tmp_path: Path) -> None:
    session = Session()
    session.open_dataset(planted_dataset(n_cells=80, n_genes=20))
    with pytest.raises(DataError, match="sweep the factors"):
        plan_picture(session, "traversal")
    session.hold("traversal", found)
    save_picture(session, "traversal", tmp_path / "t.svg").wait(60)
    assert (tmp_path / "t.svg").stat().st_size > 2000
    assert plan_picture(session, "traversal")(QUIET) is not None
    assert session.close()
