"""Tissue that came from elsewhere, kept inside the table so that a saved file opens with its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from anndata import AnnData

    from glasscell.data.dataset import Dataset
    from glasscell.data.tissue import Pair, TissueImage, TissueSection

_LONGEST_SIDE = 2048
_LARGEST_MASK = 64_000_000


def embed_tissue(adata: AnnData, dataset: Dataset) -> None:
    """Write the tissue of a dataset into ``uns["spatial"]`` of a table, in the layout `visium` reads.

    Pictures are reduced to at most 2048 pixels a side. A table that has ``uns["spatial"]`` is left alone.

    Parameters
    ----------
    adata
        The table to be saved; changed.
    dataset
        Whose tissue is written.
    """
    sections = [section for section in dataset.tissue.sections if section.images or section.mask is not None]
    if "spatial" in adata.uns or not sections:
        return
    adata.uns["spatial"] = {
        section.name: _library(section, dataset.layout.offsets.get(section.name, (0.0, 0.0)))
        for section in sections
    }
    said = dict(adata.uns.get("glasscell", {}))
    said.update(observation=dataset.observation, unit=dataset.position_unit)
    if dataset.sections.source:
        said["section"] = dataset.sections.source
    adata.uns["glasscell"] = said


def _library(section: TissueSection, offset: Pair) -> dict[str, Any]:
    images: dict[str, Any] = {}
    placement: dict[str, Any] = {}
    if section.images:
        picture, scale, translate = _reduced(section.images[0])
        images["hires"] = picture
        placement["hires"] = _placed(scale, translate, offset)
    mask = section.mask
    if mask is not None and mask.labels_yx.size <= _LARGEST_MASK:
        images["segmentation"] = mask.keys[mask.labels_yx] if mask.keys is not None else mask.labels_yx
        placement["segmentation"] = _placed(mask.scale, mask.translate, offset)
    return {
        "images": images,
        "scalefactors": {"spot_diameter_fullres": 2 * section.radius},
        "placement": placement,
    }


def _placed(scale: Pair, translate: Pair, offset: Pair) -> dict[str, Any]:
    return {
        "scale": np.array(scale),
        "translate": np.array([translate[0] - offset[0], translate[1] - offset[1]]),
    }


def _reduced(image: TissueImage) -> tuple[Any, Pair, Pair]:
    sides = [max(level.shape[:2]) for level in image.levels_yxc]
    level = next((number for number, side in enumerate(sides) if side <= _LONGEST_SIDE), len(sides) - 1)
    step = -(-sides[level] // _LONGEST_SIDE)
    picture = np.asarray(image.levels_yxc[level][::step, ::step])
    extent = image.extent
    scale = (extent.width / picture.shape[1], extent.height / picture.shape[0])
    return picture, scale, (extent.x0 + scale[0] / 2, extent.y0 + scale[1] / 2)
