"""Opening, preparing and saving data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glasscell.errors import DataError
from glasscell.session.facts import read_facts
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.data.prepare import PrepareParams
    from glasscell.jobs import Job, JobHandle
    from glasscell.session.core import Core


#: Kinds of results that a saved file keeps the latest of, when they can write themselves.
WRITTEN = ("traversal", "stability", "set_worth", "attention", "perturbation", "nodes")


def open_path(
    session: Core, path: Path | Sequence[Path], opening: list[Job[Any]], **wish: str | None
) -> Job[Any]:
    """Read a file, or several as one table, in the background and show it; a later opening cancels this one.

    ``wish`` are arguments of :func:`glasscell.data.read.read`.
    """
    places = [path] if isinstance(path, Path) else list(path)
    title = places[0].name if len(places) == 1 else f"{len(places)} files"

    def work(job: JobHandle) -> Dataset:
        from glasscell.data.read import read

        job.report(None, f"Reading {title}")
        dataset = read(places, **wish)
        job.report(0.8, "Looking through it")
        look_through(dataset)
        return dataset

    def commit(job: Job[Dataset], dataset: Dataset) -> None:
        session.adopt(dataset, fresh=True, as_read=True)
        show_groups(session, dataset)
        session.say("info", dataset.report())
        for problem in dataset.problems:
            session.say("warning", problem)

    for earlier in opening:
        earlier.cancel()
    opening[:] = [submit(session, work, commit, title=f"Open {title}", lane="io")]
    return opening[0]


def choose(session: Core, counts: str | None = None, genes: str | None = None) -> Job[Any]:
    """Take another matrix for the counts, or other names for the genes, of the open dataset."""
    dataset, name = need_dataset(session), session.state.dataset

    def work(job: JobHandle) -> Dataset:
        chosen = dataset.choosing(counts=counts, genes=genes)
        look_through(chosen)
        return chosen

    def commit(job: Job[Dataset], chosen: Dataset) -> None:
        if session.state.dataset == name:
            session.adopt(chosen, fresh=False, as_read=name in session.as_read)
            session.say("info", chosen.report())

    return submit(session, work, commit, title="Look again", lane="io")


def prepare(session: Core, params: PrepareParams | Mapping[str, Any] | None) -> Job[Any]:
    """Prepare the open dataset in the background and show the result in its place."""
    dataset = need_dataset(session)
    name = session.state.dataset

    def work(job: JobHandle) -> Dataset:
        from glasscell.data.prepare import PrepareParams
        from glasscell.data.prepare import prepare as run

        given = params if isinstance(params, PrepareParams) else make_params(PrepareParams, params or {})
        prepared = run(dataset, given, job)
        look_through(prepared)
        return prepared

    def commit(job: Job[Dataset], prepared: Dataset) -> None:
        if session.state.dataset != name:
            set_aside(session, job, "other data were opened meanwhile, so its result was not used.")
            return
        session.adopt(prepared, fresh=False)
        session.say("info", prepared.report())

    return submit(session, work, commit, title="Prepare", lane="compute")


def save_data(session: Core, path: Path) -> Job[Any]:
    """Write the dataset with its groups, notes, current explanation and latest results, all or nothing.

    The path may be the file the data came from; what was there is kept as ``NAME.previous.h5ad``.
    """
    dataset, explanation, state = need_dataset(session), session.explanation, session.state
    others = [found for kind in WRITTEN if hasattr(found := session.latest(kind), "write_into")]
    there = path.exists()

    def work(job: JobHandle) -> Path:
        from glasscell.data.write import write
        from glasscell.session.group_column import write_groups

        adata = dataset.editable()
        write_groups(adata, state.groups, state.annotations)
        out = dataset.with_adata(adata)
        results = tuple(result for result in (explanation, *others) if result is not None)
        return write(out, path, explanations=results, keep_previous=True, job=job)

    def commit(job: Job[Path], written: Path) -> None:
        from glasscell.data.atomic import previous_name

        kept = f" The file that was there is kept as {previous_name(written).name}." if there else ""
        session.say("info", f"Saved to {written}.{kept}")

    return submit(session, work, commit, title=f"Save {path.name}", lane="io")


def show_groups(session: Core, dataset: Dataset) -> None:
    """Show the groups and notes that a file brings along."""
    from glasscell.session.group_column import read_groups

    groups, notes = read_groups(dataset)
    if groups or notes:
        session.restore(replace(session.state, groups=groups, annotations=notes))


def look_through(dataset: Dataset) -> None:
    """Work out what a dataset caches of itself, so that the window does not wait for it."""
    read_facts("", dataset)
    dataset.report()
    len(dataset.problems)
    len(dataset.cell_names)
    len(dataset.count_choices)
    len(dataset.gene_choices)


def need_dataset(session: Core) -> Dataset:
    """Return the open dataset, or say that one must be opened first."""
    dataset = session.dataset
    if dataset is None:
        raise DataError("No data are open. Open a file first.")
    return dataset


def make_params(cls: type[Any], values: Mapping[str, Any]) -> Any:
    """Validate the values of a form; the first that does not fit is named in one sentence."""
    from pydantic import BaseModel, ValidationError

    if isinstance(values, BaseModel):
        return values
    try:
        return cls(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "the settings"
        raise DataError(
            f"The setting {name} cannot be used: {first['msg']}. Correct it and try again."
        ) from error


def as_path(path: Path | str) -> Path:
    """Accept text for a path, with ``~`` for the home folder."""
    return Path(path).expanduser()


def as_paths(paths: Path | str | Sequence[Path | str]) -> list[Path]:
    """Accept one path or several; see `as_path`."""
    return [as_path(path) for path in ([paths] if isinstance(paths, Path | str) else paths)]
