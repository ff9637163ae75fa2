"""``glasscell edges``: which genes foretell which, beside correlation and a forest; knock-outs as a check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    ControlOption,
    CountsOption,
    FileArgument,
    GenesOption,
    JsonOption,
    SectionOption,
    UsageError,
    open_file,
)
from glasscell.cli.writing import check_out, save_data, save_table, tell

if TYPE_CHECKING:
    import pandas as pd

    from glasscell.data.dataset import Dataset
    from glasscell.explain.edge.knock_out_result import KnockOuts
    from glasscell.models.bundle import Bundle

ModelOption = Annotated[
    Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit --model grn wrote")
]
ByOption = Annotated[
    str, typer.Option("--by", metavar="COLUMN", help="Obs column of cell states, averaged one by one")
]
CellsOption = Annotated[str, typer.Option("--cells", metavar="COLUMN=VALUE", help="Average these cells only")]
NullsOption = Annotated[int, typer.Option("--nulls", min=3, help="Networks of permuted genes, for z")]
TreesOption = Annotated[int, typer.Option("--trees", min=1, help="Trees of each gene's forest")]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Edges to list for each state")]
CsvOption = Annotated[Path | None, typer.Option("--csv", metavar="CSV", help="Write every edge")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write data and called edges, .h5ad or .zarr")
]
KnockOutOption = Annotated[
    str,
    typer.Option(
        "--knock-outs",
        metavar="COLUMN",
        help="Hold the network against measured knock-outs instead of listing",
    ),
]
_HEADS = ["regulator", "target", "weight", "z", "Spearman", "forest"]
_ARM_HEADS = ["arm", "cells", "changed", "network", "Spearman", "lines", "forest"]


def edges_command(
    file: FileArgument,
    model: ModelOption,
    by: ByOption = "",
    cells: CellsOption = "",
    nulls: NullsOption = 5,
    trees: TreesOption = 50,
    top: TopOption = 20,
    csv: CsvOption = None,
    out: OutOption = None,
    knock_out: KnockOutOption = "",
    control: ControlOption = "",
    seed: Annotated[int, typer.Option("--seed")] = 0,
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """List directed edges of a gene network, each beside rank correlation and a forest."""
    from glasscell.models.bundle_file import load_bundle

    check_out(out)
    if by and cells:
        raise UsageError("Say --by COLUMN for every state, or --cells COLUMN=VALUE for some cells, not both.")
    if knock_out and (by or cells or out):
        raise UsageError("--knock-outs takes neither --by nor --cells nor --out: it compares whole arms.")
    dataset = open_file(file, section, "", counts, genes)
    bundle = load_bundle(model)
    if knock_out:
        _knock_outs(dataset, bundle, knock_out, control, trees, seed, csv, json)
        return
    from glasscell.explain.edge.measure import edges

    with shell_job("Measuring edges") as job:
        found = edges(
            dataset, bundle, _states(dataset, by, cells), n_nulls=nulls, trees=trees, seed=seed, job=job
        )
    if csv is not None:
        save_table(found.table(), csv)
    if out is not None:
        tell(out, save_data(dataset, out, (found,)))
    if json:
        rows = {state: _records(found.top(top, state)) for state in found.states}
        print_json(
            {
                "id": found.id,
                "model": found.model,
                "cells": dict(zip(found.states, found.n_cells, strict=True)),
                "nulls": found.n_nulls,
                "edges": rows,
                "notes": list(found.notes),
            }
        )
        return
    for state, n_cells in zip(found.states, found.n_cells, strict=True):
        title = f"{state} ({n_cells:,} cells): edges farthest from the null first"
        print_table(title, _HEADS, [_texts(row) for row in _records(found.top(top, state))])
    for note in found.notes:
        say(note)


def _states(dataset: Dataset, by: str, cells: str) -> Any:
    """Return labels, a selection, or None for all cells."""
    from glasscell.data.labels import read_labels
    from glasscell.data.selection import parse_selection

    if by:
        return read_labels(dataset, by)
    return parse_selection(cells, dataset) if cells else None


def _knock_outs(
    dataset: Dataset,
    bundle: Bundle,
    column: str,
    control: str,
    trees: int,
    seed: int,
    csv: Path | None,
    json: bool,
) -> None:
    """Hold the network against measured knock-outs."""
    from glasscell.data.labels import read_labels
    from glasscell.explain.edge.knock_out import knock_outs

    action = read_labels(dataset, column)
    with shell_job("Comparing knock-outs") as job:
        found = knock_outs(dataset, bundle, action, control, trees=trees, seed=seed, job=job)
    if csv is not None:
        save_table(found.table(), csv)
    if json:
        print_json({"model": found.model, "arms": _records(found.table()), "notes": list(found.notes)})
        return
    title = "Changed genes of each arm: area under precision and recall"
    print_table(title, _ARM_HEADS, _arm_texts(found))
    for note in found.notes:
        say(note)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object)
    made: list[dict[str, Any]] = rows.where(rows.notna(), None).to_dict("records")  # type: ignore[assignment]
    return made


def _texts(row: dict[str, Any]) -> list[str]:
    figures = [f"{row['weight']:+.3f}", f"{row['z']:+.1f}", f"{row['spearman']:+.2f}", f"{row['forest']:.3f}"]
    return [row["regulator"], row["target"], *figures]


def _arm_texts(found: KnockOuts) -> list[list[str]]:
    ways = ("network", "spearman", "lines", "forest")
    return [
        [
            arm.arm,
            f"{arm.n_cells:,}",
            f"{arm.changed} of {arm.n_genes}",
            *(f"{arm.auprc[way]:.2f}" for way in ways),
        ]
        for arm in found.arms
    ]
