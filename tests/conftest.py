"""What all tests share: real data when it is there, and the promise that nothing is left running."""

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
