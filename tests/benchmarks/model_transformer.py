"""Acceptance 3: a transformer over gene sets beside logistic regression, its tokens, and a planted pair."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tests.benchmarks.logistic import (
    CIRCULAR,
    DATA,
    FOLDS,
    SEEDS,
    against_logistic,
    by_name,
    large_classes,
    logistic_row,
    spread,
)
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of

IDS = ("PBMC3K", "TOKEN", "S11")
#: Held-out cells of S11 in which every token is removed.
REMOVED_IN = 600


def trained(dataset: Any, labels: Any, settings: dict[str, Any], seed: int, folds: int) -> Any:
    """Train one net per fold, and the twin."""
    from glasscell.data.split import split
    from glasscell.models.fit import FitRequest, fit, fit_twin
    from glasscell.models.pathway_transformer.params import TransformerParams

    request = FitRequest(
        labels,
        split(dataset, "random", n_folds=folds, seed=seed, labels=labels),
        family="pathway_transformer",
        params=TransformerParams(**settings),
        seed=seed,
        device="cpu",
    )
    return fit_twin(fit(dataset, request), dataset, request)


def wrong_links(bundle: Any, dataset: Any, cut: bool = False) -> int:
    """Count pairs of set and gene whose gradient is zero though the gene is a member, or the reverse.

    The first fold's net; a member that no cell expresses that it learnt from has no weight and moves nothing.
    Cells set aside to stop the training are none of these. With ``cut`` the numbers of all tokens are dealt
    out across the sets, as in the reference code of TOSICA.
    """
    import torch

    from glasscell.models.batch import make_batch
    from glasscell.models.plan import set_aside
    from glasscell.models.training_data import net_seed

    net, cells = bundle.folds[0], bundle.cells
    train = np.flatnonzero(cells.labelled & (cells.fold > 0))
    seed = net_seed(bundle.provenance["seed"], 0)
    learnt = set_aside(train, cells.truth[train], cells.block[train], seed).train
    seen_g = (make_batch(dataset, net, learnt).expression > 0).any(dim=0).numpy()
    x_cg = make_batch(dataset, net, np.arange(4)).expression.requires_grad_()
    tokens = net.network.tokens(x_cg)[:, :-1]
    if cut:
        n, sets, width = tokens.shape
        tokens = tokens.reshape(n, width, sets).transpose(1, 2)
    mask_tg, wrong = net.parts()["sets"], 0
    direction = torch.randn(tokens.shape[2], generator=torch.Generator().manual_seed(0))
    for token in range(tokens.shape[1]):
        score = (tokens[:, token] @ direction).sum()
        gradient_cg = torch.autograd.grad(score, x_cg, retain_graph=True)[0]
        moves_g, member_g = (gradient_cg != 0).any(dim=0).numpy(), np.asarray(mask_tg[token], np.bool_)
        wrong += int((moves_g & ~member_g).sum() + (~moves_g & member_g & seen_g).sum())
    return wrong


def pair_found(truth: Any, dataset: Any, bundle: Any) -> dict[str, float]:
    """Return how well each reading puts the planted pair above the other sets, as AUC."""
    from sklearn.metrics import roc_auc_score

    from glasscell.explain.attention.change import choose_change
    from glasscell.explain.attention.token_net import token_maps, token_removal
    from glasscell.jobs import QUIET

    def removal(net: Any, cells: Any) -> Any:
        change = choose_change(net, f"contrast:{bundle.classes[0]}/{bundle.classes[1]}", bundle.classes)
        return np.abs(token_removal(dataset, net, cells, change, QUIET)).mean(axis=0)

    net, cells = bundle.folds[0], np.flatnonzero(bundle.cells.fold == 0)[:REMOVED_IN]
    maps = token_maps(dataset, net, cells, QUIET)
    values_cg = np.log1p(dataset.expression_cg("counts").toarray())
    first = bundle.cells.truth == 0
    moved_g = np.abs(values_cg[first].mean(axis=0) - values_cg[~first].mean(axis=0))
    assert maps.rollout_ct is not None
    assert maps.norm_ct is not None
    readings = {
        "removal": removal(net, cells),
        "attention": maps.weights_clht.mean(axis=(0, 1, 2)),
        "rollout": maps.rollout_ct.mean(axis=0),
        "norm-weighted": maps.norm_ct.mean(axis=0),
        "twin's removal": removal(bundle.twin, cells),
        "mean difference": net.parts()["sets"].astype(float) @ moved_g,
    }
    planted = [name in truth.pair for name in net.tokens[:-1]]
    return {name: float(roc_auc_score(planted, values[: len(planted)])) for name, values in readings.items()}


def pbmc_rows() -> list[Row]:
    """Train on peripheral blood and compare."""
    import glasscell

    chosen = settings_of("transformer")
    settings = {**chosen["pbmc3k"], "gene_sets": str(DATA / "gene_sets" / chosen["gene_sets"])}
    dataset = glasscell.read(DATA / "pbmc3k.h5ad")
    labels = large_classes(dataset, "louvain")
    found, wrong, cut = [], [], []
    for seed in SEEDS:
        bundle = trained(dataset, labels, settings, seed, FOLDS)
        found.append(against_logistic(dataset, bundle))
        wrong.append(wrong_links(bundle, dataset))
        cut.append(wrong_links(bundle, dataset, cut=True))
    return [
        logistic_row("PBMC3K", f"pbmc3k, {{}} classes, {FOLDS} folds", found, CIRCULAR),
        Row(
            "TOKEN",
            "pairs of set and gene that do not hang together as the sets say, trained nets",
            f"{max(wrong)} wrong",
            f"cut across the sets: {min(cut)} wrong",
            max(wrong),
            0,
            at_least=False,
        ),
    ]


def pair_row() -> Row:
    """Train on classes that hang on a pair of programmes and look for the pair."""
    from glasscell.data.gene_set import write_gmt
    from glasscell.testing.token_pair import make_token_pair

    found, figures = [], []
    for seed in SEEDS:
        truth = make_token_pair(seed)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "programmes.gmt"
            write_gmt(truth.sets, path)
            settings = {**settings_of("transformer")["pair"], "gene_sets": str(path)}
            labels = large_classes(truth.dataset, "class")
            bundle = trained(truth.dataset, labels, settings, seed, 2)
        found.append(pair_found(truth, truth.dataset, bundle))
        figures.append((bundle.metrics.macro_f1, bundle.baselines["logistic"].macro_f1))
    by = by_name(found)
    others = "; ".join(f"{name} {spread(values)}" for name, values in by.items() if name != "removal")
    return Row(
        "S11",
        "a class that hangs on two programmes together: AUC of the pair by removal, worst seed",
        f"removal {np.mean(by['removal']):.3f}",
        f"attention {np.mean(by['attention']):.3f}",
        min(by["removal"]),
        0.9,
        note=f"seeds {SEEDS}: removal {spread(by['removal'])}; {others}; F1 "
        f"{spread([one for one, _ in figures])}, logistic {spread([one for _, one in figures])}",
    )


def rows() -> list[Row]:
    """Measure all of it."""
    return [*pbmc_rows(), pair_row()]
