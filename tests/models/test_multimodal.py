"""TOTALVI and MULTIVI of scvi-tools: latents equal its own, columns in any order, kinds kept apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.scvi_warnings import SCVI_WARNINGS

from glasscell.data.dataset import Dataset
from glasscell.data.labels import read_labels
from glasscell.data.modality import CHROMATIN, PROTEIN, RNA, columns_of, feature_modalities, join_modality
from glasscell.errors import DataError, NotCompatible
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.fit import FitRequest, fit
from glasscell.models.preflight import check
from glasscell.models.registry import family
from glasscell.models.scvi import train_pair
from glasscell.testing.check import check_model
from glasscell.testing.planted import planted_dataset
from glasscell.testing.two_modalities import make_two_modalities
from glasscell.views.family_choice import family_rows, why_not_these

pytest.importorskip("scvi", reason="needs scvi-tools: pip install 'glasscell[scvi]'")

pytestmark = SCVI_WARNINGS
KINDS = {"totalvi": PROTEIN, "multivi": CHROMATIN}
FAST = {"n_hidden": 12, "n_latent": 3, "max_epochs": 2, "batch_size": 64}


def data_of(key: str, share: float = 0.5) -> Dataset:
    """Two hundred cells; one of the multiome's has no chromatin and one no RNA at all."""
    dataset = make_two_modalities(share, n_cells=200, n_rna=24, n_other=14, modality=KINDS[key]).dataset
    if key == "multivi":
        made = dataset.adata.copy()
        table = made.X.toarray()
        kinds = np.asarray(feature_modalities(dataset))
        table[5, kinds == CHROMATIN] = 0
        table[6, kinds == RNA] = 0
        made.X = table
        return Dataset(made)
    return dataset


@pytest.fixture(scope="module", params=list(KINDS))
def trained(request: pytest.FixtureRequest) -> tuple[str, Dataset, Bundle, Any]:
    """Train with a batch and keep scvi-tools' own model beside ours."""
    key, kept = request.param, []
    dataset = data_of(key)
    run = train_pair.run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_pair, "run", lambda model, *rest: (run(model, *rest), kept.append(model))[0])
        params = family(key).params(**FAST)
        asked = FitRequest(family=key, params=params, device="cpu", batch=read_labels(dataset, "batch"))
        bundle = fit(dataset, asked)
    return key, dataset, bundle, kept[0]


def test_latents_equal_those_of_scvi_tools(trained: tuple[str, Dataset, Bundle, Any]) -> None:
    key, dataset, bundle, theirs = trained
    held_out = bundle.cells.fold == 0
    rows = [int(name) for name in theirs.adata.obs_names]
    assert sorted(rows) == np.flatnonzero(~held_out).tolist()
    latent_cz = theirs.get_latent_representation()
    assert bundle.cells.latent_cz is not None
    gap = np.abs(bundle.cells.latent_cz[rows] - latent_cz).max() / np.abs(latent_cz).max()
    print(f"\n{key}: latents differ from scvi-tools' own by at most {gap:.1e} of their largest value")
    assert gap <= 1e-5
    assert np.abs(bundle.cells.latent_cz[rows[::-1]] - latent_cz).max() > 1e-3 * np.abs(latent_cz).max()
    check_model(bundle.folds[0], make_batch(dataset, bundle.folds[0], np.arange(12)))


def test_the_order_of_columns_does_not_matter(trained: tuple[str, Dataset, Bundle, Any]) -> None:
    _, dataset, bundle, _ = trained
    net: Any = bundle.folds[0]
    turned = Dataset(dataset.adata[:, ::-1].copy())
    first, again = (make_batch(one, net, np.arange(20)) for one in (dataset, turned))
    torch.testing.assert_close(net.encode(again), net.encode(first), rtol=0, atol=0)


def test_one_input_moves_the_encoder_of_its_kind_alone(trained: tuple[str, Dataset, Bundle, Any]) -> None:
    """A column of the second kind has weight in its own half of MULTIVI's first layer only."""
    key, dataset, bundle, _ = trained
    net: Any = bundle.folds[0]
    batch = make_batch(dataset, net, np.arange(4))
    weight_hg, _ = net.first(batch)
    rna, other = (columns_of(net.modalities, name) for name in (RNA, KINDS[key]))
    assert len(rna) == 24
    assert len(other) == 14
    if key == "multivi":
        half = len(weight_hg) // 2
        assert not weight_hg[half:, rna].any()
        assert not weight_hg[:half, other].any()
    assert weight_hg[:, rna].any(dim=0).all()
    assert weight_hg[:, other].any(dim=0).all()
    if key == "totalvi":  # more of one protein dilutes the other proteins, never RNA
        more = batch.expression.clone()
        more[:, other[0]] += 50
        before, after = net.inputs(batch), net.inputs(batch.with_expression(more))
        assert torch.equal(before[:, rna], after[:, rna])
        assert (after[:, other[0]] > before[:, other[0]]).all()
        assert (after[:, other[1:]] <= before[:, other[1:]]).all()


def test_multivi_takes_a_cell_of_one_kind_from_that_kind(trained: tuple[str, Dataset, Bundle, Any]) -> None:
    key, dataset, bundle, _ = trained
    if key != "multivi":
        return
    net: Any = bundle.folds[0]
    batch = make_batch(dataset, net, np.array([5, 6, 7]))
    latent_cz = net.encode(batch)
    expression, accessibility = net._encoders
    rna, other = (batch.expression[:, columns_of(net.modalities, name)] for name in (RNA, CHROMATIN))
    by_rna = expression.mean_encoder(expression.encoder(rna, torch.zeros(3, 1)))
    by_other = accessibility.mean_encoder(accessibility.encoder(other, torch.zeros(3, 1)))
    torch.testing.assert_close(latent_cz[0], by_rna[0])
    torch.testing.assert_close(latent_cz[1], by_other[1])
    torch.testing.assert_close(latent_cz[2], (by_rna[2] + by_other[2]) / 2)


@pytest.mark.parametrize("key", list(KINDS))
def test_a_file_without_the_second_kind_is_refused_in_one_sentence(key: str) -> None:
    plain = planted_dataset(n_cells=80, n_genes=20)
    with pytest.raises(NotCompatible, match=f"has no {KINDS[key]}"):
        fit(plain, FitRequest(family=key, device="cpu"))
    said = check(key, plain)
    assert not said
    assert any(f"no {KINDS[key]}" in reason for reason in said.reasons)
    assert check(key, data_of(key))
    row = next(row for row in family_rows() if row.key == key)
    assert KINDS[key] in why_not_these(row, plain, ())
    assert why_not_these(row, data_of(key), ()) == ""


def test_proteins_of_obsm_are_joined_as_columns() -> None:
    dataset = data_of("totalvi")
    made = dataset.adata
    kinds = np.asarray(feature_modalities(dataset))
    rna = made[:, kinds == RNA].copy()
    del rna.var["feature_types"]
    proteins = made[:, kinds == PROTEIN].to_df()
    proteins.columns = [rna.var_names[0], *proteins.columns[1:]]
    rna.obsm["protein_expression"] = proteins
    joined = join_modality(rna, "protein_expression")
    again = Dataset(joined)
    assert feature_modalities(again) == (RNA,) * 24 + (PROTEIN,) * 14
    assert joined.var_names[24] == f"{rna.var_names[0]} protein", "two columns of one name are told apart"
    np.testing.assert_array_equal(joined.X.toarray()[:, 24:], proteins.to_numpy())
    assert "protein_expression" in rna.obsm
    assert "protein_expression" not in joined.obsm
    rna.obsm["plain"] = proteins.to_numpy()
    assert join_modality(rna, "plain").var_names[-1] == "plain 14"
    with pytest.raises(DataError, match="obsm key"):
        join_modality(rna, "proteins")
    assert feature_modalities(planted_dataset(n_cells=30, n_genes=12)) == (RNA,) * 12
