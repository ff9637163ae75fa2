"""Two maps beside each other and the session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.difference import difference_ref
from glasscell.data.selection import Everything, Lasso, Selection
from glasscell.errors import DataError, GlasscellError
from glasscell.session.comparing import KIND, PAIR, look_at
from glasscell.session.resolve import Failed, Pending
from glasscell.views.paint import selected_cells
from glasscell.views.pair_choice import TOO_FEW, PairChoice
from glasscell.views.pair_picture import cell_words, pair_picture
from glasscell.views.pair_view import PairGround, PairOffer, PairView
from glasscell.views.picture import resolve_tissue
from glasscell.views.presenter import Presenter, combine

if TYPE_CHECKING:
    from glasscell.data.channel import CellValues
    from glasscell.session import Session, State
    from glasscell.session.comparing import Pair


class PairPresenter(Presenter[PairView]):
    """Offer what can be compared, colour both and their difference, hover and select in all at once."""

    def __init__(self, session: Session, view: PairView) -> None:
        super().__init__(session, view)
        self._offer = PairOffer()
        self._values: tuple[CellValues, CellValues] | None = None
        self.listen(session.made, self._on_made)
        self.listen(session.stored, self._on_stored)
        self.listen(session.hovered, self._on_hovered)
        self.listen(view.theme_changed, self._show)
        self.listen(view.pair_chosen, self._on_chosen)
        self.listen(view.cell_hovered, session.hover)
        self.listen(view.selection_drawn, self._on_drawn)
        self.listen(view.selection_cleared, self._on_cleared)
        self.listen(view.difference_painted, self._on_paint)
        self._place()
        self._choose()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.views) != (old.dataset, old.views):
            self._place()
        if (new.dataset, new.model, new.explanation) != (old.dataset, old.model, old.explanation):
            self._choose()
        elif (new.selection, new.groups) != (old.selection, old.groups):
            self._show()

    def _on_made(self, kind: str) -> None:
        if kind in (KIND, PAIR):
            self._choose()

    def _on_stored(self, kind: str, name: str) -> None:
        if kind == KIND:
            self._choose()

    def _place(self) -> None:
        """Place the cells in the tissue, or on the embedding that is shown."""
        dataset, views = self.session.dataset, self.session.state.views
        ground: PairGround | None = None
        with self.spoken("Placing the cells"):
            tissue = None if dataset is None else resolve_tissue(dataset)
            if tissue is not None:
                ground = PairGround(tissue.positions_cd, tissue)
            elif dataset is not None and views.embedding in dataset.embeddings:
                table_cz = np.asarray(dataset.embeddings[views.embedding], np.float64)
                name = str(views.embedding).removeprefix("X_")
                words = (f"{name} {views.components[0] + 1}", f"{name} {views.components[1] + 1}")
                ground = PairGround(np.ascontiguousarray(table_cz[:, list(views.components)]), words=words)
        self.view.set_ground(ground)

    def _choose(self) -> None:
        """Offer what there is now, with the pair that the session looks at where it is still on offer."""
        choice, pair = PairChoice(self.session), self._pair()
        self._offer = choice.offer() if pair is None else choice.chosen(pair.left, pair.right)
        self.view.set_offer(self._offer)
        channels = choice.channels(self._offer)
        if channels is not None and (pair is None or channels != (pair.left, pair.right)):
            look_at(self.session, *channels)  # told by ``made``, which comes back here
            return
        self._show()

    def _pair(self) -> Pair | None:
        found: Pair | None = self.session.latest(PAIR)
        return found

    def _on_chosen(self, what: str, gene: str, left: str, right: str) -> None:
        choice = PairChoice(self.session)
        self._offer = choice.offer(what, gene, left, right)
        channels = choice.channels(self._offer)
        if channels is not None:
            look_at(self.session, *channels)
        else:
            self.view.set_offer(self._offer)

    def _show(self) -> None:
        """Colour all three."""
        self._values = None
        pair = self._pair()
        if self.session.dataset is None or pair is None or not self._offer.what:
            self.view.set_pair(None, "" if self.session.dataset is None else TOO_FEW)
            self._on_hovered(self.session.hovered_cell)
            return
        values = []
        for ref in (pair.left, pair.right):
            resolved = self.session.resolve(ref)
            if isinstance(resolved, Pending):
                self.when_finished(resolved.job, self._show)
                return
            if isinstance(resolved, Failed):
                self.view.set_pair(None, resolved.reason)
                return
            values.append(resolved.values)
        try:
            picture = pair_picture(values[0], values[1], selected_cells(self.session), self.view.theme)
        except GlasscellError as error:
            self.view.set_pair(None, str(error))
            return
        self._values = (values[0], values[1])
        sides = dict(self._offer.sides)
        left, right = sides.get(self._offer.left, ""), sides.get(self._offer.right, "")
        self.view.set_pair(replace(picture, titles=(left, right, picture.titles[2])), "")
        self._on_hovered(self.session.hovered_cell)

    def _on_hovered(self, cell: int | None) -> None:
        dataset = self.session.dataset
        words = ""
        if (
            cell is not None
            and self._values is not None
            and dataset is not None
            and cell < len(self._values[0])
        ):
            words = f"{dataset.cell_names[cell]}: {cell_words(*self._values, cell)}"
        self.view.set_hovered(cell, words)

    def _on_drawn(self, vertices: Any, mode: str) -> None:
        session, views = self.session, self.session.state.views
        with self.spoken("Selecting"):
            if session.dataset is None:
                raise DataError("Open data first.")
            corners = tuple(map(tuple, vertices))
            drawn: Selection = Lasso("tissue", corners)
            if session.dataset.positions_cd is None:
                drawn = Lasso(f"embedding:{views.embedding}", corners, views.components)
            session.update(selection=combine(session.state.selection, drawn, mode))

    def _on_cleared(self) -> None:
        self.session.update(selection=Everything())

    def _on_paint(self) -> None:
        with self.spoken("Colouring"):
            pair = self._pair()
            if pair is None:
                raise DataError("Choose two maps first.")
            self.session.update(channel=difference_ref(pair.left, pair.right))
