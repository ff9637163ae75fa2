"""What models say of cells has the colours of the labels they learnt, in every channel and picture."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from glasscell.data.channel import CellValues, ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.data.palette import CATEGORICAL, categorical
from glasscell.data.selection import Cells
from glasscell.explain.comparison.channel import comparison_ref
from glasscell.explain.perturbation.channel import perturbation_ref
from glasscell.explain.perturbation.perturb import perturb
from glasscell.explain.perturbation.request import PerturbationRequest
from glasscell.figure.pick import look_of
from glasscell.models.applied import Applied
from glasscell.models.bundle import Bundle
from glasscell.models.gene_match import GeneMatch
from glasscell.session import Session
from glasscell.testing.planted import tiny_adata
from glasscell.testing.toy_comparison import toy_comparison
from glasscell.testing.toy_net import ToyModel, toy_bundle, toy_network
from glasscell.views.colour import category_colours
from glasscell.views.paint import paint
from glasscell.views.pair_picture import pair_picture

STORED = ("#300000", "#003000", "#000030")
#: Of the model: another order than in the column, which lacks "new", and without "K2".
CLASSES = ("K3", "new", "K1")
LABEL = ChannelRef("obs", "label")


def opened(stored: bool) -> Dataset:
    adata = tiny_adata()
    if stored:
        adata.uns["label_colors"] = np.array(STORED)
    return Dataset(adata)


@pytest.fixture(params=[True, False], ids=["stored", "default"])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return opened(request.param)


@pytest.fixture
def session(dataset: Dataset) -> Iterator[Session]:
    made = Session()
    made.open_dataset(dataset)
    yield made
    assert made.close()


def bundle_of(dataset: Dataset, labels: str = "label", classes: tuple[str, ...] = CLASSES) -> Bundle:
    genes = [str(name) for name in dataset.genes.names]
    net = ToyModel(toy_network((len(genes), 4, len(classes))), genes, classes)
    truth = np.arange(dataset.n_cells) % len(classes)
    return replace(toy_bundle(dataset, [net], truth, classes), labels_name=labels)


def colours(values: CellValues) -> dict[str, str]:
    return dict(zip(values.categories, category_colours(values), strict=True))


def resolved(session: Session, ref: ChannelRef) -> CellValues:
    assert session.jobs.wait_idle(60)
    return session.resolve(ref).values


def predicted(session: Session, dataset: Dataset) -> ChannelRef:
    bundle = bundle_of(dataset)
    session.hold("bundle", bundle)
    return ChannelRef.make("prediction", "label", model=bundle.id)


def applied(session: Session, dataset: Dataset) -> ChannelRef:
    n, genes = dataset.n_cells, tuple(str(name) for name in dataset.genes.names)
    found = Applied(
        model="toy-1",
        title="Toy network",
        data_fingerprint=dataset.fingerprint,
        names=np.asarray(dataset.cell_names),
        labels_name="label",
        classes=CLASSES,
        match=GeneMatch(genes, np.arange(len(genes))),
        probabilities_ck=np.full((n, 3), 1 / 3, np.float32),
        latent_cz=None,
        typicality_c=np.ones(n, np.float32),
        level=0.05,
        gene_share=1.0,
        expected=None,
    )
    session.hold("applied", found)
    return ChannelRef.make("applied", "label", applied=found.id)


def compared(session: Session, dataset: Dataset) -> ChannelRef:
    found = replace(toy_comparison(dataset), classes=CLASSES)
    session.hold("comparison", found)
    return comparison_ref(found, "voting", "label")


@pytest.mark.parametrize("channel", [predicted, applied, compared])
def test_a_class_has_the_colour_of_its_column(
    session: Session, dataset: Dataset, channel: Callable[[Session, Dataset], ChannelRef]
) -> None:
    column = colours(resolved(session, LABEL))
    assert tuple(column.values()) == (STORED if "label_colors" in dataset.adata.uns else categorical(3))
    said = colours(resolved(session, channel(session, dataset)))
    assert (said["K1"], said["K3"]) == (column["K1"], column["K3"])
    assert said["new"] in CATEGORICAL
    assert said["new"] not in column.values()


def test_cells_that_change_class_have_the_colour_of_where_they_go(session: Session, dataset: Dataset) -> None:
    bundle = bundle_of(dataset)
    found = perturb(dataset, bundle, PerturbationRequest(bundle.genes[:15], name="half"))
    session.hold("bundle", bundle)
    session.hold("perturbation", found)
    column = colours(resolved(session, LABEL))
    said = colours(resolved(session, perturbation_ref(found, "flip")))
    gone = [name for name in said if name.startswith("to ")]
    assert gone, "some cell must go somewhere, or nothing is tested"
    for name in gone:
        own = column.get(name.removeprefix("to "))
        assert said[name] == own if own else said[name] not in column.values()
    assert len(set(said.values())) == len(said)
    assert said["stays"] not in column.values()


def test_a_column_and_a_prediction_side_by_side_agree_in_colour(session: Session, dataset: Dataset) -> None:
    column = resolved(session, LABEL)
    said = resolved(session, predicted(session, dataset))
    for left, right in ((column, said), (said, column)):
        picture = pair_picture(left, right)
        assert picture.left.legend is not None
        shown = {one.name: one.colour for one in picture.left.legend.items}
        assert shown == colours(said) | colours(column)
        assert len(set(shown.values())) == 4


def test_a_figure_has_the_same_colours(dataset: Dataset) -> None:
    look = look_of(dataset, "prediction:label", bundle=bundle_of(dataset))
    assert look.values is not None
    column = colours(look_of(dataset, "label").values)  # type: ignore[arg-type]
    said = colours(look.values)
    assert (said["K1"], said["K3"]) == (column["K1"], column["K3"])
    assert said["new"] not in column.values()


def test_a_model_of_groups_has_their_colours_and_follows_them(session: Session, dataset: Dataset) -> None:
    for name, cells in (("left", np.arange(40)), ("right", np.arange(40, 90))):
        session.update(selection=Cells(cells))
        session.grouping.add(name)
    bundle = bundle_of(dataset, "groups", ("right", "left"))
    session.hold("bundle", bundle)
    ref = ChannelRef.make("prediction", "label", model=bundle.id)
    own = {group.name: group.colour for group in session.state.groups}
    assert colours(resolved(session, ref)) == own
    session.update(channel=ref)
    before = paint(session)
    session.grouping.recolour("left", "#010203")
    after = paint(session)
    assert colours(resolved(session, ref)) == {"right": own["right"], "left": "#010203"}
    assert before is not None
    assert after is not None
    assert before.table is not None
    assert after.table is not None
    assert {one.name: one.colour for one in after.table.legend.items}["left"] == "#010203"  # type: ignore[union-attr]
    shown = look_of(dataset, "prediction:label", bundle=bundle)
    assert colours(shown.values) == dict(zip(("right", "left"), categorical(2), strict=True))  # type: ignore[arg-type]
