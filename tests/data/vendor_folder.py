"""Small folders with the files, columns and formats that the vendors' own software writes."""

import gzip
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
import tifffile

GENES = ("GAPDH", "ACTB", "CD3E", "MS4A1", "PECAM1", "VIM")


def counts(n_cells: int, seed: int = 0, genes: int = len(GENES)) -> np.ndarray:
    """Counts without an empty cell, shape ``(n_cells, n_genes)``."""
    values = np.random.default_rng(seed).poisson(2.0, (n_cells, genes))
    values[:, 0] += 1
    return values.astype(np.int32)


def write_tenx(path: Path, values_cg: np.ndarray, names: list[str], kinds: list[str] | None = None) -> Path:
    """Write a Cell Ranger matrix of version 3."""
    number = values_cg.shape[1]
    columns = sp.csc_matrix(values_cg.T)  # genes x cells, compressed by cell
    genes = [*GENES, *(f"EXTRA{i}" for i in range(number))][:number]
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["barcodes"] = np.array(names, dtype="S")
        group["data"], group["indices"] = columns.data, columns.indices.astype(np.int64)
        group["indptr"], group["shape"] = columns.indptr.astype(np.int64), np.array(columns.shape, np.int32)
        features = group.create_group("features")
        features["name"] = np.array(genes, dtype="S")
        features["id"] = np.array([f"ENSG{i + 1:011d}" for i in range(number)], dtype="S")
        features["feature_type"] = np.array(kinds or ["Gene Expression"] * number, dtype="S")
        features["genome"] = np.array(["GRCh38"] * number, dtype="S")
    return path


def _pictures(spatial: Path, side: int) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, size in (("hires", side), ("lowres", side // 2)):
        picture = rng.integers(0, 255, (size, size, 3), dtype=np.uint8)
        Image.fromarray(picture).save(spatial / f"tissue_{name}_image.png")


def visium(folder: Path, n_spots: int = 12) -> Path:
    """Space Ranger 2, a hexagonal grid on a picture of 400 full-resolution pixels."""
    spatial = folder / "spatial"
    spatial.mkdir(parents=True)
    names = [f"AAAC{i:04d}-1" for i in range(n_spots)]
    write_tenx(folder / "filtered_feature_bc_matrix.h5", counts(n_spots), names)
    rows, columns = np.divmod(np.arange(n_spots), 4)
    pd.DataFrame(
        {
            "barcode": [*names, "TTTT0000-1"],
            "in_tissue": [*[1] * n_spots, 0],
            "array_row": [*rows, 77],
            "array_col": [*(2 * columns + rows % 2), 77],
            "pxl_row_in_fullres": [*(50 + 100 * rows), 399],
            "pxl_col_in_fullres": [*(60 + 80 * columns), 399],
        }
    ).sample(frac=1, random_state=1).to_csv(spatial / "tissue_positions.csv", index=False)
    factors = {
        "tissue_hires_scalef": 0.5, "tissue_lowres_scalef": 0.25, "spot_diameter_fullres": 65.0,
        "fiducial_diameter_fullres": 105.0,
    }  # fmt: skip
    (spatial / "scalefactors_json.json").write_text(json.dumps(factors))
    _pictures(spatial, 200)
    return folder


def visium_hd(folder: Path, sizes: tuple[int, ...] = (8, 16)) -> Path:
    """Space Ranger 3 with bins of several sizes; a microscope pixel is half a micrometre."""
    for size in sizes:
        bins = folder / "binned_outputs" / f"square_{size:03d}um"
        spatial = bins / "spatial"
        spatial.mkdir(parents=True)
        side = 64 // size
        rows, columns = np.divmod(np.arange(side * side), side)
        names = [
            f"s_{size:03d}um_{row:05d}_{column:05d}-1" for row, column in zip(rows, columns, strict=True)
        ]
        write_tenx(bins / "filtered_feature_bc_matrix.h5", counts(side * side, size), names)
        pd.DataFrame(
            {
                "barcode": names,
                "in_tissue": 1,
                "array_row": rows,
                "array_col": columns,
                "pxl_row_in_fullres": (rows + 0.5) * size / 0.5,
                "pxl_col_in_fullres": (columns + 0.5) * size / 0.5,
            }
        ).to_parquet(spatial / "tissue_positions.parquet")
        factors = {
            "spot_diameter_fullres": size / 0.5, "bin_size_um": float(size), "microns_per_pixel": 0.5,
            "regist_target_img_scalef": 0.5, "tissue_lowres_scalef": 0.25, "fiducial_diameter_fullres": 10.0,
            "tissue_hires_scalef": 0.5,
        }  # fmt: skip
        (spatial / "scalefactors_json.json").write_text(json.dumps(factors))
    top = folder / "spatial"
    top.mkdir()
    _pictures(top, 64)
    layout = {"file_format": "1.0", "transform": {"status": "ok"}}
    with h5py.File(folder / "slide1_feature_slice.h5", "w") as file:
        file.attrs["metadata_json"] = json.dumps({"hd_layout_json": json.dumps(layout)})
    return folder


def _squares(n_cells: int, step: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A mask of square cells, and the centres (x, y) of their pixels' area."""
    side = int(np.ceil(np.sqrt(n_cells)))
    labels = np.zeros((side * step, side * step), np.uint32)
    centres = np.empty((n_cells, 2))
    for cell in range(n_cells):
        row, column = divmod(cell, side)
        top, left = row * step + 2, column * step + 2
        labels[top : top + size, left : left + size] = cell + 1
        centres[cell] = left + size / 2, top + size / 2
    return labels, centres


def xenium(folder: Path, n_cells: int = 9, pixel: float = 0.2125) -> Path:
    """Xenium Onboard Analysis 2.0: names made of a prefix, masks in a zipped zarr, outlines, transcripts."""
    import zarr

    folder.mkdir(parents=True)
    labels, centres = _squares(n_cells, 20, 12)
    specs = {"pixel_size": pixel, "analysis_sw_version": "xenium-2.0.0.10", "run_name": "small"}
    (folder / "experiment.xenium").write_text(json.dumps(specs))
    letters = "abcdefghijklmnop"
    names = [
        "".join(letters[int(digit, 16)] for digit in f"{cell + 16:08x}") + "-1" for cell in range(n_cells)
    ]
    values = counts(n_cells, 3, len(GENES) + 1)
    kinds = ["Gene Expression"] * len(GENES) + ["Negative Control Probe"]
    write_tenx(folder / "cell_feature_matrix.h5", values, names, kinds)
    microns = centres * pixel
    area = float((12 * pixel) ** 2)
    pd.DataFrame(
        {
            "cell_id": names, "x_centroid": microns[:, 0], "y_centroid": microns[:, 1],
            "transcript_counts": values.sum(1), "cell_area": area, "nucleus_area": area / 2,
        }
    ).to_parquet(folder / "cells.parquet")  # fmt: skip
    with zarr.storage.ZipStore(folder / "cells.zarr.zip", mode="w") as store:
        root = zarr.group(store=store, zarr_format=2)
        prefix = np.arange(16, 16 + n_cells, dtype=np.uint32)
        root["cell_id"] = np.column_stack([prefix, np.ones(n_cells, np.uint32)])
        masks, sets = root.create_group("masks"), root.create_group("polygon_sets")
        for mask in ("0", "1"):
            masks[mask] = labels
            sets.create_group(mask)["cell_index"] = np.arange(n_cells, dtype=np.uint32)
        titles = ["cell_centroid_x", "cell_centroid_y", "cell_area", "nucleus_centroid_x",
                  "nucleus_centroid_y", "nucleus_area", "z_level", "nucleus_count"]  # fmt: skip
        root["cell_summary"] = np.zeros((n_cells, len(titles)))
        root["cell_summary"].attrs["column_names"] = titles
    _xenium_outlines(folder, names, microns, 6 * pixel)
    rng = np.random.default_rng(4)
    pd.DataFrame(
        {
            "transcript_id": np.arange(50, dtype=np.uint64), "cell_id": rng.choice(names, 50),
            "overlaps_nucleus": np.uint8(1), "feature_name": rng.choice(GENES, 50),
            "x_location": rng.uniform(0, 12, 50).astype(np.float32),
            "y_location": rng.uniform(0, 12, 50).astype(np.float32),
            "z_location": rng.uniform(10, 20, 50).astype(np.float32), "qv": np.float32(30),
        }
    ).to_parquet(folder / "transcripts.parquet")  # fmt: skip
    (folder / "morphology_focus").mkdir()
    picture = np.random.default_rng(1).integers(0, 4000, labels.shape, dtype=np.uint16)
    tifffile.imwrite(folder / "morphology_focus" / "morphology_focus_0000.ome.tif", picture[None])
    return folder


def _xenium_outlines(folder: Path, names: list[str], centres: np.ndarray, half: float) -> None:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * half
    for kind in ("cell", "nucleus"):
        pd.DataFrame(
            {
                "cell_id": np.repeat(names, 5),
                "vertex_x": (centres[:, None, 0] + corners[None, :, 0]).ravel().astype(np.float32),
                "vertex_y": (centres[:, None, 1] + corners[None, :, 1]).ravel().astype(np.float32),
                "label_id": np.repeat(np.arange(1, len(names) + 1), 5),
            }
        ).to_parquet(folder / f"{kind}_boundaries.parquet")


def cosmx(folder: Path, per_field: int = 4, size: int = 40) -> Path:
    """AtoMx flat files of two fields of view that lie side by side on the slide."""
    folder.mkdir(parents=True)
    for name in ("CellComposite", "CellLabels"):
        (folder / name).mkdir()
    rows, tables, transcripts = [], [], []
    for field in (1, 2):
        labels, centres = _squares(per_field, size // 2, 12)
        # the files of the instrument count rows from the bottom, its coordinates from the top
        tifffile.imwrite(
            folder / "CellLabels" / f"CellLabels_F{field:03d}.tif", labels[::-1].astype(np.uint16)
        )
        picture = np.random.default_rng(field).integers(0, 255, (*labels.shape, 3), dtype=np.uint8)
        tifffile.imwrite(folder / "CellComposite" / f"CellComposite_F{field:03d}.tif", picture)
        values = counts(per_field, field)
        for cell in range(per_field):
            x, y = centres[cell]
            rows.append(
                {
                    "fov": field, "cell_ID": cell + 1, "Area": 144, "Area.um2": 144 * 0.0144,
                    "CenterX_local_px": x, "CenterY_local_px": y,
                    "CenterX_global_px": x + 1000 + size * (field - 1), "CenterY_global_px": y + 500,
                }
            )  # fmt: skip
            tables.append(
                {"fov": field, "cell_ID": cell + 1, **dict(zip(GENES, values[cell].tolist(), strict=True))}
            )
            transcripts.append(
                {
                    "fov": field, "cell_ID": cell + 1, "x_global_px": x + 1000, "y_global_px": y + 500,
                    "x_local_px": x, "y_local_px": y, "z": 0, "target": GENES[cell], "CellComp": "Nuclear",
                }
            )  # fmt: skip
    pd.DataFrame(tables).to_csv(folder / "Run1_exprMat_file.csv", index=False)
    pd.DataFrame(rows).to_csv(folder / "Run1_metadata_file.csv", index=False)
    pd.DataFrame(transcripts).to_csv(folder / "Run1_tx_file.csv", index=False)
    fields = pd.DataFrame({"fov": [1, 2], "x_global_px": [1000, 1000 + size], "y_global_px": [500, 500]})
    fields.to_csv(folder / "Run1_fov_positions_file.csv", index=False)
    return folder


def merscope(folder: Path, n_cells: int = 9) -> Path:
    """One region: tables, outlines in parquet, mosaics of 9.26 pixels a micrometre."""
    import geopandas
    from shapely.geometry import MultiPolygon, box

    (folder / "images").mkdir(parents=True)
    scale, side = 9.26, 3
    cells = [str(170_000_000_000_000_000 + cell) for cell in range(n_cells)]
    rows, columns = np.divmod(np.arange(n_cells), side)
    centres = np.column_stack([100 + 10 * columns, 200 + 10 * rows]).astype(float)
    values = counts(n_cells, 5)
    table = pd.DataFrame(values, columns=[*GENES[:-1], "Blank-1"], index=pd.Index(cells, name="cell"))
    table.to_csv(folder / "cell_by_gene.csv")
    pd.DataFrame(
        {"fov": 0, "volume": 300.0, "center_x": centres[:, 0], "center_y": centres[:, 1]},
        index=pd.Index(cells, name="EntityID"),
    ).to_csv(folder / "cell_metadata.csv")
    outlines = [MultiPolygon([box(x - 4, y - 4, x + 4, y + 4)]) for x, y in centres]
    frame = {"EntityID": np.array(cells, np.int64), "ZIndex": 0, "Geometry": outlines}
    geopandas.GeoDataFrame(frame, geometry="Geometry").to_parquet(folder / "cell_boundaries.parquet")
    pd.DataFrame(
        {
            "barcode_id": 0, "global_x": centres[:, 0], "global_y": centres[:, 1], "global_z": 0.0,
            "x": 0.0, "y": 0.0, "fov": 0, "gene": [GENES[cell % 5] for cell in range(n_cells)],
            "transcript_id": "T",
        }
    ).to_csv(folder / "detected_transcripts.csv")  # fmt: skip
    matrix = f"{scale} 0.0 {-95 * scale}\n0.0 {scale} {-195 * scale}\n0.0 0.0 1.0\n"
    (folder / "images" / "micron_to_mosaic_pixel_transform.csv").write_text(matrix)
    for plane in (0, 1, 2):
        picture = np.random.default_rng(plane).integers(0, 4000, (280, 280), dtype=np.uint16)
        for stain in ("DAPI", "PolyT"):
            tifffile.imwrite(folder / "images" / f"mosaic_{stain}_z{plane}.tif", picture)
    return folder


def gzipped(path: Path) -> Path:
    """Pack a file beside itself."""
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed
