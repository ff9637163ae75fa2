"""10x matrices, tables of cells, files of others, several files at once, counts and names of genes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import vendor_folder

from glasscell.data.read import read
from glasscell.errors import DataError

RealData = Callable[[str], Path]


@pytest.mark.filterwarnings("ignore")
def test_a_tenx_matrix_keeps_genes_and_tells_of_the_rest(tmp_path: Path) -> None:
    values = vendor_folder.counts(5, 1, 7)
    kinds = ["Gene Expression"] * 6 + ["Antibody Capture"]
    names = [f"AAAC{i}-1" for i in range(5)]
    path = vendor_folder.write_tenx(tmp_path / "odd.name", values, names, kinds)
    dataset = read(path)
    assert dataset.report() == "5 cells, no tissue coordinates, counts in X, no embedding: prepare?"
    assert dataset.problems[0] == "1 feature of kind Antibody Capture left out: only genes are shown."
    np.testing.assert_array_equal(dataset.expression_cg("counts").toarray(), values[:, :6])
    by_id = read(path, genes="ids")
    assert (dataset.genes.names[2], by_id.genes.names[2]) == ("CD3E", "ENSG00000000003")
    assert by_id.genes.index("CD3E") == by_id.genes.index("ENSG00000000003") == 2
    assert dataset.gene_choices == ("symbols", "ids")


def table(n_cells: int = 6) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cell_id": [f"c{i}" for i in range(n_cells)],
            "x": np.arange(n_cells) * 10.0,
            "y": np.arange(n_cells)[::-1] * 5.0,
            "cell_type": ["B", "T"] * (n_cells // 2),
            "area": 20.5,
            "CD3E": np.arange(n_cells),
            "MS4A1": 1,
        }
    )


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "parquet"])
def test_a_table_of_cells(kind: str, tmp_path: Path) -> None:
    path, frame = tmp_path / f"cells.{kind.partition('.')[0]}", table()
    if kind == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, sep="\t" if kind == "tsv" else ",", index=False)
    path = vendor_folder.gzipped(path) if kind.endswith("gz") else path
    dataset = read(path)
    assert dataset.genes.names.tolist() == ["CD3E", "MS4A1"]
    assert dataset.cell_names.tolist() == [f"c{i}" for i in range(6)]
    assert list(dataset.obs.columns) == ["x", "y", "cell_type", "area"]
    np.testing.assert_array_equal(dataset.gene_column("CD3E", "counts"), np.arange(6))
    np.testing.assert_array_equal(dataset.positions_cd[:, 0], np.arange(6) * 10.0)
    assert any("2 columns of numbers are genes" in told for told in dataset.problems)


def test_a_table_with_genes_in_rows_is_turned(tmp_path: Path) -> None:
    frame = pd.DataFrame({"gene": [f"ENSG{i:011d}" for i in range(4)], "cellA": range(4), "cellB": 1})
    frame.to_csv(tmp_path / "matrix.csv", index=False)
    dataset = read(tmp_path / "matrix.csv")
    assert dataset.cell_names.tolist() == ["cellA", "cellB"]
    assert any("turned over" in told for told in dataset.problems)


FOREIGN = [
    ("a.rds", b"X\n\x00\x00\x00\x03", r"R object.*writeH5AD.*\"a.h5ad\""),
    ("a.rds", None, r"R object.*writeH5AD"),
    ("work.RData", b"RDX3\nX\n", "R workspace"),
    ("matrix.mtx", b"%%MatrixMarket matrix\n1 1 1\n", "open the folder that holds it"),
    ("model.pkl", b"\x80\x04\x95 more bytes here", "pickle, which may run code"),
]


@pytest.mark.parametrize(("name", "start", "said"), FOREIGN)
def test_files_of_others_say_how_to_convert_them(
    name: str, start: bytes | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(start or b"X\n\x00\x00\x00\x03 more")
    if start is None:
        path = vendor_folder.gzipped(path).rename(tmp_path / "b.rds")
    with pytest.raises(DataError, match=said):
        read(path)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (("assays", "cell.names", "meta.data"), "SeuratDisk::Convert"),
        (("matrix", "row_attrs", "col_attrs"), "read_loom"),
        (("mod", "obs_names"), "mudata"),
    ],
)
def test_hdf5_of_others_says_how_to_convert_it(groups: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in groups:
            file.create_group(name)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.h5")


def saved(adata: anndata.AnnData, path: Path) -> Path:
    adata.write_h5ad(path)
    return path


def test_several_files_are_one_table(make_adata: Callable[..., Any], tmp_path: Path) -> None:
    first, second = make_adata(20, 8), make_adata(10, 6, seed=1)
    for adata, donor in ((first, "d1"), (second, "d2")):
        adata.obsm["spatial"] = np.random.default_rng(0).uniform(0, 50, (adata.n_obs, 2))
        adata.obs["patient"] = donor
    paths = [saved(first, tmp_path / "one.h5ad"), saved(second, tmp_path / "two.h5ad")]
    joined = read(paths)
    assert joined.report() == "30 cells, 2 sections, 2 donors, counts in X, no embedding: prepare?"
    assert joined.sections.names == ("one", "two")
    assert joined.donors.names == ("d1", "d2")
    assert joined.paths == tuple(paths)
    assert any("2 genes of one left out" in told for told in joined.problems)
    counts = np.vstack([first.X.toarray()[:, :6], second.X.toarray()])
    np.testing.assert_array_equal(joined.expression_cg("counts").toarray(), counts)
    one, two = (joined.positions_cd[joined.sections.mask(name)] for name in ("one", "two"))
    assert one[:, 0].max() < two[:, 0].min()  # side by side
    by_file = read(paths, donor="file")
    assert by_file.donors.names == ("one", "two")
    again = read(paths, section="section", donor="file")  # as a saved session asks for it
    assert again.fingerprint == by_file.fingerprint


def test_files_that_share_nothing_or_no_counts_are_refused(
    make_adata: Callable[..., Any], tmp_path: Path
) -> None:
    plain, other, scaled = make_adata(), make_adata(), make_adata()
    other.var_names = [f"H{i}" for i in range(8)]
    scaled.X = scaled.X * 0.5
    paths = {
        name: saved(adata, tmp_path / f"{name}.h5ad")
        for name, adata in (("plain", plain), ("other", other), ("scaled", scaled))
    }
    with pytest.raises(DataError, match="plain and other share no gene"):
        read([paths["plain"], paths["other"]])
    with pytest.raises(DataError, match="scaled holds no counts"):
        read([paths["plain"], paths["scaled"]])
    with pytest.raises(DataError, match="No file is named"):
        read([])


@pytest.mark.real_data
def test_two_visium_sections_stand_side_by_side_with_their_pictures(real_data: RealData) -> None:
    path = real_data("dlpfc_151673.h5ad")
    joined = read([path, path])
    print(joined.report())
    assert joined.report().startswith("7,278 Visium spots, 2 sections, counts in X")
    first, second = (section.extent for section in joined.tissue.sections)
    assert first.overlap(second) == 0
    assert all(len(section.images) == 1 for section in joined.tissue.sections)


def test_counts_are_picked_among_those_that_are(make_adata: Callable[..., Any]) -> None:
    from glasscell.data.dataset import Dataset

    adata = make_adata()
    adata.layers["spliced"], adata.layers["scaled"] = adata.X * 2, adata.X * 0.3
    dataset = Dataset(adata)
    assert dataset.count_choices == ("X", "layers/spliced")
    chosen = dataset.choosing(counts="layers/spliced")
    assert chosen.counts == "layers/spliced"
    assert chosen.fingerprint != dataset.fingerprint
    with pytest.raises(DataError, match="does not hold counts"):
        dataset.choosing(counts="layers/scaled")
    with pytest.raises(DataError, match="no gene identifiers"):
        dataset.choosing(genes="ids")
    with pytest.raises(DataError, match="choose symbols, ids"):
        dataset.choosing(genes="names")
