"""``glasscell learn-action``: teach a trained model a perturbation that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glasscell.cli.console import print_json, say, shell_job
from glasscell.cli.option import (
    CountsOption,
    DonorOption,
    FileArgument,
    ForceOption,
    GenesOption,
    JsonOption,
    SectionOption,
    cells_of,
    open_file,
)
from glasscell.errors import NotCompatible

ModelOption = Annotated[
    Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote, of an svae or ivae")
]
NameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="What the perturbation is called")]
CellsOption = Annotated[str, typer.Option("--cells", metavar="COLUMN=VALUE", help="The cells that got it")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Write the model that knows it here")]


def learn_action_command(
    file: FileArgument,
    model: ModelOption,
    name: NameOption,
    cells: CellsOption,
    out: OutOption,
    section: SectionOption = "",
    donor: DonorOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Learn from cells what a perturbation shifts; all else that the model knows stays bit for bit."""
    from glasscell.models.bundle_file import load_bundle, save_bundle
    from glasscell.models.bundle_place import check_place
    from glasscell.models.learn_action import learn_action

    check_place(out, force=force)
    dataset = open_file(file, section, donor, counts, genes)
    indices = cells_of(dataset, cells)
    if indices is None or not name.strip():
        raise NotCompatible("Name the perturbation with --name and the cells that got it with --cells.")
    with shell_job(f"Learning {name}") as job:
        found = learn_action(load_bundle(model), dataset, indices, name, job)
    save_bundle(found, out)
    if json:
        print_json({"model": found.id, "name": name.strip(), "n_cells": len(indices), "folder": str(out)})
        return
    say(found.notes[-1])
    say(f"{found.id} is in {out}.")
