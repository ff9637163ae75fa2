"""The check before training or applying: every verdict has its reason, and the green ones can turn red."""

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

import glasscell
from glasscell.data.dataset import Dataset
from glasscell.errors import NotCompatible
from glasscell.models.bundle import Bundle
from glasscell.models.gene_match import IGNORE_CASE, match_genes
from glasscell.models.preflight import check
from glasscell.testing.planted import planted_dataset


def verdicts(found: object) -> dict[str, str]:
    return {line.name: line.verdict for line in found.lines}  # type: ignore[attr-defined]


def renamed(dataset: Dataset, names: list[str], keep: slice = slice(None)) -> Dataset:
    adata = dataset.with_adata(ad.AnnData(dataset.expression_cg("counts"), obs=dataset.obs))._adata
    adata.var_names = names
    return Dataset(adata[:, keep].copy())


def test_a_file_that_fits_says_yes_and_one_that_does_not_says_why(dataset: Dataset) -> None:
    good = glasscell.check("classifier", dataset, "label")
    assert good
    assert verdicts(good)["labels"] == "yes"
    bad = check("classifier", dataset, "no such column")
    assert not bad
    assert "no such column" in " ".join(bad.reasons)
    assert verdicts(check("classifier", dataset))["labels"] == "no"
    assert verdicts(check("classifier", dataset, "label", "section"))["batch"] == "no"


def test_values_that_are_no_counts_are_refused_only_by_models_of_counts(dataset: Dataset) -> None:
    logged = Dataset(ad.AnnData(np.log1p(dataset.expression_cg("counts").toarray()), obs=dataset.obs))
    assert verdicts(check("vae", logged))["counts"] == "no"
    assert verdicts(check("classifier", logged, "label"))["counts"] == "warning"
    assert verdicts(check("vae", dataset))["counts"] == "yes"


def test_classes_that_follow_the_section_are_warned_of() -> None:
    dataset = planted_dataset(n_cells=300, n_genes=20, n_sections=2, seed=1)
    obs = dataset.obs.copy()
    obs["side"] = [f"side {code}" for code in dataset.sections.codes]
    adata = ad.AnnData(dataset.expression_cg("counts"), obs=obs)
    column = next(name for name in obs.columns if obs[name].nunique() == 2 and name != "side")
    found = check("classifier", Dataset(adata, section=column), "side")
    assert verdicts(found)["batch"] == "warning"
    assert verdicts(check("classifier", Dataset(adata, section=column), "label"))["batch"] == "yes"


def test_few_cells_are_refused_with_what_to_do() -> None:
    few = planted_dataset(n_cells=20, n_genes=20, seed=0)
    assert verdicts(check("classifier", few, "label"))["cells"] == "no"


def test_overlap_of_genes_decides_whether_a_bundle_applies(bundle: Bundle, dataset: Dataset) -> None:
    names = list(bundle.genes)
    assert verdicts(check(bundle, dataset))["genes"] == "yes"
    most = renamed(dataset, names, slice(0, 30))
    found = check(bundle, most)
    assert found.verdict == "warning"
    assert names[30] in str(found)
    other = renamed(dataset, [f"other {name}" for name in names])
    assert verdicts(check(bundle, other))["genes"] == "no"
    table = {f"other {name}": name for name in names}
    assert verdicts(check(bundle, other, rename=table))["genes"] == "yes"


def test_letter_case_is_ignored_only_when_asked_for(bundle: Bundle, dataset: Dataset) -> None:
    lower = renamed(dataset, [name.swapcase() for name in bundle.genes])
    found = match_genes(lower.genes, bundle.genes)
    assert (found.n_present, found.by_case) == (0, len(bundle.genes))
    assert IGNORE_CASE in found.sentence()
    assert match_genes(lower.genes, bundle.genes, IGNORE_CASE).renamed == len(bundle.genes)
    with pytest.raises(NotCompatible, match="ignore-case"):
        match_genes(lower.genes, bundle.genes, "upper")


def test_one_gene_never_stands_for_two(dataset: Dataset) -> None:
    names = [str(name) for name in dataset.genes.names]
    with pytest.raises(NotCompatible, match="stands for both"):
        match_genes(dataset.genes, ["new name", names[0]], {names[0]: "new name"})
    with pytest.raises(NotCompatible, match="two genes"):
        match_genes(dataset.genes, ["new"], {names[0]: "new", names[1]: "new"})


def test_names_from_data_stay_text(dataset: Dataset) -> None:
    obs = dataset.obs.copy()
    obs["<b>layer</b>"] = obs["label"].to_numpy()
    found = check("classifier", Dataset(ad.AnnData(dataset.expression_cg("counts"), obs=obs)), "<b>layer</b>")
    html = found._repr_html_()
    assert "<b>layer</b>" not in html
    assert "&lt;b&gt;layer" in html


def test_it_reads_a_folder(bundle: Bundle, dataset: Dataset, tmp_path: Path) -> None:
    glasscell.save_bundle(bundle, tmp_path / "model")
    assert check(tmp_path / "model", dataset)
    assert check(str(tmp_path / "model"), dataset).to_json()["verdict"] == "yes"


def test_real_files(real_data: Callable[[str], Path]) -> None:
    mibi = glasscell.read(real_data("mibitof_crc_3309x36.h5ad"))
    assert verdicts(check("vae", mibi))["counts"] == "no"
    dlpfc = check("classifier", glasscell.read(real_data("dlpfc_151673.h5ad")), "layer")
    assert dlpfc.verdict == "yes"
    print(dlpfc)
