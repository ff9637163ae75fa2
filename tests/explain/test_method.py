"""The registry of methods, their settings, and why one does not fit a model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from glasscell.errors import GlasscellError, NotCompatible
from glasscell.explain.memory import free_bytes, plan_table
from glasscell.explain.method import METHODS, NEEDS, MethodInfo, method_info, why_not
from glasscell.models.capability.attention import Attends
from glasscell.models.capability.structure import HasNodes


def test_every_method_says_what_it_is():
    assert list(METHODS)[:3] == ["integrated_gradients", "input_x_gradient", "saliency"]
    for key, info in METHODS.items():
        assert info.id == key
        assert info.title
        assert info.help.endswith(".")
        assert info.source.startswith(("doi:", "arXiv:"))
        for field in info.params.model_fields.values():
            assert field.title
            assert field.description.endswith(".")
        assert info.make_params() == info.params()


def test_a_method_without_a_source_is_refused():
    with pytest.raises(GlasscellError, match="names no source"):
        replace(method_info("saliency"), source="a talk I heard")


def test_a_need_is_the_protocol_itself():
    for info in METHODS.values():
        assert set(info.needs) <= set(NEEDS), "every need of ours has a sentence of its own"
    for need in NEEDS:
        assert not isinstance(object(), need), "which models offer it can be asked while running"
    with pytest.raises(GlasscellError, match=r"needs 'Attends': name the protocol itself"):
        replace(method_info("saliency"), needs=("Attends",))


def test_settings_are_validated_and_frozen():
    info = method_info("integrated_gradients")
    assert info.make_params({"steps": 8}).steps == 8
    for steps in (7, 1025, "many"):
        with pytest.raises(GlasscellError, match="'steps' is not usable"):
            info.make_params({"steps": steps})
    with pytest.raises(GlasscellError, match=r"'stepz'.*Settings of this method: steps"):
        info.make_params({"stepz": 9})
    with pytest.raises(ValidationError):
        info.make_params().steps = 9


def test_methods_can_be_added(monkeypatch):
    added = replace(method_info("saliency"), id="mine")
    METHODS.register(added)
    try:
        assert method_info("mine") is added
        assert "mine" in METHODS
    finally:
        METHODS.unregister("mine")
    with pytest.raises(NotCompatible, match="no method 'mine'; there are integrated_gradients"):
        method_info("mine")


def test_why_not(make_bundle):
    model = make_bundle().folds[0]
    assert why_not("integrated_gradients", model) is None
    assert why_not("integrated_gradients", make_bundle(factored=False).folds[0]) is None
    assert "offers no differentiable score" in why_not("saliency", object())
    attention: MethodInfo = replace(method_info("saliency"), needs=(Attends,))
    assert why_not(attention, model) == "Saliency does not fit this model: it has no attention."
    nodes = replace(method_info("saliency"), needs=(HasNodes,))
    assert why_not(nodes, model) == "Saliency does not fit this model: it does not offer HasNodes."
    latents = replace(method_info("saliency"), target=("latent",))
    assert why_not(latents, model) == "Saliency explains latent; this model has only class, contrast."


def test_a_table_that_does_not_fit_is_refused_before_it_is_made():
    assert plan_table(10, 10, 4, free=10_000) == 400
    with pytest.raises(
        GlasscellError, match=r"need 80\.0 GB here and 5\.0 GB are free: select at most 37,500 cells"
    ):
        plan_table(1_000_000, 20_000, 4, free=5_000_000_000)
    assert free_bytes() is None or free_bytes() > 0


def test_importing_the_package_loads_no_torch():
    code = "import sys, glasscell.explain as e; list(e.METHODS.values()); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_deletion_and_matched_genes(dataset, make_bundle):
    from glasscell.errors import DataError
    from glasscell.explain.deletion import deletion_drop, matched_genes
    from glasscell.explain.training import input_table
    from glasscell.models.target import Target

    model = make_bundle().folds[0]
    x_cg = input_table(dataset, model).toarray().astype(float)
    start_g = x_cg.mean(0)
    cells, genes = np.array([3, 8]), np.array([0, 5])
    (found,) = deletion_drop(dataset, model, Target("class", "K1"), cells, [genes], start_g)
    W, b, V, c = (t.numpy() for t in (*model.network[0].parameters(), *model.network[2].parameters()))
    for row, cell in enumerate(cells):
        changed = x_cg[cell].copy()
        changed[genes] = start_g[genes]
        logits = [V @ np.maximum(W @ x + b, 0) + c for x in (x_cg[cell], changed)]
        assert found[row] == pytest.approx(logits[0][0] - logits[1][0])
    with pytest.raises(DataError, match="no cells"):
        deletion_drop(dataset, model, Target("class", "K1"), cells[:0], [genes], start_g)
    expression_g = np.arange(100.0)
    drawn = matched_genes(np.array([10, 11, 50]), expression_g, np.random.default_rng(0), width=5)
    assert len(set(drawn.tolist()) | {10, 11, 50}) == 6
    assert np.abs(drawn - [10, 11, 50]).max() <= 5
