"""A against B: the arithmetic literally, what is refused and withheld, what an impostor would get."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from glasscell.data.column import DataContext
from glasscell.data.dataset import Dataset
from glasscell.data.design import Design, find_design
from glasscell.data.selection import Cells, Lasso, parse_selection
from glasscell.errors import DataError, NotCompatible
from glasscell.explain import contrast_test
from glasscell.explain.contrast import Contrast, ContrastRequest, contrast
from glasscell.explain.contrast_model import agreement
from glasscell.explain.contrast_origin import is_independent, same_counts
from glasscell.explain.explain import explain
from glasscell.explain.request import ExplainRequest


def donors(n_donors: int, effect: float = 0.0, per: int = 25, n_genes: int = 120, seed: int = 0) -> Dataset:
    """Counts of donors before and after, each donor and each of its samples with a level of its own."""
    rng = np.random.default_rng(seed)
    base_g = rng.gamma(1.0, 4.0, n_genes) + 0.5
    parts, obs = [], []
    for donor in range(n_donors):
        own_g = np.exp(rng.normal(0, 0.4, n_genes))
        for condition in ("ctrl", "stim"):
            level_g = base_g * own_g * np.exp(rng.normal(0, 0.35, n_genes))
            level_g[:8] *= np.exp(effect if condition == "stim" else 0.0)
            parts.append(rng.poisson(np.tile(level_g, (per, 1))))
            obs += [(f"P{donor}", condition)] * per
    table = pd.DataFrame(obs, columns=["donor", "condition"], index=[f"c{i}" for i in range(len(obs))])
    return Dataset(ad.AnnData(np.concatenate(parts).astype(np.float32), obs=table))


def compare(dataset: Dataset, a: str, b: str, **wish: Any) -> Contrast:
    context = DataContext(dataset)
    sides = [parse_selection(text, dataset) for text in (a, b)]
    wish.setdefault("circular", same_counts(*sides, dataset))
    design = wish.pop("design", None) or find_design(dataset)
    return contrast(dataset, ContrastRequest(*(s.mask(context) for s in sides), a, b, design, **wish))


def test_wilcoxon_is_the_rank_sum_test_whatever_the_blocks(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = compare(dataset, "label=K1", "label=K2", circular="")
    assert found.unit == "cells"
    assert found.score_name == "Wilcoxon z"
    values = dataset.expression_cg("lognorm").toarray().astype(np.float64)
    label = np.asarray(dataset.obs["label"])
    for g in range(0, dataset.n_genes, 7):
        a, b = values[label == "K1", g], values[label == "K2", g]
        if np.ptp(np.concatenate([a, b])) == 0:
            continue
        expected = stats.mannwhitneyu(a, b, use_continuity=False, method="asymptotic")
        assert found.row(g).p == pytest.approx(expected.pvalue, rel=1e-5)
        assert np.sign(found.row(g).score) == np.sign(expected.statistic - len(a) * len(b) / 2)
        mean_a, mean_b = np.expm1(a).mean(), np.expm1(b).mean()
        prior = 1 / min(len(a), len(b))
        assert found.row(g).change == pytest.approx(
            np.log2((mean_a + prior) / (mean_b + prior)), rel=1e-4, abs=1e-6
        )
    monkeypatch.setattr(contrast_test, "BLOCK_VALUES", 7 * 60)
    again = compare(dataset, "label=K1", "label=K2", circular="")
    np.testing.assert_allclose(again.tested.score_g, found.tested.score_g, rtol=1e-6)
    np.testing.assert_allclose(again.tested.p_g, found.tested.p_g, rtol=1e-6)


def test_between_conditions_donors_are_paired() -> None:
    dataset = donors(6, effect=1.5)
    found = compare(dataset, "condition=stim", "condition=ctrl")
    assert (found.unit, found.donors_a, found.donors_b, found.p_text) == ("donors", 6, 6, "")
    assert found.score_name == "paired t over donors"
    counts, obs = dataset.expression_cg("counts").toarray().astype(np.float64), dataset.obs
    sums = {
        key: counts[np.asarray((obs["donor"] == key[0]) & (obs["condition"] == key[1]))].sum(axis=0)
        for key in ((f"P{i}", c) for i in range(6) for c in ("stim", "ctrl"))
    }
    mean_depth = np.mean([one.sum() for one in sums.values()])
    profile = {}
    for key, one in sums.items():
        prior = 2 * one.sum() / mean_depth
        profile[key] = np.log2((one + prior) / (one.sum() + 2 * prior) * 1e6)
    stim, ctrl = (np.array([profile[f"P{i}", c] for i in range(6)]) for c in ("stim", "ctrl"))
    np.testing.assert_allclose(found.tested.change_g, (stim - ctrl).mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.tested.p_g, stats.ttest_rel(stim, ctrl, axis=0).pvalue, rtol=1e-7)
    planted = {str(name) for name in dataset.genes.names[:8]}
    assert len(planted & {row.gene for row in found.top(8)}) >= 6


def test_donors_on_one_side_only_are_compared_by_welch() -> None:
    dataset = donors(10, effect=1.0)
    obs = dataset.obs
    first = np.isin(obs["donor"], [f"P{i}" for i in range(5)])
    a, b = first & (obs["condition"] == "stim"), ~first & (obs["condition"] == "ctrl")
    found = contrast(dataset, ContrastRequest(np.asarray(a), np.asarray(b), "a", "b", find_design(dataset)))
    assert found.score_name == "Welch t over donors"
    assert (found.donors_a, found.donors_b) == (5, 5)
    assert found.tested.p_g is not None
    assert np.isfinite(found.tested.p_g).all()


def test_cells_as_the_unit_would_find_what_is_not_there() -> None:
    """The impostor: no effect at all, only donors and samples that differ, as they always do."""
    dataset = donors(6, effect=0.0, seed=3)
    honest = compare(dataset, "condition=stim", "condition=ctrl")
    assert honest.q_g is not None
    stim = np.asarray(dataset.obs["condition"] == "stim")
    blind = Design()  # what a tool sees that knows of no donors and no conditions
    impostor = contrast(dataset, ContrastRequest(stim, ~stim, "stim", "ctrl", blind, unit="cells"))
    assert impostor.q_g is not None
    by_donor, by_cell = int((honest.q_g < 0.05).sum()), int((impostor.q_g < 0.05).sum())
    print(f"null genes of 120 at q < .05: donors {by_donor}, cells {by_cell}")
    assert by_donor <= 3
    assert by_cell >= 20


def test_few_donors_rank_and_have_no_p() -> None:
    found = compare(donors(3, effect=1.5), "condition=stim", "condition=ctrl")
    assert found.p_text == "too few donors"
    assert found.tested.p_g is None
    assert found.row(0).p is None
    assert set(found.table()["p"]) == {"too few donors"}
    np.testing.assert_array_equal(found.tested.score_g, found.tested.change_g)


def test_cells_are_refused_between_conditions_and_donors() -> None:
    dataset = donors(4)
    with pytest.raises(NotCompatible, match="cells cannot be the unit"):
        compare(dataset, "condition=stim", "condition=ctrl", unit="cells")
    with pytest.raises(NotCompatible, match="differ in donor"):
        compare(dataset, "donor=P0", "donor=P1", unit="cells")
    with pytest.raises(NotCompatible, match="No donors are known"):
        compare(dataset, "donor=P0,P1", "donor=P2", unit="donors", design=Design())


def test_stray_cells_of_the_other_condition_do_not_make_cells_the_unit() -> None:
    dataset = donors(2, effect=1.5)
    stim = np.asarray(dataset.obs["condition"] == "stim")
    ctrl = np.flatnonzero(~stim)
    a, b = stim.copy(), ~stim
    a[ctrl[:2]], b[ctrl[:2]] = True, False
    with pytest.raises(NotCompatible, match="differ in condition"):
        contrast(dataset, ContrastRequest(a, b, "a", "b", find_design(dataset), unit="cells"))
    found = contrast(dataset, ContrastRequest(a, b, "a", "b", find_design(dataset)))
    assert found.tested.p_g is None
    mixed = np.arange(dataset.n_cells) % 3 == 0
    mixed |= stim & (np.arange(dataset.n_cells) % 3 == 1)
    leaning = contrast(dataset, ContrastRequest(mixed, ~mixed, "a", "b", find_design(dataset)))
    assert leaning.unit == "cells"
    assert any("condition" in note and "part of what differs" in note for note in leaning.notes)


def test_a_patch_of_one_section_against_the_rest_is_within() -> None:
    dataset = donors(3, per=60)
    adata = dataset.adata[dataset.obs["condition"] == "ctrl"].copy()
    dataset = dataset.with_adata(adata)
    patch = np.zeros(adata.n_obs, np.bool_)
    patch[np.flatnonzero(adata.obs["donor"] == "P0")[:20]] = True
    found = contrast(dataset, ContrastRequest(patch, ~patch, "a", "b", find_design(dataset)))
    assert found.unit == "cells"


def test_between_fields_of_view_cells_count_only_when_asked_for_and_it_is_said() -> None:
    dataset = donors(2, per=60)
    adata = dataset.adata[dataset.obs["condition"] == "ctrl"].copy()
    adata.obs = adata.obs.rename(columns={"donor": "fov"}).drop(columns="condition")
    adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, 10, (adata.n_obs, 2))
    dataset = Dataset(adata)
    assert len(dataset.sections) == 2
    left = compare(dataset, "fov=P0", "fov=P1", circular="")
    assert (left.unit, left.p_text) == ("donors", "too few donors")
    asked = compare(dataset, "fov=P0", "fov=P1", circular="", unit="cells")
    assert asked.unit == "cells"
    assert asked.tested.p_g is not None
    assert any('section (column "fov")' in note and "not of tissue at large" in note for note in asked.notes)


def test_without_donors_conditions_still_have_no_p() -> None:
    dataset = donors(4)
    design = Design(conditions=find_design(dataset).conditions)
    found = compare(dataset, "condition=stim", "condition=ctrl", design=design)
    assert found.p_text == "too few donors"
    assert any("No donor is named" in note for note in found.notes)


def test_within_donors_four_pairs_are_used_else_cells_with_a_word() -> None:
    for n, unit in ((5, "donors"), (2, "cells")):
        dataset = donors(n)
        dataset = dataset.with_adata(dataset.adata[dataset.obs["condition"] == "ctrl"].copy())
        half = np.arange(dataset.n_cells) % 2 == 0
        found = contrast(dataset, ContrastRequest(half, ~half, "a", "b", find_design(dataset)))
        assert found.unit == unit
        assert unit == "donors" or any("not of donors at large" in note for note in found.notes)


def test_groups_made_from_the_same_counts_get_no_p(dataset: Dataset) -> None:
    adata = dataset.adata.copy()
    adata.obs["leiden"] = adata.obs["label"]
    clustered = dataset.with_adata(adata)
    found = compare(clustered, "leiden=K1", "leiden=K2")
    assert found.p_text == "same counts"
    assert found.tested.p_g is None
    assert any("made from these counts" in note and "leiden" in note for note in found.notes)
    vouched = compare(clustered, "leiden=K1", "leiden=K2", circular="")
    np.testing.assert_array_equal(found.tested.score_g, vouched.tested.score_g)


def test_what_counts_as_made_from_the_same_counts(dataset: Dataset) -> None:
    adata = dataset.adata.copy()
    adata.obs["cell_type"], adata.obs["layer"] = adata.obs["label"], adata.obs["label"]
    adata.obs["half"] = np.where(np.arange(adata.n_obs) % 2, "x", "y")
    made = dataset.with_adata(adata)

    def reason(a: Any, b: Any) -> str:
        sides = [parse_selection(s, made) if isinstance(s, str) else s for s in (a, b)]
        return same_counts(*sides, made)

    k1 = np.flatnonzero(adata.obs["label"] == "K1").astype(np.int32)
    triangle = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))
    assert "cell_type" in reason("cell_type=K1", "cell_type=K2")
    assert not reason("half=x;cell_type=K1", "half=y;cell_type=K1")
    assert not reason("layer=K1", "layer=K2")
    one = parse_selection("cell_type=K1", made)
    assert reason(one, ~one)
    assert "embedding" in reason(Lasso("embedding:X_umap", triangle), ~Lasso("embedding:X_umap", triangle))
    assert not reason(Lasso("tissue", triangle), ~Lasso("tissue", triangle))
    assert "gene" in reason(f"{made.genes.names[0]}=1..", f"{made.genes.names[0]}=..0.5")
    assert "cell_type" in reason(Cells(k1), "half=x")
    assert "nobody knows" in reason(Cells(k1[:5]), Cells(k1[5:9]))
    drawn = {Cells(k1[:5]).digest, Cells(k1[5:9]).digest}
    assert not same_counts(Cells(k1[:5]), Cells(k1[5:9]), made, drawn)
    assert same_counts(Cells(k1[:5]), Cells(k1[5:8]), made, drawn)
    assert is_independent(Lasso("tissue", triangle), made)
    assert not is_independent(Lasso("embedding:X_umap", triangle), made)


def test_groups_of_a_file_say_whether_they_came_from_the_counts(dataset: Dataset) -> None:
    adata = dataset.adata.copy()
    for name, said in (("here", {"independent": True}), ("there", {"independent": False}), ("old", {})):
        adata.obs[f"glasscell.group.{name}"] = np.arange(adata.n_obs) % 3 == 0
        adata.uns[f"glasscell.group.{name}"] = json.dumps({"name": name, **said})
    made = dataset.with_adata(adata)
    for name, fine in (("here", True), ("there", False), ("old", False)):
        one = parse_selection(f"glasscell.group.{name}=True", made)
        assert (not same_counts(one, ~one, made)) is fine


def test_equal_means_are_no_change_however_large_the_sides() -> None:
    counts_cg = np.ones((1000, 3))
    counts_cg[:, 0] = 0
    counts_cg[:, 1] = 5
    cells = Dataset(ad.AnnData(counts_cg.astype(np.float32)))
    a = np.arange(1000) < 20
    found = contrast(cells, ContrastRequest(a, ~a, "few", "many", Design()))
    np.testing.assert_allclose(found.tested.change_g, 0, atol=1e-4)


def test_sides_are_checked(dataset: Dataset) -> None:
    n = int((dataset.obs["label"] == "K1").sum())
    with pytest.raises(DataError, match=f"share {n}"):
        compare(dataset, "label=K1", "label=K1,K2")
    none = np.zeros(dataset.n_cells, bool)
    with pytest.raises(DataError, match="at least 3"):
        contrast(dataset, ContrastRequest(none, ~none, "a", "b", Design()))


def test_the_model_side_is_mean_attribution_of_a_less_b(dataset: Dataset, make_bundle: Any) -> None:
    explanation = explain(dataset, make_bundle(), ExplainRequest(target="class:K1"))
    found = compare(dataset, "label=K1", "label=K2", circular="", explanation=explanation)
    label = np.asarray(dataset.obs["label"])
    cells = [np.flatnonzero(label == name) for name in ("K1", "K2")]
    table = np.array([explanation.cell(i) for i in range(dataset.n_cells)])
    expected = table[cells[0]].mean(axis=0) - table[cells[1]].mean(axis=0)
    assert found.attribution is not None
    np.testing.assert_allclose(found.attribution.values_g, expected, rtol=1e-6, atol=1e-9)
    first = found.top(1, "attribution")[0]
    assert first.gene == str(dataset.genes.names[expected.argmax()])
    assert first.attribution_rank == 1
    assert first.twin_rank is not None
    assert first.rank_spread is not None
    assert found.agreement is not None
    assert found.agreement.correlation == pytest.approx(
        stats.spearmanr(found.tested.score_g, expected).statistic, abs=1e-9
    )
    assert "rank correlation" in found.agreement.sentence()


def test_an_explanation_of_other_cells_is_refused(dataset: Dataset, make_bundle: Any) -> None:
    some = np.flatnonzero(np.asarray(dataset.obs["label"]) == "K1").astype(np.int32)
    explanation = explain(dataset, make_bundle(), ExplainRequest(target="class:K1", cells=some))
    with pytest.raises(DataError, match="No cell of B was explained"):
        compare(dataset, "label=K1", "label=K2", circular="", explanation=explanation)


def test_agreement_of_an_impostor_is_chance() -> None:
    rng = np.random.default_rng(1)
    score = rng.normal(size=1000)
    coin = [agreement(score, rng.normal(size=1000)) for _ in range(20)]
    itself = agreement(score, score * 2)
    assert itself is not None
    assert (itself.correlation, itself.shared) == (pytest.approx(1.0), 20)
    assert np.abs([one.correlation for one in coin if one]).max() < 0.15
    assert np.mean([one.shared for one in coin if one]) < 2
    assert agreement(score, np.ones(1000)) is None


@pytest.mark.slow
def test_acceptance_on_kang(real_data: Callable[[str], Path]) -> None:
    """Stimulated against control: interferon genes lead both columns, p reads too few donors."""
    from glasscell.data.labels import read_labels
    from glasscell.data.read import read
    from glasscell.data.split import split
    from glasscell.explain.gene_set import overlap, read_gmt
    from glasscell.models.classifier.family import ClassifierParams
    from glasscell.models.fit import FitRequest, fit, fit_twin

    dataset = read(real_data("kang_labelled_1556x1267.h5ad"))
    hallmark = read_gmt(real_data("gene_sets/hallmark.gmt"))
    interferon = {g for one in hallmark if "INTERFERON" in one.name for g in one.genes}
    labels = read_labels(dataset, "condition")
    request = FitRequest(
        labels, split(dataset, "random", labels=labels), params=ClassifierParams(max_epochs=40)
    )
    bundle = fit_twin(fit(dataset, request), dataset, request)
    explanation = explain(dataset, bundle, ExplainRequest(target="class:stim"))
    found = compare(dataset, "condition=stim", "condition=ctrl", explanation=explanation)
    assert found.p_text == "too few donors"
    assert (found.donors_a, found.donors_b) == (2, 2)
    assert any("101, 107" in note for note in found.notes)
    assert found.agreement is not None
    twin = found.attribution.twin_g if found.attribution is not None else None
    assert twin is not None
    by_twin = [found.genes[g] for g in np.argsort(np.where(twin > 0, twin, 10**6))[:10]]
    counts = {}
    for by in ("expression", "attribution"):
        first = [row.gene for row in found.top(10, by)]  # type: ignore[arg-type]
        counts[by] = len(interferon & set(first))
        sets = overlap([row.gene for row in found.top(50, by)], found.genes, hallmark)  # type: ignore[arg-type]
        print(f"{by}: {', '.join(first)}; {counts[by]} of 10 interferon; {sets[0].name} q {sets[0].q:.1e}")
        assert "INTERFERON" in sets[0].name
    print(f"p: {found.p_text}; twin's first 10: {len(interferon & set(by_twin))} interferon")
    print(found.agreement.sentence())
    assert counts["expression"] >= 7
    assert counts["attribution"] >= 6
    assert found.agreement.shared >= 5
    assert found.agreement.shared > 5 * found.agreement.by_chance
    assert found.agreement.twin_shared is not None
    with pytest.raises(NotCompatible, match="cells cannot be the unit"):
        compare(dataset, "condition=stim", "condition=ctrl", unit="cells")
