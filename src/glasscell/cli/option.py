"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from pydantic import BaseModel

from glasscell.errors import DataError, GlasscellError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset

FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help=".h5ad, .zarr, 10x .h5, .csv, .parquet, or a vendor's folder; see docs/formats.md",
    ),
]
SectionOption = Annotated[
    str, typer.Option("--section", metavar="COLUMN", help="Obs column that names the section")
]
DonorOption = Annotated[
    str, typer.Option("--donor", metavar="COLUMN", help="Obs column that names the donor")
]
ActionOption = Annotated[
    str, typer.Option("--action", metavar="COLUMN", help="Obs column of what was done to each cell")
]
ControlOption = Annotated[
    str, typer.Option("--control", metavar="NAME", help="Name of the control in that column")
]
CountsOption = Annotated[
    str, typer.Option("--counts", metavar="MATRIX", help="Where counts are: X, raw or layers/NAME")
]
GenesOption = Annotated[
    str, typer.Option("--genes", metavar="NAMES", help="What genes are called by: symbols or ids")
]
NetworkOption = Annotated[
    str,
    typer.Option(
        "--network", metavar="MODULE:FUNCTION", help="Your own network; this runs the code of that module"
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a model that is in the folder")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object alone on stdout")]
SetOption = Annotated[
    list[str], typer.Option("--set", metavar="NAME=VALUE", help="A parameter; repeat for more")
]


class UsageError(GlasscellError):
    """An option has a value that it cannot have."""

    exit_code = 2


def open_file(path: Path, section: str = "", donor: str = "", counts: str = "", genes: str = "") -> Dataset:
    """Read a file with what the user says of its sections, donors, counts and names of genes."""
    from glasscell.data.read import read

    return read(
        path,
        section=section or None,
        donor=donor or None,
        counts=counts or None,
        genes=genes or None,
    )


def settings_of(params: type[BaseModel], pairs: list[str]) -> dict[str, Any]:
    """Turn ``name=value`` texts into values of the kinds a parameter class declares.

    Raises
    ------
    UsageError
        A pair has no ``=``, the name is unknown, or the value is of another kind or out of range.
    """
    from glasscell.views.form import build, fields

    known = {spec.name: spec for spec in fields(params)}
    values: dict[str, Any] = {}
    try:
        for pair in pairs:
            name, mark, text = pair.partition("=")
            if not mark:
                raise UsageError(f'--set takes name=value, not "{pair}".')
            if name not in known:
                raise UsageError(f'There is no parameter "{name}"; there are {", ".join(known)}.')
            values[name] = known[name].read(text)
        build(params, values)
    except GlasscellError as error:
        raise UsageError(str(error)) from error
    return values


def cells_of(dataset: Dataset, text: str) -> NDArray[np.int32] | None:
    """Turn ``column=value[,value]`` into cell indices; None when nothing was asked for.

    Raises
    ------
    DataError
        The column or a value is not there.
    """
    if not text:
        return None
    from glasscell.data.column import categorical_codes, missing_name

    column, mark, wanted = text.partition("=")
    if not mark:
        raise DataError(f'--cells takes column=value, not "{text}".')
    if column not in dataset.obs.columns:
        raise DataError(missing_name("obs column", column, dataset.obs.columns))
    codes, names = categorical_codes(dataset.obs[column])
    chosen = [wanted] if wanted in names else wanted.split(",")
    for name in chosen:
        if name not in names:
            raise DataError(missing_name(f'value of "{column}"', name, names))
    return np.flatnonzero(np.isin(codes, [names.index(name) for name in chosen])).astype(np.int32)


def use_network(place: str) -> str:
    """Import a network named on the command line, so that models of it can be trained and read.

    Returns
    -------
    The name it is known by; empty when none was named.
    """
    if not place:
        return ""
    from glasscell.models.network import load_network

    return load_network(place)
