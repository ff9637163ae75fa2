"""What generator and critic give each cell as channels: realism, values imputed from generated cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.errors import DataError
from glasscell.models.gan.imputation import CAUTION, GeneratedImputation, impute
from glasscell.models.gan.realism import NOTE, realism

if TYPE_CHECKING:
    from glasscell.models.bundle import Bundle

#: Channels of one value per cell, and their titles.
CELL_KEYS = {"rank": "realism, rank among held-out cells", "value": "realism, the critic's value"}
#: Channels of each gene, with how they are written after its name.
GENE_KEYS = {
    "imputed": "imputed from generated cells",
    "delta": "imputed from generated cells minus observed",
}


def resolve_realism(context: Any, ref: ChannelRef) -> CellValues:
    """Return ``rank`` or ``value``; the parameter ``model`` names the bundle.

    Raises
    ------
    DataError
        The model has gone.
    NotCompatible
        None of the cells held out in training is among these.
    """
    if ref.key not in CELL_KEYS:
        raise DataError(f"Of realism there are {', '.join(CELL_KEYS)}, not {ref.key!r}.")
    found = realism(context.bundle(str(ref.param("model", ""))), context.dataset)
    if ref.key == "rank":
        return CellValues(CELL_KEYS["rank"], "share of held-out cells", found.rank_c, note=NOTE)
    return CellValues(
        CELL_KEYS["value"], "critic's units", found.value_c, note="comparable within a kind only"
    )


def resolve_generated(context: Any, ref: ChannelRef) -> CellValues:
    """Return a gene's values imputed from generated neighbours, or their difference from what was observed.

    The parameter ``model`` names the bundle, ``what`` is ``imputed`` or ``delta``.

    Raises
    ------
    DataError
        The model has gone, or does not know the gene.
    """
    what = str(ref.param("what", "imputed"))
    if what not in GENE_KEYS:
        raise DataError(f"Of a gene there are {', '.join(GENE_KEYS)}, not {what!r}.")
    made = _imputation(context, context.bundle(str(ref.param("model", ""))))
    title = f"{ref.key}, {GENE_KEYS[what]}"
    if what == "imputed":
        return CellValues(title, "log1p of imputed share", made.gene(ref.key), note=CAUTION)
    delta_c = made.delta(context.dataset, ref.key)
    return CellValues(title, "difference of log1p normalised", delta_c, centre=0.0, note=CAUTION)


def _imputation(context: Any, bundle: Bundle) -> GeneratedImputation:
    """Return the imputation of the open cells, from the store where there is one."""
    store: Any = getattr(context, "store", None)  # a picture from the shell has none
    key = ("imputation", f"{bundle.id}@{context.dataset.fingerprint[:12]}")
    made: GeneratedImputation | None = None if store is None else store.get(key)
    if made is None:
        made = impute(bundle, context.dataset)
        if store is not None:
            store.put(
                key, made, int(made.hidden_ph.nbytes + made.weight_gh.nbytes + made.neighbour_ck.nbytes)
            )
    return made
