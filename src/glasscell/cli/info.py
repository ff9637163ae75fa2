"""``glasscell info``: what is in a file."""

from __future__ import annotations

from glasscell.cli.console import print_json, print_table, say
from glasscell.cli.option import (
    CountsOption,
    DonorOption,
    FileArgument,
    GenesOption,
    JsonOption,
    SectionOption,
    open_file,
)


def info_command(
    file: FileArgument,
    section: SectionOption = "",
    donor: DonorOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """Say in one sentence what a file holds, and list what can be coloured, split and learnt."""
    from glasscell.data.split import default_scheme

    dataset = open_file(file, section, donor, counts, genes)
    facts = {
        "report": dataset.report(),
        "n_cells": dataset.n_cells,
        "n_genes": dataset.n_genes,
        "observation": dataset.observation,
        "counts": dataset.counts,
        "embeddings": list(dataset.embeddings),
        "sections": [] if dataset.sections is None else list(dataset.sections.names),
        "donors": [] if dataset.donors is None else list(dataset.donors.names),
        "positions": dataset.position_unit if dataset.positions_cd is not None else None,
        "columns": [str(name) for name in dataset.obs.columns],
        "default_split": default_scheme(dataset),
        "problems": list(dataset.problems),
    }
    if json:
        print_json(facts)
        return
    rows = [
        [name.replace("_", " "), _words(value)]
        for name, value in facts.items()
        if name not in ("report", "problems")
    ]
    print_table(dataset.report(), ["what", "found"], rows)
    for problem in dataset.problems:
        say(problem, style="yellow")


def _words(value: object) -> str:
    if isinstance(value, list):
        return (
            ", ".join(map(str, value[:12])) + (f" and {len(value) - 12} more" if len(value) > 12 else "")
            or "none"
        )
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
