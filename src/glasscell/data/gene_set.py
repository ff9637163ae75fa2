"""Gene sets: read from GMT files, and as a mask over the genes of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

#: Sets with fewer or more measured genes say little.
MIN_GENES, MAX_GENES = 5, 500
#: Among how many genes of like abundance a decoy's gene is drawn.
NEAREST = 40
#: What the sample tissue was planted with, as gene sets; comes with the package.
SAMPLE_SETS = "cortex_sets.gmt"


@dataclass(frozen=True)
class GeneSet:
    """A named set of genes; ``source`` is the second field of its GMT line."""

    name: str
    genes: frozenset[str]
    source: str = ""


@dataclass(frozen=True, eq=False)
class GeneMask:
    """Which measured genes belong to which set.

    Parameters
    ----------
    names
        Of the sets, in the order of the rows.
    mask_pg
        ``(n_sets, n_genes)`` bool, columns in the order of the genes it was made for.
    too_small, too_large
        Sets left out because too few or too many of their genes were measured.
    """

    names: tuple[str, ...]
    mask_pg: NDArray[np.bool_]
    too_small: tuple[str, ...] = ()
    too_large: tuple[str, ...] = ()


def find_gmt(path: Path | str) -> Path:
    """Return where a GMT file lies: as given, or the one that comes with the package by its bare name."""
    from glasscell.data.sample import sample_path

    if not str(path).strip():
        raise DataError("No gene sets are named: give the path of a .gmt file, for example from MSigDB.")
    given = Path(path).expanduser()
    if not given.exists() and str(path).strip() == SAMPLE_SETS:
        return sample_path().with_name(SAMPLE_SETS)
    return given


def read_gmt(path: Path | str) -> tuple[GeneSet, ...]:
    """Read gene sets: a line each, tab-separated: name, description, genes.

    Raises
    ------
    DataError
        The file is absent, is no text, or holds a line without genes.
    """
    path = find_gmt(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(
            f"There is no file {path}; gene sets come as .gmt, for example from MSigDB."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as text ({error}); a GMT file is wanted.") from None
    sets: dict[str, GeneSet] = {}
    for number, line in enumerate(lines, 1):
        fields = [field.strip() for field in line.split("\t")]
        if not line.strip() or line.startswith("#"):
            continue
        if len(fields) < 3 or not fields[0]:
            raise DataError(
                f"Line {number} of {path.name} is no gene set: name, description and genes are wanted, "
                "separated by tabs."
            )
        genes = frozenset(filter(None, fields[2:]))
        before = sets.get(fields[0])
        sets[fields[0]] = GeneSet(fields[0], genes | (before.genes if before else frozenset()), fields[1])
    if not sets:
        raise DataError(f"{path.name} holds no gene set.")
    return tuple(sets.values())


def write_gmt(sets: Sequence[GeneSet], path: Path | str) -> None:
    """Write gene sets, genes in alphabetical order."""
    rows = ("\t".join((one.name, one.source, *sorted(one.genes))) for one in sets)
    Path(path).write_text("\n".join(rows) + "\n", encoding="utf-8")


def gene_mask(
    sets: Sequence[GeneSet],
    genes: Collection[str],
    *,
    min_genes: int = MIN_GENES,
    max_genes: int = MAX_GENES,
) -> GeneMask:
    """Lay gene sets over the genes of a dataset; letter case is ignored.

    Parameters
    ----------
    sets
        In the order wanted.
    genes
        Names of the measured genes, in order.
    min_genes, max_genes
        Sets with fewer or more measured genes are left out.

    Raises
    ------
    DataError
        No set is left.
    """
    place: dict[str, list[int]] = {}
    for column, gene in enumerate(genes):
        place.setdefault(gene.casefold(), []).append(column)
    names, rows, small, large = [], [], [], []
    for one in sets:
        row = np.zeros(len(genes), np.bool_)
        row[[column for gene in one.genes for column in place.get(gene.casefold(), ())]] = True
        if row.sum() < min_genes:
            small.append(one.name)
        elif row.sum() > max_genes:
            large.append(one.name)
        else:
            names.append(one.name)
            rows.append(row)
    if not rows:
        raise DataError(
            f"None of {len(sets)} gene sets has {min_genes} to {max_genes} of the {len(genes)} measured "
            "genes: choose sets of this species that name genes as the data do, or allow smaller ones."
        )
    return GeneMask(tuple(names), np.stack(rows), tuple(small), tuple(large))


def jaccard(mask_pg: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much each two sets overlap: genes in both over genes in either, ``(n_sets, n_sets)``."""
    mask = np.asarray(mask_pg, np.float64)
    both_pp = mask @ mask.T
    size_p = mask.sum(axis=1)
    either_pp = size_p[:, None] + size_p[None, :] - both_pp
    return np.asarray(both_pp / np.where(either_pp > 0, either_pp, 1.0))


def matched_decoys(
    mask_g: NDArray[np.bool_], abundance_g: NDArray[Any], n_decoys: int, seed: int = 0
) -> NDArray[np.bool_]:
    """Draw sets of as many genes, as abundant as those of a set, none of which is in it.

    Each gene of the set is replaced by one of the forty next to it in the order of abundance.

    Parameters
    ----------
    mask_g
        The set's genes, ``(n_genes,)``.
    abundance_g
        Mean expression of each gene, ``(n_genes,)``.
    n_decoys
        How many to draw.

    Returns
    -------
    ``(n_decoys, n_genes)``.

    Raises
    ------
    DataError
        Too few genes are outside the set.
    """
    members = np.flatnonzero(mask_g)
    if (~mask_g).sum() < 2 * len(members):
        raise DataError(
            f"{len(members)} of {len(mask_g)} genes are in the set, which leaves too few to draw others "
            "from: choose a smaller set."
        )
    rng = np.random.default_rng([seed, 0xDEC0])
    outside = np.flatnonzero(~mask_g)
    outside = outside[np.argsort(np.asarray(abundance_g)[outside], kind="stable")]
    place_m = np.searchsorted(np.asarray(abundance_g)[outside], np.asarray(abundance_g)[members])
    decoys = np.zeros((n_decoys, len(mask_g)), np.bool_)
    for row in decoys:
        for place in rng.permutation(place_m):
            free = np.flatnonzero(~row[outside])
            near = np.argsort(np.abs(free - place), kind="stable")[:NEAREST]
            row[outside[rng.choice(free[near])]] = True
    return decoys
