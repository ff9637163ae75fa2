"""``glasscell contrast``: one group of cells against another, in expression and in the model's reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import FileArgument, JsonOption, SectionOption, open_file
from glasscell.cli.writing import save_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.explain.contrast import Contrast, ContrastRow
    from glasscell.explain.gene_set import SetOverlap
    from glasscell.explain.result import Explanation
    from glasscell.jobs import JobHandle

LISTED = 100
_CELLS = "COLUMN=VALUE[,VALUE][;COLUMN=VALUE]"
_DONOR = "Obs column of the donor, or how one is made up: sample={condition}{donor}"
AOption = Annotated[str, typer.Option("--a", metavar=_CELLS, help="Cells of side A")]
BOption = Annotated[str, typer.Option("--b", metavar=_CELLS, help="Cells of side B; all others without it")]
DonorOption = Annotated[str, typer.Option("--donor", metavar="COLUMN|PATTERN", help=_DONOR)]
ConditionOption = Annotated[
    str, typer.Option("--condition", metavar="COLUMN", help="Obs column of the condition")
]
UnitOption = Annotated[str, typer.Option("--unit", help="auto, cells or donors")]
IndependentOption = Annotated[
    bool, typer.Option("--independent", help="The groups were not made from these counts")
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote")
]
TargetOption = Annotated[str, typer.Option("--target", help="What the model explains; A's class without it")]
SetsOption = Annotated[
    Path | None, typer.Option("--gene-sets", metavar="GMT", help="Which sets the first genes fall into")
]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Genes to list for each side")]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="CSV", help="Write every gene")]


def contrast_command(
    file: FileArgument,
    a: AOption,
    b: BOption = "",
    donor: DonorOption = "",
    condition: ConditionOption = "",
    unit: UnitOption = "auto",
    independent: IndependentOption = False,
    model: ModelOption = None,
    target: TargetOption = "",
    gene_sets: SetsOption = None,
    top: TopOption = 20,
    out: OutOption = None,
    section: SectionOption = "",
    json: JsonOption = False,
) -> None:
    """Compare two groups of cells gene by gene; between conditions donors are compared, never cells."""
    from glasscell.data.column import DataContext
    from glasscell.data.design import find_design
    from glasscell.data.selection import parse_selection
    from glasscell.explain.contrast import ContrastRequest
    from glasscell.explain.contrast import contrast as compare
    from glasscell.explain.contrast_origin import same_counts
    from glasscell.explain.gene_set import read_gmt

    dataset = open_file(file, section)
    sets = None if gene_sets is None else read_gmt(gene_sets)
    side_a = parse_selection(a, dataset)
    side_b = parse_selection(b, dataset) if b else ~side_a
    context = DataContext(dataset)
    masks = side_a.mask(context), side_b.mask(context)
    with shell_job("Comparing") as job:
        explanation = None if model is None else _explain(dataset, model, target, masks, job)
        request = ContrastRequest(
            *masks,
            a,
            b or "the rest",
            find_design(dataset, donor, condition),
            unit,  # type: ignore[arg-type]
            "" if independent else same_counts(side_a, side_b, dataset),
            explanation,
        )
        found = compare(dataset, request, job)
    overlaps = {} if sets is None else _overlaps(found, sets)
    if out is not None:
        save_table(found.table(), out)
    if json:
        print_json(_result(found, top, overlaps))
    else:
        _show(found, top, overlaps)


def _explain(
    dataset: Dataset, model: Path, target: str, masks: tuple[NDArray[np.bool_], ...], job: JobHandle
) -> Explanation:
    """Explain the cells of both sides; by default the class that most cells of A have."""
    import numpy as np

    from glasscell.errors import ModelError
    from glasscell.explain.explain import explain
    from glasscell.explain.request import ExplainRequest
    from glasscell.models.bundle_file import load_bundle

    bundle = load_bundle(model)
    if not target:
        rows = bundle.rows(dataset, np.flatnonzero(masks[0]))
        truth = bundle.cells.truth[rows[rows >= 0]]
        if not (truth >= 0).any():
            raise ModelError("The model knows no label of the cells of A; say what to explain with --target.")
        target = f"class:{bundle.classes[int(np.bincount(truth[truth >= 0]).argmax())]}"
    cells = np.flatnonzero(masks[0] | masks[1]).astype(np.int32)
    return explain(dataset, bundle, ExplainRequest(target=target, cells=cells), job)


def _overlaps(found: Contrast, sets: Any) -> dict[str, tuple[SetOverlap, ...]]:
    """Test the genes that lead each side, by expression and, where there is a model, by attribution."""
    from glasscell.explain.gene_set import overlap
    from glasscell.session.contrasting import listed_genes

    columns = ["expression"] if found.attribution is None else ["expression", "attribution"]
    asked = {(by, side): listed_genes(found, LISTED, by, side) for by in columns for side in ("a", "b")}
    return {
        f"{by}_{side}": overlap(genes, _measured(found, by), sets)
        for (by, side), genes in asked.items()
        if genes
    }


def _measured(found: Contrast, by: str) -> list[str]:
    if by == "expression":
        return list(found.genes)
    return [found.genes[int(g)] for g in found.order_of("attribution")]


def _result(found: Contrast, top: int, overlaps: dict[str, tuple[SetOverlap, ...]]) -> dict[str, Any]:
    columns = ("expression",) if found.attribution is None else ("expression", "attribution")
    return {
        "a": {"name": found.a_name, "n_cells": found.n_a, "n_donors": found.donors_a},
        "b": {"name": found.b_name, "n_cells": found.n_b, "n_donors": found.donors_b},
        "unit": found.unit,
        "score": found.score_name,
        "change": found.change_name,
        "p": found.p_text or "tested",
        "top": {
            f"{by}_{side}": [_gene(found, row) for row in found.top(top, by, side)]  # type: ignore[arg-type]
            for by in columns
            for side in ("a", "b")
        },
        "target": None if found.attribution is None else found.attribution.target,
        "agreement": None if found.agreement is None else vars(found.agreement),
        "gene_sets": {key: [vars(row) for row in rows[:top]] for key, rows in overlaps.items()},
        "notes": list(found.notes),
    }


def _gene(found: Contrast, row: ContrastRow) -> dict[str, Any]:
    gene = dict(vars(row))
    if found.p_text:
        gene["p"] = gene["q"] = found.p_text
    return gene


def _show(found: Contrast, top: int, overlaps: dict[str, tuple[SetOverlap, ...]]) -> None:
    from glasscell.explain.gene_set import CAUTION

    header = ["gene", found.change_name, found.score_name, "q"]
    if found.attribution is not None:
        header += ["attribution", "its rank", "twin rank", "spread over folds"]
    for side, name in (("a", found.a_name), ("b", found.b_name)):
        rows = [_row(found, row) for row in found.top(top, side=side)]  # type: ignore[arg-type]
        print_table(f"More in {name}", header, rows)
    if found.attribution is not None:
        rows = [_row(found, row) for row in found.top(top, "attribution")]
        print_table(f"Attribution, A less B: {found.attribution.target}", header, rows)
    for key, sets in overlaps.items():
        by, side = key.split("_")
        lines = [[one.name, f"{len(one.genes)} of {one.n_set}", f"{one.q:.2g}"] for one in sets[:10]]
        print_table(f"Gene sets of {side.upper()}'s first genes by {by}", ["set", "genes", "q"], lines)
    if overlaps:
        say(CAUTION, style="yellow")
    if found.agreement is not None:
        say(found.agreement.sentence())
    for note in found.notes:
        say(note, style="yellow")


def _row(found: Contrast, row: ContrastRow) -> list[str]:
    shown = [row.gene, f"{row.change:+.2f}", f"{row.score:+.2f}", found.p_text or f"{row.q:.2g}"]
    if found.attribution is None:
        return shown
    model = (row.attribution_rank, row.twin_rank, row.rank_spread)
    value = "not in model" if row.attribution is None else f"{row.attribution:+.3f}"
    return [*shown, value, *("unknown" if one is None else str(one) for one in model)]
