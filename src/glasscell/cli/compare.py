"""``glasscell compare``: models on the same cells, split and seeds, with cheap baselines beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glasscell.cli.console import print_json, print_table, say, shell_job
from glasscell.cli.option import (
    ActionOption,
    ControlOption,
    CountsOption,
    DonorOption,
    FileArgument,
    GenesOption,
    JsonOption,
    SectionOption,
    SetOption,
    UsageError,
    open_file,
    settings_of,
)
from glasscell.cli.writing import save_file, save_table, tell
from glasscell.errors import ModelError

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.data.labels import Labels
    from glasscell.data.split import Split
    from glasscell.explain.comparison.result import ModelComparison, ReasonAgreement, Score
    from glasscell.figure.pair import PairLook
    from glasscell.models.info import FamilyParams

ModelsOption = Annotated[
    str, typer.Option("--models", metavar="A,B,C", help="Families to train, for example classifier,vae")
]
LabelsOption = Annotated[
    str,
    typer.Option(
        "--labels", metavar="COLUMN", help="Obs column that is learnt, or that latents are judged by"
    ),
]
SplitOption = Annotated[
    str, typer.Option("--split", metavar="SCHEME", help="As in glasscell fit; one split for all models")
]
SeedsOption = Annotated[
    str, typer.Option("--seeds", metavar="0,1,2", help="Each model is trained once per seed")
]
TargetOption = Annotated[
    str,
    typer.Option("--target", help="Whose reasons are compared, class:NAME; the commonest class if left out"),
]
BatchOption = Annotated[
    str, typer.Option("--batch", metavar="COLUMN", help="Batch that models able to do so take out")
]
TableOption = Annotated[
    Path | None, typer.Option("--table", metavar="CSV", help="Write every figure of every seed")
]
FigureOption = Annotated[
    Path | None,
    typer.Option(
        "--figure",
        metavar="FILE",
        help="Draw figures, agreement and two maps with their difference, .svg or .png",
    ),
]
MapsOption = Annotated[
    str,
    typer.Option(
        "--maps", metavar="A,B", help="The two models whose maps stand in the figure; the first two"
    ),
]
ShowOption = Annotated[
    str,
    typer.Option(
        "--show",
        metavar="label|own|GENE",
        help="What the maps show: classes, sureness of the own, a gene's share",
    ),
]


def compare_command(
    file: FileArgument,
    models: ModelsOption,
    labels: LabelsOption = "",
    split: SplitOption = "",
    folds: Annotated[int, typer.Option("--folds", help="Number of folds of blocks and random")] = 4,
    seeds: SeedsOption = "0,1,2",
    target: TargetOption = "",
    batch: BatchOption = "",
    action: ActionOption = "",
    control: ControlOption = "",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps")] = "auto",
    section: SectionOption = "",
    donor: DonorOption = "",
    counts: CountsOption = "",
    genes: GenesOption = "",
    settings: SetOption = [],  # noqa: B006 - typer reads the default and never changes it
    table: TableOption = None,
    figure: FigureOption = None,
    maps: MapsOption = "",
    show: ShowOption = "",
    json: JsonOption = False,
) -> None:
    """Train several models on the same cells, split and seeds; show figures and reasons side by side.

    A setting of one model is given as --set model.name=value.
    """
    from glasscell.data.labels import read_labels
    from glasscell.explain.comparison.compare import compare
    from glasscell.explain.comparison.request import CompareRequest
    from glasscell.figure.page import check_ending

    if figure is not None:
        check_ending(figure.suffix.lower())
    names, beside = _names(models), _two(maps)
    params = _params(names, settings)
    dataset = open_file(file, section, donor, counts, genes)
    classes = read_labels(dataset, labels) if labels else None
    request = CompareRequest(
        models=names,
        labels=classes,
        split=_folds(dataset, split, folds, classes),
        seeds=_seeds(seeds),
        target=target,
        params=params,
        batch=read_labels(dataset, batch) if batch else None,
        action=read_labels(dataset, action) if action else None,
        control=control,
        device=device,
    )
    with shell_job("Comparing") as job:
        found = compare(dataset, request, job)
    if table is not None:
        save_table(found.table(), table)
    if figure is not None:
        _draw(found, figure, _pair(dataset, found, beside, show))
    if json:
        print_json(found.to_json())
    else:
        _show(found)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _two(text: str) -> tuple[str, ...]:
    """Read two names, or none."""
    found = _names(text)
    if len(found) not in (0, 2):
        raise UsageError(f'--maps takes two models with a comma between, not "{text}".')
    return found


def _folds(dataset: Dataset, scheme: str, n_folds: int, labels: Labels | None) -> Split | None:
    """Make the folds that all models share; none where nothing says how."""
    from glasscell.data.split import default_scheme
    from glasscell.data.split import split as make_split

    scheme = scheme or (default_scheme(dataset) if labels else "")
    return make_split(dataset, scheme, n_folds=n_folds, labels=labels) if scheme else None


def _params(names: tuple[str, ...], settings: list[str]) -> dict[str, FamilyParams]:
    """Give each model its own settings."""
    from glasscell.models.registry import family
    from glasscell.views.form import build

    own: dict[str, list[str]] = {name: [] for name in names}
    for pair in settings:
        name, mark, rest = pair.partition(".")
        if not mark or name not in own:
            said = ", ".join(names)
            raise UsageError(f'--set takes model.name=value, with a model out of {said}, not "{pair}".')
        own[name].append(rest)
    return {
        name: build(family(name).params, settings_of(family(name).params, pairs))
        for name, pairs in own.items()
    }


def _seeds(text: str) -> tuple[int, ...]:
    from glasscell.explain.comparison.request import read_seeds

    try:
        return read_seeds(text)
    except ModelError as error:
        raise UsageError(f"--seeds: {error}") from error


def _pair(dataset: Dataset, found: ModelComparison, wanted: tuple[str, ...], show: str) -> PairLook | None:
    """Return the two maps of the figure; None where cells have no places or there are no two."""
    import numpy as np

    from glasscell.data.column import DataContext
    from glasscell.explain.comparison.channel import WHATS, map_of, sides_of
    from glasscell.figure.pair import PairLook

    what, gene = (show, "") if show in WHATS[:2] else ("gene", show)
    if not show:
        what, gene = ("own" if len(sides_of(found, "own")) > 1 else "label"), ""
    names = wanted or sides_of(found, what, gene)[:2]
    embedding = next(iter(dataset.embeddings.values()), None) if dataset.positions_cd is None else None
    if dataset.positions_cd is None and embedding is None:
        return None
    if len(names) < 2 and not (wanted or show):
        return None
    if len(names) < 2:
        raise UsageError(f'Two models are needed that have a map of "{show}"; there is {len(names)}.')
    places = None if embedding is None else np.asarray(embedding, np.float64)[:, :2]
    left, right = (map_of(DataContext(dataset), found, name, what, gene) for name in names[:2])
    return PairLook(dataset, left, right, None, places)


def _draw(found: ModelComparison, figure: Path, pair: PairLook | None) -> None:
    from glasscell.figure.comparison import comparison_figure
    from glasscell.figure.page import figure_bytes

    content = figure_bytes(comparison_figure(found, pair), figure.suffix.lower())

    def write(fresh: Path) -> None:
        fresh.write_bytes(content)

    tell(figure, save_file(figure, write))


def _show(found: ModelComparison) -> None:
    heads = ["", "mean", *(f"seed {seed}" for seed in found.seeds), ""]
    for (section, metric), rows in found.sections().items():
        best = found.best(section, metric)
        title = metric if section.startswith(metric) else f"{metric}, {section}"
        print_table(
            f"{title} ({rows[0].better} is better)", heads, [_row(row, best, len(heads)) for row in rows]
        )
    if found.agreements:
        title = f"reasons for {found.target}: Spearman over genes of mean attributions"
        print_table(title, ["", "", "mean", "range"], [_agreement(pair) for pair in found.agreements])
    for note in found.notes:
        say(note, style="yellow")


def _row(row: Score, best: str, width: int) -> list[str]:
    cells = [row.model, f"{row.mean:.3f}"]
    if len(row.values) == width - 3:
        cells += [f"{value:.3f}" for value in row.values]
    mark = ", ".join(["baseline"] * row.baseline + ["best mean"] * (row.model == best))
    return [*cells, *[""] * (width - 1 - len(cells)), mark]


def _agreement(pair: ReasonAgreement) -> list[str]:
    second = "itself over seeds" if pair.first == pair.second else pair.second
    low, high = min(pair.values), max(pair.values)
    return [pair.first, second, f"{pair.mean:+.3f}", f"{low:+.3f} to {high:+.3f}"]
