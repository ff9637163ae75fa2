"""The report: one page that fetches nothing, runs nothing, and takes no name from the data for markup."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from glasscell.cli.app import run
from glasscell.data.dataset import Dataset
from glasscell.explain.check import Check
from glasscell.figure.report import Report, methods_text
from glasscell.models.fit import OVER_ALL
from glasscell.models.metric import Metrics
from glasscell.testing.planted import tiny_adata
from glasscell.testing.toy_net import ToyModel, toy_bundle, toy_network

EVIL = "<script>alert(1)</script>\"'&"


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def parse(text: str) -> Seen:
    seen = Seen()
    seen.feed(text)
    return seen


def test_every_text_is_escaped() -> None:
    page = Report(EVIL)
    page.add_heading(EVIL)
    page.add_text(EVIL, EVIL)
    page.add_table({EVIL: [EVIL, {EVIL: 0.5}]})
    page.add_checks([Check(EVIL, 0.5, "warn", EVIL)])
    assert "script" not in parse(page.html()).tags
    assert EVIL not in page.html()
    assert "script" in parse(f"<p>{EVIL}</p>").tags, "the impostor: unescaped, it would be seen here"


def test_the_shell_writes_a_page_of_a_file_alone(tmp_path: Path) -> None:
    adata = tiny_adata()
    adata.obs["label"] = adata.obs["label"].cat.rename_categories({"K1": EVIL})
    adata.write_h5ad(tmp_path / "t.h5ad")
    out = tmp_path / "r.html"
    assert run(["report", str(tmp_path / "t.h5ad"), "--colour", "label", "--out", str(out)]) == 0
    seen = parse(out.read_text(encoding="utf-8"))
    assert seen.tags.count("img") == 2
    assert all(source.startswith("data:image/") for source in seen.sources)
    assert not {"script", "link", "iframe", "object"} & set(seen.tags)
    assert "120 cells and 30 genes were analysed with Glasscell" in out.read_text(encoding="utf-8")


def test_a_target_needs_a_model(tmp_path: Path) -> None:
    tiny_adata().write_h5ad(tmp_path / "t.h5ad")
    assert run(["report", str(tmp_path / "t.h5ad"), "--target", "class:K1"]) == 2


@pytest.mark.slow
def test_the_page_of_a_model_holds_scores_curves_ranking_and_where_they_came_from(tmp_path: Path) -> None:
    data, model, out = tmp_path / "t.h5ad", tmp_path / "m", tmp_path / "r.html"
    adata = tiny_adata(n_cells=400, n_genes=60)
    del adata.obs["section"], adata.obs["donor"]
    adata.write_h5ad(data)
    fit = [
        "fit",
        str(data),
        "--labels",
        "label",
        "--split",
        "blocks",
        "--out",
        str(model),
        "--set",
        "max_epochs=8",
    ]
    assert run(fit) == 0
    assert run(["report", str(data), "--model", str(model), "--target", "class:K1", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert parse(text).tags.count("img") == 5
    for words in (
        "Held-out accuracy was",
        "baselines: majority",
        "class:K1 was attributed",
        "arXiv",
        "Reasons",
    ):
        assert words in text
    assert re.search(r"twin \((ok|warn|bad|cannot tell)\)", text)
    for what in ("ranking", "curve", "metrics"):
        picture = tmp_path / f"{what}.svg"
        more = ["--target", "class:K1"] if what == "ranking" else []
        assert (
            run(["figure", str(data), "--what", what, "--model", str(model), *more, "--out", str(picture)])
            == 0
        )
        assert picture.stat().st_size > 5000
    gene = str(adata.var_names[0])
    for colour, words in (
        ("prediction:label", "predicted label"),
        (f"attribution:{gene}", f"{gene}: share in K1"),
    ):
        picture, given = tmp_path / "c.svg", ["--colour", colour, "--model", str(model)]
        drawn = ["figure", str(data), *given, "--target", "class:K1", "--out", str(picture)]
        assert run(drawn) == 0
        assert words in picture.read_text(encoding="utf-8")
    assert run(["figure", str(data), "--colour", "prediction:label"]) == 2, "no model is named"
    assert run(["figure", str(data), "--colour", f"attribution:{gene}", "--model", str(model)]) == 2


def told(twin: bool, notes: tuple[str, ...] = (), baselines: tuple[str, ...] = ("majority",)) -> str:
    dataset = Dataset(tiny_adata())
    net = ToyModel(toy_network((dataset.n_genes, 2)), tuple(dataset.genes.names), ("a", "b"))
    bundle = toy_bundle(dataset, [net], truth=np.zeros(dataset.n_cells), classes=("a", "b"))
    rows = {name: Metrics(0.25, 0.25) for name in baselines}
    bundle = replace(bundle, twin=net if twin else None, notes=notes, baselines=rows)
    return methods_text(dataset, bundle, ())


def test_the_methods_text_tells_of_the_twin_that_there_is() -> None:
    assert "No twin was trained" in told(twin=False)
    assert "labels permuted within section and donor." in told(twin=True)
    assert "labels permuted over all cells." in told(twin=True, notes=(OVER_ALL,))


def test_a_twin_without_labels_learnt_from_redrawn_counts() -> None:
    dataset = Dataset(tiny_adata())
    net = ToyModel(toy_network((dataset.n_genes, 2)), tuple(dataset.genes.names), ("a", "b"))
    bundle = toy_bundle(dataset, [net], truth=np.full(dataset.n_cells, -1), classes=(), twin=net)
    text = methods_text(dataset, replace(bundle, metrics=None), ())
    assert "counts redrawn" in text
    assert "labels permuted" not in text


def test_accuracy_is_never_told_without_its_three_baselines() -> None:
    whole = told(twin=True, baselines=("majority", "logistic", "coordinates"))
    assert "baselines: majority 0.250, logistic 0.250, coordinates 0.250" in whole
    assert "logistic not measured, coordinates not measured" in told(twin=True)
