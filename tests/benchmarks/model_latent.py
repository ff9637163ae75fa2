"""Acceptance 5: factors of mixed RNA follow the lines, and a linear decoder is its loadings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of

IDS = ("RNAMIX", "LOADINGS")
DATA = Path(__file__).parents[3] / "shared" / "data" / "mixology_RNAmix_celseq2.h5ad"
LINES = ("H2228_prop", "H1975_prop", "HCC827_prop")
SEEDS = (0, 1, 2)
#: What PCA of log-normalised counts of all genes reaches, as the issue quotes it, less the leave given.
PCA, LEAVE = (0.96, 0.91), 0.05
#: What a decoder may differ from its loadings by.
EXACT = 1e-6


def followed(latent_cz: Any, proportions_cl: Any, amount_c: Any) -> tuple[float, float]:
    """Return how well two distinct factors follow two lines, better one first.

    The figure is |Pearson correlation| once a line over the log of the amount of mRNA was taken from both.
    Factors are paired with each two of the lines by Hungarian matching; the best two lines count.
    """
    from scipy.optimize import linear_sum_assignment

    log_amount = np.log2(np.asarray(amount_c, np.float64))
    design = np.column_stack([np.ones(len(log_amount)), log_amount])

    def adjusted(values: Any) -> Any:
        rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
        return rest / np.maximum(np.linalg.norm(rest, axis=0), 1e-12)

    factors = adjusted(np.asarray(latent_cz, np.float64))
    table_zl = np.abs(factors.T @ adjusted(np.asarray(proportions_cl, np.float64)))
    best = (0.0, 0.0)
    for left_out in range(table_zl.shape[1]):
        two = np.delete(table_zl, left_out, axis=1)
        found = two[linear_sum_assignment(-two)]
        if found.sum() > sum(best):
            best = (float(found.max()), float(found.min()))
    return best


def mixtures(n_genes: int) -> Any:
    """Read the counts with their most variable genes."""
    import scanpy as sc
    from anndata import read_h5ad

    from glasscell.data.dataset import Dataset

    adata = read_h5ad(DATA)
    sc.pp.filter_genes(adata, min_cells=3)
    sc.pp.highly_variable_genes(adata, n_top_genes=n_genes, flavor="seurat_v3")
    return Dataset(adata[:, adata.var["highly_variable"]].copy())


def principal(n_genes: int | None, n_components: int = 16) -> Any:
    """Return principal components of log-normalised counts, of the most variable genes or of all."""
    import scanpy as sc
    from anndata import read_h5ad

    adata = mixtures(n_genes).adata.copy() if n_genes else read_h5ad(DATA)
    sc.pp.filter_genes(adata, min_cells=3)
    sc.pp.normalize_total(adata)
    sc.pp.log1p(adata)
    sc.pp.pca(adata, n_comps=n_components)
    return adata.obsm["X_pca"]


def trained(dataset: Any, settings: dict[str, Any], seed: int) -> Any:
    """Train one model."""
    from glasscell.models.additive_vae.params import AdditiveParams
    from glasscell.models.fit import FitRequest, fit

    return fit(dataset, FitRequest(family="additive_vae", params=AdditiveParams(**settings), seed=seed))


def untrained(dataset: Any, bundle: Any, seed: int) -> Any:
    """Return latents of the same net with random weights."""
    from glasscell.explain.randomise import reinitialise
    from glasscell.models.batch import make_batch

    net: Any = reinitialise(bundle, bundle.folds[0], seed)
    return net.encode(make_batch(dataset, net, np.arange(dataset.n_cells))).numpy()


def off_loadings(dataset: Any, bundle: Any) -> float:
    """Return the largest difference of a swept or derived decoder from its loadings, over cells and genes."""
    import torch

    from glasscell.explain.traversal.engine import jacobian
    from glasscell.models.batch import make_batch

    net = bundle.folds[0].to(dtype=torch.float64)
    batch = make_batch(dataset, net, np.arange(32))
    latent, loadings = net.encode(batch), torch.from_numpy(net.loadings()).double()
    slopes = jacobian(lambda z: net.log_rate(z, batch), latent)
    worst = float((slopes - loadings).abs().max())
    for factor in range(net.n_latent):
        ends = []
        for value in (net.low[factor], net.high[factor]):
            moved = latent.clone()
            moved[:, factor] = float(value)
            log_share = (net.decode(moved, batch).expm1() / net.preprocessing.target_sum).log()
            ends.append(log_share - log_share.mean(dim=1, keepdim=True))
        swept = (ends[1] - ends[0]) / float(net.high[factor] - net.low[factor])
        worst = max(worst, float((swept - loadings[factor]).abs().max()))
    return worst


def words(figures: list[tuple[float, float]]) -> str:
    """Write the pair of each seed."""
    return ", ".join(f"{first:.3f}/{second:.3f}" for first, second in figures)


def rows() -> list[Row]:
    """Train with each seed, and measure everything beside."""
    settings = settings_of("latent")
    n_genes = settings["n_genes"]
    dataset = mixtures(n_genes)
    truth = dataset.obs[list(LINES)].to_numpy(float), dataset.obs["mRNA_amount"].to_numpy(float)
    curved = [trained(dataset, settings["additive_vae"], seed) for seed in SEEDS]
    straight = [trained(dataset, settings["linear"], seed) for seed in SEEDS]
    ours = [followed(bundle.cells.latent_cz, *truth) for bundle in curved]
    lines = [followed(bundle.cells.latent_cz, *truth) for bundle in straight]
    blind = [
        followed(untrained(dataset, bundle, seed), *truth) for bundle, seed in zip(curved, SEEDS, strict=True)
    ]
    every, same = (followed(principal(number), *truth) for number in (None, n_genes))
    shuffled = np.random.default_rng(0).permutation(dataset.n_cells)
    wrong = [followed(bundle.cells.latent_cz[shuffled], *truth) for bundle in curved]
    live = ", ".join(str(int((~bundle.folds[0].vanished).sum())) for bundle in curved)
    note = (
        f"seeds {SEEDS}: {words(ours)}; factors that did not vanish {live}; linear decoder {words(lines)}; "
        f"untrained nets {words(blind)}; cells shuffled {words(wrong)}; PCA of all genes "
        f"{words([every])}, of the same {n_genes} genes {words([same])}; "
        "adjusted for the log of the amount of mRNA"
    )
    found = []
    for place, which in enumerate(("better followed line", "other line")):
        mean = float(np.mean([pair[place] for pair in ours]))
        scenario = f"mixed RNA, {which}, mean of seeds"
        control = f"PCA {every[place]:.3f}, untrained {max(pair[place] for pair in blind):.3f}"
        bar = round(PCA[place] - LEAVE, 3)
        found.append(Row("RNAMIX", scenario, f"{mean:.3f}", control, mean, bar, note=note * (place == 0)))
    off = [off_loadings(dataset, bundle) for bundle in straight]
    found.append(
        Row(
            "LOADINGS",
            "linear decoder, swept and derived",
            f"off by {max(off):.1e}",
            "its loadings",
            max(off),
            EXACT,
            at_least=False,
            note=f"seeds {SEEDS}: {', '.join(f'{one:.1e}' for one in off)}; in double precision",
        )
    )
    return found
