"""``glasscell fit``: train a model with cross-fitting and say how good it is beside simple baselines."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    ActionOption,
    ControlOption,
    CountsOption,
    DonorOption,
    FileArgument,
    ForceOption,
    GenesOption,
    JsonOption,
    NetworkOption,
    SectionOption,
    SetOption,
    open_file,
    settings_of,
    use_network,
)
from glasscell.cli.robustness import ask, show
from glasscell.errors import JobCancelled

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.fit_request import FitRequest
    from glasscell.models.info import FamilyParams
    from glasscell.models.metric import Metrics


RobustnessOption = Annotated[
    bool, typer.Option("--robustness", help="Also check what it stands: fewer counts, other protocols")
]


def fit_command(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the model")],
    labels: Annotated[
        str,
        typer.Option("--labels", metavar="COLUMN", help="Obs column with the classes; vae learns without"),
    ] = "",
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
    batch: Annotated[
        str,
        typer.Option("--batch", metavar="COLUMN", help="Obs column of a technical batch to take out"),
    ] = "",
    action: ActionOption = "",
    control: ControlOption = "",
    section: SectionOption = "",
    donor: DonorOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    network: NetworkOption = "",
    robustness: RobustnessOption = False,
    force: ForceOption = False,
    settings: SetOption = [],  # noqa: B006 - typer reads the default and never changes it
    json: JsonOption = False,
) -> None:
    """Train a model on a file; every labelled cell gets a held-out prediction.

    Families that learn without labels (vae) train one net on all cells and give each cell a latent.
    """
    from glasscell.data.labels import read_labels
    from glasscell.data.split import default_scheme
    from glasscell.data.split import split as make_split
    from glasscell.models.bundle_place import check_place
    from glasscell.models.fit_request import FitRequest

    started = time.monotonic()
    check_place(out, force=force)
    chosen = _chosen(model, labels, action, network, settings)
    dataset = open_file(file, section, donor, counts, genes)
    classes = read_labels(dataset, labels) if labels else None
    scheme = split or (default_scheme(dataset) if classes else "")
    plan = make_split(dataset, scheme, n_folds=folds, seed=seed, labels=classes) if scheme else None
    groups = read_labels(dataset, batch) if batch else None
    done = read_labels(dataset, action) if action else None
    request = FitRequest(classes, plan, model, chosen, seed, device, groups, done, control)
    bundle = _train(dataset, request, out)
    bundle = _checked(dataset, bundle, out) if robustness else bundle
    for sentence in dict.fromkeys((*(plan.warnings if plan else ()), *bundle.notes)):
        say(sentence, style="yellow")
    if json:
        print_json(_result(bundle, dataset.n_cells, time.monotonic() - started))
        return
    _show(bundle, labels)
    say(f"Model written to {out}.")


def _train(dataset: Dataset, request: FitRequest, out: Path) -> Bundle:
    """Train and save the nets, then the twin and save both: stopping the twin keeps the nets."""
    from glasscell.models.bundle_file import save_bundle
    from glasscell.models.fit import fit, fit_twin

    with shell_job("Training") as job:
        bundle = fit(dataset, request, job)
        save_bundle(bundle, out)
        try:
            bundle = fit_twin(bundle, dataset, request, job)
        except JobCancelled as error:
            kept = f"Stopped before the twin was trained: the model without a twin is in {out}."
            raise JobCancelled(kept) from error
    if bundle.twin is not None:
        save_bundle(bundle, out)
    return bundle


def _checked(dataset: Dataset, bundle: Bundle, out: Path) -> Bundle:
    """Check what the model stands and save it with the answer."""
    from glasscell.models.bundle_file import save_bundle

    bundle = replace(bundle, robustness=ask(dataset, bundle))
    save_bundle(bundle, out)
    return bundle


def _chosen(model: str, labels: str, action: str, network: str, settings: list[str]) -> FamilyParams:
    """Return the family's settings; refuse a family that learns classes without their column."""
    from glasscell.models.registry import family
    from glasscell.views.form import build

    info, params = family(model).info, family(model).params
    if info.why_labels and not labels:
        raise typer.BadParameter(info.why_labels, param_hint="--labels")
    if info.needs_action and not action:
        said = f"{info.title} learns what perturbations do: name their column."
        raise typer.BadParameter(said, param_hint="--action")
    own = use_network(network)
    given = [f"network={own}", *settings] if own and model == "torch_module" else settings
    return build(params, settings_of(params, given))


def _result(bundle: Bundle, n_cells: int, seconds: float) -> dict[str, Any]:
    metrics = {} if bundle.metrics is None else bundle.metrics.to_json()
    metrics.pop("n_cells", None)
    return {
        "metrics": metrics,
        "figures": {name: dict(row) for name, row in bundle.figures.items()},
        "baselines": {
            name: {"accuracy": row.accuracy, "macro_f1": row.macro_f1}
            for name, row in bundle.baselines.items()
        },
        "split": bundle.split_scheme,
        "n_cells": int(bundle.cells.labelled.sum()) if bundle.classes else n_cells,
        "n_genes": len(bundle.genes),
        "device": bundle.provenance.get("device", "cpu"),
        "seconds": round(seconds, 2),
        "cells_in_file": n_cells,
        "classes": list(bundle.classes),
        "notes": list(bundle.notes),
        "robustness": None if bundle.robustness is None else bundle.robustness.to_json(),
    }


def _show(bundle: Bundle, labels: str) -> None:
    """Print the figures of the model beside its baselines'."""
    if bundle.metrics is not None:
        rows = [_row(bundle.family, bundle.metrics)]
        rows += [_row(name, row) for name, row in bundle.baselines.items()]
        heads = ["", "accuracy", "macro F1", "calibration error"]
        print_table(f"{labels}, held out by {bundle.split_text}", heads, rows)
    elif bundle.figures:
        names = list(next(iter(bundle.figures.values())))
        table = [
            [title, *(f"{row[name]:.4f}" if name in row else "" for name in names)]
            for title, row in bundle.figures.items()
        ]
        print_table(f"Held out: {bundle.split_text}", ["", *names], table)
    if bundle.robustness is not None:
        show(bundle.robustness)


def _row(name: str, row: Metrics) -> list[str]:
    error = "" if row.calibration_error is None else f"{row.calibration_error:.3f}"
    return [name, f"{row.accuracy:.3f}", f"{row.macro_f1:.3f}", error]
