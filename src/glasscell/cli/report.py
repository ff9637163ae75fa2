"""``glasscell report``: one HTML page of a dataset, a model and its reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glasscell.cli.console import shell_job
from glasscell.cli.option import DonorOption, FileArgument, SectionOption, UsageError, open_file
from glasscell.cli.writing import save_file, tell

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.figure.report import Report
    from glasscell.models.bundle import Bundle


def report_command(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", metavar="HTML", help="Where to write it")] = Path(
        "report.html"
    ),
    colour: Annotated[
        list[str], typer.Option("--colour", help="Obs column or gene to draw; repeat for more")
    ] = [],  # noqa: B006 - typer reads the default and never changes it
    model: Annotated[
        Path | None, typer.Option("--model", metavar="DIR", help="Folder that glasscell fit wrote")
    ] = None,
    target: Annotated[
        list[str], typer.Option("--target", help="What to explain: class:L5; repeat for more")
    ] = [],  # noqa: B006 - as above
    section: SectionOption = "",
    donor: DonorOption = "",
) -> None:
    """Write one page that needs no other file: pictures, evidence, provenance and a methods text."""
    from glasscell.explain.check import checks
    from glasscell.figure.pick import ranking_of
    from glasscell.figure.report import Report, add_data, add_explanation, add_model, add_origin
    from glasscell.models.bundle_file import load_bundle
    from glasscell.session.cells import class_mask

    if target and model is None:
        raise UsageError("A report with --target needs --model, a folder that glasscell fit wrote.")
    dataset = open_file(file, section, donor)
    bundle = None if model is None else load_bundle(model)
    page, results = Report(f"Glasscell report: {file.name}"), []
    add_data(page, dataset)
    _add_cells(page, dataset, colour or [_labels_of(bundle, dataset)])
    if bundle is not None:
        add_model(page, bundle)
        for one in target:
            with shell_job(f"Explaining {one}") as job:
                sheet, found = ranking_of(dataset, bundle, one, job)
            add_explanation(page, found, sheet, checks(found, class_mask(bundle, dataset, found.target)))
            results.append(found)
    add_origin(page, dataset, bundle, results)
    text = page.html()
    tell(out, save_file(out, lambda fresh: _write(fresh, text)))


def _labels_of(bundle: Bundle | None, dataset: Dataset) -> str:
    """Column the model learnt, when the data hold it."""
    known = bundle is not None and bundle.labels_name in dataset.obs.columns
    return bundle.labels_name if bundle is not None and known else ""


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _add_cells(page: Report, dataset: Dataset, colours: list[str]) -> None:
    """Draw each colouring on the tissue and the embedding, as far as there are any."""
    from glasscell.figure.cell import embedding_figure, tissue_figure
    from glasscell.figure.pick import look_of

    page.add_heading("Pictures")
    if dataset.positions_cd is None and not dataset.embeddings:
        page.add_text("These data have neither positions nor an embedding: run glasscell prepare first.")
    for colour in colours:
        look = look_of(dataset, colour)
        name = colour or dataset.observations
        if dataset.positions_cd is not None:
            page.add_figure(tissue_figure(dataset, look), f"Tissue: {name}.")
        if dataset.embeddings:
            text = f"Embedding: {name}. Distances between far groups mean nothing."
            page.add_figure(embedding_figure(dataset, look), text)
