"""Which genes a gene network is made of: the most variable ones, and the regulators that were named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.gene_set import read_gmt
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Spread is compared among so many groups of genes of like mean.
N_GROUPS = 20


@dataclass(frozen=True, eq=False)
class GeneChoice:
    """Genes of a network.

    Parameters
    ----------
    used
        Which genes are foretold, in their order, ``(n_used,)`` int64.
    sources
        Places in ``used`` of those that may act, ``(n_sources,)`` int64.
    sentence
        What was chosen and left out, for people.
    """

    used: NDArray[np.int64]
    sources: NDArray[np.int64]
    sentence: str


def read_regulators(text: str) -> tuple[str, ...]:
    """Read names of genes: as written, or from a file with a name per line or of gene sets (GMT).

    Raises
    ------
    DataError
        The file is absent, cannot be read, or names nothing.
    """
    given = text.strip()
    if not given:
        return ()
    path = Path(given).expanduser()
    looks_like_file = "/" in given or "\\" in given or path.suffix.lower() in (".txt", ".gmt", ".csv", ".tsv")
    if not looks_like_file and not path.is_file():
        return tuple(dict.fromkeys(name for name in re.split(r"[\s,;]+", given) if name))
    if path.suffix.lower() == ".gmt":
        return tuple(sorted({gene for one in read_gmt(path) for gene in one.genes}))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(
            f"There is no file {path}; write names of regulators, or a file with a name per line."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as text ({error}); a name per line is wanted.") from None
    names = tuple(dict.fromkeys(line.strip() for line in lines if line.strip() and not line.startswith("#")))
    if not names:
        raise DataError(f"{path.name} names no regulator; a name per line is wanted.")
    return names


def choose_genes(
    genes: Sequence[str],
    mean_g: NDArray[np.floating[Any]],
    sd_g: NDArray[np.floating[Any]],
    n_genes: int,
    regulators: Sequence[str] = (),
) -> GeneChoice:
    """Choose what a network is made of.

    Genes whose value never changes are left out: nothing foretells them and they foretell nothing.

    Parameters
    ----------
    mean_g, sd_g
        Of the model's input over training cells, ``(n_genes,)``.
    n_genes
        How many of the most variable ones, at most.
    regulators
        Names of genes that may act; none for all used genes. Letter case is ignored.

    Raises
    ------
    DataError
        None of the regulators varies here, or fewer than three genes vary.
    """
    mean, sd = np.asarray(mean_g, np.float64), np.asarray(sd_g, np.float64)
    varies = sd > 1e-6 * (np.abs(mean) + 1e-6)
    if varies.sum() < 3:
        raise DataError(
            f"{int(varies.sum())} genes vary among these cells and a gene network needs three: "
            "open a file with more genes or other cells."
        )
    chosen = variable_genes(mean, sd, n_genes, varies)
    wanted = {name.casefold() for name in regulators}
    acts = np.array([name.casefold() in wanted for name in genes], np.bool_) & varies
    if wanted and not acts.any():
        shown = ", ".join(list(regulators)[:3])
        raise DataError(
            f"None of the {len(wanted)} regulators ({shown}) varies in these data: name genes as the data do."
        )
    used = np.union1d(chosen, np.flatnonzero(acts)).astype(np.int64)
    sources = np.flatnonzero(acts[used]) if wanted else np.arange(len(used))
    left = len(genes) - len(used)
    most = "all genes that vary" if len(used) == int(varies.sum()) else "the most variable ones"
    if not wanted:
        sentence = f"{len(used):,} of {len(genes):,} genes are used ({most}); each may act on every other."
    else:
        sentence = (
            f"{len(used):,} of {len(genes):,} genes are used ({most}), {len(sources):,} of {len(wanted):,} "
            "named regulators among them; only these may act."
        )
    if left:
        sentence += f" {left:,} are left out and cannot be a reason."
    return GeneChoice(used, np.asarray(sources, np.int64), sentence)


def variable_genes(
    mean_g: NDArray[np.float64], sd_g: NDArray[np.float64], n_genes: int, varies: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the genes with the largest spread for their mean, in their own order.

    Genes are put into groups of like mean; a gene's standard deviation is divided by its group's median.
    """
    at = np.flatnonzero(varies)
    if len(at) <= n_genes:
        return at.astype(np.int64)
    order = np.argsort(mean_g[at], kind="stable")
    score = np.empty(len(at))
    for group in np.array_split(order, N_GROUPS):
        score[group] = sd_g[at[group]] / np.median(sd_g[at[group]])
    return np.sort(at[np.argsort(-score, kind="stable")[:n_genes]]).astype(np.int64)
