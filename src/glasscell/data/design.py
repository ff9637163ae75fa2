"""Who gave the cells and how they were treated: donors and conditions, also where one column holds both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glasscell.data.section import Sections, group_by
from glasscell.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from glasscell.data.dataset import Dataset

CONDITION_COLUMNS = (
    "condition", "conditions", "treatment", "treated", "stim", "stimulation", "stimulus", "disease",
    "disease_status", "diagnosis", "status", "genotype", "timepoint", "time_point", "dose", "perturbation",
    "exposure", "phenotype", "response",
)  # fmt: skip
SAMPLE_COLUMNS = (
    "sample", "sample_id", "sample_name", "sampleid", "library", "library_id", "orig.ident", "orig_ident",
    "batch", "replicate",
)  # fmt: skip
FIELDS = ("donor", "condition")
_FIELD = re.compile(r"\{(\w+)\}")
_EDGES = " _-.:|/"


@dataclass(frozen=True, eq=False)
class Design:
    """What is known of donors and conditions.

    Parameters
    ----------
    donors, conditions, samples
        Cells grouped by each; None where nothing in the file says so.
    note
        One sentence on what was worked out rather than read; empty when nothing was.
    """

    donors: Sections | None = None
    conditions: Sections | None = None
    samples: Sections | None = None
    note: str = ""


def find_design(dataset: Dataset, donor: str = "", condition: str = "") -> Design:
    """Find donors and conditions, or take them from where the user says.

    Parameters
    ----------
    donor
        An obs column; or a template such as ``sample={condition}{donor}``: the obs column, ``=``, and how
        its values are made up. Empty to look: a donor column first, else a sample column whose values are a
        condition and a donor that recurs under other conditions.
    condition
        An obs column; empty to look for one.

    Raises
    ------
    DataError
        A column is not there, or the template does not fit the values.
    """
    obs = dataset.obs
    conditions = group_by(obs, condition) if condition else _first(obs, CONDITION_COLUMNS)
    samples = _first(obs, SAMPLE_COLUMNS)
    if "=" in donor and donor not in obs.columns:
        donors, split = split_column(obs, donor)
        return Design(donors, conditions if split is None or condition else split, samples)
    if donor:
        return Design(group_by(obs, donor), conditions, samples)
    if dataset.donors is not None:
        return Design(dataset.donors, conditions, samples)
    for column in _present(obs, SAMPLE_COLUMNS):
        found = _split_sample(group_by(obs, column), conditions)
        if found is not None:
            return Design(*found, group_by(obs, column), _say_split(column, *found))
    return Design(None, conditions, samples)


def split_column(obs: pd.DataFrame, template: str) -> tuple[Sections, Sections | None]:
    """Split the values of a column into donor and condition by a template.

    Parameters
    ----------
    obs
        Table of cells.
    template
        ``COLUMN=PATTERN``; the pattern holds ``{donor}`` and may hold ``{condition}`` and other characters,
        which stand for themselves. Where two fields touch, the condition ends at the first digit, or the
        donor at the last.

    Returns
    -------
    Donors, and conditions where the pattern names them.

    Raises
    ------
    DataError
        The pattern names no donor or something unknown, or a value is not made up like that.
    """
    column, _, pattern = template.partition("=")
    named = _FIELD.findall(pattern)
    if "donor" not in named or set(named) - set(FIELDS) or len(set(named)) < len(named):
        raise DataError(
            f'Cannot read "{template}": write COLUMN=PATTERN with {{donor}} and perhaps {{condition}} in the '
            "pattern, for example sample={condition}{donor}."
        )
    samples = group_by(obs, column.strip())
    expression = re.compile(_as_expression(pattern.strip()))
    fields: dict[str, list[str]] = {name: [] for name in named}
    for name in samples.names:
        match = expression.fullmatch(name)
        if match is None:
            raise DataError(f'"{name}" in column "{samples.source}" is not made up like {pattern}.')
        for key in named:
            fields[key].append(match[key])
    source = samples.source
    split = {key: _regroup(samples, values, f"{key} in {source}") for key, values in fields.items()}
    return split["donor"], split.get("condition")


def _as_expression(pattern: str) -> str:
    parts = _FIELD.split(pattern)  # text, field, text, field, ..., text
    made = re.escape(parts[0])
    for place in range(1, len(parts), 2):
        name, after = parts[place], parts[place + 1]
        touches = (place > 1 and not parts[place - 1]) or (not after and place + 2 < len(parts))
        shape = ".+?" if not touches else (r"\D+" if name == "condition" else r"\d|\d.*\d|\d.*")
        made += f"(?P<{name}>{shape}){re.escape(after)}"
    return made


def _split_sample(samples: Sections, conditions: Sections | None) -> tuple[Sections, Sections] | None:
    """Split samples into condition and donor where that is plain; None where it would be a guess.

    Plain is: every sample's name is its condition and a rest; each pair occurs once; at least one rest
    recurs under another condition; and the rests do not merely count 1, 2, 3, which anybody would do anew
    for each condition.
    """
    if len(samples) < 2:
        return None
    made = _condition_of(samples, conditions)
    if made is None:
        return None
    donors, names = [], made
    for sample, name in zip(samples.names, names, strict=True):
        at = sample.casefold().find(name.casefold())
        rest = (sample[:at] + sample[at + len(name) :]).strip(_EDGES) if at >= 0 else ""
        if not rest or (at > 0 and at + len(name) < len(sample)):
            return None
        donors.append(rest)
    pairs = set(zip(donors, names, strict=True))
    if len(pairs) < len(donors) or len(set(donors)) == len(donors) or len(set(names)) < 2:
        return None
    bare = sorted({re.sub(r"^\D+", "", donor).lstrip("0") for donor in donors})
    if len(bare) == len(set(donors)) and bare == sorted(str(number) for number in range(1, len(bare) + 1)):
        return None
    donor_groups = _regroup(samples, donors, f"donor in {samples.source}")
    return donor_groups, conditions or _regroup(samples, names, f"condition in {samples.source}")


def _condition_of(samples: Sections, conditions: Sections | None) -> list[str] | None:
    """Name each sample's condition: from its cells, else the letters before its number."""
    if conditions is None:
        matches = [re.fullmatch(r"([^\W\d_]+)[ _\-.]?\d\w*", name) for name in samples.names]
        return [match[1] for match in matches if match] if all(matches) else None
    found = []
    for number in range(len(samples)):
        codes = np.unique(conditions.codes[samples.codes == number])
        if len(codes) != 1 or codes[0] < 0:
            return None
        found.append(conditions.names[codes[0]])
    return found


def _say_split(column: str, donors: Sections, conditions: Sections) -> str:
    shown = ", ".join(donors.names[:4]) + (" …" if len(donors) > 4 else "")
    taken = ", ".join(conditions.names[:4])
    return (
        f'Donors ({shown}) were read from "{column}" by taking the condition ({taken}) off its values; '
        "name the donor column or pattern if that is wrong."
    )


def _regroup(groups: Sections, names: list[str], source: str) -> Sections:
    """Give groups other names; those of the same name become one."""
    order = tuple(dict.fromkeys(names))
    new_code = np.array([*(order.index(name) for name in names), -1], np.int32)
    codes: npt.NDArray[np.int32] = new_code[groups.codes]
    return Sections(order, codes, source)


def _present(obs: pd.DataFrame, wanted: tuple[str, ...]) -> list[str]:
    known = {str(column).casefold(): str(column) for column in obs.columns}
    return [known[name] for name in wanted if name in known]


def _first(obs: pd.DataFrame, wanted: tuple[str, ...]) -> Sections | None:
    """Take the first of these columns that tells cells apart without naming each of them."""
    for column in _present(obs, wanted):
        groups = group_by(obs, column)
        if 2 <= len(groups) <= max(2, len(obs) // 2):
            return groups
    return None
