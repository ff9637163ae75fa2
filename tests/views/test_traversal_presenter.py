"""The sliders with a fake view: what they show, what they ask for, and what they never show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasscell.data.selection import Cells
from glasscell.explain.traversal.result import BEYOND
from glasscell.jobs.dispatcher import InlineDispatcher
from glasscell.session import Session
from glasscell.testing.fake_views import fake
from glasscell.testing.planted import planted_dataset
from glasscell.testing.toy_latent import ToyLatent, latent_bundle
from glasscell.views.traversal_picture import gate_picture, near_words, step_picture, sweep_picture
from glasscell.views.traversal_player import INTERVAL_MS
from glasscell.views.traversal_presenter import TraversalPresenter
from glasscell.views.traversal_table import gate_heat, gate_tip, ordered_gates
from glasscell.views.traversal_view import TraversalView

N_GENES = 24


def give_model(session: Session, names: tuple[str, ...] = (), n_latent: int = 3) -> Any:
    """Let the session hold a decoder whose first factor moves the first six genes."""
    dataset = session.dataset
    weights_zg = np.random.default_rng(0).normal(size=(n_latent, N_GENES), scale=0.3)
    weights_zg[0, :6] += 3.0
    net = ToyLatent(weights_zg, [str(name) for name in dataset.genes.names], latent_names=names)
    bundle = replace(latent_bundle(dataset, net), family="vae")
    session.update(model=session.hold("bundle", bundle))
    return bundle


@pytest.fixture
def parts() -> Iterator[tuple[Session, Any]]:
    session, view = Session(InlineDispatcher()), fake(TraversalView)()
    presenter = TraversalPresenter(session, view)
    yield session, view
    presenter.close()
    assert session.close()


@pytest.fixture
def swept(parts: tuple[Session, Any]) -> tuple[Session, Any]:
    session, view = parts
    session.open_dataset(planted_dataset(n_cells=90, n_genes=N_GENES))
    give_model(session)
    view.sweep_requested.emit("all")
    assert session.jobs.wait_idle(60)
    return parts


def test_it_says_why_it_cannot(parts: tuple[Session, Any]) -> None:
    session, view = parts
    assert view.shown["enabled"] == (False, "Open data first.")
    session.open_dataset(planted_dataset(n_cells=60, n_genes=N_GENES))
    enabled, reason = view.shown["enabled"]
    assert not enabled
    assert "Train or load a model" in reason
    give_model(session)
    assert view.shown["enabled"] == (True, "")
    assert view.shown["sweep"][0] is None
    view.slider_moved.emit(0, 3, False)
    assert session.state.colouring.channel is None or session.state.colouring.channel.kind != "traversal"


def test_sliders_come_with_their_histograms(swept: tuple[Session, Any]) -> None:
    session, view = swept
    picture, message = view.shown["sweep"]
    found = session.latest("traversal")
    assert "decoded, not measured" in message
    assert [row.factor for row in picture.rows] == [0, 1, 2]
    for row in picture.rows:
        assert row.title == f"factor {row.factor}", "a plain axis has a number and no name"
        counts, _ = np.histogram(
            found.latent_cz[:, row.factor], len(row.bars_h), (row.values_s[0], row.values_s[-1])
        )
        np.testing.assert_allclose(row.bars_h, counts / counts.max())
        assert row.values_s[0] <= row.low <= row.start <= row.high <= row.values_s[-1]


def test_moving_shows_figures_and_paints(swept: tuple[Session, Any]) -> None:
    session, view = swept
    found = session.latest("traversal")
    view.slider_moved.emit(0, 22, True)
    assert session.jobs.wait_idle(60)
    factor, step, picture = view.shown["step"]
    assert (factor, step, picture.observed) == (0, 22, True)
    assert {row.gene for row in picture.up} <= set(found.genes)
    assert view.shown["gene"] == (found.genes[int(np.abs(found.change_ksg[0, 22]).argmax())], False)
    channel = session.state.colouring.channel
    assert channel.kind == "traversal"
    assert channel.key == view.shown["gene"][0]
    assert view.shown["factor"].title == "factor 0"
    np.testing.assert_array_equal(session.lit_cells, found.nearest.cells_ksm[0, 22])
    shown = session.state.colouring
    session.update(channel=None)
    assert session.lit_cells is None
    session.update(colouring=shown)
    view.light_toggled.emit(False)
    assert session.lit_cells is None
    before = picture.limit
    view.slider_moved.emit(0, 10, False)
    assert view.shown["step"][2].limit == before, "bars keep their scale"


def test_beyond_the_observed_range_is_said_and_greyed(swept: tuple[Session, Any]) -> None:
    session, view = swept
    view.slider_moved.emit(1, 28, False)
    assert session.jobs.wait_idle(60)
    picture = view.shown["step"][2]
    assert not picture.observed
    assert BEYOND in picture.title
    assert session.resolve(session.state.colouring.channel).values.greyed


def test_a_chosen_gene_stays_and_an_unknown_one_is_refused(swept: tuple[Session, Any]) -> None:
    session, view = swept
    found = session.latest("traversal")
    view.gene_chosen.emit(found.genes[20])
    assert session.jobs.wait_idle(60)
    view.slider_moved.emit(2, 12, False)
    assert session.jobs.wait_idle(60)
    assert view.shown["gene"] == (found.genes[20], True)
    assert session.state.colouring.channel.key == found.genes[20]
    view.gene_chosen.emit("<b>NOPE</b>")
    assert "<b>NOPE</b>" in session.messages[-1].text
    view.gene_chosen.emit("")
    assert view.shown["gene"][1] is False


def test_play_goes_to_and_fro_within_what_was_observed(swept: tuple[Session, Any]) -> None:
    session, view = swept
    found = session.latest("traversal")
    view.slider_moved.emit(0, 22, False)
    assert session.jobs.wait_idle(60)
    view.play_toggled.emit(True)
    assert view.shown["playing"] is True
    seen = []
    for _ in range(30):
        assert session.jobs.wait_idle(60)
        session.jobs.dispatcher.advance(INTERVAL_MS + 1)
        seen.append(view.shown["step"][1])
    assert session.jobs.wait_idle(60)
    assert all(found.is_observed(0, step) for step in seen)
    assert {4, 24} <= set(seen)
    view.slider_moved.emit(0, 12, True)
    assert view.shown["playing"] is False
    assert session.jobs.wait_idle(60)
    session.jobs.dispatcher.advance(10 * INTERVAL_MS)
    assert view.shown["step"][1] == 12, "a hand on the slider stops it"


def test_start_from_a_group_or_the_selection(swept: tuple[Session, Any]) -> None:
    session, view = swept
    keys = [key for key, _ in view.shown["starts"]]
    assert "obs:label=K2" in keys
    view.sweep_requested.emit("obs:label=K2")
    assert session.jobs.wait_idle(60)
    found = session.latest("traversal")
    assert found.start_name == "label: K2"
    assert (session.dataset.obs["label"].to_numpy()[found.start] == "K2").all()
    session.update(selection=Cells(np.arange(7, dtype=np.int32)))
    assert "selection" in [key for key, _ in view.shown["starts"]]
    view.sweep_requested.emit("selection")
    assert session.jobs.wait_idle(60)
    np.testing.assert_array_equal(session.latest("traversal").start, np.arange(7))


def test_another_model_takes_the_sliders_away(swept: tuple[Session, Any]) -> None:
    session, view = swept
    assert view.shown["sweep"][0] is not None
    give_model(session, n_latent=2)
    assert view.shown["sweep"][0] is None


def test_a_factor_can_be_painted_itself(swept: tuple[Session, Any]) -> None:
    session, view = swept
    view.factor_painted.emit(2)
    values = session.resolve(session.state.colouring.channel).values
    np.testing.assert_allclose(values.values, session.latest("traversal").latent_cz[:, 2], rtol=1e-6)
    assert values.title.startswith("factor 2")


def test_pathways_keep_their_names_and_come_by_effect(parts: tuple[Session, Any]) -> None:
    session, view = parts
    session.open_dataset(planted_dataset(n_cells=90, n_genes=N_GENES))
    give_model(session, names=("QUIET", "<i>IFN</i>", "TNF"))
    view.sweep_requested.emit("all")
    assert session.jobs.wait_idle(60)
    rows = view.shown["sweep"][0].rows
    assert rows[0].title == "QUIET", "the factor with the largest effect comes first"
    assert {row.title for row in rows} == {"QUIET", "<i>IFN</i>", "TNF"}


def test_gene_sets_change_with_the_slider(swept: tuple[Session, Any], tmp_path: Path) -> None:
    session, view = swept
    found = session.latest("traversal")
    path = tmp_path / "sets.gmt"
    path.write_text(
        "first\tx\t" + "\t".join(found.genes[:6]) + "\nother\tx\t" + "\t".join(found.genes[6:14]) + "\n"
    )
    view.slider_moved.emit(0, 22, False)
    view.gene_sets_requested.emit(path)
    assert session.jobs.wait_idle(60)
    sets = view.shown["step"][2].sets
    assert sets[0].gene == "first"
    assert sets[0].change == pytest.approx(float(found.change_ksg[0, 22, :6].mean()), rel=1e-5)
    assert "order, not as a certainty" in view.shown["gene_sets"][1]
    view.gene_sets_requested.emit(tmp_path / "absent.gmt")
    assert "no file" in session.messages[-1].text


def test_words_about_the_nearest_cells(swept: tuple[Session, Any]) -> None:
    session, _ = swept
    found = session.latest("traversal")
    words = near_words(found, 0, 14, session.dataset)
    assert words.startswith("Nearest 20 real cells")
    assert "label: " in words
    far = replace(found, nearest=replace(found.nearest, distance_ks=found.nearest.distance_ks * 1e3))
    assert "no real cell is near" in near_words(far, 0, 14, None)
    assert step_picture(found, 0, 14).sets == ()
    assert sweep_picture(found).named is False


class Gated:
    """A net with gates."""

    actions = ("KLF1", "<b>MYC</b>")

    def parts(self) -> dict[str, Any]:
        """Give gates of two actions on three factors."""
        return {"gates": np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 1.0]])}


def test_gates_are_shown_as_the_model_has_them() -> None:
    picture = gate_picture(Gated())
    assert picture.actions == Gated.actions
    assert picture.factors == ("0", "1", "2")
    np.testing.assert_array_equal(picture.gates_az, Gated().parts()["gates"])
    assert gate_picture(object()) is None
    assert [panel.key for panel in gate_heat(picture).panels] == ["gates"]


def test_shifts_stand_beside_their_gates() -> None:
    class Shifting(Gated):
        def parts(self) -> dict[str, Any]:
            """Give shifts too; the two actions have equally many open gates."""
            gates_az = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
            return {"gates": gates_az, "effects": np.array([[0.5, 0.0, 0.0], [0.0, 0.0, -3.0]])}

    picture = ordered_gates(gate_picture(Shifting()))
    assert picture.actions == Gated.actions[::-1], "of equally many gates the farther shift first"
    np.testing.assert_array_equal(picture.effects_az, [[0, 0, -3], [0.5, 0, 0]])
    gates, shifts = gate_heat(picture).panels
    assert (gates.diverging, shifts.diverging) == (False, True)
    assert shifts.limits[0] == -shifts.limits[1]
    assert gate_tip(picture, 0, 2).endswith("1.00, shift -3.00 latent units")
