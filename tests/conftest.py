"""What all tests share: real data when it is there, and the promise that nothing is left running."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.models.bundle import Bundle
    from glasscell.models.fit_request import FitRequest

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PyQt6")
os.environ.setdefault("NUMBA_NUM_THREADS", "2")
# Journals of test windows belong to nobody's home.
os.environ["GLASSCELL_STATE_FOLDER"] = tempfile.mkdtemp(prefix="glasscell-tests-")

REAL_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Give the path of a real data file, or skip with a reason when it is absent."""

    def find(name: str) -> Path:
        path = REAL_DATA / name
        if not path.exists():
            pytest.skip(f"needs the real data file ../shared/data/{name}")
        return path

    return find


@pytest.fixture(scope="session")
def toy_dataset_once() -> "Dataset":
    """What the tables over every family ask of; nothing changes it."""
    from glasscell.testing.toy_family import toy_dataset

    return toy_dataset()


@pytest.fixture(scope="session")
def toy_ask(
    toy_dataset_once: "Dataset", tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], "FitRequest"]:
    """Give the toy training run of a family, or skip where the family cannot be used."""
    folder = tmp_path_factory.mktemp("sets")

    def request(key: str) -> "FitRequest":
        from glasscell.models.registry import family
        from glasscell.testing.toy_family import toy_request

        absent = getattr(family(key), "why_not", "")
        if absent:
            pytest.skip(absent)
        return toy_request(key, toy_dataset_once, folder)

    return request


@pytest.fixture(scope="session")
def toy_train(
    toy_dataset_once: "Dataset", toy_ask: Callable[[str], "FitRequest"]
) -> Callable[[str], "Bundle"]:
    """Give the toy bundle of a family with its twin, trained when a table first asks for it."""
    made: dict[str, Bundle] = {}

    def bundle(key: str) -> "Bundle":
        from glasscell.models.fit import fit, fit_twin

        if key not in made:
            request = toy_ask(key)
            made[key] = fit_twin(fit(toy_dataset_once, request), toy_dataset_once, request)
        return made[key]

    return bundle


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [
        thread
        for thread in threading.enumerate()
        if thread not in before and not thread.daemon and thread.name.startswith("glasscell")
    ]
    for thread in left:
        thread.join(timeout=5)
    assert not [thread for thread in left if thread.is_alive()], "a test left a worker running"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip window tests where there is no display instead of crashing the interpreter."""
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt"
    if shown or os.uname().sysname == "Darwin":
        return
    skip = pytest.mark.skip(reason="needs a display; `make test` brings a virtual one")
    for item in items:
        if item.get_closest_marker("gui"):
            item.add_marker(skip)
