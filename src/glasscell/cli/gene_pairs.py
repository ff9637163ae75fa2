"""``glasscell gene-pairs`` and ``label-efficiency``: what a gene transformer looks at, and is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    CountsOption,
    FileArgument,
    GenesOption,
    JsonOption,
    SectionOption,
    SetOption,
    open_file,
    settings_of,
)
from glasscell.cli.writing import save_table

ModelOption = Annotated[
    Path, typer.Option("--model", metavar="DIR", help="Folder of a model of the family gene_transformer")
]
ByOption = Annotated[
    str,
    typer.Option("--by", metavar="COLUMN", help="Obs column of the groups; the predicted class without it"),
]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Pairs to list for each group")]
TableOption = Annotated[Path | None, typer.Option("--table", metavar="CSV", help="Write every measured pair")]
LabelsOption = Annotated[str, typer.Option("--labels", metavar="COLUMN", help="Obs column of the classes")]
ShareOption = Annotated[
    list[float], typer.Option("--share", help="Share of the labels to learn from; repeat for more")
]
ShuffledOption = Annotated[bool, typer.Option("--shuffled", help="Pretrain on shuffled genes, too")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of the cells held out and of all nets")]


def gene_pairs_command(
    file: FileArgument,
    model: ModelOption,
    by: ByOption = "",
    top: TopOption = 10,
    table: TableOption = None,
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """List which genes attend to which in groups of cells, with what taking one away changes."""
    from glasscell.explain.gene_attention.measure import gene_attention
    from glasscell.models.bundle_file import load_bundle
    from glasscell.session.attending import PREDICTED, grouping

    dataset = open_file(file, section, "", counts, genes)
    bundle = load_bundle(model)
    labels = grouping(by or PREDICTED, dataset, bundle)
    with shell_job("Summing attention") as job:
        found = gene_attention(dataset, bundle, labels, top=top, job=job)
    if table is not None:
        save_table(found.table(), table)
    if json:
        pairs = {group: [vars(pair) for pair in found.top(group, top)] for group in found.groups}
        agreement = [float(value) if np.isfinite(value) else None for value in found.agreement_g]
        told = {"agreement": dict(zip(found.groups, agreement, strict=True)), "notes": list(found.notes)}
        print_json({"groups": pairs, **told})
        return
    for group, agreement in zip(found.groups, found.agreement_g, strict=True):
        rows = [
            [
                pair.gene,
                pair.attends_to,
                f"{pair.weight:.4f}",
                f"{pair.relative:.2f}",
                f"{pair.removed:+.3f}",
                "" if pair.correlation is None else f"{pair.correlation:+.2f}",
                f"{pair.n_cells:,}",
            ]
            for pair in found.top(group, top)
        ]
        print_table(
            f"{group}: genes that attend to genes (attention and removal agree by {agreement:+.2f})",
            ["gene", "attends to", "weight", "x presence", "removed", "rank corr.", "cells"],
            rows,
        )
    for note in found.notes:
        say(note, style="yellow")


def label_efficiency_command(
    file: FileArgument,
    labels: LabelsOption,
    shares: ShareOption = [0.05, 0.1, 0.25, 1.0],  # noqa: B006 - typer reads the default and never changes it
    shuffled: ShuffledOption = False,
    seed: SeedOption = 0,
    settings: SetOption = [],  # noqa: B006 - typer reads the default and never changes it
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """Tell how good a gene transformer is with few labels, beside logistic regression on components."""
    from glasscell.data.labels import read_labels
    from glasscell.models.gene_transformer.label_efficiency import label_efficiency
    from glasscell.models.gene_transformer.params import GeneTransformerParams

    params = GeneTransformerParams(**settings_of(GeneTransformerParams, settings))
    dataset = open_file(file, section, "", counts, genes)
    known = read_labels(dataset, labels)
    with shell_job("Training on a share of the labels") as job:
        rows = label_efficiency(dataset, known, shares, params=params, shuffled=shuffled, seed=seed, job=job)
    if json:
        told = [
            {name: None if np.isnan(value) else value for name, value in vars(row).items()} for row in rows
        ]
        print_json({"rows": told})
        return
    print_table(
        "Macro-F1 of cells held out, by share of the labels",
        [
            "labels",
            "cells",
            "pretrained",
            "nothing guessed",
            "shuffled genes",
            "50 components",
            "best number",
        ],
        [
            [
                f"{row.share:.0%}",
                f"{row.n_labelled:,}",
                *(
                    "" if np.isnan(value) else f"{value:.3f}"
                    for value in (row.pretrained, row.unlearnt, row.shuffled, row.logistic, row.chosen)
                ),
            ]
            for row in rows
        ],
    )
