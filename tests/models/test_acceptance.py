"""The figures the project promises for its classifier, recomputed from what a bundle writes to disk."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.read import read
from glasscell.data.split import split
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.metric import macro_f1

pytestmark = [pytest.mark.acceptance, pytest.mark.real_data, pytest.mark.slow]
SEEDS = (0, 1, 2)


def train(dataset: Dataset, column: str, scheme: str, seed: int) -> Bundle:
    labels = read_labels(dataset, column)
    return fit(
        dataset, FitRequest(labels, split(dataset, scheme, n_folds=4, seed=seed, labels=labels), seed=seed)
    )


def predictions(bundle: Bundle, folder: Path) -> list[dict[str, str]]:
    with (save_bundle(bundle, folder) / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def accuracy(rows: list[dict[str, str]]) -> float:
    return float(np.mean([row["truth"] == row["prediction"] for row in rows]))


def f1_of(rows: list[dict[str, str]]) -> float:
    names = sorted({row["truth"] for row in rows} | {row["prediction"] for row in rows})
    codes = {name: code for code, name in enumerate(names)}
    return macro_f1(
        np.array([codes[row["truth"]] for row in rows]), np.array([codes[row["prediction"]] for row in rows])
    )


def tell(name: str, seed: int, bundle: Bundle) -> None:
    ours = bundle.metrics
    cheap = ", ".join(
        f"{key} {row.accuracy:.3f} / {row.macro_f1:.3f}" for key, row in bundle.baselines.items()
    )
    print(
        f"\n{name}, seed {seed}: accuracy {ours.accuracy:.3f}, macro-F1 {ours.macro_f1:.3f}, "
        f"calibration error {ours.calibration_error:.3f} ({cheap}); {bundle.provenance['seconds']} s"
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_dlpfc_layers_on_held_out_blocks(seed: int, real_data: Callable[[str], Path], tmp_path: Path) -> None:
    dataset = read(real_data("dlpfc_151673.h5ad"))
    bundle = train(dataset, "layer", "blocks", seed)
    tell("DLPFC 151673, 4 x 4 blocks", seed, bundle)
    rows = predictions(bundle, tmp_path)
    assert len(rows) == len({row["cell"] for row in rows}) == 3611
    folds_of_block: dict[str, set[str]] = {}
    for row in rows:
        folds_of_block.setdefault(row["block"], set()).add(row["fold"])
    assert len(folds_of_block) == 16
    assert all(len(folds) == 1 for folds in folds_of_block.values())
    assert accuracy(rows) == pytest.approx(bundle.metrics.accuracy)
    assert f1_of(rows) == pytest.approx(bundle.metrics.macro_f1)
    assert accuracy(rows) >= 0.72
    assert f1_of(rows) >= bundle.baselines["logistic"].macro_f1 - 0.05
    again = load_bundle(tmp_path)
    np.testing.assert_array_equal(again.cells.probabilities_ck, bundle.cells.probabilities_ck)


@pytest.mark.parametrize("seed", SEEDS)
def test_cell_lines_across_protocols(seed: int, real_data: Callable[[str], Path], tmp_path: Path) -> None:
    adata = read(real_data("mixology_3lines_celseq2_dropseq.h5ad")).adata
    dataset = Dataset(adata[adata.obs["demuxlet_cls"] == "SNG"].copy())
    assert dataset.n_cells == 450
    bundle = train(dataset, "cell_line", "obs:batch", seed)
    tell("Mixology, one protocol held out", seed, bundle)
    rows = predictions(bundle, tmp_path)
    protocols = {row["block"] for row in rows}
    assert len(protocols) == 2
    for protocol in sorted(protocols):
        figure = accuracy([row for row in rows if row["block"] == protocol])
        print(f"  trained on the other, tested on {protocol}: {figure:.3f}")
        assert figure >= 0.95


@pytest.mark.parametrize("seed", SEEDS)
def test_proteins_across_fields_of_view(seed: int, real_data: Callable[[str], Path]) -> None:
    dataset = read(real_data("mibitof_crc.sdata.zarr"))
    bundle = train(dataset, "Cluster", "obs:library_id", seed)
    tell("MIBI-TOF, one field of view held out", seed, bundle)
    assert bundle.metrics.n_cells == dataset.n_cells
    assert bundle.metrics.macro_f1 >= bundle.baselines["logistic"].macro_f1 - 0.05
    assert bundle.metrics.accuracy > bundle.baselines["majority"].accuracy + 0.2
