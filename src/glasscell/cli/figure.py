"""``glasscell figure``: any picture of the window as SVG or PNG, without a window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from glasscell.cli.console import say, shell_job
from glasscell.cli.option import DonorOption, FileArgument, SectionOption, UsageError, cells_of, open_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle

OF_CELLS = ("tissue", "embedding")
OF_MODELS = ("ranking", "curve", "metrics")


def figure_command(
    file: FileArgument,
    what: Annotated[str, typer.Option("--what", help=", ".join((*OF_CELLS, *OF_MODELS)))] = "tissue",
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=".svg or .png")] = Path("figure.svg"),
    colour: Annotated[
        str, typer.Option("--colour", help="Obs column or gene; obs:NAME or gene:NAME where both exist")
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
        Path | None, typer.Option("--model", metavar="DIR", help="For ranking, curve and metrics")
    ] = None,
    target: Annotated[str, typer.Option("--target", help="For ranking: class:L5 or latent:3")] = "",
    dpi: Annotated[float, typer.Option("--dpi", min=30, max=1200, help="Dots per inch of a PNG")] = 200.0,
    section: SectionOption = "",
    donor: DonorOption = "",
) -> None:
    """Draw a picture with its legend, colour bar, scale bar and evidence, for a paper or a slide."""
    from glasscell.figure.cell import embedding_figure, tissue_figure
    from glasscell.figure.page import check_ending, save_figure
    from glasscell.figure.pick import look_of

    if what not in OF_CELLS + OF_MODELS:
        raise UsageError(f'There is no picture "{what}"; there are {", ".join(OF_CELLS + OF_MODELS)}.')
    if what in OF_MODELS and model is None:
        raise UsageError(f"A picture of a {what} needs --model, a folder that glasscell fit wrote.")
    check_ending(out.suffix.lower())
    dataset = open_file(file, section, donor)
    if what in OF_CELLS:
        chosen = cells_of(dataset, cells)
        selected = None if chosen is None else np.isin(np.arange(dataset.n_cells), chosen)
        look = look_of(dataset, colour, selected, limits)
        sheet = (
            tissue_figure(dataset, look, image=image)
            if what == "tissue"
            else embedding_figure(dataset, look, key=embedding or None)
        )
    else:
        from glasscell.models.bundle_file import load_bundle

        sheet = _of_model(what, dataset, load_bundle(Path(model or "")), target)
    save_figure(sheet, out, dpi)
    say(f"Written: {out}")


def _of_model(what: str, dataset: Dataset, bundle: Bundle, target: str) -> Figure:
    from glasscell.figure.pick import curve_of, metrics_of, ranking_of

    if what == "curve":
        return curve_of(bundle)
    if what == "metrics":
        return metrics_of(bundle)
    with shell_job("Explaining") as job:
        return ranking_of(dataset, bundle, target, job)[0]
