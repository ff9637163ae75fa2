"""The shell: one JSON object alone on stdout, files as documented, one sentence for what is wrong."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from glasscell.cli.app import run
from glasscell.testing.planted import tiny_adata

Shell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run one command and give its exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def tissue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "tissue.h5ad"
    adata = tiny_adata(n_cells=400, n_genes=60, seed=0)
    adata.obs["one_class"] = "all"
    del adata.obs["section"], adata.obs["donor"]
    adata.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def model(tissue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "m"
    quick = ("--set", "max_epochs=15")
    assert (
        run(
            [
                "fit",
                str(tissue),
                "--labels",
                "label",
                "--split",
                "blocks",
                "--out",
                str(folder),
                *quick,
                "--json",
            ]
        )
        == 0
    )
    return folder


def test_info_is_one_json_object(shell: Shell, tissue: Path) -> None:
    code, out, _ = shell("info", tissue, "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["n_cells"], facts["n_genes"]) == (400, 60)
    assert facts["report"].startswith("400 cells")


def test_fit_prints_what_it_promises(shell: Shell, tissue: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    code, out, err = shell(
        "fit",
        tissue,
        "--labels",
        "label",
        "--split",
        "blocks",
        "--out",
        folder,
        "--set",
        "max_epochs=10",
        "--json",
    )
    assert code == 0, err
    result = json.loads(out)
    assert set(result["metrics"]) == {"accuracy", "macro_f1", "calibration_error"}
    assert {"majority", "logistic", "coordinates"} == set(result["baselines"])
    assert all(set(row) == {"accuracy", "macro_f1"} for row in result["baselines"].values())
    assert {"split", "n_cells", "n_genes", "device", "seconds"} <= set(result)
    table = pd.read_csv(folder / "predictions.csv")
    assert list(table.columns) == ["cell", "fold", "block", "truth", "prediction", "probability"]
    assert np.isclose((table["truth"] == table["prediction"]).mean(), result["metrics"]["accuracy"])
    assert len(table[["block", "fold"]].drop_duplicates()) == table["block"].nunique()


def test_explain_prints_the_ranking_and_writes_the_result(
    shell: Shell, tissue: Path, model: Path, tmp_path: Path
) -> None:
    from glasscell.explain.store import read_back

    target = json.loads((model / "model.json").read_text())["classes"][0]
    result_path = tmp_path / "result.h5ad"
    code, out, err = shell(
        "explain", tissue, "--model", model, "--target", f"class:{target}", "--cells", f"label={target}",
        "--top", 7, "--json", "--out", result_path, "--set", "steps=256",
    )  # fmt: skip
    assert code == 0, err
    result = json.loads(out)
    assert len(result["top"]) == 7
    assert set(result["top"][0]) == {"gene", "value", "mean_difference_rank", "twin_rank", "rank_spread"}
    assert result["method"] == "integrated_gradients"
    assert result["baseline"] == "other_classes"
    assert result["completeness_gap"] < 0.01
    assert result["checks"]
    (stored,) = read_back(anndata.read_h5ad(result_path))
    assert list(stored.genes) == [row["gene"] for row in result["top"]]


def test_prepare_writes_an_embedding(shell: Shell, tissue: Path, tmp_path: Path) -> None:
    code, _, err = shell("prepare", tissue, "--out", tmp_path / "prepared.h5ad")
    assert code == 0, err
    assert "X_umap" in anndata.read_h5ad(tmp_path / "prepared.h5ad").obsm


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("info", "nowhere.h5ad"), 3, "nowhere.h5ad"),
        (("fit", "TISSUE", "--labels", "lable", "--out", "OUT"), 3, "did you mean label"),
        (("fit", "TISSUE", "--labels", "one_class", "--out", "OUT"), 3, "two classes"),
        (("fit", "TISSUE", "--labels", "label", "--out", "OUT", "--set", "hidden"), 2, "name=value"),
        (("fit", "TISSUE", "--labels", "label", "--out", "OUT", "--set", "hiden=3"), 2, "hiden"),
        (("fit", "TISSUE", "--labels", "label", "--out", "OUT", "--set", "hidden=0"), 2, "Hidden units"),
        (("fit", "TISSUE", "--labels", "label", "--out", "OUT", "--split", "donor"), 3, "two donors"),
        (("fit", "TISSUE", "--labels", "label", "--out", "OUT", "--model", "oracle"), 5, "oracle"),
        (("explain", "TISSUE", "--model", "OUT", "--target", "class:a"), 4, "model"),
        (("explain", "TISSUE", "--model", "MODEL", "--target", "class:nobody"), 5, "nobody"),
        (
            ("explain", "TISSUE", "--model", "MODEL", "--target", "class:K1", "--cells", "label=nobody"),
            3,
            "nobody",
        ),
        (("fit", "TISSUE"), 2, "--out"),
        (("fit", "TISSUE", "--out", "OUT"), 2, "--labels"),
    ],
)
def test_wrong_use_is_one_sentence(
    shell: Shell, tissue: Path, model: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    places = {"TISSUE": str(tissue), "OUT": str(tmp_path / "out"), "MODEL": str(model)}
    found, out, err = shell(*(places.get(argument, argument) for argument in arguments))
    assert found == code, err
    assert words in err.replace("\n", " ")
    assert "Traceback" not in err
    assert not out
    assert not (tmp_path / "out" / "model.json").exists()


def broken(folder: Path) -> dict[str, Path]:
    """Write one file for each way a file can be broken."""
    made = {name: folder / f"{name}.h5ad" for name in ("empty", "cut", "nan", "flat", "zero_rows")}
    made["empty"].write_bytes(b"")
    whole = tiny_adata(n_cells=400, n_genes=60, seed=1)
    whole.write_h5ad(made["cut"])
    os.truncate(made["cut"], made["cut"].stat().st_size // 2)
    spoiled = whole.copy()
    spoiled.X = np.asarray(spoiled.X.todense() if hasattr(spoiled.X, "todense") else spoiled.X, np.float32)
    spoiled.X[3, 4] = np.nan
    spoiled.write_h5ad(made["nan"])
    flat = whole.copy()
    del flat.obsm["spatial"]
    flat.write_h5ad(made["flat"])
    zero = whole.copy()
    zero.X = np.asarray(zero.X.todense() if hasattr(zero.X, "todense") else zero.X, np.float32)
    zero.X[:5] = 0
    zero.write_h5ad(made["zero_rows"])
    return made


@pytest.mark.parametrize(
    ("name", "command", "words"),
    [
        ("empty", ("info",), "empty"),
        ("cut", ("info",), "cut"),
        ("nan", ("fit", "--labels", "label", "--out", "OUT"), "NaN"),
        ("flat", ("fit", "--labels", "label", "--split", "blocks", "--out", "OUT"), "no positions"),
    ],
)
def test_broken_files_are_one_sentence(
    shell: Shell, tmp_path: Path, name: str, command: tuple[str, ...], words: str
) -> None:
    path = broken(tmp_path)[name]
    before = path.read_bytes()
    verb, *rest = (str(tmp_path / "out") if word == "OUT" else word for word in command)
    code, out, err = shell(verb, path, *rest)
    assert code == 3, err
    assert words.lower() in err.replace("\n", " ").lower()
    assert "Traceback" not in err
    assert not out
    assert path.read_bytes() == before


def test_cells_without_counts_are_kept(shell: Shell, tmp_path: Path) -> None:
    path = broken(tmp_path)["zero_rows"]
    code, _, err = shell(
        "fit",
        path,
        "--labels",
        "label",
        "--split",
        "random",
        "--out",
        tmp_path / "m",
        "--set",
        "max_epochs=3",
        "--json",
    )
    assert code == 0, err
    table = pd.read_csv(tmp_path / "m" / "predictions.csv")
    assert len(table) == 400
    assert table["probability"].notna().all()


def test_duplicate_genes_are_told_and_told_apart(shell: Shell, tmp_path: Path) -> None:
    adata = tiny_adata(n_cells=400, n_genes=60, seed=1)
    adata.var_names = [adata.var_names[1], *adata.var_names[1:]]
    adata.write_h5ad(tmp_path / "twice.h5ad")
    code, out, err = shell("info", tmp_path / "twice.h5ad", "--json")
    assert code == 0, err
    facts = json.loads(out)
    assert facts["n_genes"] == 60
    assert any(adata.var_names[1] in sentence for sentence in facts["problems"])
    done = ("--labels", "label", "--split", "blocks", "--set", "max_epochs=2", "--out", tmp_path / "m")
    assert shell("fit", tmp_path / "twice.h5ad", *done)[0] == 0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("as_text", [False, True], ids=["integers", "text"])
def test_ids_of_masks_and_cells_without_a_mask(shell: Shell, tmp_path: Path, as_text: bool) -> None:
    spatialdata = pytest.importorskip("spatialdata")
    geopandas, shapely = pytest.importorskip("geopandas"), pytest.importorskip("shapely")
    adata = tiny_adata(n_cells=40, n_genes=30, seed=1)
    adata.obs["region"] = pd.Categorical(["cells"] * 40)
    keys = [f"cell-{i}" for i in range(40)] if as_text else list(range(40))
    adata.obs["instance"] = keys
    table = spatialdata.models.TableModel.parse(
        adata, region="cells", region_key="region", instance_key="instance"
    )
    squares = [shapely.box(2 * i, 0, 2 * i + 1, 1) for i in range(38)]
    frame = geopandas.GeoDataFrame(geometry=squares, index=[*reversed(keys[3:]), "nobody" if as_text else 99])
    shapes = spatialdata.models.ShapesModel.parse(frame)
    spatialdata.SpatialData(shapes={"cells": shapes}, tables={"table": table}).write(tmp_path / "s.zarr")
    code, out, err = shell("info", tmp_path / "s.zarr", "--json")
    assert code == 0, err
    problems = json.loads(out)["problems"]
    assert any("3 of 40 cells have no shape" in sentence for sentence in problems), problems
    assert any("1 of 38 shapes have no cell" in sentence for sentence in problems), problems


def test_a_full_disk_loses_nothing(
    shell: Shell, tissue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "prepared.h5ad"
    target.write_bytes(b"the old file")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = shell("prepare", tissue, "--out", target)
    assert code == 3, err
    assert "space" in err.lower() or "full" in err.lower()
    assert target.read_bytes() == b"the old file"
    assert [path.name for path in tmp_path.iterdir()] == ["prepared.h5ad"]


def test_fit_without_labels_writes_latents_and_figures(shell: Shell, tissue: Path, tmp_path: Path) -> None:
    from glasscell.models.bundle_file import load_bundle

    folder, fast = tmp_path / "vae", ("--set", "max_epochs=3", "--set", "hidden=16")
    code, out, err = shell("fit", tissue, "--model", "vae", "--out", folder, *fast, "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["metrics"] == result["baselines"] == {}
    assert list(result["figures"]) == ["vae", "gene mean x size"]
    latent_cz = load_bundle(folder).cells.latent_cz
    assert latent_cz is not None
    assert latent_cz.shape == (400, 10)
    code, out, _ = shell(
        "fit", tissue, "--model", "vae", "--out", folder, *fast, "--batch", "label", "--force"
    )
    assert code == 0
    assert "Poisson deviance" in out
    code, _, err = shell("fit", tissue, "--model", "vae", "--labels", "label", "--out", tmp_path / "other")
    assert code != 0
    assert "learns without labels" in err
    assert shell("explain", tissue, "--model", folder, "--target", "latent:3", "--json")[0] == 0
