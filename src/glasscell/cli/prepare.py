"""``glasscell prepare``: quality control, normalisation, variable genes, PCA, neighbours, UMAP, Leiden."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glasscell.cli.console import print_json, say, shell_job
from glasscell.cli.option import (
    CountsOption,
    DonorOption,
    FileArgument,
    GenesOption,
    JsonOption,
    SectionOption,
    SetOption,
    open_file,
    settings_of,
)
from glasscell.cli.writing import check_out, save_data, written


def prepare_command(
    file: FileArgument,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where to write the prepared .h5ad or .zarr")
    ],
    section: SectionOption = "",
    donor: DonorOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    settings: SetOption = [],  # noqa: B006 - typer reads the default and never changes it
    json: JsonOption = False,
) -> None:
    """Prepare a file for looking and training, and write the result to another one."""
    from glasscell.data.prepare import PrepareParams, prepare
    from glasscell.views.form import build

    check_out(out)
    dataset = open_file(file, section, donor, counts, genes)
    params = build(PrepareParams, settings_of(PrepareParams, settings))
    with shell_job("Preparing") as job:
        prepared = prepare(dataset, params, job)
        job.report(1.0, "writing")
        kept = save_data(prepared, out)
    if json:
        print_json(
            {
                "out": str(out),
                "previous": None if kept is None else str(kept),
                "n_cells": prepared.n_cells,
                "n_genes": prepared.n_genes,
                "embeddings": list(prepared.embeddings),
            }
        )
    else:
        say(f"{prepared.report().rstrip('.')}. {written(out, kept)}")
