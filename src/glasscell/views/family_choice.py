"""Which kinds of models can be chosen, and why others cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.data.modality import why_no_modality
from glasscell.errors import GlasscellError
from glasscell.views.row import FamilyRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset


def family_rows() -> tuple[FamilyRow, ...]:
    """List every kind of model in the registry; one that cannot be loaded or used keeps its reason."""
    from glasscell.models.family import MayBeAbsent
    from glasscell.models.registry import FAMILIES

    rows = []
    for key in FAMILIES:
        try:
            family = FAMILIES[key]
        except (GlasscellError, ImportError, AttributeError) as error:
            rows.append(FamilyRow(key, key, True, False, "", f"{key} cannot be loaded: {error}"))
            continue
        info = family.info
        why_not = family.why_not if isinstance(family, MayBeAbsent) else ""
        tip = f"{info.works_for} Not for: {info.fails_for}"
        rows.append(
            FamilyRow(
                key,
                info.title,
                info.needs_labels,
                info.takes_batch,
                tip,
                why_not,
                info.needs_action,
                info.takes_labels,
                info.needs_kinds,
            )
        )
    return tuple(rows)


def why_not_these(row: FamilyRow, dataset: Dataset, labels: Sequence[str]) -> str:
    """Return why a kind of model cannot be trained on these data, in one sentence; empty when it can."""
    from glasscell.models.registry import family

    if row.needs_labels and not labels:
        return "No column sorts these cells into classes: lasso and name two groups first."
    if row.needs_kinds and not labels:
        return f"{row.title} must be told what kind each cell is, and no column says it."
    if row.needs_action and not labels:
        return f"{row.title} learns what perturbations do, and no column says what was done to each cell."
    info = family(row.key).info
    if info.needs_counts and dataset.sizes_c is None:
        return (
            f"{row.title} models raw counts and these data have none ({dataset.expression_unit}): "
            "choose the layer of counts, or another model."
        )
    if info.needs_positions and dataset.positions_cd is None:
        return f"{row.title} looks at neighbours and these cells have no coordinates: choose another model."
    return why_no_modality(dataset, info.needs_modality, row.title)
