"""``glasscell robustness``: what a model stands, written into its card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import CountsOption, FileArgument, GenesOption, JsonOption, SectionOption, open_file
from glasscell.cli.writing import save_table

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.explain.robustness.request import RobustnessRequest
    from glasscell.models.bundle import Bundle
    from glasscell.models.robustness import Robustness

ModelOption = Annotated[Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote")]
OtherOption = Annotated[
    list[Path], typer.Option("--other", metavar="FILE", help="Another file to ask about; repeat for more")
]
SharesOption = Annotated[
    str, typer.Option("--shares", metavar="0.5,0.25", help="Shares of each cell's counts that are kept")
]
ProtocolOption = Annotated[
    str,
    typer.Option(
        "--protocol", metavar="COLUMN", help="Train without each of its values in turn; none for not at all"
    ),
]
TableOption = Annotated[Path | None, typer.Option("--table", metavar="CSV", help="Write every figure")]


def robustness_command(
    file: FileArgument,
    model: ModelOption,
    other: OtherOption = [],  # noqa: B006 - typer reads the default and never changes it
    shares: SharesOption = "0.5,0.25,0.1",
    protocol: ProtocolOption = "auto",
    seed: Annotated[int, typer.Option("--seed", help="Of the thinning")] = 0,
    table: TableOption = None,
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """Ask a model about held-out cells with thinned counts, without their protocol, and in other files.

    The answer is written into the model's folder and shown on its card.
    """
    from glasscell.explain.robustness.request import RobustnessRequest
    from glasscell.models.bundle_file import load_bundle, save_bundle

    dataset = open_file(file, section, "", counts, genes)
    bundle = load_bundle(model)
    asked = RobustnessRequest(_shares(shares), "" if protocol == "none" else protocol, seed)
    names = [one.name for one in other]
    others = {
        str(one) if names.count(one.name) > 1 else one.name: open_file(one, section, "", counts, genes)
        for one in other
    }
    found = ask(dataset, bundle, asked, others)
    save_bundle(replace(bundle, robustness=found), model)
    if table is not None:
        save_table(found.table(), table)
    if json:
        print_json(found.to_json())
        return
    show(found)
    say(f"Written into {model}.")


def ask(
    dataset: Dataset,
    bundle: Bundle,
    request: RobustnessRequest | None = None,
    others: dict[str, Dataset] | None = None,
) -> Robustness:
    """Check robustness with progress on the shell."""
    from glasscell.explain.robustness.measure import robustness

    with shell_job("Checking robustness") as job:
        return robustness(dataset, bundle, request, job, others=others)


def show(found: Robustness) -> None:
    """Print one row per condition."""
    rows = [
        [row.condition, f"{row.n_cells:,}", *(_text(row.figures.get(name)) for name in found.names)]
        for row in found.rows
    ]
    print_table("Robustness, cells the net was not trained on", ["", "cells", *found.names], rows)
    for note in found.notes:
        say(note, style="yellow")


def _text(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.3f}"


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(one) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise typer.BadParameter(f'numbers such as 0.5,0.25, not "{text}"', param_hint="--shares") from error
