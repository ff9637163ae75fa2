"""A session sweeps factors, and its slider paints every view: the last position wins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from glasscell.data.palette import pack, to_rgb
from glasscell.data.selection import Cells
from glasscell.errors import DataError, NotCompatible
from glasscell.session import Session
from glasscell.session.resolve import Ready
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_latent import ToyLatent, latent_bundle
from glasscell.views.paint import LIT, paint


@pytest.fixture(scope="module")
def trained() -> Iterator[Session]:
    session = Session()
    dataset = planted_dataset(n_cells=150, n_genes=40, n_sections=2)
    session.open_dataset(dataset)
    weights_zg = np.random.default_rng(0).normal(size=(4, 40))
    bundle = latent_bundle(dataset, ToyLatent(weights_zg, [str(g) for g in dataset.genes.names]))
    session.update(model=session.hold("bundle", replace(bundle, family="vae")))
    session.traverse("label=K1").wait(60)
    yield session
    assert session.close()


def test_a_sweep_is_held_and_made_known(trained: Session) -> None:
    heard: list[str] = []
    trained.made.connect(heard.append)
    trained.traverse(nearest=5).wait(60)
    whole = trained.latest("traversal")
    assert heard == ["traversal"]
    assert whole.start_name == "all cells"
    assert len(whole.start) == 150
    trained.traverse("label=K1").wait(60)
    found = trained.latest("traversal")
    assert found.start_name == "label=K1"
    assert found.id != whole.id
    labels = trained.dataset.obs["label"].to_numpy()
    np.testing.assert_array_equal(found.start, np.flatnonzero(labels == "K1"))


def test_the_slider_paints_the_change_of_the_gene(trained: Session) -> None:
    found = trained.latest("traversal")
    gene = found.genes[3]
    trained.slides.to(gene, 1, 20)
    assert trained.jobs.wait_idle(60)
    channel = trained.state.colouring.channel
    assert (channel.kind, channel.key) == ("traversal", gene)
    resolved = trained.resolve(channel)
    assert isinstance(resolved, Ready)
    values = resolved.values
    assert values.centre == 0.0
    assert "decoded" in values.title
    assert "count" not in values.title + values.unit.replace("log1p normalised counts", "")
    np.testing.assert_array_equal(np.isfinite(values.values), np.isin(np.arange(150), found.start))
    low, high = trained.state.colouring.limits
    assert low == -high < 0
    trained.slides.to(gene, 1, 10)
    assert trained.state.colouring.limits == (low, high), "one scale for every position"
    lit = trained.lit_cells
    np.testing.assert_array_equal(lit, found.nearest.cells_ksm[1, 10])
    words = paint(trained).table.table_u32
    np.testing.assert_array_equal(words[1 + lit], pack(to_rgb([LIT]))[0])
    trained.slides.to(gene, 1, 11, light=False)
    assert trained.lit_cells is None


def test_beyond_what_was_observed_is_greyed(trained: Session) -> None:
    found = trained.latest("traversal")
    gene = found.genes[0]
    for step, observed in ((14, True), (found.n_steps - 1, False)):
        trained.slides.to(gene, 0, step)
        assert trained.jobs.wait_idle(60)
        values = trained.resolve(trained.state.colouring.channel).values
        assert values.greyed != observed
        assert ("beyond" in values.note) != observed
        colours = to_rgb(paint(trained).table.bar.colours)
        spread = (colours.max(axis=1) - colours.min(axis=1)).max()
        assert (spread > 0.4) == observed


def test_positions_do_not_queue_and_the_last_one_wins(trained: Session) -> None:
    found = trained.latest("traversal")
    gene = found.genes[7]
    for step in range(6, 25):
        trained.slides.to(gene, 2, step, moving=True)
        waiting = [job for job in trained.jobs.active if job.title == f"Decode {gene}"]
        # one that has just ended is told of when the owner's calls are done, and waits for nothing
        assert len([job for job in waiting if job._stop_as is None and not job._ended.is_set()]) <= 1
    assert trained.jobs.wait_idle(60)
    assert trained.state.colouring.channel.param("step") == 24


def test_a_drag_is_one_step_of_undo(trained: Session) -> None:
    found = trained.latest("traversal")
    trained.update(channel=None)
    gene = found.genes[5]
    trained.slides.to(gene, 3, 12, moving=True)
    assert trained.jobs.wait_idle(60)
    for step in (13, 14, 15):
        trained.slides.to(gene, 3, step, moving=True)
    trained.slides.to(gene, 3, 16)
    trained.undo()
    assert trained.state.colouring.channel is None


def test_what_cannot_be_is_said_in_a_sentence(trained: Session) -> None:
    with pytest.raises(DataError, match="no step 99"):
        trained.slides.to(trained.latest("traversal").genes[0], 0, 99)
    with pytest.raises(DataError, match="does not know NOPE"):
        trained.slides.to("NOPE", 0, 1)
    with pytest.raises(DataError, match="not swept"):
        trained.slides.to(trained.latest("traversal").genes[0], 17, 1)
    with pytest.raises(DataError, match="to start from"):
        trained.traverse(Cells(np.zeros(0, np.int32)))
    empty = Session()
    empty.open_dataset(planted_dataset(n_cells=60, n_genes=20))
    with pytest.raises(NotCompatible, match="Train or load a model"):
        empty.traverse()
    with pytest.raises(DataError, match="sweep first"):
        empty.slides.to("GENE0001", 0, 1)
    assert empty.close()
