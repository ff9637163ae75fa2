"""The sample tissue: the file is what the generator makes, and what was planted can be found again."""

import anndata
import numpy as np
import pandas as pd
import pytest

from glasscell.data.dataset import Dataset
from glasscell.data.sample import make_sample, sample_dataset, sample_path
from glasscell.data.sample_gene import LAYERS, sample_genes
from glasscell.data.split import default_scheme


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return sample_dataset()


def lognorm(dataset: Dataset) -> np.ndarray:
    return dataset.expression_cg("lognorm").toarray()


def test_the_file_is_small_and_read_whole(sample: Dataset) -> None:
    assert sample_path().stat().st_size < 10e6
    assert 4500 <= sample.n_cells <= 5500
    assert sample.n_genes == 400
    assert sample.problems == ()
    assert sample.counts == "X"
    assert sample.position_unit == "um"
    assert sample.donors.names == ("D1", "D2", "D3")
    assert default_scheme(sample) == "donor"
    assert "3 sections with masks" in sample.report()


def test_the_generator_makes_the_same_file(sample: Dataset) -> None:
    stored = anndata.read_h5ad(sample_path())
    made = make_sample(0)
    assert (made.X != stored.X).nnz == 0
    pd.testing.assert_frame_equal(made.obs, stored.obs)
    pd.testing.assert_frame_equal(made.var, stored.var)
    for key in made.varm:
        np.testing.assert_array_equal(made.varm[key], stored.varm[key])
    for name, library in made.uns["spatial"].items():
        images = stored.uns["spatial"][name]["images"]
        np.testing.assert_array_equal(library["images"]["segmentation"], images["segmentation"])
        difference = library["images"]["hires"].astype(int) - images["hires"]
        assert np.abs(difference).max() <= 1


def test_half_of_the_names_are_human_symbols_of_the_dlpfc(real_data: object, sample: Dataset) -> None:
    names = [gene.name for gene in sample_genes()]
    assert list(sample.adata.var_names) == names
    real = {name for name in names if not name.startswith("SYN-")}
    assert len(real) == 200
    dlpfc = anndata.read_h5ad(real_data("dlpfc_151673.h5ad"), backed="r")
    assert real <= set(dlpfc.var_names)
    dlpfc.file.close()


def test_each_cell_lies_in_its_own_mask(sample: Dataset) -> None:
    for number, section in enumerate(sample.tissue.sections):
        mask = section.mask
        cells = np.flatnonzero(sample.sections.codes == number)
        np.testing.assert_array_equal(np.sort(mask.matched), cells)
        pixel = np.rint((sample.positions_cd[cells] - mask.translate) / mask.scale).astype(int)
        own = mask.cells[mask.labels_yx[pixel[:, 1], pixel[:, 0]]] == cells
        assert own.mean() > 0.995


def test_the_picture_looks_stained(sample: Dataset) -> None:
    for number, section in enumerate(sample.tissue.sections):
        picture = section.images[0].levels_yxc[0].astype(float)
        inside = section.mask.labels_yx > 0
        glass, tissue = (
            picture[~inside & (picture.min(axis=-1) > 235)].mean(axis=0),
            picture[inside].mean(axis=0),
        )
        assert glass.min() > 238
        assert tissue[0] > tissue[1] + 15  # pink: less green than red and blue
        assert tissue[2] > tissue[1] + 10
        types = sample.obs["cell_type"].to_numpy()[sample.sections.codes == number]
        assert len(set(types)) == 9


def test_the_planted_genes_stand_out_in_every_donor(sample: Dataset) -> None:
    values, layer = lognorm(sample), sample.obs["layer"].to_numpy()
    truth, passenger = sample.adata.varm["truth"], sample.adata.varm["passenger"]
    for donor in sample.donors.names:
        mine = sample.obs["donor"].to_numpy() == donor
        for number, name in enumerate(LAYERS):
            inside, outside = mine & (layer == name), mine & (layer != name)
            difference = values[inside].mean(axis=0) - values[outside].mean(axis=0)
            difference[passenger[:, number]] = -np.inf
            top = set(np.argsort(-difference)[:10])
            assert len(top & set(np.flatnonzero(truth[:, number]))) >= 9


def test_the_mean_difference_falls_for_the_passengers(sample: Dataset) -> None:
    values, layer = lognorm(sample), sample.obs["layer"].to_numpy()
    for number, name in enumerate(LAYERS):
        difference = values[layer == name].mean(axis=0) - values[layer != name].mean(axis=0)
        top = np.argsort(-difference)[:4]
        assert sample.adata.varm["passenger"][top, number].sum() >= 3


def test_neighbours_turn_genes_up(sample: Dataset) -> None:
    values = lognorm(sample)
    truth = sample.adata.uns["truth"]["neighbour"]
    for number, pair in enumerate(truth["pairs"]):
        sender, receiver = str(pair).split(">")
        beside = sample.obs[f"truth_{receiver}_beside_{sender}"].to_numpy(bool)
        alone = (sample.obs["cell_type"] == receiver).to_numpy() & ~beside
        genes = sample.adata.varm["truth_neighbour"][:, number]
        assert genes.sum() == 4
        assert min(beside.sum(), alone.sum()) > 40
        assert (values[beside][:, genes].mean(axis=0) - values[alone][:, genes].mean(axis=0)).min() > 0.4
        senders = sample.positions_cd[(sample.obs["cell_type"] == sender).to_numpy()]
        near = np.sqrt(((sample.positions_cd[beside][:, None] - senders[None]) ** 2).sum(-1)).min(axis=1)
        assert near.max() < truth["radius_um"]


def test_the_traps_are_set(sample: Dataset) -> None:
    values, uns = lognorm(sample), sample.adata.uns["truth"]
    names = list(sample.adata.var_names)
    batch = [names.index(gene) for gene in uns["batch"]["genes"]]
    donor = sample.obs["donor"].to_numpy() == uns["batch"]["donor"]
    assert (values[donor][:, batch].mean(axis=0) - values[~donor][:, batch].mean(axis=0)).min() > 1
    fold = sample.obs["tissue_fold"].to_numpy() == "in the fold"
    apart = np.abs(values[fold].mean(axis=0) - values[~fold].mean(axis=0))
    steady = ~sample.adata.varm["truth_programme"].any(axis=1)
    assert apart[steady].max() < 0.2
    leaking = [names.index(gene) for gene in uns["spill_over"]["genes"]]
    source = (sample.obs["cell_type"] == uns["spill_over"]["from"]).to_numpy()
    senders = sample.positions_cd[source]
    near = np.sqrt(((sample.positions_cd[:, None] - senders[None]) ** 2).sum(-1)).min(axis=1)
    beside, far = (near < 22) & ~source, (near > 60) & ~source
    assert values[beside][:, leaking].mean() > values[far][:, leaking].mean() + 0.05
    assert fold.sum() > 300


def test_a_linear_model_names_the_planted_genes_where_the_mean_difference_does_not(sample: Dataset) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    metrics = pytest.importorskip("sklearn.metrics")
    values, codes = lognorm(sample), sample.obs["layer"].cat.codes.to_numpy()
    spread = values.std(axis=0) + 1e-6
    train = sample.donors.codes != 0
    model = linear.LogisticRegression(C=0.02, max_iter=300).fit(values[train] / spread, codes[train])
    accuracy = model.score(values[~train] / spread, codes[~train])
    truth, passenger = sample.adata.varm["truth"], sample.adata.varm["passenger"].any(axis=1)
    scores = []
    for number in range(7):
        baseline = np.mean(
            [values[codes == other].mean(axis=0) for other in range(7) if other != number], axis=0
        )
        difference = values[codes == number].mean(axis=0) - baseline
        reasons = model.coef_[number] / spread * difference
        planted = truth[:, number]
        score = metrics.average_precision_score
        scores.append([score(planted[~passenger], reasons[~passenger]), score(planted, reasons)])
        scores[-1].append(score(planted, difference))
    clean, crowded, plain = np.mean(scores, axis=0)
    print(
        f"\nsample: accuracy {accuracy:.3f}, AUPRC {clean:.3f}, with passengers {crowded:.3f}, DE {plain:.3f}"
    )
    assert accuracy > 0.85
    assert clean >= 0.95
    assert crowded >= 0.70
    assert plain < crowded - 0.1
