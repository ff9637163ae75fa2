"""What the rows about gene sets train and compare: S6, and interferon in Kang's cells beside decoys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from glasscell.data.gene_set import GeneSet, gene_mask, matched_decoys, read_gmt, write_gmt

DATA = Path(__file__).parents[3] / "shared" / "data"
SETS = DATA / "gene_sets" / "reactome_v4_vega.gmt"
INTERFERON = ("REACTOME_INTERFERON_ALPHA_BETA_SIGNALING", "REACTOME_INTERFERON_SIGNALING")
DECOYS = 200


@dataclass(frozen=True)
class Recovery:
    """What one net found in one S6: mean correlation, share of decoys pruned, true sets lost."""

    correlation: float
    pruned: float
    lost: int


@dataclass(frozen=True)
class Leading:
    """The set that leads a group's difference, and its z against decoys of the set."""

    name: str
    z: float

    @property
    def is_interferon(self) -> bool:
        """Whether it is one of the two sets asked for."""
        return self.name in INTERFERON

    def __str__(self) -> str:
        short = self.name.removeprefix("REACTOME_").replace("INTERFERON", "IFN").replace("_SIGNALING", "")
        return f"{short.lower()} {self.z:.1f}"


def trained(dataset: Any, sets: Any, settings: dict[str, Any], seed: int) -> Any:
    """Train a pathway model on gene sets."""
    from glasscell.models.fit import FitRequest, fit
    from glasscell.models.pathway_vae.family import PathwayParams

    with TemporaryDirectory() as folder:
        path = Path(folder) / "sets.gmt"
        write_gmt(sets, path)
        params = PathwayParams(gene_sets=str(path), **settings)
        return fit(dataset, FitRequest(family="pathway_vae", params=params, seed=seed, device="cpu"))


def recovery(simulated: Any, sets: Any, settings: dict[str, Any], seed: int) -> Recovery:
    """Train on S6 and compare latents with true activities."""
    bundle = trained(simulated.dataset, sets, settings, seed)
    net, n_true = bundle.folds[0], simulated.n_true
    norms = net.norms_k[: net.n_sets]
    return Recovery(
        correlation(bundle.cells.latent_cz[:, :n_true], simulated.activity_cp),
        float((norms[n_true:] == 0).mean()),
        int((norms[:n_true] == 0).sum()),
    )


def correlation(found_cp: Any, true_cp: Any) -> float:
    """Return the mean over sets of Pearson's correlation; a constant column counts as 0."""
    values = [
        np.corrcoef(found, true)[0, 1] if np.std(found) > 0 else 0.0
        for found, true in zip(np.transpose(found_cp), np.transpose(true_cp), strict=True)
    ]
    return float(np.mean(values))


def linear_scores(dataset: Any, sets: Any) -> Any:
    """Return decoupler's univariate linear model per cell and set, in the order of the sets."""
    import decoupler as dc
    import pandas as pd
    import scanpy as sc
    from anndata import AnnData

    work = AnnData(dataset.expression_cg("counts").astype(np.float32))
    work.var_names = [str(name) for name in dataset.genes.names]
    work.obs_names = [str(name) for name in dataset.cell_names]
    sc.pp.normalize_total(work)
    sc.pp.log1p(work)
    net = pd.DataFrame(
        [(one.name, gene, 1.0) for one in sets for gene in sorted(one.genes)],
        columns=["source", "target", "weight"],
    )
    dc.mt.ulm(work, net, tmin=1)
    return work.obsm["score_ulm"][[one.name for one in sets]].to_numpy()


def used_sets(dataset: Any, settings: dict[str, Any]) -> list[GeneSet]:
    """Return the Reactome sets a net is built from, in the order of their file."""
    genes = [str(name) for name in dataset.genes.names]
    limits = {key: settings[key] for key in ("min_genes", "max_genes") if key in settings}
    sets = read_gmt(SETS)
    names = set(gene_mask(sets, genes, **limits).names)
    return [one for one in sets if one.name in names]


def decoys_of(dataset: Any, one: GeneSet, seed: int) -> list[GeneSet]:
    """Draw as many genes as abundant, none of them in the set, 200 times."""
    genes = [str(name) for name in dataset.genes.names]
    mean_g = np.asarray(dataset.expression_cg("counts").mean(axis=0)).ravel()
    drawn = matched_decoys(np.isin(genes, sorted(one.genes)), mean_g, DECOYS, seed)
    return [
        GeneSet(f"DECOY {number}", frozenset(genes[g] for g in np.flatnonzero(row)))
        for number, row in enumerate(drawn)
    ]


def z_of(value: float, null: Any) -> float:
    """Return how many standard deviations a figure lies above those of decoys."""
    return float((value - np.mean(null)) / np.std(null))


def groups_of(dataset: Any) -> dict[str, Any]:
    """Return each donor over all cells, and each type of at least 100 cells over both donors."""
    obs = dataset.obs
    groups = {
        f"donor {donor}": np.asarray(obs["sample"].astype(str).str.endswith(donor))
        for donor in ("101", "107")
    }
    for name, n_cells in obs["cell_type"].value_counts().items():
        if n_cells >= 100:
            groups[str(name)] = np.asarray(obs["cell_type"] == name)
    return groups


def leading_sets(dataset: Any, net: Any, groups: dict[str, Any], seed: int = 0) -> dict[str, Leading]:
    """Compare stimulated with control cells in each group, by a trained net.

    The set whose latent moves its genes most leads. Its z is that of the decoded change of log expression
    (all latents together), averaged over its genes, beside the same over each decoy's genes; decoys have no
    latent.
    """
    from glasscell.models.pathway_vae.difference import activity_difference

    stimulated = np.asarray(dataset.obs["condition"] == "stim")
    by_name = {one.name: one for one in read_gmt(SETS)}
    genes = np.asarray(net.genes)
    drawn: dict[str, list[GeneSet]] = {}
    found = {}
    for group, cells in groups.items():
        change = activity_difference(net, dataset, cells & stimulated, cells & ~stimulated)
        decoded_g = change.shift_k @ net.weights_kg
        name = change.names[int(np.argmax(change.effect_k[: net.n_sets]))]
        drawn.setdefault(name, decoys_of(dataset, by_name[name], seed))
        own, *null = (
            decoded_g[np.isin(genes, sorted(one.genes))].mean() for one in (by_name[name], *drawn[name])
        )
        found[group] = Leading(name, z_of(own, null))
    return found


def leading_scores(dataset: Any, sets: list[GeneSet], groups: dict[str, Any]) -> dict[str, Leading]:
    """Do the same with decoupler's scores, of sets and of decoys."""
    stimulated = np.asarray(dataset.obs["condition"] == "stim")
    scores_cp, names = linear_scores(dataset, sets), [one.name for one in sets]
    by_name = {one.name: one for one in sets}
    null_of: dict[str, Any] = {}
    found = {}
    for group, cells in groups.items():
        a, b = cells & stimulated, cells & ~stimulated
        change_p = scores_cp[a].mean(axis=0) - scores_cp[b].mean(axis=0)
        name = names[int(np.argmax(change_p))]
        if name not in null_of:
            null_of[name] = linear_scores(dataset, decoys_of(dataset, by_name[name], 0))
        null_cp = null_of[name]
        null = null_cp[a].mean(axis=0) - null_cp[b].mean(axis=0)
        found[group] = Leading(name, z_of(float(change_p.max()), null))
    return found
