"""Traversals and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.channel import ChannelRef
from glasscell.explain.traversal.request import why_no_traversal
from glasscell.jobs import Outcome
from glasscell.session.stability import KIND as STABILITY
from glasscell.session.stability import stability_offer, stability_words
from glasscell.session.traversing import ALL, TRAVERSING
from glasscell.views.presenter import Presenter
from glasscell.views.traversal_picture import (
    factor_picture,
    gate_picture,
    step_picture,
    strongest_gene,
    sweep_picture,
    tested_sets,
)
from glasscell.views.traversal_player import Player
from glasscell.views.traversal_start import starts
from glasscell.views.traversal_view import FactorPicture, TraversalView

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.data.selection import Selection
    from glasscell.explain.gene_set import GeneSet
    from glasscell.explain.traversal import Traversal
    from glasscell.jobs import Job
    from glasscell.session import Session, State

NOTHING = "Nothing is traversed yet: choose where to start, then sweep."


class TraversalPresenter(Presenter[TraversalView]):
    """Sweep, follow the sliders, keep both views at the last position, play.

    Parameters
    ----------
    beside
        Presenters that share the dock and are closed with this one.
    """

    def __init__(self, session: Session, view: TraversalView, *beside: Presenter[Any]) -> None:
        super().__init__(session, view)
        self._beside = beside
        self._starts: dict[str, tuple[str, Selection | str]] = {}
        self._job: Job[Any] | None = None
        self._at: tuple[int, int] | None = None  # factor and step shown
        self._gene, self._pinned = "", False
        self._light = True
        self._player = Player(
            lambda: session.jobs.dispatcher,
            lambda factor, step: self._move(factor, step, True),
            view.set_playing,
        )
        self._sets: tuple[GeneSet, ...] = ()
        self.listen(session.made, self._on_made)
        self.listen(session.jobs.changed, self._follow)
        self.listen(view.sweep_requested, self._on_sweep)
        self.listen(view.cancel_requested, self._on_cancel)
        self.listen(view.slider_moved, self._on_slider)
        self.listen(view.play_toggled, self._on_play)
        self.listen(view.light_toggled, self._on_light)
        self.listen(view.gene_chosen, self._on_gene)
        self.listen(view.factor_painted, self._on_factor_painted)
        self.listen(view.gene_sets_requested, self._on_gene_sets)
        self.listen(view.stability_requested, self._on_stability)
        self.listen(view.table_requested, self._on_table)
        view.set_busy(False)
        view.set_playing(False)
        view.set_gene_sets(None, "")
        self._offer()
        self._show()
        self._follow()

    def close(self) -> None:
        """Let go, and leave no cell lit."""
        self._player.stop()
        super().close()
        for one in self._beside:
            one.close()
        if self.session.lit_cells is not None:
            self.session.light(None)

    def _on_changed(self, new: State, old: State) -> None:
        now = new.colouring.channel
        if self.session.lit_cells is not None and (now is None or now.kind != "traversal"):
            self.session.light(None)
        if (new.dataset, new.groups, new.selection, new.model) != (
            old.dataset,
            old.groups,
            old.selection,
            old.model,
        ):
            self._offer()
        if (new.dataset, new.model) != (old.dataset, old.model):
            self._show()

    def _offer(self) -> None:
        session, bundle = self.session, self.session.bundle
        if session.dataset is None:
            self.view.set_starts([])
            self.view.set_enabled(False, "Open data first.")
            return
        offered = starts(session)
        self._starts = {key: (words, choice) for key, words, choice in offered}
        self.view.set_starts([(key, words) for key, words, _ in offered])
        reason = why_no_traversal(bundle)
        self.view.set_enabled(not reason, reason)
        self.view.set_stability(*stability_offer(session))
        self.view.set_gates(None if bundle is None else gate_picture(bundle.folds[0]))

    def _found(self) -> Traversal | None:
        """Return the last traversal, if it is of the current model."""
        found: Traversal | None = self.session.latest("traversal")
        return found if found is not None and found.model == self.session.state.model else None

    def _on_made(self, kind: str) -> None:
        if kind == "traversal":
            self._show()
        elif kind == STABILITY and self._at is not None and (found := self._found()) is not None:
            self.view.set_factor(self._known(found, self._at[0]))

    def _show(self) -> None:
        self._player.stop()
        self._at = None
        found = self._found()
        self.view.set_factor(None)
        if found is None:
            self.view.set_sweep(None, NOTHING if self.session.dataset is not None else "")
            return
        picture = sweep_picture(found)
        if self._gene not in found.genes:
            self._gene, self._pinned = "", False
        self.view.set_sweep(picture, picture.title)
        self.view.set_gene(self._gene, self._pinned)

    def _on_sweep(self, key: str) -> None:
        with self.spoken("Traversing"):
            words, start = self._starts.get(key, ("all cells", ALL))
            self.session.traverse(start, start_name=words)

    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _on_slider(self, factor: int, step: int, moving: bool) -> None:
        self._player.stop()
        self._move(factor, step, moving)

    def _move(self, factor: int, step: int, moving: bool) -> Job[Any] | None:
        """Show a position: figures at once, colours when they are known."""
        found = self._found()
        if found is None:
            return None
        with self.spoken("Moving the factor"):
            if self._at is None or self._at[0] != factor:
                self._begin(found, factor)
            self._at = (factor, step)
            self.view.set_step(
                factor, step, step_picture(found, factor, step, self.session.dataset, self._sets)
            )
            job: Job[Any] | None
            job = self.session.slides.to(self._gene, factor, step, moving=moving, light=self._light)
            return job
        return None

    def _known(self, found: Traversal, factor: int) -> FactorPicture:
        return factor_picture(found, factor, stability_words(self.session, found.model, factor))

    def _on_stability(self) -> None:
        with self.spoken("Measuring stability"):
            self.session.measure_stability()
            self._follow()

    def _on_table(self, path: Path) -> None:
        with self.spoken("Saving the table"):
            self.session.save_table("traversal", path)

    def _begin(self, found: Traversal, factor: int) -> None:
        """Turn to another factor."""
        self.view.set_factor(self._known(found, factor))
        if not self._pinned:
            self._gene = strongest_gene(found, factor)
        self.view.set_gene(self._gene, self._pinned)
        if self._sets:
            self._test_sets(factor)

    def _again(self) -> None:
        if self._at is not None:
            self._move(*self._at, False)

    def _on_light(self, light: bool) -> None:
        self._light = light
        if not light:
            self.session.light(None)
        self._again()

    def _on_gene(self, gene: str) -> None:
        found = self._found()
        if found is None:
            return
        with self.spoken("Choosing a gene"):
            if gene:
                found.gene(gene)  # refuses an unknown one
            self._pinned = bool(gene)
            if self._at is None:
                factor = found.factors[0]
                self._at = (factor, int(found.middle_k[0]))
                self.view.set_factor(self._known(found, factor))
            self._gene = gene or strongest_gene(found, self._at[0])
            self.view.set_gene(self._gene, self._pinned)
            self._again()

    def _on_factor_painted(self, factor: int) -> None:
        found = self._found()
        if found is not None:
            with self.spoken("Colouring"):
                self.session.light(None, tell=False)
                ref = ChannelRef.make("latent", found.names[found.row(factor)], model=found.model)
                self.session.update(channel=ref)

    def _on_play(self, play: bool) -> None:
        found = self._found()
        if not play or found is None:
            self._player.stop()
            return
        if self._at is None:
            factor = sweep_picture(found).rows[0].factor
            self._at = (factor, int(found.middle_k[found.row(factor)]))
            self._begin(found, factor)
        self._player.play(found, *self._at)

    def _on_gene_sets(self, path: Path) -> None:
        from glasscell.explain.gene_set import read_gmt

        with self.spoken("Opening gene sets"):
            self._sets = read_gmt(path)
            self._test_sets(None if self._at is None else self._at[0])
            self._again()

    def _test_sets(self, factor: int | None) -> None:
        found = self._found()
        if found is None or factor is None:
            self.view.set_gene_sets(None, f"{len(self._sets)} gene sets are open; move a factor to see them.")
            return
        with self.spoken("Testing gene sets"):
            self.view.set_gene_sets(*tested_sets(found, factor, self._sets))

    def _follow(self) -> None:
        self.view.set_stability(*stability_offer(self.session))
        running = [job for job in self.session.jobs.active if job.title.startswith(TRAVERSING)]
        if self._job is None and running:
            self._job = running[-1]
            self.view.set_busy(True)
            self._job.finished.connect(self._on_finished)

    def _on_finished(self, job: Job[Any]) -> None:
        if job is self._job and self._links:
            self._job = None
            self.view.set_busy(False)
            if job.outcome is not Outcome.DONE:
                self._show()
            self._follow()
