"""The linked views in a notebook, and what a notebook can ask of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.jobs import InlineDispatcher
from glasscell.jupyter.dispatcher import AsyncioDispatcher
from glasscell.jupyter.home import settle
from glasscell.jupyter.layout import Layout
from glasscell.jupyter.newest import Newest
from glasscell.jupyter.panel import OPEN_BY_PATH
from glasscell.jupyter.place import close_earlier, remember
from glasscell.jupyter.running import Running
from glasscell.session import Session
from glasscell.views.naming import find_channel, find_selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anndata import AnnData
    from numpy.typing import NDArray

    from glasscell.data.channel import ChannelRef
    from glasscell.data.prepare import PrepareParams
    from glasscell.data.selection import Selection

THEMES = ("light", "dark")
#: Said where a session is still shown, in a window of napari or by another cell.
LEFT = "The notebook has closed its own views of these data; they stay open here."


def explore(
    data: AnnData | Dataset | Session | Path | str | Sequence[Path | str] | None = None,
    *,
    theme: str = "light",
    **wish: str | None,
) -> Explorer:
    """Open the linked views of a dataset in a notebook: tissue, embedding and panels.

    Parameters
    ----------
    data
        An AnnData, a path or several (read in the background), a dataset, or a session to share; the sample
        tissue when left out.
    theme
        ``light`` or ``dark``: the ground that cells are drawn on.
    wish
        What ``glasscell.read`` takes, for a path.

    Returns
    -------
    The explorer; as the last expression of a cell it shows itself.

    Raises
    ------
    DataError
        The theme is none of the two, or the session was closed. What goes wrong while a file is read is
        told by ``await ex.opening``.
    """
    return Explorer(data, theme=theme, **wish)


class Explorer:
    """One session in a notebook: its views, and commands for scripts.

    What the notebook changes shows in the views, and the reverse. Commands that take time return a
    :class:`~glasscell.jupyter.running.Running`: ``await`` it, or go on meanwhile.

    Parameters
    ----------
    data, theme, wish
        As in :func:`explore`.
    """

    def __init__(
        self,
        data: AnnData | Dataset | Session | Path | str | Sequence[Path | str] | None = None,
        *,
        theme: str = "light",
        **wish: str | None,
    ) -> None:
        if theme not in THEMES:
            raise DataError(f'The theme is {" or ".join(THEMES)}, not "{theme}".')
        if isinstance(data, Session):
            if data.jobs.closed:
                raise DataError("This session was closed: call glasscell.explore with its data again.")
            data.users.join()  # first, as an earlier run of this cell may have made it
        close_earlier()  # before other data are read: both might not fit
        self._owns = not isinstance(data, Session)
        self.session: Session = data if isinstance(data, Session) else Session(AsyncioDispatcher())
        self.opening: Running | None = None
        self._closed = False
        if isinstance(self.session.jobs.dispatcher, InlineDispatcher) and _loop_runs():
            self.session.jobs.dispatcher = AsyncioDispatcher()  # nobody would run the inline one here
        settle(self.session.jobs)
        self._newest = Newest(self.session)
        try:
            if self._owns:
                self._open(data, wish)
            self.layout = Layout(self.session, theme)
        except BaseException:
            self._leave()
            raise
        self.layout.widget.explorer = self  # alive as long as the page, even where nobody keeps it
        remember(self)

    def __repr__(self) -> str:
        dataset = self.session.dataset
        return f"<Explorer of {'nothing' if dataset is None else repr(dataset)}>"

    @property
    def widget(self) -> Any:
        """All views in one widget."""
        return self.layout.widget

    @property
    def dataset(self) -> Dataset:
        """The open dataset.

        Raises
        ------
        DataError
            None is open yet; await ``opening``.
        """
        found: Dataset | None = self.session.dataset
        if found is None:
            reading = self.opening is not None and not self.opening.done
            raise DataError("Still reading: await ex.opening first." if reading else OPEN_BY_PATH)
        return found

    @property
    def selection(self) -> NDArray[Any]:
        """Names of the selected cells, in the order of the table; of all cells when none is singled out."""
        return np.asarray(self.dataset.cell_names)[self.mask]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which cells are selected, ``(n_cells,)``."""
        _ = self.dataset
        mask: NDArray[np.bool_] = self.session.mask()
        return mask

    @property
    def result(self) -> Any:
        """The newest explanation, contrast, traversal, attention or perturbation; None before any.

        After a saved session was opened: its explanation, without one another result of it.
        """
        return self._newest.result

    @property
    def bundle(self) -> Any:
        """The current model with its folds and figures; None before any."""
        return self.session.bundle

    def select(self, what: Selection | str | Sequence[Any] | NDArray[Any] | None) -> None:
        """Select cells: ``layer=L5``, names, numbers, a bool mask, a selection; None for all."""
        self.session.update(selection=find_selection(self.session, what))

    def colour(self, name: str | ChannelRef | None) -> None:
        """Colour both views by a gene, a column or a result; None for plain cells."""
        self.session.update(channel=find_channel(self.session, name))

    def open(self, name: str) -> None:
        """Bring a panel to the front, by the name on its tab."""
        self.layout.open(name)

    def prepare(self, params: PrepareParams | Mapping[str, Any] | None = None) -> Running:
        """Normalise, reduce, embed and cluster; see ``PrepareParams``."""
        return Running(self.session.prepare(params))

    def fit(self, family: str = "classifier", labels: str = "", **wish: Any) -> Running:
        """Train a model; ``wish`` as in ``FitWish``: split, params, seed, batch, action."""
        return Running(self.session.fit(labels, family=family, **wish))

    def explain(self, target: str, **wish: Any) -> Running:
        """Attribute a target such as ``class:L5`` to genes; see ``ExplainWish``."""
        return Running(self.session.explain(target, **wish))

    def contrast(self, a: Selection | str, b: Selection | str = "rest", **wish: Any) -> Running:
        """Compare two groups gene by gene; see ``ContrastWish``."""
        return Running(self.session.contrast(a, b, **wish))

    def traverse(self, start: Selection | str = "", **wish: Any) -> Running:
        """Sweep the factors of the current model from some cells; see ``TraverseWish``."""
        return Running(self.session.traverse(start, **wish) if start else self.session.traverse(**wish))

    def attend(self, by: str, **wish: Any) -> Running:
        """Ask the current model what it attends to, averaged by groups; see ``AttendWish``."""
        return Running(self.session.attend(by, **wish))

    def compare(self, models: Sequence[str], labels: str = "", **wish: Any) -> Running:
        """Train models on the same cells, split and seeds; see ``CompareWish``."""
        return Running(self.session.compare(models, labels, **wish))

    def perturb(self, *genes: str, **wish: Any) -> Running:
        """Ask the current model what it expects of changed cells; see ``PerturbWish``."""
        return Running(self.session.perturb(genes, **wish))

    def picture(self, what: str = "tissue") -> Any:
        """Draw a picture as it would be saved, for a notebook that is read without a kernel.

        Parameters
        ----------
        what
            One of ``glasscell.figure.live.PICTURES``.
        """
        from IPython.display import Image

        from glasscell.figure.live import draw_picture

        return Image(draw_picture(self.session, what, sight=self.layout.views["Tissue"].sight))

    def save_picture(self, what: str, path: Path | str) -> Running:
        """Write a picture as ``.svg``, ``.png`` or ``.pdf``."""
        from glasscell.figure.live import save_picture

        sight = self.layout.views["Tissue"].sight
        return Running(save_picture(self.session, what, Path(path), sight))

    def close(self) -> None:
        """Take the views away; the last that shows a session ends its jobs and lets go of its data."""
        if self._closed:
            return
        self.layout.close()
        self._leave()

    def _leave(self) -> None:
        self._closed = True
        self._newest.close()
        self.session.users.leave(0.0)  # the kernel waits for no job
        if self._owns and self.session.users.count:
            self.session.say("info", LEFT)

    def _open(self, data: Any, wish: Mapping[str, str | None]) -> None:
        if isinstance(data, Dataset):
            self.session.open_dataset(data)
        elif hasattr(data, "obs") and hasattr(data, "var"):
            self.session.open_dataset(Dataset(data))
        else:
            if data is None:
                from glasscell.data.sample import sample_path

                data = sample_path()
            self.opening = Running(self.session.open(data, **wish))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return {"text/plain": repr(self)} if self._closed else self.widget._repr_mimebundle_(**kwargs)


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
