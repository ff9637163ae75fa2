"""Sizes, types, lint and docstrings, so that they hold without anyone watching."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAX_FILE, MAX_FUNCTION, MAX_METHODS = 400, 60, 25
UNFINISHED = re.compile(
    "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error", "no" + " cover"])
)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its docstring."""
    first = node.body[0]
    documented = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    doc = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - doc


@pytest.mark.parametrize("path", SOURCE, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE, "a file that outgrew its name: give it a second room"
    tree = ast.parse(text)
    long = [
        f"{node.name}: {body_lines(node)} lines"
        for node in functions(tree)
        if body_lines(node) > MAX_FUNCTION
    ]
    assert not long
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
            assert len(methods) <= MAX_METHODS, f"{node.name} has {len(methods)} methods"


@pytest.mark.parametrize("path", SOURCE, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_are_documented(path: Path) -> None:
    """Parameters named in a docstring exist, and a multi-line docstring follows numpydoc."""
    wrong = []
    for node in functions(ast.parse(path.read_text())):
        text = ast.get_docstring(node)
        if node.name.startswith("_") or text is None or "Parameters\n----------" not in text:
            continue
        section = text.split("Parameters\n----------\n", 1)[1]
        section = re.split(r"\n\w[\w ]*\n-{3,}", section)[0]
        named = [
            name.strip(" *")
            for line in section.splitlines()
            if re.match(r"\S", line)
            for name in line.split(",")
        ]
        known = {arg.arg for arg in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]}
        known |= {arg.arg for arg in (node.args.vararg, node.args.kwarg) if arg}
        wrong += [f"{node.name}: {name!r} is not a parameter" for name in named if name not in known]
    assert not wrong


def test_nothing_is_unfinished() -> None:
    left = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in [*SOURCE, *TESTS]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not left


def test_no_catch_all_file_names() -> None:
    forbidden = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py", "manager.py"}
    assert not [path for path in SOURCE if path.name in forbidden]


def test_nothing_loads_pickles_or_unsafe_weights() -> None:
    calls = re.compile(r"torch\.load\((?!.*weights_only=True)|\bpickle\.loads?\(|extractall\(")
    assert not [path for path in SOURCE if calls.search(path.read_text())]


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_ruff() -> None:
    run(sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_ruff_format() -> None:
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.timeout(600)
def test_mypy_strict() -> None:
    run(sys.executable, "-m", "mypy")
