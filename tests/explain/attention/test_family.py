"""Real families and attention: every one that attends answers, also from disk; the others say why not."""

from pathlib import Path

import numpy as np
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.split import split
from glasscell.errors import NotCompatible
from glasscell.explain.attention.asked import why_not_attend
from glasscell.explain.attention.attend import attend
from glasscell.explain.attention.edge_result import EdgeAttention
from glasscell.explain.attention.request import AttentionRequest
from glasscell.models import fit as fitting
from glasscell.models.bundle import Bundle
from glasscell.models.bundle_file import load_bundle, save_bundle
from glasscell.models.fit import fit, fit_twin
from glasscell.models.fit_request import FitRequest
from glasscell.models.registry import family
from glasscell.testing.planted import planted_dataset

FEW = {"removal_cells": 5, "random_nets": 2, "edge_cells": 40}


@pytest.fixture(scope="module")
def planted() -> Dataset:
    return planted_dataset(n_cells=160, n_genes=40, n_classes=3, n_sections=2, seed=5)


@pytest.fixture(scope="module")
def by_family(planted: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """Train one small net of each family that attends, and one that does not."""
    names = [str(name) for name in planted.genes.names]
    path = tmp_path_factory.mktemp("sets") / "sets.gmt"
    path.write_text("".join(f"SET_{k}\tno\t" + "\t".join(names[4 * k : 4 * k + 8]) + "\n" for k in range(8)))
    labels = read_labels(planted, "label")
    folds = split(planted, "random", n_folds=2, labels=labels)
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "baseline_rows", lambda *args: {})
        for key, settings in (
            ("pathway_transformer", {"gene_sets": str(path), "max_epochs": 3, "min_genes": 2}),
            ("classifier", {"max_epochs": 2}),
        ):
            request = FitRequest(labels, folds, key, family(key).params(**settings))
            made[key] = fit(planted, request)
            if key != "classifier":
                made[key] = fit_twin(made[key], planted, request)
        if not getattr(family("spatial_attention"), "why_not", ""):
            settings = {
                "max_epochs": 3,
                "n_domains": 3,
                "n_components": 8,
                "n_latent": 4,
                "k": 4,
                "starts": 2,
            }
            request = FitRequest(
                None, None, "spatial_attention", family("spatial_attention").params(**settings)
            )
            made["spatial_attention"] = fit(planted, request)
    return made


@pytest.mark.parametrize("key", ["pathway_transformer", "spatial_attention"])
def test_answers_also_from_disk(
    key: str, by_family: dict[str, Bundle], planted: Dataset, tmp_path: Path
) -> None:
    if key not in by_family:
        pytest.skip("torch-geometric is not installed")
    bundle, labels = by_family[key], read_labels(planted, "label")
    found = attend(planted, bundle, AttentionRequest(labels, params=FEW))
    save_bundle(bundle, tmp_path / "model")
    again = attend(planted, load_bundle(tmp_path / "model"), AttentionRequest(labels, params=FEW))
    assert found.id == again.id
    for name in ("weight_mgt", "relative_mgt", "z_twin_mgt", "z_random_mgt", "removed_gt"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))
    assert np.isfinite(found.grouped("mean", "z_random")[found.n_removed_gt > 0]).all()
    latent = attend(planted, bundle, AttentionRequest(labels, target="latent_shift", params=FEW))
    known = np.isfinite(latent.removed_gt)
    assert (latent.removed_gt[known] >= 0).all()
    assert latent.removed_gt[known].max() > 0, "what is removed is really gone"
    assert latent.id != found.id
    if isinstance(found, EdgeAttention):
        sections = planted.sections.codes
        assert (sections[found.senders] == sections[found.receivers]).all(), "no edge crosses sections"
        total = np.bincount(found.receivers, found.edge_values("mean", "weight"), planted.n_cells)
        assert (total < 1).all(), "the cell keeps a share for itself"
        assert found.neighbours(3).relative == pytest.approx(
            5 * found.edge_values("mean", "weight")[found.receivers == 3]
        )
    else:
        assert {"rollout", "norm"} <= set(found.maps)
        assert np.isfinite(found.grouped("mean", "z_twin")).all()
        share = found.weights_clht.sum(axis=3)
        assert ((share > 0) & (share < 1)).all()
        assert not found.in_training.any()


def test_the_others_say_why_not(by_family: dict[str, Bundle], planted: Dataset) -> None:
    bundle = by_family["classifier"]
    assert "attends to nothing" in str(why_not_attend(bundle.folds[0]))
    with pytest.raises(NotCompatible, match="attends to nothing"):
        attend(planted, bundle, AttentionRequest(read_labels(planted, "label")))
