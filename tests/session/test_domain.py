"""Domains as a channel, found by search, kept apart from prediction, for the training file and for others."""

import anndata as ad
import numpy as np
import pytest

from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.figure.pick import look_of
from glasscell.models.apply import apply
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.prediction import prediction_table
from glasscell.models.spatial_attention.family import SpatialParams
from glasscell.session import Session
from glasscell.session.domain import resolve_domain
from glasscell.views.colour_presenter import list_hits


def tissue(seed: int) -> Dataset:
    """Two halves, each with genes of its own."""
    rng = np.random.default_rng(seed)
    points = rng.random((200, 2)) * 14
    rate = 1.0 + 5.0 * (np.arange(14) % 2 == (points[:, :1] > 9))
    return Dataset(ad.AnnData(rng.poisson(rate).astype(np.float32), obsm={"spatial": points}))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return tissue(0)


@pytest.fixture(scope="module")
def bundle(dataset):
    params = SpatialParams(
        n_domains=2, n_components=6, n_latent=3, hidden=8, heads=2, k=5, starts=3, learning_rate=1e-2
    )
    return fit(dataset, FitRequest(family="spatial_attention", params=params))


@pytest.fixture
def session(dataset, bundle):
    made = Session()
    made.open_dataset(dataset)
    made.hold("bundle", bundle)
    made.update(model=bundle.id)
    yield made
    assert made.close()


def test_domains_follow_the_tissue_and_are_numbered_by_size(session, dataset, bundle):
    values = session.resolve(ChannelRef.make("domain", "label", model=bundle.id)).values
    assert values.categories == ("domain 0", "domain 1")
    larger = dataset.positions_cd[:, 0] <= 9
    assert np.mean((values.codes == 0) == larger) > 0.95
    assert (values.codes == 0).sum() > (values.codes == 1).sum()
    share = session.resolve(ChannelRef.make("domain", "share", model=bundle.id)).values
    assert share.values.min() >= 0.5
    assert "mixture" in share.unit
    assert "probab" not in share.title + share.unit  # no confidence is claimed
    table = prediction_table(bundle)
    assert np.array_equal(table["domain"], values.codes)
    assert table["share"].to_numpy() == pytest.approx(share.values, abs=1e-5)
    titles = {hit.title for hit in list_hits(session)}
    assert {"domain", "share of the likeliest domain"} <= titles


def test_other_cells_have_domains_once_the_model_was_applied(session, bundle):
    other = tissue(1)
    other = Dataset(other.adata[:, :].copy())
    other.adata.obs_names = [f"other {number}" for number in range(200)]
    session.open_dataset(other)
    session.update(model=bundle.id)
    ref = ChannelRef.make("domain", "label", model=bundle.id)
    with pytest.raises(DataError, match="apply it to these"):
        resolve_domain(session.context, ref)
    found = apply(bundle, session.dataset)
    assert np.isfinite(found.latent_cz).all()
    assert np.mean(found.typicality_c > 0.05) > 0.8
    session.store.put(("applied", found.id), found)
    codes = resolve_domain(session.context, ref).codes
    left = session.dataset.positions_cd[:, 0] <= 9
    assert np.mean((codes == 0) == left) > 0.9


def test_what_cannot_be_is_said(session, bundle):
    with pytest.raises(DataError, match="label, share"):
        resolve_domain(session.context, ChannelRef.make("domain", "colour", model=bundle.id))
    with pytest.raises(DataError, match="no longer"):
        resolve_domain(session.context, ChannelRef.make("domain", "label", model="gone"))


def test_a_picture_from_the_shell_is_coloured_by_domains(dataset, bundle):
    look = look_of(dataset, "domain:label", bundle=bundle)
    assert look.values.categories == ("domain 0", "domain 1")
    other = dataset.adata.copy()
    other.obs_names = [f"other {number}" for number in range(200)]
    with pytest.raises(DataError, match="apply it"):
        look_of(Dataset(other), "domain:label", bundle=bundle)
