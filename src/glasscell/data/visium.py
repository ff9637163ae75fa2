"""Pictures kept in ``uns["spatial"]``: the layout of Space Ranger, scanpy and squidpy.

``uns["spatial"][library]`` holds ``images`` (``hires``, ``lowres``, or any name; a whole-number image named
``segmentation`` is a mask) and ``scalefactors`` (``tissue_<name>_scalef``: pixels of that image per unit of
``obsm["spatial"]``; ``spot_diameter_fullres``). Masks are linked through the obs column named by
``uns["glasscell"]["instance_key"]`` or one of the usual names. Files saved by Glasscell add ``placement``:
scale and centre of pixel [0, 0] of each image, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glasscell.data.link import link_mask
from glasscell.data.observation import find_unit, hints, visium_libraries
from glasscell.data.tissue import Pair, Tissue, TissueImage, TissueMask, TissueSection

if TYPE_CHECKING:
    from anndata import AnnData

    from glasscell.data.section import Sections

INSTANCE_KEYS = ("instance_id", "cell_id", "label_id", "label", "cell_label", "object_id", "cellid")
MASK_NAME = "segmentation"
_ORDER = ("hires", "lowres")


def _factor(library: Mapping[str, Any], name: str) -> float | None:
    factors = library.get("scalefactors", {})
    value = factors.get(f"tissue_{name}_scalef")
    if value is None and name not in _ORDER:
        value = factors.get("tissue_hires_scalef", 1.0) if name == MASK_NAME else 1.0
    return float(value) if value is not None and np.isfinite(float(value)) and float(value) > 0 else None


def _placement(library: Mapping[str, Any], name: str) -> tuple[Pair, Pair] | None:
    """Where an image lies: what a file of ours says exactly, else the scale factor; None without either."""
    said = library.get("placement", {}).get(name)
    if isinstance(said, Mapping) and "scale" in said and "translate" in said:
        scale, translate = np.asarray(said["scale"], float), np.asarray(said["translate"], float)
        return (float(scale[0]), float(scale[1])), (float(translate[0]), float(translate[1]))
    factor = _factor(library, name)
    if factor is None:
        return None
    # Pixel [0, 0] spans 0 to 1 / factor of the full picture, whose own pixel centres are whole numbers.
    centre = 0.5 / factor - 0.5
    return (1 / factor, 1 / factor), (centre, centre)


def _as_picture(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    picture = values[:, :, None] if values.ndim == 2 else values
    if picture.dtype.kind == "f" and picture.shape[2] in (3, 4) and np.nanmax(picture, initial=0) <= 1.0:
        picture = (np.nan_to_num(picture) * 255).round().clip(0, 255).astype(np.uint8)
    return picture


def _image(library: Mapping[str, Any], problems: list[str], title: str) -> TissueImage | None:
    images = {key: np.asarray(value) for key, value in library.get("images", {}).items() if key != MASK_NAME}
    names = sorted(images, key=lambda key: (_ORDER.index(key) if key in _ORDER else -1, key))
    for name in names:
        placed = _placement(library, name)
        if images[name].ndim not in (2, 3) or images[name].size == 0:
            shape = images[name].shape
            problems.append(f"Image {name!r} of {title!r} is not a picture ({shape}); it is not shown.")
        elif placed is None:
            wanted = f"tissue_{name}_scalef"
            problems.append(f"Image {name!r} of {title!r} has no scale factor {wanted}; it is not shown.")
        else:
            scale, translate = placed
            picture = _as_picture(images[name])
            rgb = picture.dtype == np.uint8 and picture.shape[2] in (3, 4)
            channels = ("red", "green", "blue", "alpha")[: picture.shape[2]] if rgb else ()
            return TissueImage(name, (picture,), scale, translate, channels, rgb)
    return None


def instance_column(adata: AnnData) -> str | None:
    """Name the obs column that says which label of a mask is which cell; None when there is none."""
    attrs = adata.uns.get("spatialdata_attrs", {})
    attrs = attrs if isinstance(attrs, Mapping) else {}
    said = [hints(adata).get("instance_key"), attrs.get("instance_key")]
    by_name = {str(column).casefold(): str(column) for column in adata.obs.columns}
    for name in (*said, *INSTANCE_KEYS):
        if isinstance(name, str) and name.casefold() in by_name:
            return by_name[name.casefold()]
    return None


def _mask(
    library: Mapping[str, Any], adata: AnnData, cells: npt.NDArray[np.int64], title: str, problems: list[str]
) -> TissueMask | None:
    labels = library.get("images", {}).get(MASK_NAME)
    if labels is None:
        return None
    key = instance_column(adata)
    keys = adata.obs_names.to_numpy() if key is None else adata.obs[key].to_numpy()
    scale, translate = _placement(library, MASK_NAME) or ((1.0, 1.0), (0.0, 0.0))
    array = np.squeeze(np.asarray(labels))
    if array.ndim != 2:
        problems.append(f"The mask of {title!r} is not two-dimensional ({array.shape}); it is not shown.")
        return None
    mask, complaint = link_mask(
        array, keys[cells], cells, name=title, key=key or "obs_names", scale=scale, translate=translate
    )
    if complaint:
        problems.append(complaint)
    return mask


def visium_tissue(adata: AnnData, sections: Sections) -> tuple[Tissue, tuple[str, ...]]:
    """Build the tissue of a dataset from ``uns["spatial"]``.

    Parameters
    ----------
    adata
        Not changed.
    sections
        Sections of its cells; a library is matched to the section of its name, or to the only one.

    Returns
    -------
    The tissue, and one sentence for everything that could not be shown.
    """
    problems: list[str] = []
    libraries = visium_libraries(adata)
    built = []
    for number, name in enumerate(sections.names):
        library = libraries.get(name)
        if library is None and len(libraries) == 1 and len(sections) == 1:
            library = next(iter(libraries.values()))
        if library is None:
            built.append(TissueSection(name))
            continue
        cells = np.flatnonzero(sections.mask(number))
        image = _image(library, problems, name)
        diameter = float(library.get("scalefactors", {}).get("spot_diameter_fullres", 0.0))
        mask = _mask(library, adata, cells, name, problems)
        built.append(TissueSection(name, (image,) if image else (), mask, diameter / 2))
    left = sorted(set(libraries) - set(sections.names)) if len(sections) > 1 else []
    if left:
        problems.append(f"No cell lies in {', '.join(left)}; these pictures are not shown.")
    unit, microns = find_unit(adata)
    return Tissue(tuple(built), unit, microns), tuple(problems)
