"""``glasscell traverse``: what each latent factor of a model does to expression, swept over its range."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    CountsOption,
    FileArgument,
    GenesOption,
    JsonOption,
    NetworkOption,
    SectionOption,
    cells_of,
    open_file,
    use_network,
)
from glasscell.cli.writing import check_out, save_data, save_table, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.explain.gene_set import GeneSet
    from glasscell.explain.traversal import Traversal, TraverseRequest

ModelOption = Annotated[
    Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote, with latents")
]
StartOption = Annotated[
    str, typer.Option("--start", metavar="COLUMN=VALUE", help="Cells that are moved; all without it")
]
FactorOption = Annotated[
    list[str], typer.Option("--factor", metavar="NUMBER|NAME", help="Sweep this one only; repeat for more")
]
SetsOption = Annotated[
    Path | None, typer.Option("--gene-sets", metavar="GMT", help="Sets whose mean change is listed too")
]
SampleOption = Annotated[int, typer.Option("--sample", min=1, help="Starting cells decoded at each step")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of the draw of starting cells")]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Genes to list for each side")]
TableOption = Annotated[Path | None, typer.Option("--table", metavar="CSV", help="Write every gene")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write data and result, .h5ad or .zarr")
]


def traverse_command(
    file: FileArgument,
    model: ModelOption,
    start: StartOption = "",
    factor: FactorOption = [],  # noqa: B006 - typer reads the default and never changes it
    gene_sets: SetsOption = None,
    sample: SampleOption = 64,
    seed: SeedOption = 0,
    top: TopOption = 10,
    table: TableOption = None,
    out: OutOption = None,
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    network: NetworkOption = "",
    json: JsonOption = False,
) -> None:
    """Set each factor to the values it takes in the data, and list which genes the decoder changes."""
    from glasscell.explain.gene_set import read_gmt
    from glasscell.explain.traversal import traverse
    from glasscell.models.bundle_file import load_bundle

    check_out(out)
    use_network(network)
    sets = () if gene_sets is None else read_gmt(gene_sets)
    dataset = open_file(file, section, "", counts, genes)
    bundle = load_bundle(model)
    request = _request(dataset, bundle, start, factor, sample, seed)
    with shell_job("Traversing") as job:
        found = traverse(dataset, bundle, request, job)
    if table is not None:
        save_table(found.table(), table)
    if out is not None:
        tell(out, save_data(dataset, out, (found,)))
    if json:
        print_json(_result(found, sets, top))
    else:
        _show(found, sets, top)


def _request(
    dataset: Dataset, bundle: Any, start: str, factors: Sequence[str], sample: int, seed: int
) -> TraverseRequest:
    import numpy as np

    from glasscell.errors import DataError
    from glasscell.explain.traversal import TraverseRequest
    from glasscell.explain.traversal.request import ALL_CELLS, latent_names, need_decoder

    names = latent_names(need_decoder(bundle))
    chosen = []
    for one in factors:
        if one not in names and not (one.isdigit() and int(one) < len(names)):
            raise DataError(f"The model has no factor {one!r}; it has {names[0]} to {names[-1]}.")
        chosen.append(names.index(one) if one in names else int(one))
    mask = None
    if start:
        mask = np.zeros(dataset.n_cells, np.bool_)
        mask[cells_of(dataset, start)] = True
    return TraverseRequest(mask, start or ALL_CELLS, tuple(chosen) or None, sample=sample, seed=seed)


def _ends(found: Traversal, factor: int) -> dict[str, int]:
    row = found.row(factor)
    return {
        name: found.step_of(factor, float(end[row]))
        for name, end in (("at_1_percent", found.low_k), ("at_99_percent", found.high_k))
    }


def _result(found: Traversal, sets: Sequence[GeneSet], top: int) -> dict[str, Any]:
    factors = []
    for row, factor in enumerate(found.factors):
        ends = {}
        for name, step in _ends(found, factor).items():
            up, down = found.top(factor, step, top)
            ends[name] = {
                "value": float(found.values_ks[row, step]),
                "up": [one._asdict() for one in up],
                "down": [one._asdict() for one in down],
                "gene_sets": [
                    {"name": one.gene, "change": one.change}
                    for one in found.set_changes(sets, factor, step)[:top]
                ],
            }
        factors.append(
            {
                "factor": found.names[row],
                "start": float(found.start_k[row]),
                "vanished": found.is_vanished(factor),
                **ends,
                "specific_up": [one._asdict() for one in found.specific(factor, "up", top)],
                "specific_down": [one._asdict() for one in found.specific(factor, "down", top)],
                "labels": [vars(link) for link in found.links[row]],
            }
        )
    return {
        "id": found.id,
        "model": found.model,
        "start": found.start_name,
        "n_start": len(found.start),
        "n_decoded": found.n_drawn,
        "unit": f"decoded change of {found.unit}",
        "seed": found.seed,
        "factors": factors,
    }


def _show(found: Traversal, sets: Sequence[GeneSet], top: int) -> None:
    few = f"{len(found.start):,} {found.observations}, {found.n_drawn} of them decoded"
    say(f"From {found.start_name} ({few}); changes are decoded {found.unit}, not measured.")
    for row, factor in enumerate(found.factors):
        lines = []
        for end, step in _ends(found, factor).items():
            up, down = found.top(factor, step, top)
            at = [end.replace("_", " ").replace(" percent", " %"), f"{found.values_ks[row, step]:.2f}"]
            moved = found.set_changes(sets, factor, step)[:3]
            for word, rows in (("up", up), ("down", down), ("sets", moved)):
                if rows:
                    shown = ", ".join(f"{one.gene} {one.change:+.2f}" for one in rows)
                    lines.append([*at, word, shown])
        print_table(found.title(factor), ["where", "value", "", "decoded change"], lines)
        if found.is_vanished(factor):
            say("It carries nothing: it never leaves 0 by more than 0.5.", style="yellow")
        if found.links[row]:
            along = ", ".join(f"{link.title} {link.strength:+.2f}" for link in found.links[row][:4])
            say(f"Goes along with: {along}")
