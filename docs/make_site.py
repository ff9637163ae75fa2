"""The pages as a site: ``python docs/make_site.py [FOLDER]`` (``make docs``); any warning fails.

Beside the written pages it has one for each model and each method, made from what they say of themselves
(``ModelInfo``, ``MethodInfo``, the fields of their settings) and from the measured figures that name them.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from glasscell.models.info import ModelInfo
    from glasscell.views.form import FieldSpec

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
#: Written pages of families that share one, or whose page has a name of its own.
WRITTEN = {
    "classifier": "methods.md",
    "drvi": "scvi.md",
    "ivae": "svae.md",
    "linear_scvi": "scvi.md",
    "multivi": "scvi.md",
    "scanvi": "scvi.md",
    "scviva": "scvi.md",
    "spatial_attention": "domains.md",
    "torch_module": "own_network.md",
    "totalvi": "scvi.md",
    "velovi": "scvi.md",
}
#: The order of the menu; pages not named here come after, by title.
FIRST = (
    "formats",
    "tissue",
    "methods",
    "traversal",
    "attention",
    "perturbation",
    "contrast",
    "compare",
    "notebook",
)


def main() -> int:
    """Write all pages and build the site; return an exit code."""
    out = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "build" / "site"
    source = out.parent / f"{out.name}-pages"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (source / "index.md").write_text(_moved((ROOT / "README.md").read_text()))
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        (source / name).write_text(_moved((ROOT / name).read_text()))
    (source / "sample_data").mkdir()
    shutil.copy(ROOT / "sample_data" / "README.md", source / "sample_data")
    shutil.copy(ROOT / "LICENSE", source)
    models, methods = model_pages(), method_pages()
    for folder, pages in (("models", models), ("methods_of_explanation", methods)):
        (source / folder).mkdir()
        for name, text in pages.items():
            (source / folder / f"{name}.md").write_text(text)
    return _build(source, out, _menu(source, models, methods))


def _moved(text: str) -> str:
    """Let links of a page at the root lead to pages in one folder with it."""
    text = text.replace("](docs/decisions)", "](decisions/README.md)").replace("](docs/", "](")
    return text.replace('src="docs/', 'src="').replace("](../", "](")


def model_pages() -> dict[str, str]:
    """Return a page for each family by its key, and ``index``, a table of all."""
    from glasscell.models.registry import FAMILIES
    from glasscell.views.form import fields

    pages = {}
    lines = ["# Models", "", "| key | model | for | poorly on |", "|---|---|---|---|"]
    for key in FAMILIES:
        family = FAMILIES[key]
        info = family.info
        lines.append(f"| [{key}]({key}.md) | {info.title} | {info.works_for} | {info.fails_for} |")
        pages[key] = _model_page(info, fields(family.params))
    return {"index": "\n".join(lines) + "\n", **pages}


def _model_page(info: ModelInfo, specs: Iterable[FieldSpec]) -> str:
    written = WRITTEN.get(info.key, f"{info.key}.md")
    if not (DOCS / written).exists():
        raise SystemExit(f"There is no page docs/{written} on the model {info.key}: write one.")
    needs = {
        "a column of labels": info.needs_labels,
        "raw counts": info.needs_counts,
        "coordinates": info.needs_positions,
        "a column of perturbations": info.needs_action,
    }
    needed = ", ".join(name for name, yes in needs.items() if yes) or "expression alone"
    takes = " It can take the effect of a batch out." if info.takes_batch else ""
    parts = [
        f"# {info.title} (`{info.key}`)",
        f"**For:** {info.works_for}",
        f"**Poorly on:** {info.fails_for}",
        f"**Needs:** {needed}; at least {info.min_cells} cells.{takes}",
        f"**Explained by targets of kind:** {', '.join(info.target_kinds)}.",
        f"**Source:** {_source(info.source)}",
        f"More in [its page](../{written}).",
        f"```bash\nglasscell fit cells.h5ad {_words(info)}--model {info.key} --out model\n```",
        "## Settings",
        settings_table(specs),
        "## Measured figures",
        measured(info.key) or "None yet beyond the tests that every model must pass.",
    ]
    return "\n\n".join(parts) + "\n"


def _words(info: ModelInfo) -> str:
    labels = "--labels layer " if info.needs_labels else ""
    return labels + ("--action perturbation " if info.needs_action else "")


def method_pages() -> dict[str, str]:
    """Return a page for each method by its id, and ``index``, a table of all."""
    from glasscell.explain.method import METHODS
    from glasscell.views.form import fields

    pages = {}
    lines = ["# Methods of explanation", "", "| id | method | adds up | source |", "|---|---|---|---|"]
    for key in METHODS:
        info = METHODS[key]
        sign = "signed" if info.signed else "without sign"
        adds = "yes" if info.complete else "no"
        sums = (
            f"its values {'add up to f(x) - f(baseline)' if info.complete else 'do not add up to the score'}"
        )
        lines.append(f"| [{key}]({key}.md) | {info.title} | {adds} | {_source(info.source)} |")
        parts = [
            f"# {info.title} (`{key}`)",
            info.help,
            f"**Gives:** {info.gives}, in {info.unit}; {sign}; {sums}.",
            f"**Explains targets of kind:** {', '.join(info.target)}.",
            f"**Needs of a model:** {', '.join(need.__name__ for need in info.needs)}.",
            f"**Source:** {_source(info.source)}",
            "What stands beside every ranking, and what a map does not say: [methods](../methods.md).",
            "## Settings",
            settings_table(fields(info.params)),
            "## Measured figures",
            measured(key) or "None yet beyond the tests that every method must pass.",
        ]
        pages[key] = "\n\n".join(parts) + "\n"
    return {"index": "\n".join(lines) + "\n", **pages}


def _source(source: str) -> str:
    kind, _, name = source.partition(":")
    if kind == "doi":
        return f"[{source}](https://doi.org/{name})"
    return f"[{source}](https://arxiv.org/abs/{name})" if kind == "arXiv" else source or "textbook"


def settings_table(specs: Iterable[FieldSpec]) -> str:
    """Return settings as a table: name, default, range, what it does."""
    rows = [
        f"| `{spec.name}` | `{_plain(spec.default)}` | {_range(spec)} | {_plain(spec.help or spec.title)} |"
        for spec in specs
    ]
    if not rows:
        return "There is nothing to set."
    return "\n".join(["| setting | default | range | what it does |", "|---|---|---|---|", *rows])


def _range(spec: FieldSpec) -> str:
    if spec.choices:
        return ", ".join(f"`{_plain(choice)}`" for choice in spec.choices)
    low, high = spec.low, spec.high
    if low is None and high is None:
        return spec.kind
    return f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}"


def _plain(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def measured(key: str) -> str:
    """Return the sections of the page of figures that name a model or method, one heading lower."""
    sections = re.split(r"^(?=## )", (DOCS / "figures.md").read_text(), flags=re.MULTILINE)[1:]
    named = [section for section in sections if re.search(rf"`{key}`", section)]
    return "\n\n".join("#" + _up(section).strip() for section in named)


def _up(text: str) -> str:
    """Let links of a page lead there from a folder below it."""
    return re.sub(r"\]\((?!http|#)", "](../", text)


def _menu(source: Path, models: Mapping[str, str], methods: Mapping[str, str]) -> list[Any]:
    pages = [
        page.stem for page in source.glob("*.md") if page.stem not in ("index", "CHANGELOG", "CONTRIBUTING")
    ]
    ordered = sorted(pages, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    decisions = sorted(page.name for page in (source / "decisions").glob("0*.md"))
    return [
        {"Glasscell": "index.md"},
        {"Pages": [f"{name}.md" for name in ordered]},
        {"Models": [f"models/{name}.md" for name in models]},
        {"Methods": [f"methods_of_explanation/{name}.md" for name in methods]},
        {"Decisions": ["decisions/README.md", *(f"decisions/{name}" for name in decisions)]},
        {"Contributing": "CONTRIBUTING.md"},
        {"Changes": "CHANGELOG.md"},
    ]


def _build(source: Path, out: Path, menu: list[Any]) -> int:
    import yaml
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import Abort

    settings = {
        "site_name": "Glasscell",
        "docs_dir": str(source),
        "site_dir": str(out),
        "theme": {"name": "readthedocs", "highlightjs": False},
        "markdown_extensions": ["tables", "fenced_code"],
        "nav": menu,
        "extra_css": ["site.css"],
        "strict": True,
        "validation": {"anchors": "warn", "unrecognized_links": "warn", "absolute_links": "warn"},
    }
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    written = source.parent / f"{out.name}.yml"
    written.write_text(yaml.safe_dump(settings))
    try:
        build(load_config(str(written)))
    except Abort as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{len(list(out.rglob('*.html')))} pages in {out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
