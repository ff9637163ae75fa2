"""The same wishes put to every front end: the same answers, told to every view in the same way.

The window is the real one in napari and the notebook the real explorer, each with every panel open.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.read import read
from glasscell.models.bundle import Bundle
from glasscell.testing.attending_family import attending_bundle
from glasscell.views.view import View

from .fronts import Front, channel, give, interface, left_half, plain

Agree = Callable[[str, Any], None]

FEW = {"removal_cells": 4, "random_nets": 2, "edge_cells": 20}
WISH = {"labels": "label", "split": "blocks", "family": "classifier", "seed": 0}
#: Wishes that need data, and are uttered before there are any.
TOO_EARLY: tuple[tuple[Any, ...], ...] = (
    ("Model", "fit_requested", {**WISH, "params": {}}),
    ("Model", "save_requested", Path("nowhere")),
    ("Preflight", "apply_requested", "", 0.5),
    ("Attribution", "explain_requested", {"target": "class:K1", "method": "saliency", "baseline": "mean"}),
    ("Contrast", "contrast_requested", {"a": "selection", "b": "rest"}),
    ("Traversal", "sweep_requested", "all"),
    ("Attention", "attend_requested", {"by": "label"}),
    ("Perturbation", "perturb_requested", {"genes": ("g1",), "cells": "all"}),
    ("Perturbation", "learn_requested", {"name": "new", "cells": "all"}),
    ("Compare", "compare_requested", {"models": ("vae",), "seeds": "0"}),
    ("Compare", "table_requested", Path("nowhere.csv")),
    ("Pair", "difference_painted"),
    ("Groups", "group_named", "one"),
    ("Groups", "data_save_requested", None),
    ("Data", "run_requested", {}),
)


def test_every_interface_has_a_view_in_every_front_end(opened: Front) -> None:
    import glasscell.views.attention_edge
    import glasscell.views.attention_view
    import glasscell.views.compare_view
    import glasscell.views.contrast_view
    import glasscell.views.groups_view
    import glasscell.views.model_view
    import glasscell.views.pair_view
    import glasscell.views.perturbation_view
    import glasscell.views.preflight_view
    import glasscell.views.traversal_view
    import glasscell.views.worth_view  # noqa: F401 - so that all of them are known

    asked_for = {one for one in View.__subclasses__() if one.__module__.startswith("glasscell.views.")}
    shown = {interface(type(view)) for view in opened.views.values()}
    assert not {one.__name__ for one in asked_for - shown if inspect.isabstract(one)}


def test_what_cannot_be_met_yet_is_said_in_one_sentence(opened: Front, agree: Agree) -> None:
    if opened.session.dataset is not None:
        pytest.skip("data are open already: run this test first")
    for view, intent, *values in TOO_EARLY:
        before = len(opened.session.messages)
        opened.say(view, intent, *values)
        said = [one.text for one in list(opened.session.messages)[before:]]
        assert said, f"{view}.{intent} is swallowed"
        assert all(text.strip() and "Traceback" not in text for text in said)
        agree(f"too early: {view}.{intent}", said)
    assert opened.session.state.dataset is None


def test_choosing_cells(front: Front, agree: Agree) -> None:
    session = front.session
    front.say("Tissue", "selection_drawn", left_half(front), "replace")
    agree("lasso on the tissue", session.mask().tolist())
    assert 0 < session.mask().sum() < session.dataset.n_cells
    front.say("Embedding", "selection_drawn", np.array([(-9.0, -9.0), (0, -9), (0, 9), (-9, 9)]), "intersect")
    agree("and in the embedding", session.mask().tolist())
    front.say("Groups", "group_named", "one")
    front.say("Embedding", "selection_cleared")
    assert session.mask().all()
    front.say("Tissue", "selection_drawn", left_half(front), "replace")
    front.say("Groups", "group_filled", "one")
    front.say("Groups", "group_renamed", "one", "left <b>half</b>")
    front.say("Groups", "note_written", "looks <i>odd</i>")
    front.say("Groups", "colour_requested")
    front.say("Tissue", "cell_hovered", 5)
    assert session.hovered_cell == 5
    agree("groups", plain(session.state.groups))
    agree("told of the groups", front.answers())
    for _ in range(3):
        session.undo()
        front.settle()
    agree("three steps back", (plain(session.state.groups), session.mask().tolist()))


def test_colouring(front: Front, agree: Agree) -> None:
    session = front.session
    gene = str(session.dataset.genes.names[2])  # type: ignore[union-attr]
    front.say("Colour by", "query_typed", gene)
    front.say("Colour by", "channel_requested", ChannelRef.make("gene", gene))
    front.say("Colour by", "limits_requested", (0.0, 1.0))
    agree("a gene", session.state.colouring)
    agree("told of a gene", front.answers())
    front.say("Colour by", "channel_requested", ChannelRef.make("obs", "label"))
    front.say("Colour by", "category_toggled", "K1", False)
    front.say("Colour by", "category_recoloured", "K2", "#123456")
    agree("a column", session.state.colouring)
    assert session.state.colouring.hidden == ("K1",)
    front.say("Embedding", "axis_names_requested", gene, "label")
    front.say("Embedding", "axis_names_requested", gene, str(session.dataset.genes.names[3]))  # type: ignore[union-attr]
    agree("axes", plain(session.state.views))
    agree("told of colours", front.answers())


def test_comparing(front: Front, agree: Agree) -> None:
    front.say("Tissue", "selection_drawn", left_half(front), "replace")
    front.say("Groups", "group_named", "one")
    wish = {"a": "group:one", "b": "rest", "donor": "", "independent": True}
    front.say("Contrast", "contrast_requested", wish)
    found = front.session.latest("contrast")
    agree("genes that differ", found.table()["gene"].tolist()[:9])
    front.say("Contrast", "order_chosen", "expression", "b")
    front.say("Contrast", "gene_clicked", str(found.table()["gene"].iloc[0]), "expression")
    agree("a gene that differs", channel(front))
    agree("told of the contrast", front.answers())


def test_training_and_applying(front: Front, agree: Agree, tmp_path: Path) -> None:
    session = front.session
    front.say("Preflight", "asked")
    agree("verdicts", front.told["Preflight.set_training"])
    front.say("Model", "family_chosen", "vae")
    front.say("Model", "family_chosen", "classifier")
    before = session.state.model
    front.begin("Model", "fit_requested", {**WISH, "params": {"max_epochs": 400, "patience": 400}})
    assert session.jobs.active
    front.say("Model", "cancel_requested")
    assert session.state.model == before, "a cancelled training changed the model"
    front.say("Model", "fit_requested", {**WISH, "params": {"max_epochs": 5, "learning_rate": 0.01}})
    bundle = session.bundle
    assert bundle is not None
    agree("scores", bundle.metrics)
    front.say("Model", "save_requested", tmp_path / "model")
    front.say("Model", "load_requested", tmp_path / "model")
    assert session.bundle is not None
    assert session.bundle.fingerprint == bundle.fingerprint
    front.say("Preflight", "terms_changed", "ignore-case", 0.9)
    front.say("Preflight", "apply_requested", "", 0.5)
    agree("applied", plain(front.told["Preflight.set_notes"]))
    agree("told of the model", {at: said for at, said in front.answers().items() if at.startswith("Model")})


def test_explaining(front: Front, agree: Agree, trained: Bundle) -> None:
    give(front, trained)
    front.say("Attribution", "method_chosen", "saliency")
    asked = {"target": "class:K2", "method": "integrated_gradients", "baseline": "other_classes"}
    front.say("Attribution", "explain_requested", {**asked, "cells": "all", "params": {"steps": 16}})
    found = front.session.explanation
    assert found is not None
    agree("reasons", found.mean().tolist())
    front.say("Attribution", "gene_clicked", str(found.genes[0]))
    assert channel(front).kind == "attribution"
    agree("told of the reasons", front.answers())


def test_attending(front: Front, agree: Agree) -> None:
    session = front.session
    give(front, attending_bundle(session.dataset, "label", "tokens"))  # type: ignore[arg-type]
    front.say("Attention", "attend_requested", {"by": "label", "target": "", "cells": "all", "params": FEW})
    found = session.latest("attention")
    agree("attended", [found.groups, found.columns, len(found.maps)])
    group, token = found.groups[1], found.columns[0]
    front.say("Attention", "quantity_chosen", "weight")
    front.say("Attention", "group_chosen", group)
    front.say("Attention", "place_hovered", (group, token))
    front.say("Attention", "place_clicked", group, token, "removed")
    agree("a place that is attended to", (channel(front).kind, channel(front).key))
    agree("told of attention", front.answers())

    give(front, attending_bundle(session.dataset, "label", "neighbours"))  # type: ignore[arg-type]
    front.say("Attention", "attend_requested", {"by": "label", "target": "", "cells": "all", "params": FEW})
    front.say("Tissue", "cell_hovered", 40)
    edges = front.told["Edges.set_edges"]
    assert edges[0]["is"] == "EdgePicture"
    agree("edges", edges)
    front.say("Attention", "edges_toggled", False)
    assert front.told["Edges.set_edges"] == [None]
    front.say("Attention", "edges_toggled", True)
    front.say("Embedding", "cell_hovered", None)
    assert front.told["Edges.set_edges"] == [None]


def test_traversing(front: Front, agree: Agree, decoder: Bundle) -> None:
    session = front.session
    give(front, decoder)
    front.say("Traversal", "sweep_requested", "all")
    found = session.latest("traversal")
    agree("swept", [list(found.names), np.round(found.middle_k, 6).tolist()])
    undo = session.state.colouring
    for step in (2, 3, 4):
        front.begin("Traversal", "slider_moved", 1, step, True)
    front.say("Traversal", "slider_moved", 1, 4, False)
    agree("the slider", (channel(front).kind, channel(front).key, session.state.colouring.limits))
    assert session.lit_cells is not None
    agree("cells nearby", session.lit_cells.tolist())
    front.say("Traversal", "gene_chosen", decoder.genes[5])
    front.say("Traversal", "light_toggled", False)
    assert session.lit_cells is None
    front.say("Traversal", "factor_painted", 2)
    assert channel(front).kind == "latent"
    agree("told of the factors", front.answers())
    while session.state.colouring != undo:
        assert session.can_undo
        session.undo()
        front.settle()
    front.say("Traversal", "light_toggled", True)


def test_perturbing(front: Front, agree: Agree, trained: Bundle, tmp_path: Path) -> None:
    give(front, trained)
    gene = str(front.session.dataset.genes.names[0])  # type: ignore[union-attr]
    change = {"genes": (gene,), "direction": "out", "action": "", "cells": "all", "name": ""}
    front.say("Perturbation", "perturb_requested", {**change, "params": {"controls": 3}})
    found = front.session.latest("perturbation")
    agree("a gene knocked out", np.round(found.effect_c, 6).tolist())
    assert channel(front).kind == "perturbation"
    front.say("Perturbation", "channel_chosen", "flip")
    agree("cells that change sides", channel(front).key)
    front.say("Perturbation", "table_requested", tmp_path / "changes.csv")
    agree("a table", list(pd.read_csv(tmp_path / "changes.csv", comment="#").columns))
    agree("told of the change", front.answers())


def test_a_perturbation_learnt_afterwards(front: Front, agree: Agree, shifting: Bundle) -> None:
    give(front, shifting)
    asked = {"cells": "obs:label=K2"}
    front.say("Perturbation", "learn_requested", {**asked, "name": "P1"})
    agree("it knows one more", front.session.bundle.folds[0].actions)  # type: ignore[union-attr]
    front.say("Perturbation", "learn_requested", {**asked, "name": "P1"})
    agree("and none twice", front.session.messages[-1].text)
    agree("told of what it learnt", front.answers())


def test_models_side_by_side(front: Front, agree: Agree, trained: Bundle, tmp_path: Path) -> None:
    session = front.session
    short = {"classifier": {"max_epochs": 5}}
    asked = {"labels": "label", "split": "random", "seeds": "0", "target": "K1", "params": short}
    front.begin(
        "Compare", "compare_requested", {**asked, "models": ("classifier", "vae"), "seeds": "0, 1, 2"}
    )
    assert session.jobs.active
    front.say("Compare", "cancel_requested")
    assert session.latest("comparison") is None, "a cancelled comparison left something"
    front.say("Compare", "compare_requested", {**asked, "models": ("classifier",)})
    found = session.latest("comparison")
    agree("figures", found.table()["mean"].round(6).tolist())
    agree("offers", plain(front.told["Compare.set_models"]))
    front.say("Compare", "figure_chosen", front.told["Compare.set_result"][0]["figures"][1][0])
    front.say("Compare", "table_requested", tmp_path / "figures.csv")
    agree("table of figures", list(pd.read_csv(tmp_path / "figures.csv").columns))
    give(front, trained)
    front.say("Pair", "pair_chosen", "own", "", "compared:classifier", f"model:{trained.id}")
    picture = front.told["Pair.set_pair"][0]
    bars = [picture[side]["bar"] for side in ("left", "right", "difference")]
    assert (bars[0]["low"], bars[0]["high"]) == (bars[1]["low"], bars[1]["high"])
    assert bars[2]["centre"] == "0"
    front.say("Pair", "selection_drawn", left_half(front), "replace")
    assert 0 < session.mask().sum() < session.dataset.n_cells
    front.say("Pair", "cell_hovered", 7)
    assert session.hovered_cell == 7
    front.say("Pair", "difference_painted")
    assert channel(front).kind == "difference"
    agree("told of the comparison", front.answers())
    front.say("Pair", "selection_cleared")
    front.say("Pair", "cell_hovered", None)


def test_files(front: Front, agree: Agree, tmp_path: Path) -> None:
    session = front.session
    front.say("Tissue", "selection_drawn", left_half(front), "replace")
    front.say("Groups", "group_named", "one")
    front.say("Groups", "data_save_requested", tmp_path / "copy.h5ad")
    written = read(tmp_path / "copy.h5ad")
    agree("columns of the copy", sorted(map(str, written.obs.columns)))
    front.say("Data", "open_requested", tmp_path / "copy.h5ad")
    assert session.dataset is not None
    assert session.dataset.path == tmp_path / "copy.h5ad"
    front.say("Tissue", "selection_drawn", left_half(front), "replace")
    front.say("Groups", "group_named", "two")
    front.say("Groups", "table_save_requested", "groups", tmp_path / "groups.csv")
    agree("the table of groups", (tmp_path / "groups.csv").read_text().splitlines()[-3:])
    kept = session.mask().tolist(), plain(session.state.groups)
    front.say("Groups", "session_save_requested", tmp_path / "kept.glasscell")
    front.say("Groups", "groups_deleted", ("two",))
    front.say("Groups", "session_open_requested", tmp_path / "kept.glasscell")
    said = [one.text for one in session.messages]
    assert (session.mask().tolist(), plain(session.state.groups)) == kept, said[-3:]
    front.say("Data", "save_requested", tmp_path / "again.h5ad")
    assert (tmp_path / "again.h5ad").exists()
    agree("messages of files", [one.level for one in list(session.messages)[-4:]])
