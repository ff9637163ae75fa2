"""What the family ``vae`` promises on real cells, in figures: thinned counts, and two protocols mixed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from scipy import sparse

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.read import read
from glasscell.data.thin import split_counts
from glasscell.models.batch import preprocessing_for
from glasscell.models.fit import FitRequest, fit
from glasscell.models.latent_metric import mixing, nearest, neighbour_share, principal_components, purity
from glasscell.models.row import input_rows
from glasscell.models.vae.family import VaeModel
from glasscell.models.vae.figure import decoded_share, poisson_deviance

pytestmark = [pytest.mark.real_data, pytest.mark.slow]
SEEDS = (0, 1, 2)
RealData = Callable[[str], Path]


def test_foretells_hidden_counts_of_pbmc3k(real_data: RealData) -> None:
    whole = read(real_data("pbmc3k.h5ad"))
    left, hidden = split_counts(
        sparse.csr_matrix(whole.expression_cg("counts")), 0.1, np.random.default_rng([0, 0x7417])
    )
    thinned = Dataset(ad.AnnData(left, obs=whole.obs[[]], var=whole.adata.var[[]]))
    counts_cg, size_c = hidden.toarray(), np.asarray(left.sum(axis=1), np.float64).ravel() / 9

    def deviance(share_cg: np.ndarray) -> float:
        return poisson_deviance(counts_cg, size_c[:, None] * share_cg)

    gene_mean = deviance(np.asarray(left.sum(axis=0), np.float64) / left.sum())
    map_cz = principal_components(input_rows(thinned, preprocessing_for(thinned)), 20)
    around = nearest(map_cz, 30)
    mixes = {
        (k, w): deviance(neighbour_share(left, around[:, :k], w))
        for k in (5, 15, 30)
        for w in (0.5, 0.7, 0.9)
    }
    best = min(mixes, key=lambda one: mixes[one])
    print(f"\npbmc3k thinned, mean Poisson deviance over all {counts_cg.size:,} entries")
    print(f"gene mean x size {gene_mean:.4f}; best kNN mix (k {best[0]}, w {best[1]}) {mixes[best]:.4f}")
    print("all kNN mixes " + ", ".join(f"k {k} w {w} {value:.4f}" for (k, w), value in mixes.items()))
    for seed in SEEDS:
        net = fit(thinned, FitRequest(family="vae", seed=seed)).folds[0]
        assert isinstance(net, VaeModel)
        share_cg = decoded_share(net, left)
        own, wrong = deviance(share_cg), deviance(np.roll(share_cg, 1, axis=0))
        print(f"vae seed {seed}: {own:.4f}; with another cell's latents {wrong:.4f}")
        assert own < gene_mean
        assert wrong > gene_mean, "an impostor that has the wrong cells must not pass"


def test_mixes_two_protocols_and_keeps_three_lines(real_data: RealData) -> None:
    everything = ad.read_h5ad(real_data("mixology_3lines_celseq2_dropseq.h5ad"))
    dataset = Dataset(everything[everything.obs["demuxlet_cls"] == "SNG"].copy())
    protocol, line = read_labels(dataset, "batch"), read_labels(dataset, "cell_line")

    def scores(latent_cz: np.ndarray) -> tuple[float, float]:
        around = nearest(latent_cz)
        return mixing(around, protocol.codes), purity(around, line.codes)

    plain = scores(principal_components(input_rows(dataset, preprocessing_for(dataset)), 10))
    sizes = protocol.counts() / len(protocol.codes)
    print(f"\nmixology, 15 nearest of {dataset.n_cells} single cells; all mixed {1 - (sizes**2).sum():.3f}")
    print(f"PCA: mixing {plain[0]:.3f}, purity {plain[1]:.3f}")
    coin = scores(np.random.default_rng(0).normal(size=(dataset.n_cells, 10)))
    print(f"impostor, random map: mixing {coin[0]:.3f}, purity {coin[1]:.3f}")
    assert coin[1] < 0.5
    for seed in SEEDS:
        latent_cz = fit(dataset, FitRequest(family="vae", seed=seed, batch=protocol)).cells.latent_cz
        assert latent_cz is not None
        mixed, pure = scores(latent_cz)
        print(f"vae seed {seed}: mixing {mixed:.3f}, purity {pure:.3f}")
        assert mixed > plain[0] + 0.25
        assert pure > plain[1] - 0.03
