"""Attention and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.data.column import categorical_codes, is_continuous
from glasscell.data.labels import GROUPS
from glasscell.data.report import why_no_cells
from glasscell.session.attending import ATTENDING, DOMAINS, PREDICTED
from glasscell.views.attention_picture import REMOVED, SHOWN, attention_picture, place_text
from glasscell.views.attention_view import AttentionView
from glasscell.views.presenter import Presenter

if TYPE_CHECKING:
    from pathlib import Path

    from glasscell.explain.attention.result import Attention
    from glasscell.jobs import Job
    from glasscell.models.bundle import Bundle
    from glasscell.session import Session, State

MOST_GROUPS, MOST_TARGETS, N_ROWS = 60, 300, 40
CHOOSE = "Nothing is asked yet."
OTHER_MODEL = " It is of another model than the current one: ask again."


class AttentionPresenter(Presenter[AttentionView]):
    """Offer groups and targets, show the last attention with its removal, paint the clicked place.

    Parameters
    ----------
    beside
        Presenters that share the dock and are closed with this one.
    """

    def __init__(self, session: Session, view: AttentionView, *beside: Presenter[Any]) -> None:
        super().__init__(session, view)
        self._beside = beside
        self._job: Job[Any] | None = None
        self._which, self._quantity, self._group = "mean", "relative", ""
        self.listen(session.made, self._on_made)
        self.listen(session.jobs.changed, self._follow)
        self.listen(view.attend_requested, self._on_attend)
        self.listen(view.cancel_requested, self._on_cancel)
        self.listen(view.map_chosen, self._on_map)
        self.listen(view.quantity_chosen, self._on_quantity)
        self.listen(view.group_chosen, self._on_group)
        self.listen(view.place_clicked, self._on_place)
        self.listen(view.place_hovered, self._on_hovered)
        self.listen(view.table_requested, self._on_table)
        view.set_busy(False)
        self._offer()
        self._show()
        self._follow()

    def close(self) -> None:
        """Let go of session and view, and of the presenters beside."""
        super().close()
        for one in self._beside:
            one.close()

    def _on_changed(self, new: State, old: State) -> None:
        if (new.dataset, new.groups, new.model) != (old.dataset, old.groups, old.model):
            self._offer()
        if (new.dataset, new.model) != (old.dataset, old.model):
            self._show()
        if new.colouring.channel != old.colouring.channel:
            self._mark()

    def _offer(self) -> None:
        bundle, dataset = self.session.bundle, self.session.dataset
        choices = self._groupings(bundle)
        keys = [key for key, _ in choices]
        wanted = bundle.labels_name if bundle is not None else ""
        self.view.set_groupings(choices, wanted if wanted in keys else (keys[0] if keys else ""))
        self.view.set_targets([] if bundle is None else _targets(bundle))
        reason = self._why_not(bundle)
        if not reason and dataset is not None and not choices:
            reason = "There are no groups of cells: prepare the data, or name groups of cells."
        self.view.set_enabled(not reason, reason)

    def _why_not(self, bundle: Bundle | None) -> str:
        dataset = self.session.dataset
        if dataset is None:
            return "Open data first."
        if why_no_cells(dataset):
            return why_no_cells(dataset)
        if bundle is None:
            return "Train or load a model that attends first."
        from glasscell.explain.attention.asked import why_not_attend
        from glasscell.models.capability.neighbour import UsesNeighbours

        model = bundle.folds[0]
        reason = why_not_attend(model)
        if reason is not None:
            return reason
        if isinstance(model, UsesNeighbours) and dataset.positions_cd is None:
            return "This model looks at neighbours, and these data say nowhere where cells lie."
        absent = [gene for gene in bundle.genes if gene not in dataset.genes]
        return f"These data lack {len(absent):,} of the model's genes, {absent[0]} for one." if absent else ""

    def _groupings(self, bundle: Bundle | None) -> list[tuple[str, str]]:
        dataset = self.session.dataset
        if dataset is None:
            return []
        found = [(PREDICTED, PREDICTED)] if bundle is not None and bundle.classes else []
        if bundle is not None and _finds_domains(bundle):
            found.append((DOMAINS, DOMAINS))
        if len(self.session.state.groups) > 1 and GROUPS not in dataset.obs.columns:
            found.append((GROUPS, "named groups"))
        for column in map(str, dataset.obs.columns):
            if is_continuous(dataset.obs[column]):
                continue
            if 2 <= len(categorical_codes(dataset.obs[column])[1]) <= MOST_GROUPS:
                found.append((column, column))
        return found

    def _on_attend(self, wish: dict[str, Any]) -> None:
        with self.spoken("Asking for attention"):
            self.session.attend(**wish)

    def _current(self) -> Attention | None:
        found: Attention | None = self.session.latest("attention")
        return found

    def _on_made(self, kind: str) -> None:
        if kind == "attention":
            self._show()

    def _on_map(self, which: str) -> None:
        self._which = which
        self._show()

    def _on_quantity(self, quantity: str) -> None:
        self._quantity = quantity
        self._show()

    def _on_group(self, group: str) -> None:
        self._group = group
        self._list()

    def _show(self) -> None:
        found = self._current()
        if found is None:
            self.view.set_result(None, CHOOSE)
            return
        self._which = self._which if self._which in found.maps else "mean"
        picture = attention_picture(found, self._which, self._quantity)
        self.session.store.put(SHOWN, (self._which, self._quantity), 1)
        bundle = self.session.bundle
        other = bundle is not None and bundle.fingerprint != found.provenance.model
        self.view.set_result(picture, f"{picture.title}{OTHER_MODEL if other else ''}")
        self._list()
        self._mark()

    def _list(self) -> None:
        found = self._current()
        if found is None:
            return
        self._group = self._group if self._group in found.groups else found.groups[0]
        rows = found.top(self._group, N_ROWS, "relative", self._which)
        self.view.set_rows(found.groups, self._group, rows, found.unit)

    def _mark(self) -> None:
        """Mark the place that the cells are coloured by, if they are."""
        found, channel = self._current(), self.session.state.colouring.channel
        place = None
        if found is not None and channel is not None and channel.param("result") == found.id:
            panel = REMOVED if channel.param("quantity") == REMOVED else self._quantity
            place = (self._group, channel.key, panel)
        self.view.set_marked(place)

    def _on_place(self, group: str, column: str, panel: str) -> None:
        from glasscell.explain.attention.channel import attention_ref

        found = self._current()
        if found is None:
            return
        self._group = group if group in found.groups else self._group
        quantity = panel if panel in (REMOVED, "weight") else "relative"
        self.session.update(channel=attention_ref(found, column, self._which, quantity))
        self._list()
        self._mark()

    def _on_hovered(self, place: tuple[str, str] | None) -> None:
        found = self._current()
        if found is None or place is None:
            self.view.set_place("")
            return
        self.view.set_place(place_text(found.row(*place, self._which), found, self._which))

    def _on_table(self, path: Path) -> None:
        with self.spoken("Saving the table"):
            self.session.save_table("attention", path)

    def _follow(self) -> None:
        running = [job for job in self.session.jobs.active if job.title.startswith(ATTENDING)]
        if self._job is None and running:
            self._job = running[-1]
            self.view.set_busy(True)
            self._job.finished.connect(self._on_finished)

    def _on_finished(self, job: Job[Any]) -> None:
        if job is self._job and self._links:
            self._job = None
            self.view.set_busy(False)
            self._follow()

    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()


def _finds_domains(bundle: Bundle) -> bool:
    from glasscell.models.capability.domain import FindsDomains

    return isinstance(bundle.folds[0], FindsDomains)


def _targets(bundle: Bundle) -> list[tuple[str, str]]:
    """Offer what removal can be measured on; what is left empty is the model's own default."""
    from glasscell.explain.attention.change import sorts_cells
    from glasscell.explain.attention.request import LATENT_SHIFT
    from glasscell.models.capability.classification import Classifies
    from glasscell.models.capability.latent import Encodes

    model, found = bundle.folds[0], []
    if sorts_cells(model):
        what = "class" if isinstance(model, Classifies) else "domain"
        found.append(("", f"each cell's predicted {what}"))
    if isinstance(model, Encodes):
        found.append((LATENT_SHIFT if found else "", "how far the latent moves"))
    return found + [(str(target), str(target)) for target in model.targets()[:MOST_TARGETS]]
