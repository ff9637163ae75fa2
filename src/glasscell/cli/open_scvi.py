"""``glasscell open-scvi``: turn a model that scvi-tools saved into a bundle of safetensors and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glasscell.cli.console import print_json, say, shell_job
from glasscell.cli.option import FileArgument, ForceOption, JsonOption, open_file


def open_scvi_command(
    file: FileArgument,
    model: Annotated[Path, typer.Option("--model", metavar="DIR", help="Folder that scvi-tools saved")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the bundle")],
    yes: Annotated[bool, typer.Option("--yes", help="Go on without asking")] = False,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Open a SCVI, SCANVI, LinearSCVI or DRVI saved by scvi-tools, after saying what that runs."""
    from glasscell.models.bundle_file import save_bundle
    from glasscell.models.bundle_place import check_place
    from glasscell.models.scvi.file import what_it_runs
    from glasscell.models.scvi.opening import load_scvi

    check_place(out, force=force)
    say(what_it_runs(model))
    if not yes and not typer.confirm("Open it?", err=True):
        raise typer.Exit(1)
    dataset = open_file(file)
    with shell_job("Opening") as job:
        bundle = load_scvi(model, dataset, job)
    save_bundle(bundle, out)
    for sentence in bundle.notes:
        say(sentence, style="yellow")
    if json:
        latent = bundle.cells.latent_cz
        print_json(
            {
                "family": bundle.family,
                "n_cells": dataset.n_cells,
                "n_genes": len(bundle.genes),
                "n_latent": 0 if latent is None else latent.shape[1],
                "classes": list(bundle.classes),
                "metrics": {} if not bundle.baselines or bundle.metrics is None else bundle.metrics.to_json(),
                "baselines": {name: row.to_json() for name, row in bundle.baselines.items()},
                "notes": list(bundle.notes),
            }
        )
        return
    say(f"Model written to {out}.")
