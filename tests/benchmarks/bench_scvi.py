"""C3: attribution through a SCANVI, against Captum in the same space and scvi-tools' own."""

from __future__ import annotations

import contextlib
import io
import logging
import statistics
import tempfile
import warnings
from typing import Any

import numpy as np
from tests.benchmarks.row import Row, seconds, text

IDS = ("C3",)
N_CELLS, N_GENES, STEPS, ROUNDS = 1_000, 2_000, 50, 3
EXACT, CLOSE, SHARE = 1e-8, 1e-5, 0.995


def trained() -> tuple[Any, Any, Any]:
    """Let scvi-tools train and save a SCANVI for two epochs; open it and keep its own object."""
    import scvi

    from glasscell.data.dataset import Dataset
    from glasscell.models.scvi.opening import load_scvi
    from glasscell.testing.planted import planted_adata

    for name in ("scvi", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    adata = planted_adata(N_CELLS, N_GENES, 5, depth=4_000, seed=2)
    how = {"max_epochs": 2, "accelerator": "cpu", "enable_progress_bar": False}
    scvi.model.SCVI.setup_anndata(adata, labels_key="label")
    first = scvi.model.SCVI(adata)
    first.train(**how)
    theirs = scvi.model.SCANVI.from_scvi_model(first, "unknown")
    theirs.train(**how)
    with tempfile.TemporaryDirectory() as folder:
        theirs.save(folder, overwrite=True)
        dataset = Dataset(adata.copy())
        return theirs, load_scvi(folder, dataset), dataset


def ours(dataset: Any, bundle: Any, target: str) -> Any:
    """Explain every cell; the map of cells x genes is kept as factors."""
    from glasscell.explain import ExplainRequest, explain

    request = ExplainRequest(
        target=target, baseline="depth_matched", params={"steps": STEPS}, nets="fold:0", evidence=False
    )
    return explain(dataset, bundle, request)


def captum(theirs: Any, values_cg: Any, start_cg: Any, code: int) -> Any:
    """Call Captum on scvi-tools' own layers as a function of log1p counts, on the same path points."""
    from captum.attr import IntegratedGradients

    module = theirs.module

    def logit(x_cg: Any) -> Any:
        hidden = module.z_encoder.encoder(x_cg)
        return module.classify_helper(module.z_encoder.mean_encoder(hidden))[:, code]

    return IntegratedGradients(logit).attribute(
        values_cg.clone().requires_grad_(True),
        baselines=start_cg,
        n_steps=STEPS,
        method="gausslegendre",
        internal_batch_size=1_000,
    )


def equality(theirs: Any, bundle: Any, dataset: Any, result: Any, code: int) -> str:
    """Compare with Captum on 200 cells in both precisions; refuse to go on when they differ."""
    import torch

    from glasscell.explain.method import method_info
    from glasscell.explain.route import Question, factor_batch
    from glasscell.models.batch import make_batch
    from glasscell.models.target import parse_target

    cells = np.arange(200)
    info = method_info("integrated_gradients")
    question = Question(info, info.make_params({"steps": STEPS}), parse_target(result.target, bundle.classes))
    said = []
    for dtype in (torch.float64, torch.float32):
        net = bundle.folds[0].to(dtype=dtype)
        theirs.module.to(dtype)
        batch = make_batch(dataset, net, cells)
        starts_bg = torch.as_tensor(result.baselines_bg).to(dtype)
        start_of_row = torch.as_tensor(result.baseline_of_cell[cells].astype(np.int64))
        block = factor_batch(net, batch, question, starts_bg, start_of_row)
        start_cg = starts_bg[start_of_row]
        found = block.attributions(batch.expression - start_cg)
        expected = captum(theirs, batch.expression, start_cg, code).detach()
        gap_c = (found - expected).abs().amax(dim=1) / expected.abs().max()
        if dtype == torch.float64:
            if float(gap_c.max()) > EXACT:
                raise AssertionError(f"differs from Captum by {float(gap_c.max()):.1e} in float64")
            said.append(f"float64 equal to {float(gap_c.max()):.1e} of the largest")
        else:
            share = float((gap_c <= CLOSE).double().mean())
            if share < SHARE:
                raise AssertionError(f"only {share:.2%} of cells equal Captum's in float32")
            said.append(f"float32 {share:.1%} of cells within 1e-5")
            kept = torch.as_tensor(result.block(cells))
            assert float((kept - found).abs().max()) <= CLOSE * float(expected.abs().max())
            delta = (block.score_c - block.start_score_c).double()
            mine, other = ((table.double().sum(1) - delta).abs().mean() for table in (found, expected))
            if float(mine) > 1.05 * float(other) + 1e-5 * float(delta.abs().mean()):
                raise AssertionError(f"adds up worse than Captum's: {float(mine):.2e}, {float(other):.2e}")
    return ", ".join(said)


def rows() -> list[Row]:
    """Check equality, then measure in pairs, A B A B, in this process."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        theirs, bundle, dataset = trained()
        code = 1
        target = f"class:{bundle.classes[code]}"
        said = equality(theirs, bundle, dataset, ours(dataset, bundle, target), code)

        def predict() -> Any:
            return theirs.predict(ig_interpretability=True, ig_args={"n_steps": STEPS})

        predict()
        pairs = [(seconds(lambda: ours(dataset, bundle, target)), seconds(predict)) for _ in range(ROUNDS)]
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    return [
        Row(
            "C3",
            f"attribution through SCANVI, {N_CELLS:,} cells x {N_GENES:,} genes, {STEPS} points",
            text(mine),
            f"SCANVI.predict(ig_interpretability=True) {text(other)}",
            statistics.median(their / my for my, their in pairs),
            10,
            note=f"against Captum in log1p space: {said}. The peer takes another path (raw counts from an "
            "empty cell) and keeps a mean per gene; ours keeps the map of cells x genes",
        )
    ]
