"""Cells that a trained generator makes up: shares of genes, a size, and molecules drawn from them.

Nothing made here is called a count: molecules drawn stay inside these functions, and tables of generated
cells hold log-normalised values under the name ``generated``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

from glasscell.data.matrix import GENERATED
from glasscell.errors import ModelError, NotCompatible
from glasscell.jobs import QUIET
from glasscell.models.gan.code import made_codes
from glasscell.models.gan.model import GanModel
from glasscell.models.row import normalise

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

#: What stands beside every generated value.
CAUTION = "generated, not measured: never counts, and no evidence for any gene"
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class Generated:
    """Cells that never were.

    Parameters
    ----------
    code_cd
        What the generator made, standardised, ``(n, n_latent + 1)`` float32.
    kind_c
        Kind asked for, ``(n,)`` int64; -1 where the model knows none.
    drawn_cg
        Molecules drawn from shares and sizes, CSR float32, ``(n, n_genes)``: to be compared with counts as
        measured ones are, never to be kept as such.
    rows_cg
        The same log-normalised, as the model's input is, CSR float32.
    """

    code_cd: NDArray[np.float32]
    kind_c: NDArray[np.int64]
    drawn_cg: sparse.csr_matrix
    rows_cg: sparse.csr_matrix

    def __len__(self) -> int:
        """Count the cells."""
        return len(self.kind_c)


def draw(net: GanModel, kind_c: NDArray[np.integer[Any]], seed: int, job: JobHandle = QUIET) -> Generated:
    """Generate one cell of each kind asked for; the same seed gives the same bits on the same machine.

    Parameters
    ----------
    kind_c
        Codes of kinds, ``(n,)``; -1 throughout for a model without kinds.
    """
    noise = torch.Generator().manual_seed(seed)
    code_cd = made_codes(net.whole, kind_c, noise)
    return draw_from(net, code_cd, kind_c, seed, job)


@torch.no_grad()
def draw_from(
    net: GanModel,
    code_cd: NDArray[np.float32],
    kind_c: NDArray[np.integer[Any]],
    seed: int,
    job: JobHandle = QUIET,
) -> Generated:
    """Decode codes and draw molecules of them: negative binomial with the autoencoder's dispersion."""
    rng = np.random.default_rng([seed, 0x6A4])
    theta_g = net.whole.log_dispersion.clamp(-8.0, 10.0).exp().cpu().double().numpy()
    parts = []
    for start in range(0, len(code_cd), _BLOCK):
        job.report(start / len(code_cd), "generating")
        part = torch.from_numpy(code_cd[start : start + _BLOCK]).to(net.device, net.dtype)
        noise_cz = torch.from_numpy(rng.standard_normal((len(part), net.n_latent))).to(part)
        own_c = torch.from_numpy(np.asarray(kind_c[start : start + _BLOCK], np.int64)).to(net.device)
        share_cg, size_c = net.whole.decode_code(part, net.whole.kinds(own_c, part), noise_cz)
        mean_cg = (share_cg * size_c[:, None]).cpu().double().numpy()
        parts.append(sparse.csr_matrix(rng.poisson(rng.gamma(theta_g, mean_cg / theta_g)), dtype=np.float32))
    drawn_cg = sparse.csr_matrix(sparse.vstack(parts)) if parts else sparse.csr_matrix((0, len(net.genes)))
    total_c = np.asarray(drawn_cg.sum(axis=1), np.float64).ravel()
    rows_cg = normalise(drawn_cg, total_c, net.preprocessing.target_sum or 1.0)
    return Generated(code_cd, np.asarray(kind_c, np.int64), drawn_cg, rows_cg)


def generate(
    source: Bundle | GanModel, n: int, label: str = "", seed: int = 0, job: JobHandle = QUIET
) -> AnnData:
    """Generate cells as a table whose only matrix is the layer ``generated``, log-normalised.

    ``obs["glasscell.generated"]`` is True throughout, the obs column of labels says what was asked for, and
    ``uns["glasscell.generated"]`` says by which model. Glasscell takes nothing in such a table for counts.

    Parameters
    ----------
    source
        A bundle of the family ``gan``, or its net.
    n
        How many cells.
    label
        Kind of cell; empty for kinds as frequent as among the training cells.
    seed
        The same seed gives the same cells on the same machine.

    Raises
    ------
    NotCompatible
        The bundle is of another family.
    ModelError
        The kind is unknown, or ``n`` is below one.
    """
    net = source if isinstance(source, GanModel) else gan_of(source)
    return table_of(net, draw(net, kinds_of(net, n, label, seed), seed, job), seed)


def table_of(net: GanModel, made: Generated, seed: int) -> AnnData:
    """Put cells that ``draw`` made of a seed into a table, as ``generate`` returns it."""
    import anndata as ad
    import pandas as pd

    n = len(made)
    obs = pd.DataFrame(
        {GENERATED: np.ones(n, np.bool_)}, index=[f"generated {number}" for number in range(n)]
    )
    if net.kinds:
        obs[net.label_column] = pd.Categorical.from_codes(made.kind_c, pd.Index(net.kinds, dtype=object))
    said = {"model": f"{net.info.key}-{net.fingerprint[:8]}", "seed": seed, "unit": net.preprocessing.unit}
    return ad.AnnData(
        obs=obs,
        var=pd.DataFrame(index=list(net.genes)),
        layers={"generated": made.rows_cg},
        uns={GENERATED: {**said, "caution": CAUTION}},
    )


def kinds_of(net: GanModel, n: int, label: str, seed: int) -> NDArray[np.int64]:
    """Return the codes of kinds to generate, ``(n,)``: all of one, or as frequent as in training."""
    if n < 1:
        raise ModelError(f"{n} cells cannot be generated: ask for one at least.")
    if label and label not in net.kinds:
        known = f"it knows {', '.join(net.kinds[:12])}" if net.kinds else "it was trained without labels"
        raise ModelError(f"The model generates no {label!r}: {known}.")
    if label:
        return np.full(n, net.kinds.index(label), np.int64)
    if not net.kinds:
        return np.full(n, -1, np.int64)
    share_k = net.whole.kind_share.cpu().double().numpy()
    return np.sort(np.random.default_rng([seed, 0x51D]).choice(len(share_k), n, p=share_k / share_k.sum()))


def gan_of(bundle: Bundle) -> GanModel:
    """Return a bundle's net; NotCompatible when it is of another family."""
    net = bundle.folds[0]
    if not isinstance(net, GanModel):
        raise NotCompatible(f"{net.info.title} generates no cells: train the family gan for them.")
    return net
