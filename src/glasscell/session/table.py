"""Every table of a session as CSV."""

from __future__ import annotations

import importlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from glasscell.errors import DataError
from glasscell.session.rules import OUR_COLUMNS
from glasscell.session.work import submit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from glasscell.jobs import Job, JobHandle
    from glasscell.session.core import Core

# "module:function": given the session it returns what makes the table on a worker, or None for no table.
_MAKERS: dict[str, str] = {
    "cells": "glasscell.session.table:cells",
    "groups": "glasscell.session.table:groups",
    "notes": "glasscell.session.table:notes",
    "ranking": "glasscell.session.table:ranking",
    "predictions": "glasscell.session.table:predictions",
    "metrics": "glasscell.session.table:metrics",
    "attention": "glasscell.session.attending:table",
    "comparison": "glasscell.session.comparing:table",
    "contrast": "glasscell.session.contrasting:table",
    "nodes": "glasscell.session.nodes:table",
    "perturbation": "glasscell.session.perturbing:table",
    "robustness": "glasscell.session.robustness:table",
    "stability": "glasscell.session.stability:table",
    "set_worth": "glasscell.session.worth:table",
    "traversal": "glasscell.session.traversing:table",
}


def tables(session: Core) -> tuple[str, ...]:
    """List the tables that can be written now."""
    return tuple(name for name in _MAKERS if _maker(session, name) is not None)


def make_table(session: Core, name: str) -> Callable[[], pd.DataFrame]:
    """Return a function that makes a table of the session as it is now.

    Raises
    ------
    DataError
        There is no such table, or nothing to put into it yet.
    """
    if name not in _MAKERS:
        raise DataError(f"There is no table {name!r}; there is {', '.join(_MAKERS)}.")
    make = _maker(session, name)
    if make is None:
        raise DataError(f"There is nothing to write into the table {name} yet: open data, then make it.")
    return make


def save_table(session: Core, name: str, path: Path) -> Job[Any]:
    """Write a table as CSV in the background, all or nothing."""
    make = make_table(session, name)

    def work(job: JobHandle) -> Path:
        from glasscell.data.atomic import write_atomically

        job.report(0.1, f"Making the table {name}")
        table = make()
        job.report(0.5, f"Writing {path.name}")
        write_atomically(path, lambda fresh: table.to_csv(fresh, index=False, float_format="%.9g"))
        return path

    def commit(job: Job[Path], written: Path) -> None:
        session.say("info", f"Table {name} saved to {written}.")

    return submit(session, work, commit, title=f"Save table {path.name}", lane="io")


def cells(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per cell: name, place, section, obs, membership, what is coloured by."""
    dataset, context, state = session.dataset, session.context, session.state
    if dataset is None or context is None:
        return None
    selected = session.mask()
    channel = state.colouring.channel

    def make() -> pd.DataFrame:
        import pandas as pd

        from glasscell.data.channel import resolve_channel

        table = pd.DataFrame({"cell": np.asarray(dataset.cell_names)})
        if dataset.positions_cd is not None:
            table["x"], table["y"] = dataset.positions_cd.T[:2]
        for column in dataset.obs.columns:
            if str(column).startswith(OUR_COLUMNS):
                continue
            table[str(column)] = np.asarray(dataset.obs[column])
        for group in state.groups:
            table[f"group {group.name}"] = group.cells.mask(context)
        table["selected"] = selected
        if channel is not None and channel.kind != "obs":
            shown = resolve_channel(context, channel)
            title = f"{shown.title} ({shown.unit})" if shown.unit else shown.title
            if shown.codes is None:
                table[title] = shown.values  # noqa: PD011 - of a channel
            else:
                table[title] = np.array([*shown.categories, ""])[shown.codes]
        return table

    return make


def groups(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per cell and group."""
    dataset, kept = session.dataset, session.state.groups
    if dataset is None or not kept:
        return None

    def make() -> pd.DataFrame:
        import pandas as pd

        names = np.asarray(dataset.cell_names)
        parts = [
            pd.DataFrame({"group": one.name, "colour": one.colour, "cell": names[one.cells.indices]})
            for one in kept
        ]
        return pd.concat(parts, ignore_index=True)

    return make


def notes(session: Core) -> Callable[[], pd.DataFrame] | None:
    """One row per note and cell."""
    dataset, kept = session.dataset, session.state.annotations
    if dataset is None or not kept:
        return None

    def make() -> pd.DataFrame:
        import pandas as pd

        names = np.asarray(dataset.cell_names)
        parts = [
            pd.DataFrame({"note": number, "text": one.text, "cell": names[one.cells.indices]})
            for number, one in enumerate(kept, 1)
        ]
        return pd.concat(parts, ignore_index=True)

    return make


def ranking(session: Core) -> Callable[[], pd.DataFrame] | None:
    """Every gene with its evidence, over the selection where it was explained."""
    explanation = session.explanation
    if explanation is None:
        return None
    mask = session.mask()

    def make() -> pd.DataFrame:
        import pandas as pd

        from glasscell.explain.evidence import ranking as rank

        chosen = mask if len(explanation.rows(mask)) else None
        rows = rank(explanation, chosen, k=len(explanation.genes))
        return pd.DataFrame([asdict(row) for row in rows])

    return make


def predictions(session: Core) -> Callable[[], pd.DataFrame] | None:
    """Held-out predictions of the current model, cell by cell."""
    bundle = session.bundle
    if bundle is None:
        return None

    def make() -> pd.DataFrame:
        from glasscell.models.prediction import prediction_table

        return prediction_table(bundle)

    return make


def metrics(session: Core) -> Callable[[], pd.DataFrame] | None:
    """Scores of the current model beside its baselines."""
    bundle = session.bundle
    if bundle is None:
        return None

    def make() -> pd.DataFrame:
        import pandas as pd

        rows = {f"{bundle.family} (held out, {bundle.split_scheme})": bundle.metrics, **bundle.baselines}
        plain = [{"row": name, **_flat(row.to_json())} for name, row in rows.items() if row is not None]
        return pd.DataFrame(plain)

    return make


def _maker(session: Core, name: str) -> Callable[[], pd.DataFrame] | None:
    module, _, function = _MAKERS[name].partition(":")
    found = getattr(importlib.import_module(module), function)(session)
    return cast("Callable[[], pd.DataFrame] | None", found)


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if isinstance(value, str | int | float)}
