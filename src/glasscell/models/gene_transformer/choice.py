"""Which genes become tokens, and what the tokens of a saved model are worth to other data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import ModelError, NotCompatible

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from glasscell.models.gene_transformer.model import GeneTransformerModel
    from glasscell.models.gene_transformer.params import GeneTransformerParams

#: Share of a saved model's tokens that must be measured for its weights to be of use.
LEAST_SHARED = 0.25
_LEAST_MEAN = 0.02


def variable_genes(table_cg: sparse.csr_matrix, n_genes: int, *, counts: bool) -> NDArray[np.int64]:
    """Return the columns of the most variable genes over all cells, sorted; labels are not looked at.

    Cells held out are among them, so that the nets of all folds have the same tokens.

    Of counts (normalised and logged) the variance over the mean decides, after the log is undone: chance
    alone gives every gene about the same. Other values are ranked by variance.

    Parameters
    ----------
    table_cg
        Input of all cells.
    """
    block = table_cg.astype(np.float64)
    if counts:
        block.data = np.expm1(block.data)
    mean_g = np.asarray(block.mean(axis=0)).ravel()
    variance_g = np.asarray(block.multiply(block).mean(axis=0)).ravel() - mean_g**2
    if counts:
        seen_g = mean_g > min(_LEAST_MEAN, float(np.median(mean_g)))
        variance_g = np.where(seen_g, variance_g / np.maximum(mean_g, 1e-9), 0.0)
    return np.sort(np.argsort(-variance_g, kind="stable")[:n_genes]).astype(np.int64)


def saved_start(
    params: GeneTransformerParams, cell_names: NDArray[np.str_] | None = None
) -> GeneTransformerModel | None:
    """Open the model that training begins with; None where none is named.

    Parameters
    ----------
    cell_names
        Of the cells of this training: the model may not know any of them, whose labels it might have learnt.

    Raises
    ------
    NotCompatible
        It is of another family, or of another width, depth or number of heads, or knows some of the cells.
    ModelError
        There is none in the folder, or it cannot be read.
    """
    if not params.start_from:
        return None
    from glasscell.models.bundle_file import load_bundle

    path = Path(params.start_from)
    bundle = load_bundle(path.parent if path.is_file() else path)
    if bundle.family != "gene_transformer":
        raise NotCompatible(
            f"{path} holds a model of the family {bundle.family}: start from a saved gene_transformer."
        )
    theirs: Any = bundle.params
    for name in ("width", "heads", "depth"):
        if getattr(theirs, name) != getattr(params, name):
            raise NotCompatible(
                f"The saved gene transformer has {name} {getattr(theirs, name)}: set {name} to that."
            )
    known = [] if cell_names is None else np.intersect1d(cell_names, bundle.cells.names).tolist()
    if known:
        raise NotCompatible(
            f"{len(known)} of these cells, {known[0]} for one, have names of cells that the saved gene "
            "transformer was trained with, so cells held out would not be new to it: start from a model of "
            "other cells or, where only names are alike, put the sample before each name."
        )
    net: Any = bundle.folds[0]
    return net  # type: ignore[no-any-return]


def shared_tokens(
    tokens: tuple[str, ...], genes: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which tokens of a saved model are measured, and the column of each.

    Raises
    ------
    ModelError
        Too few are.
    """
    column = {gene: place for place, gene in enumerate(genes)}
    kept = np.array([token for token, gene in enumerate(tokens) if gene in column], np.int64)
    if len(kept) < max(2, LEAST_SHARED * len(tokens)):
        raise ModelError(
            f"{len(kept)} of the {len(tokens)} genes of the saved gene transformer are measured here, and at "
            f"least {LEAST_SHARED:.0%} are needed: leave start_from empty, or name genes as that model does."
        )
    return kept, np.array([column[tokens[token]] for token in kept], np.int64)
