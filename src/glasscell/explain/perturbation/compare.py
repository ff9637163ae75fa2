"""What an effect is held against: random genes of like expression, and cells that were really perturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.explain.perturbation.answer import Answer, ask, effect_size
from glasscell.explain.perturbation.result import Comparison, Observed
from glasscell.models.batch import gene_columns, make_batch
from glasscell.models.capability.action import UsesAction
from glasscell.models.row import input_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from glasscell.data.dataset import Dataset
    from glasscell.explain.perturbation.asked import Asked
    from glasscell.explain.perturbation.change import GeneChange
    from glasscell.jobs import JobHandle
    from glasscell.models.capability.model import Model

#: Fewer cells of a perturbation or of control make no mean worth comparing with.
LEAST_CELLS = 10


def compare(asked: Asked, scale_z: NDArray[np.float64] | None, job: JobHandle) -> Comparison | None:
    """Change random sets of other genes the same way in a sample of the cells, and compare effects.

    Returns
    -------
    None for a learned perturbation, and where no other genes are left.
    """
    levels, places, params, request = asked.levels, asked.places, asked.params, asked.request
    if levels is None or places is None:
        return None
    rng = np.random.default_rng([request.seed, 0xC0])
    sets = levels.matched(places, params.controls, rng)
    if not sets:
        return None
    n = len(asked.cells)
    rows = np.sort(rng.permutation(n)[: params.control_cells])
    changes = [levels.change(one, request.direction, params.keep) for one in (places, *sets)]
    sums = np.zeros(len(changes))
    done = 0
    for number in np.unique(asked.net_of_cell[rows]):
        net = asked.bundle.folds[int(number)]
        mine = rows[asked.net_of_cell[rows] == number]
        batch = make_batch(asked.dataset, net, asked.cells[mine])
        before = ask(net, batch)
        for place, change in enumerate(changes):
            job.report((done + place / len(changes) * len(mine)) / len(rows))
            sums[place] += _effects(asked, net, batch, before, change, scale_z).sum()
        done += len(mine)
    means = sums / len(rows)
    effect, controls = float(means[0]), means[1:]
    sd = float(controls.std(ddof=1)) if len(controls) > 1 else 0.0
    z = (effect - float(controls.mean())) / sd if sd > 0 else None
    return Comparison(effect, tuple(float(one) for one in controls), z, int((controls >= effect).sum()))


def _effects(
    asked: Asked,
    net: Any,
    batch: Any,
    before: Answer,
    change: GeneChange,
    scale_z: NDArray[np.float64] | None,
) -> NDArray[np.float32]:
    after = asked.after(net, batch, change)

    def plain(part: Tensor | None) -> Any:
        return None if part is None else part.cpu().numpy()

    return effect_size(
        plain(before.latent_cz),
        plain(after.latent_cz),
        plain(before.logits_ck),
        plain(after.logits_ck),
        scale_z,
    )[0]


def observe(
    dataset: Dataset, model: Model, action: int, change_g: NDArray[np.float32] | None
) -> Observed | None:
    """Compare a learned perturbation's decoded change with the shift of the cells that were given it.

    Returns
    -------
    None when nothing is decoded, or the file does not say which cells were given what.
    """
    if change_g is None or not isinstance(model, UsesAction):
        return None
    if model.action_column not in dataset.obs.columns:
        return None
    given = dataset.obs[model.action_column].astype(str).to_numpy()
    table_cg = input_rows(dataset, model.preprocessing)[:, gene_columns(dataset, model.genes)]
    control = given == model.control
    if control.sum() < LEAST_CELLS:
        return None
    base_g = np.asarray(table_cg[control].mean(axis=0)).ravel()

    def agreement(name: str) -> tuple[float, int] | None:
        mine = given == name
        if mine.sum() < LEAST_CELLS:
            return None
        shift_g = np.asarray(table_cg[mine].mean(axis=0)).ravel() - base_g
        if not shift_g.std() or not change_g.std():
            return None
        return float(np.corrcoef(shift_g, change_g)[0, 1]), int(mine.sum())

    own = agreement(model.actions[action])
    if own is None:
        return None
    others = [agreement(name) for name in model.actions if name not in (model.actions[action], model.control)]
    rest = [one[0] for one in others if one is not None]
    return Observed(own[0], float(np.mean(rest)) if rest else None, own[1])
