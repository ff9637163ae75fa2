"""``glasscell attend``: what a model's cells attend to, with what removing it changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    CountsOption,
    DonorOption,
    FileArgument,
    GenesOption,
    JsonOption,
    SectionOption,
    SetOption,
    cells_of,
    open_file,
    settings_of,
)
from glasscell.cli.writing import check_out, save_data, save_table, tell

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.explain.attention.result import Attention, AttentionRow

ModelOption = Annotated[Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote")]
ByOption = Annotated[
    str,
    typer.Option("--by", metavar="COLUMN", help="Obs column of the groups; the predicted class without it"),
]
TargetOption = Annotated[
    str, typer.Option("--target", help="What removal is measured on, e.g. class:L5, predicted, latent_shift")
]
CellsOption = Annotated[str, typer.Option("--cells", metavar="COLUMN=VALUE", help="Ask these cells only")]
NetsOption = Annotated[str, typer.Option("--nets", help="held_out, or fold:0 and so on")]
MapOption = Annotated[
    str, typer.Option("--map", help="mean, rollout, norm, layer:1, head:1.2 and so on: what the list goes by")
]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Rows to list for each group")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the data with the result: .h5ad or .zarr")
]
TableOption = Annotated[
    Path | None, typer.Option("--table", metavar="CSV", help="Write every map, group and column")
]


def attend_command(
    file: FileArgument,
    model: ModelOption,
    by: ByOption = "",
    target: TargetOption = "",
    cells: CellsOption = "",
    nets: NetsOption = "held_out",
    which: MapOption = "mean",
    top: TopOption = 10,
    settings: SetOption = [],  # noqa: B006 - typer reads the default and never changes it
    out: OutOption = None,
    table: TableOption = None,
    section: SectionOption = "",
    donor: DonorOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """List what groups of cells attend to; beside each weight stands the measured change on removal."""
    from glasscell.explain.attention.attend import attend
    from glasscell.explain.attention.request import AttentionParams, AttentionRequest
    from glasscell.models.bundle_file import load_bundle
    from glasscell.session.attending import PREDICTED, grouping

    check_out(out)
    params = settings_of(AttentionParams, settings)
    dataset = open_file(file, section, donor, counts, genes)
    chosen = cells_of(dataset, cells)
    bundle = load_bundle(model)
    labels = grouping(by or PREDICTED, dataset, bundle)
    request = AttentionRequest(labels, chosen, target, nets, params)
    with shell_job("Asking for attention") as job:
        found = attend(dataset, bundle, request, job)
    found.map_place(which)
    if table is not None:
        save_table(found.table(), table)
    if out is not None:
        _write(dataset, found, out)
    if json:
        print_json(_result(found, which, top))
        return
    for group in found.groups:
        rows = [_row(row) for row in found.top(group, top, which=which)]
        measured = f"removed: change of {found.provenance.target} in {found.unit}"
        print_table(f"{group}: attention, {which}; {measured}", _header(found), rows)
    for note in found.notes:
        say(note, style="yellow")


def _write(dataset: Dataset, found: Attention, out: Path) -> None:
    """Write the data with the result beside them."""
    from glasscell.explain.attention.store import write_attention

    copy = dataset.adata.copy()
    write_attention(copy, found)
    tell(out, save_data(dataset.with_adata(copy), out))


def _header(found: Attention) -> list[str]:
    return [found.what, "weight", "x uniform", "removed", "cells", "z twin", "z random"]


def _result(found: Attention, which: str, top: int) -> dict[str, Any]:
    told = found.provenance
    return {
        "id": found.id,
        "map": which,
        "by": told.by,
        "target": told.target,
        "unit": told.unit,
        "null": told.null,
        "kind": found.what,
        "maps": list(found.maps),
        "n_cells": len(found.cells),
        "groups": {
            group: [vars(row) for row in found.top(group, top, which=which)] for group in found.groups
        },
        "notes": list(found.notes),
    }


def _row(row: AttentionRow) -> list[str]:
    return [
        row.column,
        _number(row.weight, ".4f"),
        _number(row.relative, ".2f"),
        _number(row.removed, "+.3f"),
        f"{row.n_removed:,}",
        _number(row.z_twin, "+.1f"),
        _number(row.z_random, "+.1f"),
    ]


def _number(value: float | None, form: str) -> str:
    return "unknown" if value is None else format(value, form)
