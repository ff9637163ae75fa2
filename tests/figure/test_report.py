"""The report: one page that fetches nothing, runs nothing, and takes no name from the data for markup."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from glasscell.cli.app import run
from glasscell.explain.check import Check
from glasscell.figure.report import Report
from glasscell.testing.planted import tiny_adata

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
