"""The session: one open dataset with its models and explanations, and everything that can be done to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glasscell.session import (
    applying,
    contrasting,
    explaining,
    file,
    opening_scvi,
    persist,
    table,
    training,
    traversing,
)
from glasscell.session.core import Core
from glasscell.session.grouping import Grouping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from glasscell.data.dataset import Dataset
    from glasscell.data.prepare import PrepareParams
    from glasscell.data.selection import Selection
    from glasscell.explain.perturbation.request import Direction
    from glasscell.jobs import Dispatcher, Job


class Session(Core):
    """One place that decides what is shown; views, scripts and notebooks all go through it.

    Commands return a :class:`Job`; its result reaches the state by itself when what it was made from still
    holds. Wrong use raises a ``GlasscellError`` at once; what fails in the background is told by ``message``.

    Parameters
    ----------
    dispatcher
        How worker threads reach the thread that owns the session; the inline one when left out.
    limit_bytes
        What may be kept in memory besides what is shown; what the settings say when left out.
    """

    def __init__(self, dispatcher: Dispatcher | None = None, *, limit_bytes: int | None = None) -> None:
        super().__init__(dispatcher, limit_bytes=limit_bytes)
        self._opening: list[Job[Any]] = []
        self.grouping = Grouping(self)
        self.slides = traversing.Slides(self)

    def open(self, path: Path | str | Sequence[Path | str], **wish: str | None) -> Job[Any]:
        """Read a file, or several as one table, and show it; ``wish`` is what ``glasscell.read`` takes."""
        return file.open_path(self, file.as_paths(path), self._opening, **wish)

    def choose(self, *, counts: str | None = None, genes: str | None = None) -> Job[Any]:
        """Take another matrix for the counts, or ``symbols`` or ``ids`` for the names of genes."""
        return file.choose(self, counts, genes)

    def open_dataset(self, dataset: Dataset) -> None:
        """Show a dataset that is already in memory."""
        self.adopt(dataset, fresh=True)

    def prepare(self, params: PrepareParams | Mapping[str, Any] | None = None) -> Job[Any]:
        """Normalise, reduce, embed and cluster the open dataset; see ``PrepareParams``."""
        return file.prepare(self, params)

    def fit(self, labels: str = "", **wish: Any) -> Job[Any]:
        """Train a model on an obs column, the ``groups`` or (family ``vae``) no labels; see ``FitWish``."""
        return training.fit(self, training.FitWish(labels, **wish))

    def apply_model(self, **wish: Any) -> Job[Any]:
        """Apply the current model to the open data; see ``applying.apply_model``."""
        return applying.apply_model(self, **wish)

    def explain(self, target: str, **wish: Any) -> Job[Any]:
        """Attribute a target of the current model to genes; the settings are those of ``ExplainWish``."""
        return explaining.explain(self, explaining.ExplainWish(target, **wish))

    def contrast(self, a: Selection | str, b: Selection | str = "rest", **wish: Any) -> Job[Any]:
        """Compare two groups gene by gene; the settings are those of ``ContrastWish``."""
        return contrasting.contrast(self, contrasting.ContrastWish(a, b, **wish))

    def traverse(self, start: Selection | str = traversing.ALL, **wish: Any) -> Job[Any]:
        """Sweep the factors of the current model from some cells; see ``TraverseWish``."""
        return traversing.traverse(self, traversing.TraverseWish(start, **wish))

    def attend(self, by: str, **wish: Any) -> Job[Any]:
        """Ask the current model for its attention, averaged by groups; see ``AttendWish``."""
        from glasscell.session.attending import AttendWish, attend

        return attend(self, AttendWish(by, **wish))

    def perturb(self, genes: Sequence[str] = (), direction: Direction = "out", **wish: Any) -> Job[Any]:
        """Ask the current model what it expects of cells that are changed; see ``PerturbWish``."""
        from glasscell.session.perturbing import PerturbWish, perturb

        return perturb(self, PerturbWish(tuple(genes), direction, **wish))

    def learn_action(self, name: str, cells: str | Selection) -> Job[Any]:
        """Teach the current model what was done to these cells; ``cells`` as in ``PerturbWish``."""
        from glasscell.session.learning import learn_action

        return learn_action(self, name, cells)

    def compare(self, models: Sequence[str], labels: str = "", **wish: Any) -> Job[Any]:
        """Train models on the same cells, split and seeds, beside cheap baselines; see ``CompareWish``."""
        from glasscell.session.comparing import CompareWish, compare

        return compare(self, CompareWish(tuple(models), labels, **wish))

    def measure_stability(self, n_seeds: int = 5) -> Job[Any]:
        """Train the current model again with other seeds, and match its factors."""
        from glasscell.session.stability import measure_stability

        return measure_stability(self, n_seeds)

    def measure_nodes(self, n_seeds: int = 5) -> Job[Any]:
        """Measure which named nodes of the current model decide, beside control networks over seeds."""
        from glasscell.session.nodes import measure_nodes

        return measure_nodes(self, n_seeds)

    def check_robustness(self, **wish: Any) -> Job[Any]:
        """Ask the current model again with thinned counts and without each protocol; see its module."""
        from glasscell.session.robustness import check_robustness

        return check_robustness(self, **wish)

    def measure_worth(self, *, path: bool = False) -> Job[Any]:
        """Measure what each gene set is worth to the model; with ``path`` also prune more and more."""
        from glasscell.session.worth import measure_worth

        return measure_worth(self, path=path)

    def save_model(self, path: Path | str) -> Job[Any]:
        """Write the current model to a folder."""
        return training.save_model(self, file.as_path(path))

    def load_model(self, path: Path | str) -> Job[Any]:
        """Read a model from a folder and make it the current one."""
        return training.load_model(self, file.as_path(path))

    def open_scvi(self, path: Path | str) -> Job[Any]:
        """Open a model that scvi-tools saved; ask first, in the words of ``scvi_file.what_it_runs``."""
        return opening_scvi.open_scvi(self, file.as_path(path))

    def save_data(self, path: Path | str) -> Job[Any]:
        """Write the dataset, groups and current explanation to an ``.h5ad`` or ``.zarr`` file."""
        return file.save_data(self, file.as_path(path))

    def save_table(self, name: str, path: Path | str) -> Job[Any]:
        """Write a table (``cells``, ``groups``, ``ranking``, ``metrics``, ...) as CSV."""
        return table.save_table(self, name, file.as_path(path))

    def save_session(self, path: Path | str, pictures: persist.Pictures | None = None) -> Job[Any]:
        """Write what is shown and every result to a folder that :meth:`open_session` brings back."""
        return persist.save_session(self, file.as_path(path), pictures)

    def open_session(self, path: Path | str) -> Job[Any]:
        """Show a saved session."""
        return persist.open_session(self, file.as_path(path))
