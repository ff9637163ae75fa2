"""A toy training run for every family of this package, so that one table of promises holds for all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glasscell.data.dataset import Dataset
from glasscell.data.gene_set import GeneSet, write_gmt
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import NotCompatible
from glasscell.models.fit_request import FitRequest
from glasscell.models.registry import family
from glasscell.testing.planted import planted_adata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

#: Name of the network that the recipe of ``torch_module`` trains; register ``toy_own_network`` under it.
OWN_NETWORK = "toy"
_SETS = "gene sets"  # stands for the path of a GMT file
_QUICK: Mapping[str, Any] = {"max_epochs": 2, "batch_size": 64, "learning_rate": 1e-2}
_SMALL: Mapping[str, Any] = {**_QUICK, "n_latent": 3, "hidden": 8, "warm_up": 1}
_PAIR: Mapping[str, Any] = {**_QUICK, "n_latent": 3, "n_hidden": 8}
_SCVI: Mapping[str, Any] = {**_PAIR, "label_epochs": 1}
_SHIFT: Mapping[str, Any] = {**_SMALL, "n_layers": 1}
_GRAPH = {"n_domains": 2, "n_components": 6, "n_latent": 3, "hidden": 8, "heads": 2, "k": 4, "starts": 2}

#: Settings by family: enough for the network to be of the family's kind, far too little to learn much.
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "classifier": {**_QUICK, "hidden": 8},
    "additive_vae": {**_SMALL, "decoder_hidden": 4},
    "drvi": _PAIR,
    "grn": {**_QUICK, "hidden": 8, "n_genes": 12},
    "gan": {**_SMALL, "noise": 4, "gan_hidden": 8, "gan_epochs": 2, "critic_steps": 2},
    "gene_transformer": {**_QUICK, "pretrain_epochs": 2, "n_tokens": 16, "width": 8, "heads": 2},
    "ivae": _SHIFT,
    "linear_scvi": _SCVI,
    "multivi": _PAIR,
    "pathway_vae": {
        **{name: value for name, value in _SMALL.items() if name != "n_latent"},
        "gene_sets": _SETS,
        "min_genes": 3,
        "n_free": 1,
    },
    "pathway_net": {**_QUICK, "gene_sets": _SETS, "min_genes": 3, "overlap_groups": 2, "n_free": 2},
    "pathway_transformer": {**_QUICK, "gene_sets": _SETS, "min_genes": 3, "width": 8, "heads": 2},
    "saucie": {**_QUICK, "hidden": 16, "lambda_c": 0.1, "smallest": 0.02},
    "scanvi": _SCVI,
    "scgnn": {
        **_SMALL,
        "k": 5,
        "n_clusters": 2,
        "rounds": 2,
        "graph_hidden": 4,
        "graph_latent": 2,
        "graph_epochs": 4,
        "cluster_epochs": 1,
        "refine_epochs": 1,
        "starts": 2,
    },
    "scvi": _SCVI,
    "scviva": {**_PAIR, "k": 5, "n_components": 3},
    "spagcn": {**_QUICK, "n_domains": 2, "n_components": 6, "k": 8, "starts": 2, "tolerance": 0.0},
    "spatial_attention": {**_QUICK, **_GRAPH},
    "svae": {**_SHIFT, "dense_epochs": 1, "mask_epochs": 1},
    "totalvi": _PAIR,
    "torch_module": {**_QUICK, "network": OWN_NETWORK},
    "vae": _SMALL,
    "velovi": _PAIR,
}


def toy_dataset(n_cells: int = 150, n_genes: int = 24) -> Dataset:
    """Return counts with all that any family asks for: labels, sections, positions, perturbations, kinds."""
    made = planted_adata(n_cells, n_genes, n_sections=2, seed=11)
    codes = np.random.default_rng(11).integers(0, 3, n_cells)
    kinds = ["RNA"] * (n_genes - 12) + ["protein"] * 4 + ["chromatin"] * 4 + ["unspliced RNA"] * 4
    made.var["feature_types"] = kinds
    made.var_names = [*made.var_names[:-4], *(f"{name} unspliced" for name in made.var_names[:4])]
    made.obs["action"] = pd.Categorical.from_codes(codes, pd.Index(["control", "A", "B"]))
    return Dataset(made)


def toy_sets(dataset: Dataset) -> list[GeneSet]:
    """Return three gene sets, two of which share a gene."""
    names = [str(name) for name in dataset.genes.names]
    spans = {"FIRST": (0, 6), "SECOND": (5, 11), "THIRD": (12, 18)}
    return [GeneSet(name, frozenset(names[slice(*span)])) for name, span in spans.items()]


def toy_request(key: str, dataset: Dataset, folder: Path) -> FitRequest:
    """Ask for a training run of a second or so.

    Parameters
    ----------
    key
        Registry key of a family.
    dataset
        What ``toy_dataset`` gave.
    folder
        Where the file of gene sets is written, for families that need one.

    Raises
    ------
    NotCompatible
        Nobody has written a recipe for this family.
    """
    if key not in RECIPES:
        raise NotCompatible(f"There is no toy recipe for the family {key!r}: add one to RECIPES.")
    chosen = family(key)
    settings = dict(RECIPES[key])
    if settings.get("gene_sets") == _SETS:
        path = folder / "sets.gmt"
        write_gmt(toy_sets(dataset), path)
        settings["gene_sets"] = str(path)
    request = FitRequest(family=key, params=chosen.params(**settings), seed=3, device="cpu")
    if chosen.info.needs_action:
        request = replace(request, action=read_labels(dataset, "action"))
    if chosen.info.needs_labels:
        labels = read_labels(dataset, "label")
        folds = split(dataset, "random", n_folds=2, seed=0, labels=labels)
        request = replace(request, labels=labels, split=folds)
    elif chosen.info.needs_kinds:
        request = replace(request, labels=read_labels(dataset, "label"))
    return request


def toy_own_network(n_genes: int, n_classes: int) -> nn.Module:
    """Return somebody's own network, for ``register_network``."""
    from torch import nn

    return nn.Sequential(nn.Linear(n_genes, 8), nn.ReLU(), nn.Linear(8, n_classes))
