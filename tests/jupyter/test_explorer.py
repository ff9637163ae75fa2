"""The explorer without a front end: what a script does shows in the views, and the reverse."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glasscell.data.read import read
from glasscell.data.sample import sample_path
from glasscell.errors import DataError, JobCancelled
from glasscell.jobs.dispatcher import InlineDispatcher
from glasscell.jupyter.explorer import Explorer, explore
from glasscell.jupyter.layout import ALWAYS, TABS


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Be the loop of a kernel."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield made
    asyncio.set_event_loop(None)
    made.close()


async def opened() -> Explorer:
    explorer = explore()
    assert explorer.opening is not None
    await explorer.opening
    return explorer


def test_commands_are_awaited_and_show_in_the_views(loop: asyncio.AbstractEventLoop) -> None:
    async def work() -> None:
        explorer = await opened()
        assert len(explorer.selection) == explorer.dataset.n_cells
        explorer.select("layer=L5")
        assert set(explorer.dataset.obs["layer"][explorer.mask]) == {"L5"}
        assert list(explorer.selection) == list(np.asarray(explorer.dataset.cell_names)[explorer.mask])
        gene = str(explorer.dataset.genes.names[0])
        explorer.colour(gene)
        for _ in range(100):
            await asyncio.sleep(0.05)
            if explorer.layout.views["Colour by"].title.text == gene:
                break
        assert gene in explorer.layout.views["Colour by"].title.text
        bundle = await explorer.fit("classifier", labels="layer", params={"max_epochs": 2})
        assert explorer.bundle is not None
        assert explorer.bundle.id.split(" ")[0] == bundle.id.split(" ")[0]
        await explorer.explain("class:L5")
        assert explorer.result is explorer.session.explanation
        compared = await explorer.contrast("layer=L5", "layer=L2")
        assert explorer.result is not None
        assert explorer.result is not explorer.session.explanation
        assert compared is not None
        assert bytes(explorer.picture("embedding" if explorer.dataset.embeddings else "tissue").data)[:4] == (
            b"\x89PNG"
        )
        with pytest.raises(DataError, match="Nothing is called"):
            explorer.colour("no such thing at all")
        explorer.close()

    loop.run_until_complete(work())


def test_a_cancelled_job_says_so_and_the_kernel_was_free(loop: asyncio.AbstractEventLoop) -> None:
    async def work() -> None:
        explorer = await opened()
        running = explorer.fit("classifier", labels="layer", params={"max_epochs": 500, "patience": 400})
        beats = 0
        for _ in range(20):
            await asyncio.sleep(0.01)
            beats += 1
        assert not running.done
        running.cancel()
        with pytest.raises(JobCancelled):
            await running
        assert beats == 20
        explorer.close()

    loop.run_until_complete(work())


def test_every_panel_opens_and_closing_leaves_nothing(loop: asyncio.AbstractEventLoop) -> None:
    from ipywidgets.widgets import widget

    def living() -> int:
        return len(widget._instances)

    async def work(kept: list[Any]) -> None:
        before, left = living(), []
        for _ in range(3):
            explorer = await opened()
            for name in TABS:
                explorer.open(name)
            assert set(explorer.layout.views) == {*ALWAYS, *TABS}
            kept.append(weakref.ref(explorer.session))
            explorer.close()
            explorer.close()
            await asyncio.sleep(0.05)
            left.append(living())
        assert left[0] > 0 or before == 0
        assert left[0] == left[1] == left[2], "widgets outlive their explorer"

    kept: list[Any] = []
    loop.run_until_complete(work(kept))
    gc.collect()
    assert sum(ref() is not None for ref in kept) <= 1, "sessions outlive their explorer"


def test_a_shared_session_goes_on() -> None:
    from glasscell.session import Session

    session = Session(InlineDispatcher())
    session.open_dataset(read(sample_path()))
    first, second = explore(session), explore(session, theme="dark")
    first.select("layer=L5")
    assert second.mask.sum() == first.mask.sum() < session.dataset.n_cells
    first.close()
    second.close()
    assert session.dataset is not None
    session.jobs.wait_idle(60)
    session.close()


def test_a_wrong_theme_is_refused() -> None:
    with pytest.raises(DataError, match="light or dark"):
        explore(theme="purple")


def test_a_plain_session_is_brought_to_the_loop_and_a_failed_file_is_told(
    loop: asyncio.AbstractEventLoop, tmp_path: Any
) -> None:
    from glasscell.jupyter.dispatcher import AsyncioDispatcher
    from glasscell.session import Session

    async def work() -> None:
        session = Session()
        explorer = explore(session)
        assert isinstance(session.jobs.dispatcher, AsyncioDispatcher)
        explorer.close()
        session.close()
        broken = explore(tmp_path / "nothing.h5ad")
        assert broken.opening is not None
        with pytest.raises(DataError):
            await broken.opening
        with pytest.raises(DataError, match="Open data"):
            _ = broken.dataset
        broken.close()

    loop.run_until_complete(work())
