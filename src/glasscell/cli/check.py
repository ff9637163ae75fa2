"""``glasscell check``: will this model work on this file, line by line, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glasscell.cli.console import print_json, say
from glasscell.cli.option import (
    ActionOption,
    ControlOption,
    DonorOption,
    FileArgument,
    JsonOption,
    NetworkOption,
    SectionOption,
    open_file,
    use_network,
)
from glasscell.errors import NotCompatible


def check_command(
    file: FileArgument,
    model: Annotated[
        str, typer.Option("--model", help="A family such as classifier, or the folder of a trained model")
    ] = "classifier",
    labels: Annotated[str, typer.Option("--labels", metavar="COLUMN", help="Obs column to learn")] = "",
    batch: Annotated[str, typer.Option("--batch", metavar="COLUMN", help="Obs column of a batch")] = "",
    action: ActionOption = "",
    control: ControlOption = "",
    rename: Annotated[
        str, typer.Option("--rename", help="ignore-case, or a CSV of: name in the file, name in the model")
    ] = "",
    network: NetworkOption = "",
    section: SectionOption = "",
    donor: DonorOption = "",
    json: JsonOption = False,
) -> None:
    """Say yes, no or yes with a warning on cells, counts, labels, coordinates, batch and genes.

    The exit code is 5 when something says no.
    """
    from glasscell.models.preflight import check

    use_network(network)
    dataset = open_file(file, section, donor)
    names = read_rename(rename)
    found = check(model, dataset, labels, batch, action=action, control=control, rename=names)
    if json:
        print_json(found.to_json())
    else:
        typer.echo(str(found))
    if not found:
        say(" ".join(found.reasons), style="red")
        raise typer.Exit(NotCompatible.exit_code)


def read_rename(text: str) -> dict[str, str] | str:
    """Turn ``--rename`` into a table of names; words other than a file are passed on.

    Raises
    ------
    NotCompatible
        The file cannot be read or has fewer than two columns.
    """
    import csv

    path = Path(text)
    if not text or not path.is_file():
        return text
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
        return {row[0].strip(): row[1].strip() for row in rows}
    except (OSError, UnicodeDecodeError, IndexError, csv.Error) as error:
        raise NotCompatible(
            f"{path.name} is no table of names: give a CSV with two columns, name in the file and name in "
            "the model."
        ) from error
