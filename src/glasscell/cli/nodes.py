"""``glasscell nodes``: which named nodes of a model decide, beside control networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import CountsOption, FileArgument, GenesOption, JsonOption, SectionOption, open_file
from glasscell.cli.writing import check_out, save_data, save_table, tell

if TYPE_CHECKING:
    from glasscell.explain.node_importance.result import NodeRow
    from glasscell.models.bundle import Bundle

ModelOption = Annotated[
    Path, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit --model pathway_net wrote")
]
SeedsOption = Annotated[int, typer.Option("--seeds", min=3, help="Nets of each kind: real and two controls")]
ClassOption = Annotated[
    list[str], typer.Option("--class", metavar="NAME", help="List this class only; repeat for more")
]
LayerOption = Annotated[
    int, typer.Option("--layer", min=0, help="1: next to the genes, 2: groups of sets; 0: all")
]
TopOption = Annotated[int, typer.Option("--top", min=1, help="Nodes to list for each class")]
TableOption = Annotated[Path | None, typer.Option("--table", metavar="CSV", help="Write every node")]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write data and result, .h5ad or .zarr")
]
_HEADS = ["node", "layer", "value", "share", "z labels", "z edges", "genes", ""]


def nodes_command(
    file: FileArgument,
    model: ModelOption,
    seeds: SeedsOption = 5,
    classes: ClassOption = [],  # noqa: B006 - typer reads the default and never changes it
    layer: LayerOption = 0,
    top: TopOption = 10,
    table: TableOption = None,
    out: OutOption = None,
    section: SectionOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    json: JsonOption = False,
) -> None:
    """Rank gene sets by how far they stand out from nets of shuffled labels and of connections alone."""
    from glasscell.explain.node_importance.measure import node_importance
    from glasscell.models.bundle_file import load_bundle

    check_out(out)
    dataset = open_file(file, section, "", counts, genes)
    bundle = load_bundle(model)
    _check(bundle, classes, layer)
    with shell_job("Training control networks") as job:
        found = node_importance(dataset, bundle, seeds, job)
    rows = {name: found.rows(name, layer or None)[:top] for name in classes or found.classes}
    if table is not None:
        save_table(found.table(), table)
    if out is not None:
        tell(out, save_data(dataset, out, (found,)))
    if json:
        print_json(
            {
                "id": found.id,
                "model": found.model,
                "seeds": list(found.seeds),
                "macro_f1": dict(zip(("real", "shuffled", "deterministic"), found.f1_kinds, strict=True)),
                "classes": {name: [{**vars(row), "z": row.z} for row in some] for name, some in rows.items()},
                "notes": list(found.notes),
            }
        )
        return
    for name, some in rows.items():
        print_table(
            f"{name}: nodes that stand out from both controls first", _HEADS, [_texts(row) for row in some]
        )
    for note in found.notes:
        say(note)


def _check(bundle: Bundle, classes: list[str], layer: int) -> None:
    """Refuse a class or a layer that the model does not have before control networks are trained."""
    from glasscell.errors import DataError
    from glasscell.models.capability.structure import HasNodes

    for name in classes:
        if name not in bundle.classes:
            raise DataError(f"There is no class {name!r}; there are {', '.join(bundle.classes)}.")
    net = bundle.folds[0]
    if isinstance(net, HasNodes) and layer > len(net.layers):
        raise DataError(f"There is no layer {layer}: the model has 1 to {len(net.layers)}.")


def _texts(row: NodeRow) -> list[str]:
    return [
        row.node,
        str(row.layer),
        f"{row.value:+.3f}",
        f"{row.share:.3f} ({row.low:.3f} to {row.high:.3f})",
        f"{row.z_shuffled:+.1f}",
        f"{row.z_deterministic:+.1f}",
        f"{row.genes:,}",
        row.flag,
    ]
