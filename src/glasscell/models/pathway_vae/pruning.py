"""Which gene sets stay as the pruning is made stronger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from glasscell.errors import ModelError
from glasscell.jobs import QuietJob
from glasscell.models.fit_unlabelled import fit_unlabelled
from glasscell.models.pathway_vae.model import PathwayModel
from glasscell.models.pathway_vae.params import PathwayParams
from glasscell.models.span import Span
from glasscell.models.vae.figure import DEVIANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.fit_request import FitRequest

STRENGTHS = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.2)


@dataclass(frozen=True, eq=False)
class PruningPath:
    """One net per strength of the pruning.

    Parameters
    ----------
    strengths
        Values of ``group_lasso``, rising.
    names
        Of the sets.
    norms_sp
        Length of each set's weights, ``(n_strengths, n_sets)``; 0 where it was pruned.
    deviance_s
        How well each net foretells hidden counts of held-out cells, ``(n_strengths,)``; less is better.
    """

    strengths: tuple[float, ...]
    names: tuple[str, ...]
    norms_sp: NDArray[np.float32]
    deviance_s: NDArray[np.float64]

    @property
    def survives_p(self) -> NDArray[np.float64]:
        """The strongest pruning each set withstands, ``(n_sets,)``; -1 where it stood none."""
        kept_sp = np.where(self.norms_sp > 0, np.asarray(self.strengths)[:, None], -1.0)
        return np.asarray(kept_sp.max(axis=0))


def pruning_path(
    dataset: Dataset,
    request: FitRequest,
    strengths: Sequence[float] = STRENGTHS,
    job: JobHandle | None = None,
) -> PruningPath:
    """Train one net per strength of the pruning, everything else alike, seeds included.

    Parameters
    ----------
    request
        Of the family ``pathway_vae``.

    Raises
    ------
    ModelError
        The request is for another family, or no strength is given.
    """
    job = job or QuietJob()
    params = request.params if request.params is not None else PathwayParams()
    if not isinstance(params, PathwayParams) or request.family != "pathway_vae":
        raise ModelError("Only pathway_vae has gene sets to prune: ask for that family.")
    ordered = tuple(sorted({float(strength) for strength in strengths}))
    if not ordered:
        raise ModelError("No strength of the pruning is given: name at least one.")
    norms: list[NDArray[np.float32]] = []
    deviances: list[float] = []
    names: tuple[str, ...] = ()
    for number, strength in enumerate(ordered):
        share = Span(job, number / len(ordered), (number + 1) / len(ordered), f"pruning {strength:g}")
        asked = replace(request, params=params.model_copy(update={"group_lasso": strength}))
        bundle = fit_unlabelled(dataset, asked, share)
        net = bundle.folds[0]
        assert isinstance(net, PathwayModel)
        names = net.latent_names[: net.n_sets]
        norms.append(net.norms_k[: net.n_sets])
        deviances.append(bundle.figures.get("pathway_vae", {}).get(DEVIANCE, np.nan))
    return PruningPath(ordered, names, np.stack(norms), np.asarray(deviances, np.float64))
