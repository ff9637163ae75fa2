"""Ask the nets of a bundle about cells before and after a change, beside matched controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.explain.part import Part
from glasscell.explain.perturbation.answer import ask, effect_size
from glasscell.explain.perturbation.asked import Asked, resolve
from glasscell.explain.perturbation.compare import compare, observe
from glasscell.explain.perturbation.result import EXPECTED, Perturbation
from glasscell.jobs import QUIET, JobHandle
from glasscell.models.batch import make_batch
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.latent import Decodes
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.domain import domain_names
from glasscell.models.learn_action import LEARNT_LATER
from glasscell.models.prediction import called_class

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.dataset import Dataset
    from glasscell.explain.perturbation.request import PerturbationRequest
    from glasscell.models.bundle import Bundle

BLOCK = 512


def perturb(
    dataset: Dataset, bundle: Bundle, request: PerturbationRequest, job: JobHandle = QUIET
) -> Perturbation:
    """Tell what a model expects of cells whose genes are changed, or that are given a learned perturbation.

    It tells how far the cells' latents move, which classes or domains they change between and which genes
    are expected to follow, and holds the size of the effect against random genes of like expression. It
    does not tell what the change would do in the cell: the model knows what goes together, not what causes
    what.

    Parameters
    ----------
    dataset
        The cells; its genes must contain the model's.
    bundle
        Trained nets. Each cell is asked of the net that held it out, unless ``nets`` says otherwise.
    request
        Genes or perturbation, cells, settings.
    job
        Progress and cancel point.

    Raises
    ------
    NotCompatible
        The model gives neither classes nor latents, or knows no such gene or perturbation.
    DataError
        A gene to be raised is in no cell, or there are no cells.

    References
    ----------
    Theodoris et al. 2023, doi:10.1038/s41586-023-06139-9 (in-silico perturbation); Lopez et al. 2023,
    arXiv:2211.03553 (learned perturbations).
    """
    job.report(0.0, "Reading genes")
    asked = resolve(dataset, bundle, request)
    model: Any = bundle.folds[0]
    parts = _answers(asked, Part(job, 0.05, 0.6, "Asking the model"))
    scale_z = _scale(parts.before_cz)
    effect_c, unit = effect_size(parts.before_cz, parts.after_cz, parts.before_ck, parts.after_ck, scale_z)
    comparison = compare(asked, scale_z, Part(job, 0.6, 0.95, "Trying matched controls"))
    change_g = None if parts.change_g is None else parts.change_g.astype(np.float32)
    seen = bundle.seen_in_training(dataset, asked.cells, asked.net_of_cell)
    called, called_cb = _called(asked, parts)
    job.report(1.0, "The change is worked out")
    return Perturbation(
        provenance=asked.provenance,
        n_cells=dataset.n_cells,
        cells=asked.cells,
        in_training=seen,
        classes=_names(model, parts.before_ck),
        sorts="" if parts.before_ck is None else "class" if isinstance(model, Classifies) else "domain",
        before_ck=parts.before_ck,
        after_ck=parts.after_ck,
        before_cz=parts.before_cz,
        after_cz=parts.after_cz,
        genes=tuple(model.genes) if change_g is not None else (),
        expected_g=None if parts.expected_g is None else parts.expected_g.astype(np.float32),
        change_g=change_g,
        effect_c=effect_c,
        effect_unit=unit,
        unit=model.preprocessing.unit,
        comparison=comparison,
        observed=observe(dataset, model, asked.action, change_g) if asked.action >= 0 else None,
        notes=_notes(asked, model, seen, bool(effect_c.any())),
        called=called,
        called_cb=called_cb,
    )


@dataclass(eq=False)
class Parts:
    """Answers put together over nets and blocks; see ``Perturbation``."""

    before_ck: Any = None
    after_ck: Any = None
    before_cz: Any = None
    after_cz: Any = None
    expected_g: Any = None
    change_g: Any = None

    def keep(self, name: str, rows: NDArray[Any], values: Tensor | None, n: int) -> None:
        """Put one block's values in their place."""
        if values is None:
            return
        block = values.cpu().numpy()
        held = getattr(self, name)
        if held is None:
            held = np.empty((n, block.shape[1]), np.float32)
            setattr(self, name, held)
        held[rows] = block


def _answers(asked: Asked, job: JobHandle) -> Parts:
    """Ask about every cell before and after."""
    parts, n = Parts(), len(asked.cells)
    decode = isinstance(asked.bundle.folds[0], Decodes)
    done = 0
    for number in np.unique(asked.net_of_cell):
        net: Any = asked.bundle.folds[int(number)]
        rows_of_net = np.flatnonzero(asked.net_of_cell == number)
        for start in range(0, len(rows_of_net), BLOCK):
            job.report(done / n)
            rows = rows_of_net[start : start + BLOCK]
            batch = make_batch(asked.dataset, net, asked.cells[rows])
            before, after = ask(net, batch, decode=decode), asked.after(net, batch, decode=decode)
            parts.keep("before_cz", rows, before.latent_cz, n)
            parts.keep("after_cz", rows, after.latent_cz, n)
            if after.logits_ck is not None:
                parts.keep("before_ck", rows, before.logits_ck, n)
                parts.keep("after_ck", rows, after.logits_ck, n)
            if before.decoded_cg is not None and after.decoded_cg is not None:
                base_g = before.decoded_cg.double().sum(dim=0).cpu().numpy()
                moved_g = (after.decoded_cg.double() - before.decoded_cg.double()).sum(dim=0).cpu().numpy()
                parts.expected_g = base_g / n + (0 if parts.expected_g is None else parts.expected_g)
                parts.change_g = moved_g / n + (0 if parts.change_g is None else parts.change_g)
            done += len(rows)
    return parts


def _scale(latent_cz: Any) -> NDArray[np.float64] | None:
    """Return the spread of each latent over the cells, 1 where it does not vary."""
    if latent_cz is None:
        return None
    sd_z = np.asarray(latent_cz, np.float64).std(axis=0)
    return np.where(sd_z > 1e-6, sd_z, 1.0)


def _names(model: Any, logits_ck: Any) -> tuple[str, ...]:
    if logits_ck is None:
        return ()
    if isinstance(model, Classifies):
        return tuple(model.classes)
    return domain_names(model)


def _called(asked: Asked, parts: Parts) -> tuple[tuple[str, ...], NDArray[np.int32] | None]:
    """Say what cells are called before and after; ``unknown`` where the model's settings believe no class."""
    from scipy.special import softmax

    bundle = asked.bundle
    if parts.before_ck is None or not bundle.classes:
        return (), None
    warm_c = np.asarray([getattr(net, "temperature", 1.0) for net in bundle.folds])[asked.net_of_cell]
    codes = []
    for logits_ck in (parts.before_ck, parts.after_ck):
        code_c, names = called_class(bundle, softmax(logits_ck / warm_c[:, None], axis=1))
        codes.append(code_c)
    return names, np.stack(codes, axis=1)


def _notes(asked: Asked, model: Any, seen: NDArray[np.bool_], moves: bool) -> tuple[str, ...]:
    said = [EXPECTED]
    if asked.action >= 0 and not moves:
        said.append(f"The model has learnt no shift for {asked.request.action}: nothing moves.")
    n_learnt = asked.bundle.provenance.get(LEARNT_LATER, {}).get(asked.request.action)
    if n_learnt is not None:
        said.append(
            f"{asked.request.action} was learnt after the training, from {n_learnt:,} "
            f"{asked.dataset.observations}: agreement with these very ones is a fit, not a forecast."
        )
    if asked.bundle.classes and seen.any():
        said.append(f"{int(seen.sum()):,} of {len(seen):,} cells were seen in training by the net asked.")
    if isinstance(model, UsesNeighbours):
        said.append("Neighbours among the chosen cells are changed with them; all others stay as they are.")
    if asked.change is not None and model.preprocessing.kind == "stored":
        said.append("These values are no counts: a gene is lowered to the lowest value measured.")
    return tuple(said)
