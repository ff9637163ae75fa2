"""Gene sets of which some truly matter and one is merely better connected than all others."""

from __future__ import annotations

from dataclasses import dataclass

from glasscell.data.dataset import Dataset
from glasscell.data.gene_set import GeneSet
from glasscell.testing.planted import planted_adata

#: The node with most genes and, in the second layer's file, a place in every group.
FAVOURED = "EVERYTHING"


@dataclass(frozen=True, eq=False)
class FavouredNode:
    """Cells, gene sets and groups of sets, and what is true of them.

    Parameters
    ----------
    dataset
        Counts with obs ``label``.
    sets, groups
        Gene sets, and groups that name sets in place of genes.
    favoured
        The set that holds every gene of all others and is in every group.
    matters
        The set that makes each class, by class.
    """

    dataset: Dataset
    sets: tuple[GeneSet, ...]
    groups: tuple[GeneSet, ...]
    favoured: str
    matters: dict[str, str]


def make_favoured_node(
    seed: int = 0, n_cells: int = 600, n_classes: int = 3, n_decoys: int = 12, n_markers: int = 10
) -> FavouredNode:
    """Draw cells whose classes have markers, a set of markers per class, sets of other genes, and one of all.

    The favoured set sees the markers too, among many genes that say nothing: what it knows of a class the
    class's own set knows better.

    Parameters
    ----------
    n_decoys
        Sets, as large as those of markers, of genes that say nothing.
    n_markers
        Genes of each set.
    """
    n_genes = n_markers * (n_classes + n_decoys)
    made = planted_adata(
        n_cells, n_genes, n_classes, n_markers=n_markers, fold_change=2.0, depth=2000.0, seed=seed
    )
    names = [str(name) for name in made.var_names]
    spans = [names[start : start + n_markers] for start in range(0, n_genes, n_markers)]
    classes = [str(name) for name in made.uns["classes"]]
    own = [GeneSet(f"MARKERS {name}", frozenset(span)) for name, span in zip(classes, spans, strict=False)]
    decoys = [
        GeneSet(f"DECOY {number + 1}", frozenset(span)) for number, span in enumerate(spans[n_classes:])
    ]
    favoured = GeneSet(FAVOURED, frozenset(names))
    members = [one.name for one in (*own, *decoys)]
    n_groups = -(-len(members) // 2)
    groups = [
        GeneSet(f"GROUP {number + 1}", frozenset([*members[number::n_groups], FAVOURED]))
        for number in range(n_groups)
    ]
    matters = {name: one.name for name, one in zip(classes, own, strict=True)}
    return FavouredNode(Dataset(made), (*own, *decoys, favoured), tuple(groups), FAVOURED, matters)
