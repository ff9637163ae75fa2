"""The way every family goes through the window: chosen, cancelled, trained, kept, opened again, explained."""

from pathlib import Path
from typing import Any

import numpy as np

from .conftest import press, settled, spin, wait


def some_blood(source: Path, folder: Path, n_genes: int, every: int) -> Path:
    """Write every so many cells of pbmc3k with the genes seen most, so that training takes seconds."""
    import anndata as ad

    whole = ad.read_h5ad(source)
    total = np.asarray(whole.X.sum(axis=0)).ravel()
    path = folder / "blood.h5ad"
    whole[::every, np.sort(np.argsort(-total)[:n_genes])].copy().write_h5ad(path)
    return path


class FamilyWalk:
    """A family in an open window.

    Parameters
    ----------
    shown
        The window with its file open.
    family
        Its key.
    labels
        Column to learn, empty for families that need none.
    settings
        Settings with which it trains in seconds.
    """

    def __init__(self, shown: Any, family: str, labels: str = "", **settings: Any) -> None:
        settled(shown.desk)
        self.shown, self.session, self.family = shown, shown.desk.session, family
        self.labels, self.settings = labels, settings

    def choose(self, **settings: Any) -> Any:
        """Choose family, labels and settings in the Model dock; return its view."""
        self.shown.raise_dock("Model")
        spin(0.05)
        view = self.shown.docks["Model"].view
        view.family.setCurrentIndex(view.family.findData(self.family))
        if self.labels:
            view.labels.setCurrentText(self.labels)
        view.form.set_values({**self.settings, **settings})
        assert view.train.isEnabled(), view.reason.text()
        return view

    def cancel(self, beyond: float = 0.0, **settings: Any) -> Any:
        """Train for long and press cancel once so much is done: nothing stays; return the Model view."""
        view = self.choose(**(settings or {"max_epochs": 5000, "patience": 1000}))
        press(view.train)
        job = next(job for job in self.session.jobs.active if job.lane == "train")
        wait(lambda: (job.progress.fraction or 0) > beyond or job.is_finished, 200, "the first epoch")
        press(view.cancel)
        wait(lambda: job.is_finished, 60, "the cancel")
        assert job.outcome.value == "cancelled"
        settled(self.shown.desk)
        assert self.session.bundle is None, "a run that was stopped leaves nothing"
        return view

    def train(self, **settings: Any) -> Any:
        """Train for short; return the bundle."""
        press(self.choose(**settings).train)
        wait(lambda: not self.session.jobs.active, 300, "training")
        settled(self.shown.desk)
        assert self.session.bundle is not None, self.shown.docks["Model"].view.reason.text()
        assert self.session.bundle.family == self.family
        return self.session.bundle

    def keep(self, folder: Path) -> None:
        """Save the model, let go of it and open it again: it is the same."""
        before = self.session.bundle.fingerprint
        self.session.save_model(folder)
        settled(self.shown.desk)
        assert (folder / "weights.safetensors").exists()
        self.session.update(model=None)
        self.session.load_model(folder)
        settled(self.shown.desk)
        assert self.session.bundle.fingerprint == before

    def explain(self, target: str, *, ranked: bool = True) -> Any:
        """Explain a target over all cells in the Attribution dock, which ranks genes if there is a twin."""
        self.shown.raise_dock("Attribution")
        spin(0.1)
        panel = self.shown.docks["Attribution"].view
        panel.cells.setCurrentIndex(panel.cells.findData("all"))
        panel.target.setCurrentText(target)
        press(panel.explain)
        wait(lambda: not self.session.jobs.active, 300, "the attribution")
        settled(self.shown.desk)
        assert str(self.session.explanation.target) == target
        if ranked:
            wait(lambda: panel.ranking.genes.rowCount() > 0, 30, "the ranking, shown with its evidence")
        return self.session.explanation


def rows_told(view: Any, n: int) -> list[str]:
    """Return the first column of the table of metrics."""
    return [view.metrics.item(row, 0).text() for row in range(n)]
