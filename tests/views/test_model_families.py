"""The Model dock and families without labels: what is offered, what is greyed, what is shown."""

from __future__ import annotations

from typing import Any

from glasscell.data.dataset import Dataset
from glasscell.models.registry import FAMILIES
from glasscell.testing.planted import planted_adata, planted_dataset
from glasscell.views.colour_presenter import list_hits
from glasscell.views.family_choice import family_rows
from glasscell.views.row import FigureRow

FAST = {"n_latent": 3, "hidden": 16, "max_epochs": 3, "batch_size": 32}


def test_every_family_is_offered_and_the_form_follows(window: Any) -> None:
    rows = window.model.shown["families"]
    assert [row.key for row in rows] == list(FAMILIES)
    vae = next(row for row in rows if row.key == "vae")
    assert not vae.needs_labels
    assert vae.takes_batch
    assert "hidden" in [field.name for field in window.model.shown["form"]]
    window.model.family_chosen.emit("vae")
    assert "n_latent" in [field.name for field in window.model.shown["form"]]


def test_no_labels_are_needed_for_a_vae(window: Any) -> None:
    adata = planted_adata(n_cells=120, n_genes=30)
    del adata.obs["label"], adata.obs["section"], adata.obs["donor"]
    window.session.open_dataset(Dataset(adata))
    window.settle()
    enabled, reason = window.model.shown["enabled"]
    assert not enabled
    assert "lasso and name two groups" in reason
    window.model.family_chosen.emit("vae")
    assert window.model.shown["enabled"] == (True, "")


def test_values_that_are_no_counts_are_refused_with_a_reason(window: Any) -> None:
    adata = planted_adata(n_cells=120, n_genes=30)
    adata.X = adata.X.toarray() / 3.3
    window.session.open_dataset(Dataset(adata))
    window.settle()
    window.model.family_chosen.emit("vae")
    enabled, reason = window.model.shown["enabled"]
    assert not enabled
    assert "choose the layer of counts" in reason


def test_training_a_vae_shows_its_figures_curve_and_latents(window: Any) -> None:
    window.session.open_dataset(planted_dataset(n_cells=120, n_genes=30, n_sections=2))
    window.settle()
    assert "section" in window.model.shown["batches"]
    window.model.family_chosen.emit("vae")
    wish = {"labels": "", "split": "", "family": "vae", "params": FAST, "seed": 0, "batch": "section"}
    window.model.fit_requested.emit(wish)
    window.settle()
    assert window.session.state.model is not None
    names, rows = window.model.shown["figures"]
    assert names == ("Poisson deviance",)
    assert [row.name for row in rows] == ["vae", "gene mean x size"]
    assert all(isinstance(row, FigureRow) for row in rows)
    assert [row.is_baseline for row in rows] == [False, True]
    assert window.model.shown["metrics"] == ()
    assert window.model.shown["can_save"] is True
    assert len(window.model.shown["curve"][0].train) == 3
    assert "section taken out" in window.model.shown["message"]
    assert window.embedding.shown["choices"][1] == "X_umap_vae"


def test_a_family_that_cannot_be_loaded_keeps_its_reason(monkeypatch: Any) -> None:
    def broken(self: Any, key: str) -> Any:
        raise ImportError("no module named oracle")

    monkeypatch.setattr(type(FAMILIES), "__getitem__", broken)
    assert all("no module named oracle" in row.why_not for row in family_rows())


def test_cells_without_coordinates_have_no_neighbours_to_look_at(window: Any) -> None:
    adata = planted_adata(n_cells=120, n_genes=30)
    del adata.obsm["spatial"]
    window.session.open_dataset(Dataset(adata))
    window.settle()
    window.model.family_chosen.emit("spatial_attention")
    enabled, reason = window.model.shown["enabled"]
    assert not enabled
    assert "coordinates" in reason


def test_training_spatial_attention_offers_its_domains_as_colours(window: Any) -> None:
    window.session.open_dataset(planted_dataset(n_cells=120, n_genes=30, n_sections=2))
    window.settle()
    window.model.family_chosen.emit("spatial_attention")
    assert window.model.shown["enabled"] == (True, "")
    assert {"n_domains", "k", "attention"} <= {field.name for field in window.model.shown["form"]}
    params = {
        "n_domains": 2,
        "k": 4,
        "n_components": 6,
        "n_latent": 3,
        "hidden": 8,
        "starts": 1,
        "max_epochs": 3,
    }
    wish = {
        "labels": "",
        "split": "",
        "family": "spatial_attention",
        "params": params,
        "seed": 0,
        "batch": "",
    }
    window.model.fit_requested.emit(wish)
    window.settle()
    names, rows = window.model.shown["figures"]
    assert names == ("unexplained variance",)
    assert [row.name for row in rows] == ["spatial_attention", "mean of the neighbours"]
    hit = next(hit for hit in list_hits(window.session) if hit.title == "domain")
    window.session.update(channel=hit.ref)
    window.settle()
    assert window.session.resolve(hit.ref).values.categories == ("domain 0", "domain 1")
