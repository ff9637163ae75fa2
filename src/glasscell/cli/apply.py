"""``glasscell apply``: what a trained model says of another file, and for which cells it can be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glasscell.cli.check import read_rename
from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    DonorOption,
    FileArgument,
    JsonOption,
    NetworkOption,
    SectionOption,
    open_file,
    use_network,
)
from glasscell.cli.writing import save_file, tell


def apply_command(
    file: FileArgument,
    model: Annotated[Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="CSV", help="Write the prediction of every cell")
    ] = None,
    rename: Annotated[
        str, typer.Option("--rename", help="ignore-case, or a CSV of: name in the file, name in the model")
    ] = "",
    min_overlap: Annotated[
        float,
        typer.Option("--min-overlap", min=0, max=1, help="Least share of the model's genes in the file"),
    ] = 0.5,
    level: Annotated[
        float, typer.Option("--level", help="Flag cells less typical than this share of the training cells")
    ] = 0.05,
    network: NetworkOption = "",
    section: SectionOption = "",
    donor: DonorOption = "",
    json: JsonOption = False,
) -> None:
    """Apply a trained model, unchanged, to another file: predictions, genes in common, cells out of range."""
    from glasscell.models.apply import apply
    from glasscell.models.bundle_file import load_bundle

    use_network(network)
    bundle, dataset = load_bundle(model), open_file(file, section, donor)
    with shell_job("Applying") as job:
        found = apply(bundle, dataset, job, rename=read_rename(rename), min_overlap=min_overlap, level=level)
    if out is not None:
        tell(out, save_file(out, lambda to: found.table().to_csv(to, index=False, float_format="%.6g")))
    if json:
        print_json(found.to_json())
        return
    if found.classes:
        rows = [
            [name, f"{row['cells']:,}", f"{row['not_flagged']:,}"]
            for name, row in found.to_json()["predicted"].items()
        ]
        print_table(f"predicted {found.labels_name}", ["", "cells", "not flagged"], rows)
    for note in found.notes:
        say(note)
