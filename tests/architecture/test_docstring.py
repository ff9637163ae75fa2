"""Docstrings read as numpydoc: known sections in their order, short summaries, parameters described."""

from pathlib import Path

import pytest
from numpydoc.hooks.validate_docstrings import process_file

ROOT = Path(__file__).parents[2]
SOURCE = sorted((ROOT / "src").rglob("*.py"))
CHECKS = {"GL03", "GL05", "GL06", "GL07", "GL10", "SS01", "SS04", "SS06", "PR03", "PR07", "YD01"}


def findings(path: Path) -> list[str]:
    found = process_file(path, {"checks": CHECKS, "exclude": None, "overrides": {}})
    return [" ".join(map(str, row)) for row in found if "GL08" not in row]


@pytest.mark.parametrize("path", SOURCE, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_follow_numpydoc(path: Path) -> None:
    assert not findings(path)


def test_the_check_can_fail(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text('''
def fit(x):
    """Fit x.

    Returns
    -------
    Nothing.

    Parameters
    ----------
    x
    """
''')
    codes = " ".join(findings(path))
    assert "GL07" in codes
    assert "PR07" in codes
