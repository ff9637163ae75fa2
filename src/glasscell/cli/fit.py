"""``glasscell fit``: train a model with cross-fitting and say how good it is beside simple baselines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    DonorOption,
    FileArgument,
    JsonOption,
    SectionOption,
    SetOption,
    open_file,
    settings_of,
)

if TYPE_CHECKING:
    from glasscell.models.bundle import Bundle
    from glasscell.models.metric import Metrics


def fit_command(
    file: FileArgument,
    labels: Annotated[str, typer.Option("--labels", metavar="COLUMN", help="Obs column with the classes")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the model")],
    model: Annotated[str, typer.Option("--model", help="Family of models")] = "classifier",
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="SCHEME",
            help="blocks, section, donor, random, obs:COLUMN, or a CSV of cell, fold",
        ),
    ] = "",
    folds: Annotated[int, typer.Option("--folds", help="Number of folds of blocks and random")] = 4,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps")] = "auto",
    section: SectionOption = "",
    donor: DonorOption = "",
    settings: SetOption = [],  # noqa: B006 - typer reads the default and never changes it
    json: JsonOption = False,
) -> None:
    """Train a model on the labels of a file; every labelled cell gets a held-out prediction."""
    from glasscell.data.labels import read_labels
    from glasscell.data.split import default_scheme
    from glasscell.data.split import split as make_split
    from glasscell.models.bundle_file import save_bundle
    from glasscell.models.fit import FitRequest, fit, fit_twin
    from glasscell.models.registry import family
    from glasscell.views.form import build

    started = time.monotonic()
    params = family(model).params
    chosen = build(params, settings_of(params, settings))
    dataset = open_file(file, section, donor)
    classes = read_labels(dataset, labels)
    scheme = split or default_scheme(dataset)
    plan = make_split(dataset, scheme, n_folds=folds, seed=seed, labels=classes)
    request = FitRequest(labels=classes, split=plan, family=model, params=chosen, seed=seed, device=device)
    with shell_job("Training") as job:
        bundle = fit(dataset, request, job)
        bundle = fit_twin(bundle, dataset, request, job)
    save_bundle(bundle, out)
    for sentence in (*plan.warnings, *bundle.notes):
        say(sentence, style="yellow")
    if json:
        print_json(_result(bundle, dataset.n_cells, time.monotonic() - started))
        return
    print_table(
        f"{labels}, held out by {bundle.split_text}",
        ["", "accuracy", "macro F1", "calibration error"],
        _rows(bundle),
    )
    say(f"Model written to {out}.")


def _result(bundle: Bundle, n_cells: int, seconds: float) -> dict[str, Any]:
    return {
        "metrics": {name: value for name, value in bundle.metrics.to_json().items() if name != "n_cells"},
        "baselines": {
            name: {"accuracy": row.accuracy, "macro_f1": row.macro_f1}
            for name, row in bundle.baselines.items()
        },
        "split": bundle.split_scheme,
        "n_cells": int(bundle.cells.labelled.sum()),
        "n_genes": len(bundle.genes),
        "device": bundle.provenance.get("device", "cpu"),
        "seconds": round(seconds, 2),
        "cells_in_file": n_cells,
        "classes": list(bundle.classes),
        "notes": list(bundle.notes),
    }


def _rows(bundle: Bundle) -> list[list[str]]:
    return [_row(bundle.family, bundle.metrics), *(_row(name, row) for name, row in bundle.baselines.items())]


def _row(name: str, row: Metrics) -> list[str]:
    error = "" if row.calibration_error is None else f"{row.calibration_error:.3f}"
    return [name, f"{row.accuracy:.3f}", f"{row.macro_f1:.3f}", error]
