"""Nets that a trained one is held against: shuffled labels, or inputs whose every gene tells the class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

from glasscell.models.row import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ProfileRows(Rows):
    """Cells that look exactly like their class: one row of numbers per class, looked up.

    Parameters
    ----------
    profiles_kg
        Expression of each class, ``(n_classes, n_genes)``.
    codes
        Class of each cell, ``(n_cells,)``; cells without one look like the first class and are not used.
    """

    def __init__(
        self, profiles_kg: NDArray[np.float32], codes: NDArray[np.integer[Any]], device: str = "cpu"
    ) -> None:
        self.device = torch.device(device)
        self.profiles = torch.from_numpy(profiles_kg).to(self.device)
        self.codes = torch.from_numpy(np.maximum(codes, 0).astype(np.int64)).to(self.device)

    def __len__(self) -> int:
        """Count the cells."""
        return len(self.codes)

    @property
    def n_genes(self) -> int:
        """Count the columns."""
        return int(self.profiles.shape[1])

    def take(self, indices: torch.Tensor) -> torch.Tensor:
        """Return the rows of some cells, ``(len(indices), n_genes)``."""
        return self.profiles[self.codes[indices.to(self.device)]]

    def stored(self, indices: NDArray[np.integer[Any]]) -> sparse.csr_matrix:
        """Return the rows of some cells, ``(len(indices), n_genes)``; few of their numbers are zero."""
        return sparse.csr_matrix(self.profiles.cpu().numpy()[self.codes.cpu().numpy()[indices]])

    def moments(self, indices: NDArray[np.integer[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of each gene over some cells, ``(n_genes,)`` each."""
        count_k = np.bincount(self.codes.cpu().numpy()[indices], minlength=len(self.profiles))
        share_k = count_k / count_k.sum()
        profiles_kg = self.profiles.cpu().numpy().astype(np.float64)
        mean_g = share_k @ profiles_kg
        return mean_g, np.sqrt(np.maximum(share_k @ np.square(profiles_kg) - mean_g**2, 0.0))


def deterministic_profiles(
    mean_g: NDArray[np.float64], sd_g: NDArray[np.float64], n_classes: int, seed: int
) -> NDArray[np.float32]:
    """Draw a profile per class in which every gene alone tells the classes apart, and none better.

    Every gene keeps its mean and takes the same spread over classes, the root mean square of the real genes'
    spreads; which class it is high in is drawn. What a net then finds important it finds for its connections.

    Returns
    -------
    ``(n_classes, n_genes)`` float32.

    References
    ----------
    Fortelny & Bock 2020, doi:10.1186/s13059-020-02100-5 (control inputs of KPNN), for more than two classes.
    """
    rng = np.random.default_rng([seed, 0xDE7])
    drawn_kg = rng.standard_normal((n_classes, len(mean_g)))
    drawn_kg -= drawn_kg.mean(axis=0)
    drawn_kg /= np.sqrt(np.mean(drawn_kg**2, axis=0))
    spread = float(np.sqrt(np.mean(np.square(sd_g))))
    return np.asarray(mean_g + spread * drawn_kg, np.float32)


@dataclass(frozen=True)
class Kind:
    """One kind of net: its name in tables, and what it is in words."""

    key: str
    words: str


REAL = Kind("real", "labels and expression as they are")
SHUFFLED = Kind("shuffled", "labels shuffled among the cells: nothing to learn")
DETERMINISTIC = Kind("deterministic", "every gene tells the class: only connections differ between nodes")
CONTROLS = (SHUFFLED, DETERMINISTIC)
