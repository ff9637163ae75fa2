"""``glasscell explain``: which genes decided, with the evidence beside every rank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    CountsOption,
    DonorOption,
    FileArgument,
    GenesOption,
    JsonOption,
    NetworkOption,
    SectionOption,
    SetOption,
    cells_of,
    open_file,
    settings_of,
    use_network,
)
from glasscell.cli.writing import check_out, save_data, tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.check import Check
    from glasscell.explain.evidence import RankedGene, Ranking
    from glasscell.explain.result import Explanation


def explain_command(
    file: FileArgument,
    model: Annotated[Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote")],
    target: Annotated[str, typer.Option("--target", help="class:L5, contrast:L5/L6 or latent:3")],
    method: Annotated[str, typer.Option("--method", help="Method of explanation")] = "integrated_gradients",
    cells: Annotated[
        str, typer.Option("--cells", metavar="COLUMN=VALUE", help="Which cells; all without it")
    ] = "",
    baseline: Annotated[
        str, typer.Option("--baseline", help="What cells are compared with")
    ] = "other_classes",
    part: Annotated[str, typer.Option("--part", help="Whose genes: own, neighbours, all")] = "all",
    nets: Annotated[str, typer.Option("--nets", help="held_out, or fold:0 for one net")] = "held_out",
    top: Annotated[int, typer.Option("--top", min=1, help="Genes to list")] = 20,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write data and result, .h5ad or .zarr")
    ] = None,
    section: SectionOption = "",
    donor: DonorOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    network: NetworkOption = "",
    settings: SetOption = [],  # noqa: B006 - typer reads the default and never changes it
    json: JsonOption = False,
) -> None:
    """Explain what a model says of some cells by ranking the genes that decided."""
    from glasscell.explain.check import checks
    from glasscell.explain.evidence import UNSHOWN, has_evidence, ranking
    from glasscell.explain.explain import explain
    from glasscell.explain.method import method_info
    from glasscell.explain.request import ExplainRequest
    from glasscell.models.bundle_file import load_bundle

    check_out(out)
    use_network(network)
    params = settings_of(method_info(method).params, settings)
    dataset = open_file(file, section, donor, counts, genes)
    chosen = cells_of(dataset, cells)
    bundle = load_bundle(model)
    request = ExplainRequest(method, target, chosen, baseline, params, nets)
    with shell_job("Explaining") as job:
        result = explain(dataset, bundle, request, job).part(part)
    mask = np.zeros(dataset.n_cells, np.bool_)
    mask[slice(None) if chosen is None else chosen] = True
    shown = has_evidence(result)
    rows = ranking(result, mask, dataset, k=top if shown else 0)
    found = checks(result, mask)
    if out is not None:
        _write(dataset, result, mask, top, out)
    if json:
        print_json(_result(result, rows, found))
        return
    header = ["gene", "attribution", "mean-difference rank", "twin rank", "spread of rank over folds"]
    title = f"{result.target} by {result.method}, against {result.provenance.baseline_text}"
    if shown:
        print_table(title, header, list(map(_row, rows)))
    for sentence in rows.missing if shown else (UNSHOWN,):
        say(sentence, style="yellow")
    for check in found:
        say(f"{check.name}: {check.sentence}", style="" if check.verdict == "ok" else "yellow")


def _write(dataset: Dataset, result: Explanation, mask: NDArray[np.bool_], top: int, out: Path) -> None:
    """Write the data with the result beside them."""
    from glasscell.explain.store import write_back

    copy = dataset.adata.copy()
    write_back(copy, result, mask=mask, k=top)
    tell(out, save_data(dataset.with_adata(copy), out))


def _result(result: Explanation, rows: Ranking, found: tuple[Check, ...]) -> dict[str, Any]:
    return {
        "top": [
            {
                "gene": row.gene,
                "value": row.value,
                "mean_difference_rank": row.mean_difference_rank,
                "twin_rank": row.twin_rank,
                "rank_spread": row.rank_spread,
            }
            for row in rows
        ],
        "completeness_gap": result.completeness_gap,
        "method": result.method,
        "target": result.target,
        "baseline": result.baseline,
        "checks": [
            {"name": check.name, "value": check.value, "verdict": check.verdict, "sentence": check.sentence}
            for check in found
        ],
        "n_cells": len(result.cells),
        "unit": result.unit,
    }


def _row(row: RankedGene) -> list[str]:
    return [
        row.gene,
        f"{row.value:+.4f}",
        _rank(row.mean_difference_rank),
        _rank(row.twin_rank),
        _rank(row.rank_spread),
    ]


def _rank(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
