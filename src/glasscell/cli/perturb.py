"""``glasscell perturb``: what a model expects of cells whose genes are changed."""

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
    from glasscell.explain.perturbation.request import PerturbationRequest
    from glasscell.explain.perturbation.result import Perturbation

ModelOption = Annotated[Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote")]
OutOption = Annotated[
    list[str] | None, typer.Option("--out", metavar="GENE", help="Knock a gene out; may be repeated")
]
DownOption = Annotated[
    list[str] | None, typer.Option("--down", metavar="GENE", help="Lower a gene; may be repeated")
]
UpOption = Annotated[
    list[str] | None, typer.Option("--up", metavar="GENE", help="Raise a gene; may be repeated")
]
ActionOption = Annotated[
    str, typer.Option("--give", metavar="NAME", help="Give the cells a perturbation the model has learnt")
]
CellsOption = Annotated[str, typer.Option("--cells", metavar="COLUMN=VALUE", help="Change these cells only")]
NetsOption = Annotated[str, typer.Option("--nets", help="held_out, or fold:0 and so on")]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Genes to list")]
WriteOption = Annotated[
    Path | None,
    typer.Option("--write", metavar="FILE", help="Write data and result: .h5ad or .zarr"),
]
TableOption = Annotated[
    Path | None, typer.Option("--table", metavar="CSV", help="Write every gene, or every change of class")
]


def perturb_command(
    file: FileArgument,
    model: ModelOption,
    out: OutOption = None,
    down: DownOption = None,
    up: UpOption = None,
    give: ActionOption = "",
    cells: CellsOption = "",
    nets: NetsOption = "held_out",
    top: TopOption = 10,
    settings: SetOption = [],  # noqa: B006 - typer reads the default and never changes it
    write: WriteOption = None,
    table: TableOption = None,
    section: SectionOption = "",
    donor: DonorOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """Say what a model expects of cells whose genes are changed, against matched controls."""
    from glasscell.explain.perturbation.perturb import perturb
    from glasscell.explain.perturbation.request import PerturbationParams, PerturbationRequest
    from glasscell.models.bundle_file import load_bundle

    check_out(write)
    params = settings_of(PerturbationParams, settings)
    named, direction = _asked(out, down, up, give)
    dataset = open_file(file, section, donor, counts, genes)
    chosen = cells_of(dataset, cells)
    request: PerturbationRequest = PerturbationRequest(
        named, direction, give, cells=chosen, nets=nets, params=params
    )
    with shell_job("Asking the model") as job:
        found = perturb(dataset, load_bundle(model), request, job)
    if table is not None:
        save_table(found.table(), table)
    if write is not None:
        _write(dataset, found, write)
    if json:
        print_json(_result(found, top))
        return
    _print(dataset, found, top)


def _asked(
    out: list[str] | None, down: list[str] | None, up: list[str] | None, give: str
) -> tuple[tuple[str, ...], Any]:
    """Return the genes and the one direction that the options name."""
    named = {"out": tuple(out or ()), "down": tuple(down or ()), "up": tuple(up or ())}
    used = [direction for direction, genes in named.items() if genes]
    if give and not used:
        return (), "learned"
    if len(used) != 1 or give:
        raise typer.BadParameter("Name one of --out, --down, --up or --give.")
    return named[used[0]], used[0]


def _write(dataset: Dataset, found: Perturbation, path: Path) -> None:
    """Write the data with the result beside them."""
    from glasscell.explain.perturbation.store import write_perturbation

    copy = dataset.adata.copy()
    write_perturbation(copy, found)
    tell(path, save_data(dataset.with_adata(copy), path))


def _print(dataset: Dataset, found: Perturbation, top: int) -> None:
    from glasscell.views.perturbation_picture import perturbation_picture

    picture = perturbation_picture(found, dataset.observations)
    say(picture.title)
    say(picture.evidence)
    if picture.flips:
        rows = [[before, after, f"{n:,}", f"{share:.1%}"] for before, after, n, share in picture.flips[:top]]
        print_table(f"Changes of {picture.sorts}", ["before", "after", "cells", "share"], rows)
    if picture.genes:
        shown = [[name, f"{before:.3f}", f"{change:+.4f}"] for name, before, change in picture.genes[:top]]
        print_table(f"Decoded, {picture.unit}", ["gene", "before", "change"], shown)
    for note in picture.notes:
        say(note, style="yellow")


def _result(found: Perturbation, top: int) -> dict[str, Any]:
    compared, observed = found.comparison, found.observed
    return {
        "id": found.id,
        "title": found.title,
        "n_cells": len(found.cells),
        "effect": float(found.effect_c.mean()),
        "effect_unit": found.effect_unit,
        "comparison": None if compared is None else vars(compared),
        "observed": None if observed is None else vars(observed),
        "flips": [
            dict(zip(("before", "after", "cells", "share"), row, strict=True)) for row in found.flips()
        ],
        "genes": [{"gene": gene, "change": change, "unit": found.unit} for gene, change in found.top(top)],
        "notes": list(found.notes),
    }
