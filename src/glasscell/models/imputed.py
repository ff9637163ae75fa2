"""Imputed values of genes beside what was measured: what every imputation shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import DataError
from glasscell.models.batch import gene_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset


class ImputedGenes(ABC):
    """Imputed expression of all cells of a dataset, one gene at a time; never counts.

    Attributes
    ----------
    genes
        Of the model.
    target_sum
        Total that shares are multiplied by before the log.
    """

    genes: tuple[str, ...]
    target_sum: float

    @abstractmethod
    def gene(self, name: str) -> NDArray[np.float32]:
        """Return one gene, log1p of imputed share x ``target_sum``, ``(n_cells,)``.

        Raises
        ------
        DataError
            The model does not know the gene.
        """

    def delta(self, dataset: Dataset, name: str) -> NDArray[np.float32]:
        """Return imputed minus observed expression of one gene, log-normalised, ``(n_cells,)``.

        Parameters
        ----------
        dataset
            What was imputed.
        """
        return np.asarray(self.gene(name) - self.observed(dataset, name), np.float32)

    def observed(self, dataset: Dataset, name: str) -> NDArray[np.float32]:
        """Return measured expression of one gene in the unit of ``gene``, ``(n_cells,)``."""
        self.column(name)
        column = int(gene_columns(dataset, [name])[0])
        counts_c = dataset.gene_column(str(dataset.genes.names[column]), "counts")
        size_c = np.asarray(dataset.sizes_c, np.float64)
        factor_c = np.divide(self.target_sum, size_c, out=np.zeros(len(size_c)), where=size_c > 0)
        return np.asarray(np.log1p(counts_c * factor_c), np.float32)

    def column(self, name: str) -> int:
        """Return a gene's place among the model's; DataError for one it does not know."""
        if name not in self.genes:
            raise DataError(f"{name} was not imputed: the model was not trained on it.")
        return self.genes.index(name)
