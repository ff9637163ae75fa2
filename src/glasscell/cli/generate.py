"""``glasscell generate``: cells that never were, as a file that nobody takes for counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import JsonOption, open_file
from glasscell.cli.writing import check_out, save_data, written

if TYPE_CHECKING:
    from glasscell.models.gan.alarm import Alarm

_SHOWN = 20


def generate_command(
    model: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a model of the family gan")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the .h5ad or .zarr")],
    cells: Annotated[int, typer.Option("--cells", min=1, help="How many cells")] = 500,
    label: Annotated[
        str, typer.Option("--label", metavar="KIND", help="Kind of cell; without it all, as frequent as seen")
    ] = "",
    seed: Annotated[int, typer.Option("--seed")] = 0,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="FILE", help="The file the model was trained on: judge these cells"
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Generate cells; with --against say which genes held-out cells don't bear out.

    The file holds log-normalised values in a layer called generated, and no counts.
    """
    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle_file import load_bundle
    from glasscell.models.gan.alarm import alarm_of_generated
    from glasscell.models.gan.generate import draw, gan_of, kinds_of, table_of

    check_out(out)
    bundle = load_bundle(model)
    alarm = None
    with shell_job("Generating") as job:
        net = gan_of(bundle)
        made = draw(net, kinds_of(net, cells, label, seed), seed, job)
        if against is not None:
            alarm = alarm_of_generated(bundle, open_file(against), made)
        kept = save_data(Dataset(table_of(net, made, seed)), out)
    if json:
        print_json({"out": str(out), "cells": cells, "label": label, "seed": seed, "alarm": _alarm(alarm)})
        return
    if alarm is not None:
        rows = [
            [one.gene, one.kind, f"{one.made:.2f}", f"{one.held:.2f}", f"{one.q:.1e}"]
            for one in alarm.found()[:_SHOWN]
        ]
        if rows:
            print_table(
                "Not borne out by held-out cells", ["gene", "kind", "generated", "held out", "q"], rows
            )
        say(alarm.sentence())
    say(f"{cells:,} generated cells, never counts. {written(out, kept)}")


def _alarm(alarm: Alarm | None) -> dict[str, Any] | None:
    if alarm is None:
        return None
    return {
        "rate": alarm.rate,
        "unjudged": list(alarm.unjudged),
        "found": [vars(one) for one in alarm.found()],
    }
