"""SpaGCN: domains beside smoothing and published figures, genes that vary in space, memory (part 5)."""

import csv
from functools import cache
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of
from tests.conftest import REAL_DATA
from tests.models.test_spagcn import peak_bytes

from glasscell.data.neighbour import neighbour_graph
from glasscell.data.read import read
from glasscell.explain.spatial_gene import SpatialGeneRequest, SpatialGenes, spatial_genes
from glasscell.models.batch import preprocessing_for
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.mixture import fit_mixture
from glasscell.models.prediction import prediction_table
from glasscell.models.refine import refine_domains, touching
from glasscell.models.row import input_rows
from glasscell.models.spagcn.family import SpagcnParams
from glasscell.models.spagcn.train import smoothed
from glasscell.models.training_data import net_seed
from glasscell.testing.wavy_layer import smooth_domains, wavy_layers

IDS = ("M5.spagcn", "M5.v1", "M5.bz5", "M5.p", "M5.genes", "M5.pcp4", "M5.null", "M5.s3", "M5.memory")

# File, columns of known domains, number of domains, published figures.
DLPFC = ("dlpfc_151673.h5ad", ("layer",), 7, "published medians: SpaGCN .414, STAGATE .571, GraphST .638")
V1 = (
    "starmap_v1_BY3_1207x1020.h5ad",
    ("layer_banksy", "layer_spagcn"),
    7,
    "published medians: SpaGCN .443, CCST .506, GraphST .537, ADEPT .597 (annotation not said)",
)
BZ5 = (
    "starmap_mpfc_BZ5.h5ad",
    ("domain",),
    4,
    "published medians: STAGATE .226, GraphST .287, SpaGCN .357, ADEPT .753",
)
SEEDS = (0, 1, 2)
SHARES = (0.5, 1.0, 3.0, 6.0, 12.0)
REFERENCE = REAL_DATA / "reference" / "spagcn_LIBD_151673_SVG.csv"
GIGABYTE = 1e9


@cache
def opened(name: str) -> Any:
    return read(REAL_DATA / name)


@cache
def trained(file: tuple[Any, ...], seed: int, p: float = 0.0) -> Any:
    params = SpagcnParams(n_domains=file[2], p=p, **settings_of("spagcn"))
    request = FitRequest(family="spagcn", params=params, seed=seed, device="cpu")
    return fit(opened(file[0]), request)


@cache
def domains(file: tuple[Any, ...], seed: int, p: float = 0.0) -> np.ndarray:
    """Return refined domains, as published."""
    dataset = opened(file[0])
    codes = prediction_table(trained(file, seed, p))["domain"].to_numpy()
    return refine_domains(codes, touching(dataset))


def agreement(file: tuple[Any, ...], codes: np.ndarray) -> list[float]:
    """Return the adjusted Rand index against each annotation, over cells that have one."""
    obs, found = opened(file[0]).obs, []
    for column in file[1]:
        known = obs[column].notna().to_numpy()
        found.append(float(adjusted_rand_score(obs[column][known].astype(str), codes[known])))
    return found


@cache
def cheap(file: tuple[Any, ...], seed: int) -> dict[str, tuple[float, ...]]:
    """Return agreement of smoothing at the same p and refinement, without the network's training.

    The same components and kernel, divided by the same mixture from the same starts, or by k-means; and
    k-means of components that were not smoothed.
    """
    dataset, bundle = opened(file[0]), trained(file, seed)
    net = bundle.folds[0]
    x_cg = input_rows(dataset, preprocessing_for(dataset)).toarray()
    kept = {name: tensor.numpy() for name, tensor in net.network.state_dict().items()}
    z_cg = np.clip((x_cg - kept["standardise.mean"]) / kept["standardise.scale"], -10, 10)
    parts_cp = (z_cg @ kept["loadings"].T / kept["unit"]).astype(np.float32)
    near = touching(dataset)
    smooth_cp = smoothed(parts_cp, neighbour_graph(dataset, net.graph), net.length, net.network.mean)
    starts = int(settings_of("spagcn")["starts"])
    k_means = KMeans(file[2], n_init=starts, random_state=seed)
    found = {
        "smoothing + mixture": fit_mixture(smooth_cp, file[2], net_seed(seed, 0), starts).assign(smooth_cp),
        "smoothing + k-means": k_means.fit_predict(smooth_cp),
        "k-means": k_means.fit_predict(parts_cp),
    }
    return {name: tuple(agreement(file, refine_domains(codes, near))) for name, codes in found.items()}


def each(values: Any) -> str:
    return " ".join(f"{value:.3f}" for value in values)


def compared(id: str, file: tuple[Any, ...], bar: float) -> Row:
    """Return one annotation's or several annotations' row; the bar is on the first."""
    own = np.array([agreement(file, domains(file, seed)) for seed in SEEDS])
    raw = np.array(
        [agreement(file, prediction_table(trained(file, seed))["domain"].to_numpy()) for seed in SEEDS]
    )
    others = {name: np.array([cheap(file, seed)[name] for seed in SEEDS]) for name in cheap(file, SEEDS[0])}
    shares = [trained(file, seed).folds[0].share for seed in SEEDS]
    words = []
    for place, column in enumerate(file[1]):
        means = {"spagcn": own[:, place].mean(), **{n: t[:, place].mean() for n, t in others.items()}}
        best = max(means, key=lambda name: means[name])
        seeds = ", ".join(f"{name} {each(table[:, place])}" for name, table in others.items())
        words.append(
            f"{column}: {best} wins; per seed spagcn {each(own[:, place])}, not refined "
            f"{each(raw[:, place])}, {seeds}"
        )
    said = ", ".join(f"{name} {each(table.mean(axis=0))}" for name, table in others.items())
    return Row(
        id,
        f"{file[0].split('.')[0]}, {file[2]} domains, p by its rule, refined, seeds 0-2",
        f"ARI {each(own.mean(axis=0))}",
        f"{said}; {file[3]}",
        float(own[:, 0].mean()),
        bar,
        note=f"p {' '.join(f'{share:g}' for share in shares)}; " + "; ".join(words),
    )


def share_row() -> Row:
    """Return what every p would have given, which no one may choose by."""
    chosen = trained(DLPFC, 0).folds[0].share
    table = {p: agreement(DLPFC, domains(DLPFC, 0, 0.0 if p == chosen else p))[0] for p in SHARES}
    return Row(
        "M5.p",
        "DLPFC 151673: the p chosen without labels against the best of all p in hindsight, seed 0",
        f"p {chosen:g}: ARI {table[chosen]:.3f}",
        f"best {max(table.values()):.3f}",
        table[chosen] - max(table.values()),
        -1.0,
        note="no bar; " + ", ".join(f"p {p:g}: {ari:.3f}" for p, ari in table.items()),
    )


def published(domain: str) -> list[str]:
    with REFERENCE.open() as file:
        return [row["genes"] for row in csv.DictReader(file) if row["target_domain"] == domain]


@cache
def genes_of(seed: int, layer: str) -> SpatialGenes:
    """Return genes of our domain that shares most with a layer, Jaccard."""
    dataset, codes = opened(DLPFC[0]), domains(DLPFC, seed)
    inside = (dataset.obs["layer"] == layer).to_numpy()
    overlap = [(inside & (codes == k)).sum() / (inside | (codes == k)).sum() for k in range(DLPFC[2])]
    names = tuple(f"domain {number}" for number in range(DLPFC[2]))
    return spatial_genes(dataset, SpatialGeneRequest(codes, names, int(np.argmax(overlap)), seed=seed))


def gene_rows() -> list[Row]:
    dataset = opened(DLPFC[0])
    here = set(map(str, dataset.genes.names))
    known = [gene for gene in published("4") if gene in here]
    white = [genes_of(seed, "WM") for seed in SEEDS]
    firsts = [[one.genes[g] for g in one.order[: len(known)]] for one in white]
    shares = [len(set(genes) & set(known)) / len(known) for genes in firsts]
    called_too = [len(set(one.first(len(known))) & set(known)) for one in white]
    places = []
    for seed in SEEDS:
        layer5 = genes_of(seed, "L5")
        called = list(layer5.first())
        at = layer5.genes.index("PCP4")
        asked, there = layer5.p_shift[at], "PCP4" in called
        places.append(
            (f"place {called.index('PCP4') + 1} of {len(called)}" if there else "not called")
            + f" (in {layer5.in_fraction[at]:.2f}, fold {layer5.fold[at]:.2f}, moves {asked:.3f}, around "
            f"{', '.join(layer5.around)})"
        )
    hits = ["PCP4" in genes_of(seed, "L5").first() for seed in SEEDS]
    return [
        Row(
            "M5.genes",
            f"151673, our white-matter domain: first {len(known)} genes among {len(known)} published ones",
            f"{100 * np.mean(shares):.0f} %",
            f"{len(published('4'))} published, {len(known)} in the file",
            float(np.mean(shares)),
            0.6,
            note=f"per seed {each(shares)} (called genes first, then the others by score); called "
            f"{' '.join(str(int(one.called.sum())) for one in white)}, of them published "
            f"{' '.join(map(str, called_too))}; first " + ", ".join(firsts[0][:10]),
        ),
        Row(
            "M5.pcp4",
            "151673, our domain nearest to L5: PCP4 called, seeds 0-2",
            f"{sum(hits)} of {len(hits)}",
            "published: the one gene of CSV domain 1",
            float(np.mean(hits)),
            1.0,
            note="; ".join(places),
        ),
    ]


def null_row() -> Row:
    dataset = opened(DLPFC[0])
    names = tuple(map(str, range(DLPFC[2])))
    called, filtered = [], []
    for seed in range(20):
        codes = smooth_domains(dataset.positions_cd, DLPFC[2], seed)
        target = int(np.random.default_rng(seed).integers(DLPFC[2]))
        found = spatial_genes(dataset, SpatialGeneRequest(codes, names, target, seed=seed))
        called.append(float(found.called.mean()))
        filtered.append(float(np.isfinite(found.p_shift).mean()))
    return Row(
        "M5.null",
        "151673, 20 random smooth domains that know no gene: share of genes called",
        f"{100 * np.mean(called):.2f} %",
        f"published filters alone {100 * np.mean(filtered):.2f} %",
        float(np.mean(called)),
        0.05,
        at_least=False,
        note=f"most {100 * max(called):.2f} %; {np.mean(np.array(called) > 0):.0%} of domains have a gene "
        f"called, {np.mean(np.array(filtered) > 0):.0%} by the filters alone",
    )


def simulated_row() -> Row:
    own, k_means = [], []
    for seed in SEEDS:
        dataset = wavy_layers(seed)
        params = SpagcnParams(n_domains=6, p=2.0, **settings_of("spagcn"))
        bundle = fit(dataset, FitRequest(family="spagcn", params=params, seed=seed, device="cpu"))
        layer = dataset.obs["layer"].astype(str)
        codes = refine_domains(prediction_table(bundle)["domain"].to_numpy(), touching(dataset))
        own.append(float(adjusted_rand_score(layer, codes)))
        net = bundle.folds[0].network
        table = input_rows(dataset, preprocessing_for(dataset)).toarray()
        table = np.clip((table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-3), -10, 10)
        parts = table @ net.loadings.numpy().T
        found = KMeans(6, n_init=20, random_state=seed).fit_predict(parts)
        k_means.append(float(adjusted_rand_score(layer, found)))
    return Row(
        "M5.s3",
        "S3, 40 x 40 hexagons, 6 wavy layers, p = 2, seeds 0-2",
        f"ARI {np.mean(own):.3f}",
        f"k-means of components {np.mean(k_means):.3f}",
        float(np.mean(own)),
        0.85,
        note=f"per seed {each(own)}; k-means {each(k_means)}",
    )


def memory_row() -> Row:
    peak = peak_bytes(50_000, 2_000)
    return Row(
        "M5.memory",
        "train on 50,000 spots x 2,000 genes, p by its rule: most memory the process took",
        f"{peak / GIGABYTE:.2f} GB",
        "all pairs in float32 alone: 10 GB",
        peak / GIGABYTE,
        4.0,
        at_least=False,
    )


def rows() -> list[Row]:
    return [
        compared("M5.spagcn", DLPFC, 0.42),
        compared("M5.v1", V1, 0.0),
        compared("M5.bz5", BZ5, 0.0),
        share_row(),
        *gene_rows(),
        null_row(),
        simulated_row(),
        memory_row(),
    ]
