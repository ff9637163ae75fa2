"""What the shell prints for people."""

import io

import pytest
from rich.console import Console

from glasscell.cli import console

NAME = "[red]K1[/red] :dog:"


def test_names_from_data_stay_plain_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(console, "STDERR", Console(file=shown, highlight=False))
    console.say(NAME)
    assert shown.getvalue() == f"{NAME}\n"
    console.print_table(NAME, ["gene", NAME], [["GENE1", NAME]])
    assert capsys.readouterr().out.count(NAME) == 3
