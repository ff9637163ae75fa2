"""Names, symbols and identifiers of genes."""

import numpy as np
import pandas as pd
import pytest

from glasscell.data.genes import make_unique, read_genes
from glasscell.errors import DataError


def test_symbols_from_index() -> None:
    ids = ["ENSG00000000001", "ENSG00000000002"]
    genes = read_genes(pd.DataFrame({"gene_ids": ids}, index=["NPY", "PLP1"]))
    assert genes.names.tolist() == ["NPY", "PLP1"]
    assert genes.index("PLP1") == genes.index("ENSG00000000002") == genes.index("plp1") == 1
    assert "npy" in genes
    assert "nothing" not in genes


@pytest.mark.parametrize("column", ["feature_name", "gene_symbols", "Symbol"])
def test_symbols_from_a_column_when_the_index_holds_identifiers(column: str) -> None:
    index = [f"ENSMUSG0000000000{i}" for i in range(3)]
    var = pd.DataFrame({column: pd.Categorical(["Gfap", None, "Gfap"])}, index=index)
    genes = read_genes(var)
    assert genes.symbols.tolist() == ["Gfap", index[1], "Gfap"]
    assert genes.names.tolist() == ["Gfap", index[1], "Gfap-1"]
    assert genes.ids.tolist() == index
    assert genes.symbol_source == f"var[{column!r}]"
    assert genes.index(index[2]) == 2
    assert genes.duplicates == ("Gfap",)


def test_unknown_gene_offers_the_nearest() -> None:
    genes = read_genes(pd.DataFrame(index=["GFAP", "MBP", "PLP1"]))
    with pytest.raises(DataError, match=r"There is no gene 'GFAPP'; did you mean GFAP\?"):
        genes.index("GFAPP")
    with pytest.raises(DataError, match="among the 3"):
        genes.index("zzzzzz")
    assert genes.suggest("") == ()


def test_two_genes_that_differ_by_case_are_not_guessed() -> None:
    genes = read_genes(pd.DataFrame(index=["abC", "ABc"]))
    assert genes.index("abC") == 0
    with pytest.raises(DataError):
        genes.index("abc")


def test_unique_names_never_collide() -> None:
    names, repeated = make_unique(["A", "A", "A-1", "A", "B"])
    assert names.tolist() == ["A", "A-2", "A-1", "A-3", "B"]
    assert repeated == ("A",)
    assert len(np.unique(names)) == 5
