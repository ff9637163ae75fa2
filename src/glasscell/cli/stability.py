"""``glasscell stability``: train a model again with other seeds, and see which factors are found again."""

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
    NetworkOption,
    SectionOption,
    open_file,
    use_network,
)
from glasscell.cli.writing import check_out, save_data, save_table, tell

ModelOption = Annotated[
    Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote, with latents")
]
SeedsOption = Annotated[int, typer.Option("--seeds", min=2, help="Runs in all, the model's own among them")]
TableOption = Annotated[Path | None, typer.Option("--table", metavar="CSV", help="Write every pair")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write data and result, .h5ad or .zarr")
]


def stability_command(
    file: FileArgument,
    model: ModelOption,
    seeds: SeedsOption = 5,
    table: TableOption = None,
    out: OutOption = None,
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    network: NetworkOption = "",
    json: JsonOption = False,
) -> None:
    """Match the factors of a model over seeds, untrained nets beside."""
    from glasscell.explain.traversal.stability import measure_stability
    from glasscell.models.bundle_file import load_bundle

    check_out(out)
    use_network(network)
    dataset = open_file(file, section, "", counts, genes)
    bundle = load_bundle(model)
    with shell_job("Training with other seeds") as job:
        found = measure_stability(dataset, bundle, seeds, job)
    if table is not None:
        save_table(found.table(), table)
    if out is not None:
        tell(out, save_data(dataset, out, (found,)))
    floor_k = found.untrained_rk.mean(axis=0)
    if json:
        factors = [
            {
                "factor": name,
                "mean": found.mean_k[k],
                "lowest": found.lowest_k[k],
                "untrained": floor_k[k],
                "vanished": bool(found.vanished_k[k]),
            }
            for k, name in enumerate(found.names)
        ]
        print_json({"id": found.id, "model": found.model, "seeds": list(found.seeds), "factors": factors})
        return
    figures = zip(found.names, found.mean_k, found.lowest_k, floor_k, found.vanished_k, strict=True)
    rows = [
        [name, f"{mean:.2f}", f"{lowest:.2f}", f"{floor:.2f}", "carries nothing" if vanished else ""]
        for name, mean, lowest, floor, vanished in figures
    ]
    print_table("|correlation| with the best match", ["factor", "mean", "lowest", "untrained", ""], rows)
    say(f"{len(found.seeds)} runs: seeds {', '.join(map(str, found.seeds))}. A sign means nothing.")
