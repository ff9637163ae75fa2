"""The pages' code runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_scripting_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "scripting.md").read_text(), re.DOTALL)
    exec(compile(code, "scripting.md", "exec"), {})
    out = capsys.readouterr().out
    assert out.startswith("4,971 cells")
    assert "accuracy=0.9" in out


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {link}"
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for link in re.findall(r"\]\(([^)#]+)", page.read_text())
        if not link.startswith("http") and not (page.parent / link).exists()
    ]
    assert not broken


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text())
    assert listed == sorted(page.name for page in folder.glob("0*.md"))


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_has_a_page_for_each_model_and_method(tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / "docs" / "make_site.py"), str(tmp_path / "site")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    from glasscell.explain.method import METHODS
    from glasscell.models.registry import BUILT_IN, FAMILIES

    for key in BUILT_IN:
        page = (tmp_path / "site" / "models" / key / "index.html").read_text()
        assert FAMILIES[key].info.title in page
        for name in FAMILIES[key].params.model_fields:
            assert f"<code>{name}</code>" in page, f"{key} does not tell its setting {name}"
    for key in METHODS:
        assert (
            METHODS[key].title
            in (tmp_path / "site" / "methods_of_explanation" / key / "index.html").read_text()
        )
    figures = (tmp_path / "site" / "models" / "spatial_attention" / "index.html").read_text()
    assert "Domains and neighbours" in figures, "measured figures stand on the page of the model they are of"
