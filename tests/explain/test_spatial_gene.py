"""Genes of a domain against those around it: the rule literally, moves over the tissue, impostors."""

import anndata as ad
import numpy as np
import pytest
from scipy import stats

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError, JobCancelled
from glasscell.explain.adjoining import adjoining
from glasscell.explain.spatial_gene import (
    GeneFilter,
    SpatialGeneRequest,
    SpatialGenes,
    spatial_genes,
)
from glasscell.explain.tissue_shift import TissueShift
from glasscell.testing.wavy_layer import smooth_domains, wavy_layers


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return wavy_layers(3, side=26, n_layers=5, n_genes=80, markers=6, fold=2.5, faint=1.0, depth=1500)


@pytest.fixture(scope="module")
def layers(dataset: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    column = dataset.obs["layer"].cat
    return column.codes.to_numpy(), tuple(column.categories)


def ask(dataset: Dataset, layers, domain: int, **wished) -> SpatialGenes:
    return spatial_genes(dataset, SpatialGeneRequest(*layers, domain, **{"shifts": 39, **wished}))


def test_markers_of_a_layer_are_called_and_no_others(dataset, layers):
    found = ask(dataset, layers, 2)
    marks = dataset.adata.varm["markers"]
    called = np.isin(found.genes, found.first())
    assert set(found.around) == {"layer 1", "layer 3"}
    assert not called[~marks[:, 2]].any()
    assert called[marks[:, 2]].mean() >= 0.5  # rare ones are in fewer than 80 % of the spots
    assert found.first(2) == found.first()[:2]
    scores = [row.score for row in found.top(50)]
    assert scores == sorted(scores, reverse=True)


def test_fractions_folds_and_filters_are_the_rule_literally(dataset, layers):
    found = ask(dataset, layers, 2, circular=False)
    codes = layers[0]
    values_cg = dataset.expression_cg("lognorm").toarray().astype(float)
    inside, outside = values_cg[codes == 2], values_cg[np.isin(codes, [1, 3])]
    p_g = []
    for g in range(dataset.n_genes):
        fraction = (inside[:, g] > 0).mean(), (outside[:, g] > 0).mean()
        assert (found.in_fraction[g], found.out_fraction[g]) == pytest.approx(fraction)
        assert found.fold[g] == pytest.approx(np.exp(inside[:, g].mean() - outside[:, g].mean()), rel=1e-4)
        p_g.append(stats.mannwhitneyu(inside[:, g], outside[:, g], use_continuity=False).pvalue)
    assert found.q == pytest.approx(stats.false_discovery_control(p_g), rel=1e-3, abs=1e-12)
    passed = (
        (found.in_fraction > 0.8)
        & (found.in_fraction / np.maximum(found.out_fraction, 1e-9) > 1)
        & (found.fold > 1.5)
        & (found.q < 0.05)
    )
    assert np.array_equal(np.isfinite(found.p_shift), passed)
    assert np.array_equal(found.called, passed & (np.nan_to_num(found.p_shift, nan=1) <= 0.05))
    assert found.p_shift[passed].min() >= 1 / 40  # the real place is one of them


def test_adjoining_domains_are_those_met_often(dataset, layers):
    codes = layers[0]
    radius, near = adjoining(dataset, codes, 0)
    assert near == (1,)
    points = dataset.positions_cd
    far = np.linalg.norm(points[codes == 0][:, None] - points[None], axis=2)
    mean = (far <= radius).sum(axis=1).mean() - 1
    assert 10 <= mean <= 14
    meets = np.array([(far[:, codes == k] <= radius).sum() / (codes == k).sum() for k in range(5)])
    assert [k for k in range(1, 5) if meets[k] > 0.5] in ([1], [])
    speckled = np.where(np.arange(len(codes)) % 2 == 0, 1, codes)
    assert 1 in adjoining(dataset, speckled, 2)[1]
    alone = np.where(codes == 2, 2, -1)
    assert adjoining(dataset, alone, 2)[1] == ()


def test_a_move_keeps_regions_whole_and_sections_apart():
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(20.0), np.arange(15.0)), axis=-1).reshape(-1, 2)
    sections = np.repeat([0, 1], len(grid))
    move = TissueShift(np.concatenate([grid, grid]), sections)
    for _ in range(5):
        source = move.draw(rng)
        assert (source >= 0).all()  # a full rectangle wraps round itself
        assert np.array_equal(sections[source], sections)
        assert len(np.unique(source)) > 0.9 * len(source)
        right = np.flatnonzero(grid[:, 0] < 19)
        step = np.abs(grid[source[right + 1] % len(grid)] - grid[source[right] % len(grid)]).sum(axis=1)
        assert np.mean(step <= 2) > 0.9  # what was near stays near, but for the seam
    block = (grid[:, 0] < 6) & (grid[:, 1] < 6)
    both = np.concatenate([block, block])
    there = move.moved(both, rng)
    assert there.sum() == pytest.approx(both.sum(), rel=0.3)
    assert not np.array_equal(there, both)
    with pytest.raises(DataError, match="Too few cells"):
        TissueShift(np.full((5, 2), np.nan), np.zeros(5, int))


def test_the_share_of_places_is_that_of_mean_ranks(dataset, layers):
    found = ask(dataset, layers, 2, seed=9)
    inside = layers[0] == 2
    ranks = stats.rankdata(dataset.expression_cg("lognorm").toarray(), axis=0)
    move = TissueShift(dataset.positions_cd, np.zeros(dataset.n_cells, int))
    rng = np.random.default_rng([9, 0x5417])
    there = [move.moved(inside, rng) for _ in range(39)]

    def above(region):
        return (ranks[region].mean(axis=0) - ranks.mean(axis=0)) * region.sum() ** 0.5

    slow = 1 + sum((above(one) >= above(inside)).astype(int) for one in there)
    asked = np.isfinite(found.p_shift)
    assert asked.sum() >= 3
    assert found.p_shift[asked] == pytest.approx(slow[asked] / 40)


def smooth_tissue(seed: int) -> Dataset:
    """Genes that vary smoothly, each in its own way."""
    rng = np.random.default_rng([seed, 7])
    plain = wavy_layers(seed, side=26, n_layers=2, n_genes=4, markers=1)
    points = plain.positions_cd / plain.positions_cd.max()
    turn = rng.normal(size=(2, 120)) * 4
    rate = 6 * np.exp(1.2 * np.cos(points @ turn + rng.uniform(0, 6.3, 120)))
    table = ad.AnnData(rng.poisson(rate).astype(np.float32), obsm={"spatial": plain.positions_cd})
    return Dataset(table, observation="spot")


@pytest.mark.slow
def test_random_smooth_domains_call_few_genes_where_the_filters_alone_call_many():
    called, filtered = [], []
    names = tuple("abcde")
    for seed in range(20):
        dataset = smooth_tissue(seed)
        codes = smooth_domains(dataset.positions_cd, 5, seed)
        found = spatial_genes(dataset, SpatialGeneRequest(codes, names, seed % 5, shifts=99, seed=seed))
        called.append(found.called.mean())
        filtered.append(np.isfinite(found.p_shift).mean())
    assert np.mean(called) <= 0.05
    assert np.mean(filtered) > 1.5 * np.mean(called)


def test_same_seed_same_answer_and_no_moves_when_none_are_asked(dataset, layers):
    one, other = (ask(dataset, layers, 1, seed=5) for _ in range(2))
    assert np.array_equal(one.p_shift, other.p_shift, equal_nan=True)
    plain = ask(dataset, layers, 1, shifts=0)
    assert plain.shifts == 0
    assert np.isnan(plain.p_shift).all()
    assert plain.called.sum() >= one.called.sum()
    strict = ask(dataset, layers, 1, keep=GeneFilter(fold=1e3))
    assert strict.first() == ()
    assert len(strict.table()) == dataset.n_genes


def test_no_p_value_is_told_of_domains_from_the_same_counts(dataset, layers):
    found = ask(dataset, layers, 2)
    assert set(found.table()["q"]) == {"same counts"}
    assert all(row.q is None for row in found.top(3))
    assert any("no p-value" in note for note in found.notes)
    honest = ask(dataset, layers, 2, circular=False)
    assert honest.table()["q"].dtype == float
    assert honest.top(1)[0].q < 0.05
    assert honest.notes == ()


def test_what_cannot_be_is_said_and_it_can_be_stopped(dataset, layers):
    codes, names = layers
    with pytest.raises(DataError, match="at least 10"):
        spatial_genes(dataset, SpatialGeneRequest(np.where(codes == 2, -1, codes), names, 2))
    with pytest.raises(DataError, match="Around the domain"):
        spatial_genes(dataset, SpatialGeneRequest(np.where(codes == 2, 2, -1), names, 2))
    with pytest.raises(DataError, match="one domain for each"):
        spatial_genes(dataset, SpatialGeneRequest(codes[:-1], names, 2))
    bare = Dataset(ad.AnnData(dataset.adata.X.copy()))
    with pytest.raises(DataError, match="coordinates"):
        spatial_genes(bare, SpatialGeneRequest(codes, names, 2))

    class Stop:
        left = 6

        def report(self, fraction, text="", **metrics):
            self.left -= 1
            if self.left < 0:
                raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        spatial_genes(dataset, SpatialGeneRequest(codes, names, 2, shifts=39), Stop())
