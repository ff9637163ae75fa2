"""Figures: what is drawn is what the window shows, honest at its ends, and plain text from the data."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from glasscell.cli.app import run
from glasscell.data.channel import CellValues
from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.figure.cell import CellLook, embedding_figure, tissue_figure
from glasscell.figure.chart import curve_figure, metrics_figure, ranking_figure
from glasscell.figure.key import scale_length
from glasscell.figure.page import figure_bytes, save_figure
from glasscell.figure.pick import channel_named, look_of
from glasscell.testing.planted import tiny_adata
from glasscell.views.colour import colour_table
from glasscell.views.row import Curve, MetricRow, RankingRow

ROW = RankingRow(1, "G", 1.0, 0.7, 0.3, 2, 30, 1.0)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset(tiny_adata())


def words(sheet: object) -> str:
    root = ET.fromstring(figure_bytes(sheet, ".svg"))  # type: ignore[arg-type]
    return "\n".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))


def test_the_tissue_is_the_raster_of_the_window_in_its_colours(dataset: Dataset) -> None:
    look = look_of(dataset, "label")
    sheet = tissue_figure(dataset, look)
    drawn = np.asarray(sheet.axes[0].images[0].get_array())
    table = colour_table(look.values, theme="light").table_u32  # type: ignore[arg-type]
    colours = set(drawn.reshape(-1, 4).copy().view("<u4").ravel().tolist())
    assert colours <= set(table.tolist())
    assert len(colours) == len(look.values.categories) + 1  # type: ignore[union-attr]
    assert sheet.axes[0].get_ylim()[0] > sheet.axes[0].get_ylim()[1], "rows run down as in the window"


def test_legend_counts_cells_and_says_what_grey_and_missing_mean(dataset: Dataset) -> None:
    codes = np.zeros(dataset.n_cells, np.int32)
    codes[:7] = -1
    selected = np.ones(dataset.n_cells, bool)
    selected[-5:] = False
    values = CellValues("kind", codes=codes, categories=("<b>$x$",))
    text = words(tissue_figure(dataset, CellLook(values, selected)))
    assert "<b>$x$" in text, "a name from the data is plain text, no markup and no formula"
    assert "no value (7)" in text
    assert "not selected (5" in text


def test_a_number_has_unit_and_marked_clipping(dataset: Dataset) -> None:
    numbers = np.arange(dataset.n_cells, dtype=np.float32)
    values = CellValues("n", unit="beans", values=numbers)
    text = words(embedding_figure(dataset, CellLook(values)))
    assert "beans" in text
    assert "clipped: 2 below" in text
    wide = CellLook(values, None, look_of(dataset, "score", None, (-1, 1000)).colouring)
    assert "clipped" not in words(embedding_figure(dataset, wide)), "the impostor: nothing lies outside"


def test_signed_values_are_centred_whatever_limits_are_asked_for(dataset: Dataset) -> None:
    values = CellValues("a", values=np.linspace(-1, 3, dataset.n_cells, dtype=np.float32), centre=0.0)
    look = CellLook(values, None, look_of(dataset, "score", None, (-1, 2)).colouring)
    ticks = [axes for axes in tissue_figure(dataset, look).axes if axes.get_ylim() == (-2.0, 2.0)]
    assert len(ticks) == 1


@pytest.mark.parametrize(("width", "length"), [(4000, 1000), (399, 50), (1.0, 0.2), (22000, 5000)])
def test_the_scale_bar_is_a_round_length(width: float, length: float) -> None:
    assert scale_length(width) == pytest.approx(length)


def test_the_scale_bar_is_as_long_as_it_says(dataset: Dataset) -> None:
    axes = tissue_figure(dataset).axes[0]
    bar = next(line for line in axes.lines if line.get_gid() == "scale-bar")
    text = next(t.get_text() for t in axes.texts)
    number, unit = text.split()
    share = float(np.ptp(np.asarray(bar.get_xdata())))
    span = float(np.ptp(axes.get_xlim())) * (dataset.tissue.microns_per_unit or 1.0)
    assert share * span == pytest.approx(float(number) * (1000 if unit == "mm" else 1))


def test_a_ranking_without_evidence_is_not_drawn() -> None:
    text = words(ranking_figure([ROW], "over 3 cells, held out", "logit"))
    assert "30" in text
    assert "logit" in text
    bare = RankingRow(1, "G", 1.0, 0.7, 0.3, None, None, None)
    with pytest.raises(DataError, match="no evidence"):
        ranking_figure([bare], "", "logit")
    with pytest.raises(DataError, match="no ranking"):
        ranking_figure([], "", "logit")


def test_scores_are_not_drawn_without_baselines() -> None:
    own, other = (
        MetricRow("classifier", 0.8, 0.7, 0.1, "blocks", False),
        MetricRow("majority", 0.2, 0.1, None, "blocks", True),
    )
    assert "majority" in words(metrics_figure([own, other]))
    with pytest.raises(DataError, match="baselines"):
        metrics_figure([own])


def test_curves_need_epochs() -> None:
    assert "fold 0" in words(curve_figure([Curve("fold 0", (2.0, 1.0), (2.0,))]))
    with pytest.raises(DataError, match="train a model"):
        curve_figure([])


def test_the_same_picture_is_the_same_file(dataset: Dataset, tmp_path: Path) -> None:
    first = figure_bytes(tissue_figure(dataset), ".svg")
    assert first == figure_bytes(tissue_figure(dataset), ".svg")
    save_figure(tissue_figure(dataset), tmp_path / "a.png", 60)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(DataError, match=r"\.svg or \.png"):
        save_figure(tissue_figure(dataset), tmp_path / "a.gif")


def test_names_are_found_and_others_refused(dataset: Dataset) -> None:
    gene = str(dataset.genes.symbols[0])
    assert channel_named(dataset, "label").kind == "obs"
    assert channel_named(dataset, gene).kind == "gene"
    with pytest.raises(DataError, match="neither an obs column nor a gene"):
        channel_named(dataset, "nothing")


def test_matplotlib_settings_of_the_caller_stay(dataset: Dataset) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    figure_bytes(tissue_figure(dataset), ".svg")
    assert dict(mpl.rcParams) == before


def test_the_shell_draws(tmp_path: Path) -> None:
    path = tmp_path / "t.h5ad"
    tiny_adata().write_h5ad(path)
    for what in ("tissue", "embedding"):
        out = tmp_path / f"{what}.svg"
        assert run(["figure", str(path), "--what", what, "--colour", "label", "--out", str(out)]) == 0
        assert ET.parse(out).getroot().tag.endswith("svg")
    assert run(["figure", str(path), "--what", "moon"]) == 2
    assert run(["figure", str(path), "--what", "curve"]) == 2
    assert run(["figure", str(path), "--out", str(tmp_path / "x.gif")]) == 3
