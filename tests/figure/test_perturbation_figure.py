"""The picture of a perturbation: genes as bars on one scale, changes of class, evidence and caution."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from glasscell.data.dataset import Dataset
from glasscell.errors import DataError
from glasscell.figure.live import PICTURES, save_picture
from glasscell.figure.perturbation import N_FLIPS, N_GENES, perturbation_figure
from glasscell.session import Session
from glasscell.testing.planted import tiny_adata
from glasscell.views.perturbation_view import PerturbationPicture

PICTURE = PerturbationPicture(
    title="PCP4 out in 120 cells: expected by the model, not measured.",
    evidence="Size of the change 1.3: z +3.5 against 20 random genes of like expression.",
    stands_out=True,
    flips=tuple((f"L{k}", "unknown", 20 - k, 0.1) for k in range(15)),
    genes=tuple((f"GENE{k} <b>", 1.0, (-1) ** k * (2.0 - 0.05 * k)) for k in range(30)),
    sorts="class",
    unit="log1p normalised counts",
    notes=("This is what the model expects.",),
)


def words_of(sheet: Any) -> str:
    """Return all text outside the axes."""
    return " ".join(text.get_text() for text in sheet.texts)


def test_genes_classes_evidence_and_caution_are_drawn() -> None:
    sheet = perturbation_figure(PICTURE)
    (axes,) = sheet.axes
    assert [bar.get_width() for bar in axes.patches] == [change for _, _, change in PICTURE.genes[:N_GENES]]
    low, high = axes.get_xlim()
    assert low == -high, "both ways on one scale"
    assert high > 2.0, "no bar is cut"
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["GENE0 <b>", "GENE1 <b>"]
    said = words_of(sheet)
    assert "not measured" in axes.get_xlabel()
    for part in ("L0 to unknown: 20 (10%)", "3 more kinds", "z +3.5", "what the model expects"):
        assert part in said, part
    assert said.count(" to unknown") == N_FLIPS


def test_without_genes_or_without_classes() -> None:
    sheet = perturbation_figure(replace(PICTURE, genes=(), flips=()))
    assert not sheet.axes
    assert "none" in words_of(sheet)
    assert "change their" not in words_of(perturbation_figure(replace(PICTURE, sorts="", flips=())))
    with pytest.raises(DataError, match="neither genes nor classes"):
        perturbation_figure(replace(PICTURE, genes=(), flips=(), sorts=""))


def test_nothing_to_save_yet(tmp_path: Path) -> None:
    session = Session()
    session.open_dataset(Dataset(tiny_adata(n_cells=60, seed=4)))
    assert "perturbation" in PICTURES
    with pytest.raises(DataError, match="no perturbation to draw"):
        save_picture(session, "perturbation", tmp_path / "p.svg")
    assert session.close()
