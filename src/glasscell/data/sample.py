"""The sample tissue: a made-up cortex whose answers are known, to try everything on.

Nothing here was measured. The layers, the markers, the neighbour effects and the traps were planted, and the
file says which: see `sample_data/README.md`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from glasscell.data import sample_counts as counts
from glasscell.data.sample_gene import (
    LAYERS,
    NEIGHBOUR_GENES,
    PROGRAMME_GENES,
    TYPE_GENES,
    SampleGene,
    sample_genes,
)
from glasscell.data.sample_image import draw_section
from glasscell.data.sample_tissue import PIXEL, TYPES, SectionCells, plan_sections
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anndata import AnnData

    from glasscell.data.dataset import Dataset

SAMPLE_NAME = "cortex_sample.h5ad"
_LAYER_COLOURS = ("#8dd3c7", "#4aa3d9", "#3b6fb6", "#7e5bb0", "#d6589f", "#f08a4b", "#f2c14e")
_TYPE_COLOURS = (
    "#9bd1c4", "#4c8fd6", "#27508f", "#e8b13a", "#6bb86b", "#c0518f", "#d9483b", "#8c6d4f", "#9a8fd0",
)  # fmt: skip


def make_sample(seed: int = 0) -> AnnData:
    """Make the sample tissue anew: about 5,000 cells x 400 genes in three sections of three donors.

    Parameters
    ----------
    seed
        Same seed, same tissue; the packaged file is seed 0.

    Returns
    -------
    AnnData with CSR counts in X, positions in micrometres, a stained picture and a segmentation mask per
    section, and the planted truth in obs, varm and ``uns["truth"]``.
    """
    import anndata as ad

    genes = sample_genes()
    sections = plan_sections(seed)
    planted = counts.draw_counts(sections, genes, np.random.default_rng([seed, 2]))
    adata = ad.AnnData(
        sparse.csr_matrix(planted.counts_cg.astype(np.float32)),
        obs=_obs(sections, planted),
        var=pd.DataFrame(
            {
                "role": pd.Categorical([gene.role for gene in genes]),
                "role_of": pd.Categorical([gene.of for gene in genes]),
            },
            index=[gene.name for gene in genes],
        ),
        obsm={"spatial": np.concatenate([section.positions_cd for section in sections]).round(2)},
        varm=_gene_truth(genes),
    )
    adata.uns = {
        "glasscell": {"unit": "um", "observation": "cell", "instance_key": "cell_id"},
        "layer_colors": np.array(_LAYER_COLOURS),
        "cell_type_colors": np.array(
            [_TYPE_COLOURS[TYPES.index(name)] for name in adata.obs["cell_type"].cat.categories]
        ),
        "spatial": {
            section.wedge.name: _library(section, seed, number) for number, section in enumerate(sections)
        },
        "title": "Synthetic cortex with a known answer (not measured data)",
        "truth": _truth(genes, sections, seed),
    }
    return adata


def sample_path() -> Path:
    """Return where the packaged sample tissue lies, in an installed wheel or in a checkout.

    Raises
    ------
    DataError
        The file was not installed.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sample_data", package.parents[1] / "sample_data"):
        path = folder / SAMPLE_NAME
        if path.is_file():
            return path
    raise DataError(
        f"The sample tissue {SAMPLE_NAME} was not installed; make it with sample_data/make_sample.py, or "
        f"reinstall."
    )


def sample_dataset() -> Dataset:
    """Read the packaged sample tissue."""
    from glasscell.data.read import read

    return read(sample_path())


def _obs(sections: Sequence[SectionCells], planted: counts.PlantedCounts) -> pd.DataFrame:
    def joined(columns: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate(list(columns))

    names = [
        f"{section.wedge.name}-{number + 1:04d}" for section in sections for number in range(len(section))
    ]
    table = {
        "cell_id": joined([np.arange(1, len(section) + 1, dtype=np.int32) for section in sections]),
        "section": pd.Categorical(joined([np.repeat(s.wedge.name, len(s)) for s in sections])),
        "donor": pd.Categorical(joined([np.repeat(s.wedge.donor, len(s)) for s in sections])),
        "layer": pd.Categorical.from_codes(joined([s.layer_c for s in sections]), pd.Index(LAYERS)),
        "cell_type": pd.Categorical.from_codes(joined([s.type_c for s in sections]), pd.Index(TYPES)),
        "cortical_depth": joined([s.depth_c for s in sections]).astype(np.float32),
        "tissue_fold": pd.Categorical(
            np.where(joined([s.fold_c for s in sections]), "in the fold", "elsewhere")
        ),
    }
    for number, name in enumerate(PROGRAMME_GENES):
        table[f"truth_{name}"] = planted.programme_cp[:, number].astype(np.float32)
    for number, (sender, receiver) in enumerate(NEIGHBOUR_GENES):
        table[f"truth_{receiver}_beside_{sender}"] = planted.receiver_cp[:, number]
    return pd.DataFrame(table, index=names)


def _gene_truth(genes: Sequence[SampleGene]) -> dict[str, npt.NDArray[np.bool_]]:
    """Return who belongs to what, as bool tables of genes x names; the names stand in ``uns["truth"]``."""

    def table(role: str, names: Sequence[str]) -> npt.NDArray[np.bool_]:
        return np.array([[gene.role == role and gene.of == name for name in names] for gene in genes])

    return {
        "truth": table("layer", LAYERS),
        "passenger": table("passenger", LAYERS),
        "truth_cell_type": table("cell_type", list(TYPE_GENES)),
        "truth_programme": table("programme", list(PROGRAMME_GENES)),
        "truth_neighbour": table("neighbour", [">".join(pair) for pair in NEIGHBOUR_GENES]),
    }


def _truth(genes: Sequence[SampleGene], sections: Sequence[SectionCells], seed: int) -> dict[str, Any]:
    batch = [gene.name for gene in genes if gene.role == "batch"]
    leaking = [gene.name for gene in genes if gene.role == "cell_type" and gene.of == counts.SPILL_TYPE]
    return {
        "seed": seed,
        "layers": np.array(LAYERS),
        "cell_types": np.array(list(TYPE_GENES)),
        "programmes": np.array(list(PROGRAMME_GENES)),
        "neighbour": {
            "pairs": np.array([">".join(pair) for pair in NEIGHBOUR_GENES]),
            "radius_um": counts.NEIGHBOUR_RADIUS,
            "fold": counts.NEIGHBOUR_FOLD,
        },
        "batch": {"genes": np.array(batch), "donor": counts.BATCH_DONOR, "fold": counts.BATCH_FOLD},
        "spill_over": {"genes": np.array(leaking), "from": counts.SPILL_TYPE, "share": counts.SPILL_SHARE},
        "decoy": {
            "column": "tissue_fold",
            "note": "The fold is darker in the picture; no gene differs in it.",
            "cells": np.array([int(section.fold_c.sum()) for section in sections]),
        },
    }


def _library(section: SectionCells, seed: int, number: int) -> dict[str, Any]:
    picture, mask = draw_section(section, np.random.default_rng([seed, 3, number]))
    return {
        "images": {"hires": picture, "segmentation": mask},
        "scalefactors": {
            "tissue_hires_scalef": 1 / PIXEL,
            "tissue_segmentation_scalef": 1 / PIXEL,
            "spot_diameter_fullres": 16.0,
        },
        "metadata": {"note": "Drawn by a program, stained like haematoxylin and eosin; not a photograph."},
    }
