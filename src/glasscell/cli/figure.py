"""``glasscell figure``: any picture of the window as SVG or PNG, without a window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from glasscell.cli.console import shell_job
from glasscell.cli.option import DonorOption, FileArgument, SectionOption, UsageError, cells_of, open_file
from glasscell.cli.writing import save_file, tell

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.figure.cell import CellLook
    from glasscell.models.bundle import Bundle

OF_CELLS = ("tissue", "embedding")
OF_MODELS = ("ranking", "curve", "metrics")


def figure_command(
    file: FileArgument,
    what: Annotated[str, typer.Option("--what", help=", ".join((*OF_CELLS, *OF_MODELS)))] = "tissue",
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=".svg or .png")] = Path("figure.svg"),
    colour: Annotated[
        str,
        typer.Option(
            "--colour",
            help="Obs column or gene (obs:NAME or gene:NAME where both exist); with --model also "
            "prediction:label, :probability or :correct, and with --target attribution:GENE",
        ),
    ] = "",
    limits: Annotated[
        tuple[float, float] | None, typer.Option("--limits", help="Values at the ends of the colours")
    ] = None,
    cells: Annotated[
        str, typer.Option("--cells", metavar="COLUMN=VALUE", help="Cells that stand out; the rest is grey")
    ] = "",
    embedding: Annotated[str, typer.Option("--embedding", help="Key in obsm; UMAP without it")] = "",
    image: Annotated[bool, typer.Option("--image/--no-image", help="Photograph below the cells")] = True,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="DIR", help="For all but obs columns and genes"),
    ] = None,
    target: Annotated[str, typer.Option("--target", help="For ranking and attributions: class:L5")] = "",
    dpi: Annotated[float, typer.Option("--dpi", min=30, max=1200, help="Dots per inch of a PNG")] = 200.0,
    section: SectionOption = "",
    donor: DonorOption = "",
) -> None:
    """Draw a picture with its legend, colour bar, scale bar and evidence, for a paper or a slide."""
    from glasscell.figure.page import check_ending, figure_bytes
    from glasscell.models.bundle_file import load_bundle

    if what not in OF_CELLS + OF_MODELS:
        raise UsageError(f'There is no picture "{what}"; there are {", ".join(OF_CELLS + OF_MODELS)}.')
    if what in OF_MODELS and model is None:
        raise UsageError(f"A picture of a {what} needs --model, a folder that glasscell fit wrote.")
    _check_colour(colour, model is not None, bool(target))
    check_ending(out.suffix.lower())
    dataset = open_file(file, section, donor)
    bundle = None if model is None else load_bundle(model)
    if what in OF_CELLS:
        chosen = cells_of(dataset, cells)
        selected = None if chosen is None else np.isin(np.arange(dataset.n_cells), chosen)
        look = _look(dataset, colour, selected, limits, bundle, target)
        sheet = _of_cells(what, dataset, look, image, embedding)
    else:
        assert bundle is not None
        sheet = _of_model(what, dataset, bundle, target)
    content = figure_bytes(sheet, out.suffix.lower(), dpi)
    tell(out, save_file(out, lambda fresh: _write(fresh, content)))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _check_colour(colour: str, has_model: bool, has_target: bool) -> None:
    """Refuse a colour whose model or target is missing before anything is read."""
    kind, mark, _ = colour.partition(":")
    if mark and kind in ("prediction", "attribution", "domain") and not has_model:
        raise UsageError(f"--colour {colour} needs --model, a folder that glasscell fit wrote.")
    if mark and kind == "attribution" and not has_target:
        raise UsageError(f"--colour {colour} needs --target, what is explained: class:L5.")


def _look(
    dataset: Dataset,
    colour: str,
    selected: NDArray[np.bool_] | None,
    limits: tuple[float, float] | None,
    bundle: Bundle | None,
    target: str,
) -> CellLook:
    from glasscell.figure.pick import explained, look_of

    explanation = None
    if colour.startswith("attribution:") and bundle is not None:
        with shell_job(f"Explaining {target}") as job:
            explanation = explained(dataset, bundle, target, job)
    return look_of(dataset, colour, selected, limits, bundle, explanation)


def _of_cells(what: str, dataset: Dataset, look: CellLook, image: bool, embedding: str) -> Figure:
    from glasscell.figure.cell import embedding_figure, tissue_figure

    if what == "tissue":
        return tissue_figure(dataset, look, image=image)
    return embedding_figure(dataset, look, key=embedding or None)


def _of_model(what: str, dataset: Dataset, bundle: Bundle, target: str) -> Figure:
    from glasscell.figure.pick import curve_of, metrics_of, ranking_of

    if what == "curve":
        return curve_of(bundle)
    if what == "metrics":
        return metrics_of(bundle)
    with shell_job("Explaining") as job:
        return ranking_of(dataset, bundle, target, job)[0]
