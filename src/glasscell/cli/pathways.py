"""``glasscell pathways``: what each gene set is worth to a model whose latents are gene sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    CountsOption,
    FileArgument,
    GenesOption,
    JsonOption,
    SectionOption,
    open_file,
)
from glasscell.cli.writing import check_out, save_data, save_table, tell

ModelOption = Annotated[
    Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit --model pathway_vae wrote")
]
PathOption = Annotated[
    bool, typer.Option("--path", help="Train with weaker and stronger pruning too, to see which sets stay")
]
StrengthOption = Annotated[
    list[float] | None, typer.Option("--strength", min=0.0, help="One strength of that; repeat for more")
]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Rows printed; the table has them all")]
TableOption = Annotated[Path | None, typer.Option("--table", metavar="CSV", help="Write every gene set")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write data and result, .h5ad or .zarr")
]


def pathways_command(
    file: FileArgument,
    model: ModelOption,
    path: PathOption = False,
    strength: StrengthOption = None,
    top: TopOption = 20,
    table: TableOption = None,
    out: OutOption = None,
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """Leave each gene set of a pathway model out, and see which sets withstand which pruning."""
    from glasscell.explain.worth.measure import measure_worth
    from glasscell.models.bundle_file import load_bundle
    from glasscell.views.worth_view import worth_table, worth_words

    check_out(out)
    dataset = open_file(file, section, "", counts, genes)
    bundle = load_bundle(model)
    wanted = tuple(strength or ())
    with shell_job("Leaving gene sets out") as job:
        found = measure_worth(dataset, bundle, path=path or bool(wanted), strengths=wanted, job=job)
    if table is not None:
        save_table(found.table(), table)
    if out is not None:
        tell(out, save_data(dataset, out, (found,)))
    if json:
        rows = found.table().astype(object)
        rows = rows.where(rows.notna(), None)
        print_json(
            {
                "id": found.id,
                "model": found.model,
                "cells": found.n_cells,
                "held_out": found.held_out,
                "strengths": list(found.strengths),
                "gene_sets": rows.to_dict("records"),
            }
        )
        return
    header = ["gene set", "genes", "weight", "worth (nats per cell)", "withstands pruning"]
    print_table("Gene sets, dearest first", header, [list(row) for row in worth_table(found).texts[:top]])
    say(worth_words(found))
