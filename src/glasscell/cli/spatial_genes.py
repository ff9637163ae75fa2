"""``glasscell spatial-genes``: what a domain has more of than the domains around it."""

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
    SectionOption,
    UsageError,
    open_file,
)
from glasscell.cli.writing import save_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.spatial_gene import SpatialGenes

ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="Folder of a model that finds domains")
]
ByOption = Annotated[str, typer.Option("--by", metavar="COLUMN", help="Obs column of the domains instead")]
DomainOption = Annotated[
    str, typer.Option("--domain", metavar="NAME", help="One domain by name or number; all without it")
]
RawOption = Annotated[bool, typer.Option("--raw", help="Take a model's domains with their lone cells")]
ShiftsOption = Annotated[
    int, typer.Option("--shifts", min=0, help="How often domains are moved over the tissue; 0: never")
]
IndependentOption = Annotated[
    bool, typer.Option("--independent", help="The domains were not made from these counts")
]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Genes to list for each domain")]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="CSV", help="Write every gene")]
_HEADER = ["gene", "cells in", "around", "fold", "Wilcoxon z", "moves"]
_WORDS = "cells: share that expresses the gene; moves: share of places on the tissue with as much."


def spatial_genes_command(
    file: FileArgument,
    model: ModelOption = None,
    by: ByOption = "",
    domain: DomainOption = "",
    raw: RawOption = False,
    shifts: ShiftsOption = 199,
    independent: IndependentOption = False,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    top: TopOption = 20,
    out: OutOption = None,
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """List genes that a domain has more of than the domains around it, and that few moves would find."""
    from glasscell.explain.part import Part
    from glasscell.explain.spatial_gene import SpatialGeneRequest, spatial_genes

    if (model is None) == (not by):
        raise UsageError("Say where the domains are: --model DIR, or --by COLUMN.")
    dataset = open_file(file, section, "", counts, genes)
    if model is not None:
        (codes, names), circular = _of_model(dataset, model, raw), True
    else:
        codes, names, circular = _of_column(dataset, by)
    circular = circular and not independent
    chosen = range(len(names)) if not domain else [_place(domain, names)]
    found = []
    with shell_job("Comparing domains") as job:
        for number, place in enumerate(chosen):
            part = Part(job, number / len(chosen), (number + 1) / len(chosen), names[place])
            request = SpatialGeneRequest(codes, names, place, shifts=shifts, seed=seed, circular=circular)
            found.append(_or_why(spatial_genes, dataset, request, part, one=bool(domain)))
    done = [one for one in found if not isinstance(one, str)]
    if out is not None:
        save_table(_table(done), out)
    if json:
        print_json({"domains": [_result(one, top) for one in done]})
        return
    for one in found:
        if isinstance(one, str):
            say(one, style="yellow")
        else:
            _show(one, top)
    say(_WORDS)
    for note in dict.fromkeys(note for one in done for note in one.notes):
        say(note, style="yellow")


def _of_model(dataset: Dataset, folder: Path, raw: bool) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return the domain of each cell of the file as the model's training found it, -1 for unknown cells."""
    import numpy as np

    from glasscell.errors import DataError
    from glasscell.models.bundle_file import load_bundle
    from glasscell.models.domain import domain_names, domain_of_cells
    from glasscell.models.refine import refine_domains, touching
    from glasscell.session.domain import need_domains

    bundle = load_bundle(folder)
    net, rows = need_domains(bundle), bundle.rows(dataset, np.arange(dataset.n_cells))
    if bundle.cells.latent_cz is None or not (rows >= 0).any():
        raise DataError("The model was trained on other cells: train one on this file, or name a column.")
    codes = np.where(rows >= 0, domain_of_cells(net, bundle.cells.latent_cz)[rows], -1).astype(np.int32)
    if not raw and net.info.needs_positions:  # type: ignore[attr-defined]
        codes = refine_domains(codes, touching(dataset))
    return codes, domain_names(net)


def _of_column(dataset: Dataset, column: str) -> tuple[NDArray[np.int32], tuple[str, ...], bool]:
    """Return the domain of each cell, their names, and whether a column of that name comes from counts."""
    from glasscell.data.labels import read_labels
    from glasscell.data.selection import parse_selection
    from glasscell.explain.contrast_origin import is_independent

    labels = read_labels(dataset, column)
    one = parse_selection(f"{column}={labels.classes[0]}", dataset)
    return labels.codes, labels.classes, not is_independent(one, dataset)


def _place(domain: str, names: tuple[str, ...]) -> int:
    if domain in names:
        return names.index(domain)
    if domain.isdecimal() and f"domain {domain}" in names:
        return names.index(f"domain {domain}")
    raise UsageError(f"There is no domain {domain!r}; there are {', '.join(names)}.")


def _or_why(run: Any, dataset: Dataset, request: Any, job: Any, *, one: bool) -> SpatialGenes | str:
    """Return the genes of a domain; of many domains one that is too small must not stop the others."""
    from glasscell.errors import DataError

    try:
        found: SpatialGenes = run(dataset, request, job)
    except DataError as error:
        if one:
            raise
        return f"{request.names[request.domain]}: {error}"
    return found


def _table(found: list[SpatialGenes]) -> pd.DataFrame:
    import pandas as pd

    parts = [one.table().assign(domain=one.domain, around=", ".join(one.around)) for one in found]
    return pd.concat(parts) if parts else pd.DataFrame()


def _result(found: SpatialGenes, top: int) -> dict[str, Any]:
    return {
        "domain": found.domain,
        "around": list(found.around),
        "n_in": found.n_in,
        "n_out": found.n_out,
        "radius": found.radius,
        "called": int(found.called.sum()),
        "genes": [vars(row) for row in found.top(top)],
        "shifts": found.shifts,
        "notes": list(found.notes),
    }


def _show(found: SpatialGenes, top: int) -> None:
    n = int(found.called.sum())
    rows = [
        [
            row.gene,
            f"{row.in_fraction:.2f}",
            f"{row.out_fraction:.2f}",
            f"{row.fold:.2f}",
            f"{row.score:+.2f}",
            *([] if row.q is None else [f"{row.q:.2g}"]),
            "not asked" if row.p_shift is None else f"{row.p_shift:.3f}",
        ]
        for row in found.top(top)
    ]
    title = f"{found.domain} ({found.n_in:,}) against {', '.join(found.around)} ({found.n_out:,}): {n} genes"
    print_table(title, _HEADER if found.circular else [*_HEADER[:5], "q", *_HEADER[5:]], rows)
