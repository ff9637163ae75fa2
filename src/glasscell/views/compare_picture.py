"""A comparison of models as tables and a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.explain.comparison.agreement import MEAN_DIFFERENCE
from glasscell.views.compare_view import AgreementPicture, ComparisonPicture
from glasscell.views.heat import HeatPanel, HeatPicture
from glasscell.views.score_table import ScoreLine, ScoreTable

if TYPE_CHECKING:
    from glasscell.explain.comparison.result import ModelComparison, Score

STAR = "★"
#: Up to so many seeds have a column each.
FEW_SEEDS = 3
_WAYS = {"more": "more is better", "less": "less is better"}


def comparison_picture(found: ModelComparison, figure: str = "") -> ComparisonPicture:
    """Show one figure of a comparison, and how far reasons agree.

    Parameters
    ----------
    figure
        Key of a figure as in ``figures_of``; the first without it.
    """
    figures = figures_of(found)
    keys = [key for key, _ in figures]
    figure = figure if figure in keys else keys[0] if keys else ""
    rows = dict(zip(keys, found.sections().values(), strict=True)).get(figure, ())
    name = found.target.partition(":")[2] or found.target
    return ComparisonPicture(
        title=title_of(found),
        figures=figures,
        figure=figure,
        table=figure_rows(found, rows),
        reasons=agreement_picture(found),
        reasons_title=f"Rank correlation over genes of mean shares in {name}" if found.agreements else "",
        notes=found.notes,
    )


def figures_of(found: ModelComparison) -> tuple[tuple[str, str], ...]:
    """List the figures of a comparison as (key, words), in their order."""
    return tuple(
        (f"{section}\n{metric}", metric if section.startswith(metric) else f"{metric}, {section}")
        for section, metric in found.sections()
    )


def title_of(found: ModelComparison) -> str:
    """Say what was compared."""
    seeds = ", ".join(map(str, found.seeds))
    plural = "seeds" if len(found.seeds) > 1 else "seed"
    return f"{', '.join(found.models)}; {plural} {seeds}; {found.split or 'a random tenth held out'}"


def figure_rows(found: ModelComparison, rows: tuple[Score, ...]) -> ScoreTable:
    """Write the rows of one figure: models first, baselines after them; the best mean has a star."""
    if not rows:
        return ScoreTable(heads=(), tips=())
    few = len(found.seeds) <= FEW_SEEDS
    columns = [str(seed) for seed in found.seeds] if few else ["lowest", "highest"]
    tips = [f"seed {seed}" for seed in found.seeds] if few else ["over seeds", "over seeds"]
    best = found.best(rows[0].section, rows[0].metric)
    way = _WAYS[rows[0].better]
    said = f" Seeds: {', '.join(columns)}." if few else ""
    return ScoreTable(
        ("", "mean", "spread", *columns),
        (
            "Models, and cheap ways to do the same",
            f"Mean over seeds: {way}",
            "Largest less smallest over seeds; none where no seed changes anything",
            *tips,
        ),
        tuple(_line(row, best, columns, few=few) for row in rows),
        f"{way[0].upper()}{way[1:]}; {STAR} is the best mean.{said}",
    )


def agreement_picture(found: ModelComparison) -> AgreementPicture | None:
    """Draw how far explanations agree; None where nothing was explained."""
    if not found.agreements:
        return None
    names = list(dict.fromkeys(name for pair in found.agreements for name in (pair.first, pair.second)))
    plain = [name for name in names if name not in found.models]
    names = [*(name for name in names if name in found.models), *plain]
    values = np.full((len(names), len(names)), np.nan)
    tips = [[f"{a} with {b}: not measured" for b in names] for a in names]
    for pair in found.agreements:
        low, high = min(pair.values), max(pair.values)
        places = {(pair.first, pair.second), (pair.second, pair.first)}
        for a, b in places:
            whom = "itself with other seeds" if a == b else b
            at = names.index(a), names.index(b)
            values[at] = pair.mean
            tips[at[0]][at[1]] = f"{a} with {whom}: {pair.mean:+.2f} ({low:+.2f} to {high:+.2f})"
    for name in plain:
        at_plain = names.index(name)
        values[at_plain, at_plain] = 1.0
        tips[at_plain][at_plain] = f"{name} with itself: no seed changes it"
    columns = tuple("mean diff." if name == MEAN_DIFFERENCE else name for name in names)
    panel = HeatPanel("agreement", "", values, (-1.0, 1.0), "Spearman over genes", True, written=True)
    return AgreementPicture(HeatPicture(tuple(names), columns, (panel,)), tuple(tuple(line) for line in tips))


def _line(row: Score, best: str, columns: list[str], *, few: bool) -> ScoreLine:
    spread = "-" if np.isnan(row.spread) else _short(row.spread)
    values = [_short(value) for value in (row.values if few else (min(row.values), max(row.values)))]
    if len(row.values) == 1 and len(columns) > 1:
        values = ["-"] * len(columns)  # no seed changes it
    mark = "; the best mean" if row.model == best else ""
    every = ", ".join(_short(value) for value in row.values)
    tip = f"{row.model}{' (baseline)' if row.baseline else ''}: {every}{mark}"
    star = f"{STAR} " if row.model == best else ""
    return ScoreLine((row.model, star + _short(row.mean), spread, *values), tip, row.baseline)


def _short(value: float) -> str:
    """Write a figure with three digits after the point, or fewer where it is large."""
    if np.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"
