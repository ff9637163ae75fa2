"""Perturbations written into an AnnData under documented keys, and read back equal.

One result takes one key, ``glasscell.perturbation.<slug>``:

- ``obsm[key]``: size of the change, then the classes' logits before, then after, ``(n_obs, 1 + 2 k)``
  float32, NaN for cells that were not perturbed (k classes);
- ``uns[key]``: the manifest as one JSON text (provenance, decoded change per gene, comparison, notes).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError
from glasscell.explain.perturbation.result import Comparison, Observed, PerturbationProvenance
from glasscell.explain.store import PREFIX, slug

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from glasscell.explain.perturbation.result import Perturbation

FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredPerturbation:
    """What is kept of a perturbation in a file; parts are those of ``Perturbation``.

    Parameters
    ----------
    values_cv
        Size of the change, logits before and after, ``(n_cells, 1 + 2 x n_classes)`` float32.
    """

    key: str
    provenance: PerturbationProvenance
    classes: tuple[str, ...]
    sorts: str
    genes: tuple[str, ...]
    expected_g: tuple[float, ...]
    change_g: tuple[float, ...]
    effect_unit: str
    unit: str
    comparison: Comparison | None
    observed: Observed | None
    notes: tuple[str, ...]
    values_cv: NDArray[np.float32]

    def equals(self, other: StoredPerturbation) -> bool:
        """Whether two stored results hold the same, NaN equal to NaN."""
        return self.manifest() == other.manifest() and np.array_equal(
            self.values_cv, other.values_cv, equal_nan=True
        )

    def manifest(self) -> str:
        """Return everything but the values of cells, as JSON."""
        content = {
            "format_version": FORMAT_VERSION,
            "provenance": self.provenance.to_json(),
            "comparison": None if self.comparison is None else asdict(self.comparison),
            "observed": None if self.observed is None else asdict(self.observed),
            **{name: getattr(self, name) for name in ("sorts", "effect_unit", "unit")},
            **{
                name: list(getattr(self, name))
                for name in ("classes", "genes", "expected_g", "change_g", "notes")
            },
        }
        return json.dumps(content, sort_keys=True)


def store_perturbation(found: Perturbation, name: str = "") -> StoredPerturbation:
    """Reduce a result to what a file keeps."""
    parts = [found.everywhere(found.effect_c)[:, None]]
    for logits_ck in (found.before_ck, found.after_ck):
        if logits_ck is not None:
            whole_ck = np.full((found.n_cells, len(found.classes)), np.nan, np.float32)
            whole_ck[found.cells] = logits_ck
            parts.append(whole_ck)
    last = slug(name) if name else f"{slug(found.title)}-{found.id.rpartition('-')[2]}"
    return StoredPerturbation(
        key=f"{PREFIX}perturbation.{last}",
        provenance=found.provenance,
        classes=found.classes,
        sorts=found.sorts,
        genes=found.genes,
        expected_g=() if found.expected_g is None else tuple(found.expected_g.astype(float).tolist()),
        change_g=() if found.change_g is None else tuple(found.change_g.astype(float).tolist()),
        effect_unit=found.effect_unit,
        unit=found.unit,
        comparison=found.comparison,
        observed=found.observed,
        notes=found.notes,
        values_cv=np.concatenate(parts, axis=1).astype(np.float32),
    )


def write_perturbation(adata: AnnData, found: Perturbation, name: str = "") -> str:
    """Write a perturbation into an AnnData of the caller's choice (a copy, as a rule) and return its key.

    Raises
    ------
    DataError
        The AnnData has another number of cells.
    """
    if adata.n_obs != found.n_cells:
        raise DataError(f"This perturbation is of {found.n_cells:,} cells and the table has {adata.n_obs:,}.")
    kept = store_perturbation(found, name)
    adata.obsm[kept.key] = kept.values_cv
    adata.uns[kept.key] = kept.manifest()
    return kept.key


def read_perturbations(adata: AnnData) -> tuple[StoredPerturbation, ...]:
    """Read all perturbations an AnnData holds, sorted by key; entries that are not ours are left alone.

    Raises
    ------
    DataError
        An entry under one of our keys is damaged or from a newer version.
    """
    mark = f"{PREFIX}perturbation."
    keys = sorted(key for key in map(str, adata.uns) if key.startswith(mark) and key in adata.obsm)
    return tuple(_read_one(adata, key) for key in keys)


def _read_one(adata: AnnData, key: str) -> StoredPerturbation:
    try:
        content: dict[str, Any] = json.loads(str(adata.uns[key]))
        if content["format_version"] > FORMAT_VERSION:
            raise DataError(f"The result {key} was written by a newer version; update Glasscell to read it.")
        compared, observed = content["comparison"], content["observed"]
        if compared is not None:
            compared = Comparison(**{**compared, "controls": tuple(compared["controls"])})
        words: dict[str, Any] = {name: tuple(content[name]) for name in ("classes", "genes", "notes")}
        words |= {name: tuple(content[name]) for name in ("expected_g", "change_g")}
        words |= {name: content[name] for name in ("sorts", "effect_unit", "unit")}
        return StoredPerturbation(
            key=key,
            provenance=PerturbationProvenance.from_json(content["provenance"]),
            **words,
            comparison=compared,
            observed=None if observed is None else Observed(**observed),
            values_cv=np.asarray(adata.obsm[key], np.float32),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The result {key} in this file is damaged ({error}); remove it or work it out again."
        ) from error
