"""One self-contained HTML page: pictures, evidence, where everything came from, and a methods text."""

from __future__ import annotations

import base64
import platform
from dataclasses import dataclass, field
from html import escape
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from glasscell.figure.page import figure_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from glasscell.data.dataset import Dataset
    from glasscell.explain.check import Check
    from glasscell.explain.result import Explanation
    from glasscell.models.bundle import Bundle
    from glasscell.models.robustness import Robustness

#: No script, nothing fetched: the page may show its own pictures and nothing else.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #d5dae0}
figure{margin:1rem 0}img{max-width:100%;height:auto}figcaption{color:#5c6670}
table{border-collapse:collapse}td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:top}
th{font-weight:600;white-space:nowrap}.warn{color:#a04a00}.bad{color:#b00020}
"""
#: What held-out accuracy is always told beside.
ROWS = ("majority", "logistic", "coordinates")
_PACKAGES = ("glasscell", "anndata", "scanpy", "torch", "numpy")


@dataclass
class Report:
    """What a page holds, in order; every text from the data is escaped when it is written.

    Parameters
    ----------
    title
        Heading of the page.
    parts
        HTML of the sections so far.
    """

    title: str
    parts: list[str] = field(default_factory=list)

    def add_heading(self, text: str) -> None:
        """Start a section."""
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def add_text(self, text: str, kind: str = "") -> None:
        """Add a paragraph; ``kind`` is empty, ``warn`` or ``bad``."""
        self.parts.append(f'<p class="{escape(kind)}">{escape(text)}</p>')

    def add_figure(self, sheet: Figure, caption: str, ending: str = ".png") -> None:
        """Add a picture, held in the page itself."""
        kind = {".png": "image/png", ".svg": "image/svg+xml"}[ending]
        code = base64.b64encode(figure_bytes(sheet, ending, 130.0)).decode("ascii")
        text = escape(caption)
        self.parts.append(
            f'<figure><img alt="{text}" src="data:{kind};base64,{code}">'
            f"<figcaption>{text}</figcaption></figure>"
        )

    def add_table(self, rows: Mapping[str, Any]) -> None:
        """Add names with their values."""
        lines = "".join(
            f"<tr><th>{escape(str(key))}</th><td>{escape(_plain(value))}</td></tr>"
            for key, value in rows.items()
        )
        self.parts.append(f"<table>{lines}</table>")

    def add_checks(self, checks: Sequence[Check]) -> None:
        """Add what speaks for and against an explanation."""
        for check in checks:
            kind = {"ok": "", "warn": "warn", "bad": "bad"}.get(check.verdict, "warn")
            self.add_text(f"{check.name} ({check.verdict}): {check.sentence}", kind)

    def html(self) -> str:
        """Return the whole page."""
        title = escape(self.title)
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
            f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
            f"{''.join(self.parts)}</body></html>\n"
        )


def add_data(report: Report, dataset: Dataset) -> None:
    """Say what the data are."""
    report.add_heading("Data")
    rows = {
        "file": "" if dataset.path is None else dataset.path.name,
        dataset.observations: f"{dataset.n_cells:,}",
        "genes": f"{dataset.n_genes:,}",
        "expression": dataset.expression_unit,
        "fingerprint": dataset.fingerprint,
    }
    report.add_table({key: value for key, value in rows.items() if value})


def add_model(report: Report, bundle: Bundle) -> None:
    """Show how well a model predicts held-out cells, and how it was trained."""
    from glasscell.figure.pick import curve_of, metrics_of

    report.add_heading("Model")
    report.add_figure(metrics_of(bundle), f"Held-out figures. {bundle.split_text}", ".svg")
    report.add_figure(curve_of(bundle), "Loss over epochs.", ".svg")
    for note in bundle.notes:
        report.add_text(note, "warn")
    if bundle.robustness is not None:
        add_robustness(report, bundle.robustness)
    report.add_table({"model": bundle.id, **bundle.params.model_dump(), **bundle.provenance})


def add_robustness(report: Report, found: Robustness) -> None:
    """Show what a model stands, one line per condition."""
    report.add_text("Robustness, on cells the net was not trained on:")
    report.add_table(
        {f"{row.condition} ({row.n_cells:,} cells)": dict(row.figures) for row in found.rows if row.figures}
    )
    for note in found.notes:
        report.add_text(note, "warn")


def add_explanation(report: Report, explanation: Explanation, sheet: Figure, checks: Sequence[Check]) -> None:
    """Show a ranking with its evidence, and where it came from."""
    report.add_heading(f"Reasons: {explanation.target}")
    report.add_figure(sheet, "Genes by mean attribution; the evidence stands beside every gene.", ".svg")
    report.add_checks(checks)
    report.add_table(explanation.provenance.to_json())


def methods_text(dataset: Dataset, bundle: Bundle | None, explanations: Sequence[Explanation]) -> str:
    """Write the paragraph for the methods section, from what was done and nothing else."""
    words = [
        f"{dataset.n_cells:,} {dataset.observations} and {dataset.n_genes:,} genes were analysed with "
        f"Glasscell {_version('glasscell')}."
    ]
    if bundle is not None:
        learnt = (
            f"learn {len(bundle.classes)} classes of {bundle.labels_name}"
            if bundle.classes
            else "learn without labels"
        )
        nets = f"{len(bundle.folds)} nets" if len(bundle.folds) > 1 else "One net"
        words.append(f"{nets} of the family {bundle.family} were trained to {learnt}.")
        words.append(bundle.split_text.rstrip(".") + ".")
        if bundle.metrics is not None and bundle.baselines:
            beside = ", ".join(
                _baseline_text(bundle, name) for name in dict.fromkeys((*ROWS, *bundle.baselines))
            )
            words.append(f"Held-out accuracy was {bundle.metrics.accuracy:.3f} (baselines: {beside}).")
        words.append(_twin_text(bundle))
    for one in explanations:
        origin = one.provenance
        words.append(
            f"{origin.target} was attributed to genes by {origin.method.replace('_', ' ')} ({origin.source}) "
            f"against {origin.baseline_text}, by nets chosen as {origin.nets.replace('_', ' ')}, "
            f"in {origin.unit}."
        )
        if one.twin is not None:
            words.append("The same ranking was made for the model's twin.")
    return " ".join(words)


def _baseline_text(bundle: Bundle, name: str) -> str:
    row = bundle.baselines.get(name)
    return f"{name} not measured" if row is None else f"{name} {row.accuracy:.3f}"


def _twin_text(bundle: Bundle) -> str:
    """Say whether there is a twin, and what it learnt from."""
    from glasscell.models.fit import OVER_ALL  # brings torch along

    if bundle.twin is None:
        return "No twin was trained beside the model."
    if not bundle.classes:
        return "A twin of the same kind was trained on counts redrawn to keep depths and gene totals only."
    where = "over all cells" if OVER_ALL in bundle.notes else "within section and donor"
    return f"A twin of the same kind was trained on labels permuted {where}."


def add_origin(
    report: Report, dataset: Dataset, bundle: Bundle | None, explanations: Sequence[Explanation]
) -> None:
    """Add the methods text and the versions of the software."""
    report.add_heading("Methods text")
    report.add_text(methods_text(dataset, bundle, explanations))
    report.add_heading("Software")
    report.add_table({"Python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}})


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
