"""Does a model keep the promises that explanations, views and bundles rely on."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from glasscell.errors import ModelError, NotCompatible
from glasscell.models.capability.classification import Classifies
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.capability.latent import Encodes
from glasscell.models.capability.model import Model
from glasscell.models.capability.neighbour import UsesNeighbours
from glasscell.models.target import Target, parse_target

if TYPE_CHECKING:
    from glasscell.models.cell_batch import CellBatch

_EXACT = 1e-9
_Trace = tuple[str, bool, tuple[bool, ...], int, torch.dtype | None]


def check_model(model: Model, batch: CellBatch) -> None:
    """Try a model on a few cells and raise with every broken promise.

    Checked: protocols, targets and their text, shapes, differentiability, that nothing is left behind (mode,
    gradient flags, hooks, random state), that a row depends on itself only, that ``rest(W x + b)`` is the
    score in double precision, and what Classifies and Encodes say.

    Parameters
    ----------
    model
        A published model.
    batch
        At least two cells in the model's own gene order; precision does not matter.

    Raises
    ------
    ModelError
        One sentence per broken promise.
    """
    problems: list[str] = []
    if not isinstance(model, Model):
        raise ModelError(
            "This object is not a Model: it lacks one of info, genes, preprocessing, targets, score, to."
        )
    before = _traces(model)
    double = model.to(dtype=torch.float64)
    if _traces(model) != before:
        problems.append("to() changed the model it was called on instead of returning a copy.")
    cells = in_precision(batch, torch.float64)
    if _leaves_traces(double, cells):
        problems.append(
            "score() leaves a trace: mode, gradient flags, hooks or the global random state changed."
        )
    else:
        for check in (_targets, _scores, _rows, _first_linear, _classes, _latents):
            problems += check(double, cells)
    if problems:
        raise ModelError(f"{type(model).__name__}: " + " ".join(problems))


def in_precision(batch: CellBatch, dtype: torch.dtype) -> CellBatch:
    """Return the batch with its floating-point tensors in another precision."""
    changed = {}
    for part in fields(batch):
        value = getattr(batch, part.name)
        if isinstance(value, Tensor) and value.is_floating_point():
            changed[part.name] = value.to(dtype)
    return replace(batch, **changed)


def _leaves_traces(model: Model, batch: CellBatch) -> bool:
    before, random_state = _traces(model), torch.random.get_rng_state()
    model.score(batch, model.targets()[0])
    return _traces(model) != before or not torch.equal(random_state, torch.random.get_rng_state())


def _some_targets(model: Model) -> list[Target]:
    """Return two targets of each kind."""
    targets = model.targets()
    kinds = sorted({target.kind for target in targets})
    return [target for kind in kinds for target in [one for one in targets if one.kind == kind][:2]]


def _targets(model: Model, batch: CellBatch) -> list[str]:
    targets = model.targets()
    if not targets:
        return ["targets() is empty."]
    problems = []
    names = [target.name for target in targets]
    unread = [str(target) for target in targets if parse_target(str(target), names) != target]
    if unread:
        problems.append(f"Target {unread[0]} is not read back from its text.")
    try:
        model.score(batch, Target(targets[0].kind, "no such name \N{SNOWMAN}"))
    except NotCompatible:
        pass
    else:
        problems.append("An unknown target is scored instead of raising NotCompatible.")
    return problems


def _scores(model: Model, batch: CellBatch) -> list[str]:
    problems = []
    n = len(batch) if batch.centre is None else len(batch.centre)
    for target in _some_targets(model):
        x = batch.expression.clone().requires_grad_()
        score = model.score(batch.with_expression(x), target)
        if tuple(score.shape) != (n,):
            problems.append(f"score({target}) has shape {tuple(score.shape)}, not ({n},).")
            continue
        if not torch.isfinite(score).all():
            problems.append(f"score({target}) is not finite.")
        if not score.requires_grad:
            problems.append(f"score({target}) has no gradient with respect to expression.")
        elif not torch.equal(score, model.score(batch, target)):
            problems.append(f"score({target}) gives another value the second time.")
    return problems


def _rows(model: Model, batch: CellBatch) -> list[str]:
    if isinstance(model, UsesNeighbours):
        return []
    target = model.targets()[0]
    whole = model.score(batch, target)
    alone = torch.cat([model.score(_one_row(batch, row), target) for row in range(len(batch))])
    if not torch.allclose(whole, alone, rtol=_EXACT, atol=_EXACT):
        return ["A cell's score depends on the other cells in its batch."]
    return []


def _one_row(batch: CellBatch, row: int) -> CellBatch:
    changed = {}
    for part in fields(batch):
        value = getattr(batch, part.name)
        if isinstance(value, Tensor) and part.name not in ("edges", "distances", "centre"):
            changed[part.name] = value[row : row + 1]
    return replace(batch, **changed)


def _first_linear(model: Model, batch: CellBatch) -> list[str]:
    if not isinstance(model, FirstLinear):
        return []
    problems = []
    x = model.inputs(batch)
    weight_hg, bias = model.first(batch)
    hidden_ch = x @ weight_hg.T + bias
    for target in _some_targets(model):
        gap = (model.rest(hidden_ch, batch, target) - model.score(batch, target)).abs().max()
        if gap > _EXACT * (1 + model.score(batch, target).abs().max()):
            problems.append(
                f"rest(W x + b) differs from score({target}) by {float(gap):.2g} in double precision."
            )
    return problems


def _classes(model: Model, batch: CellBatch) -> list[str]:
    if not isinstance(model, Classifies):
        return []
    problems = []
    logits_ck, probabilities_ck = model.logits(batch), model.probabilities(batch)
    if logits_ck.shape[1] != len(model.classes):
        return [f"logits() has {logits_ck.shape[1]} columns for {len(model.classes)} classes."]
    if not torch.allclose(probabilities_ck.sum(dim=1), torch.ones_like(probabilities_ck[:, 0])):
        problems.append("probabilities() do not sum to one.")
    score = model.score(batch, Target("class", model.classes[0]))
    if not torch.allclose(score, logits_ck[:, 0], rtol=_EXACT, atol=_EXACT):
        problems.append("The score of a class is not its logit.")
    return problems


def _latents(model: Model, batch: CellBatch) -> list[str]:
    if not isinstance(model, Encodes):
        return []
    latent_cz = model.encode(batch)
    if latent_cz.shape[1] != model.n_latent:
        return [f"encode() has {latent_cz.shape[1]} columns, n_latent says {model.n_latent}."]
    return []


def _traces(model: Model) -> list[_Trace]:
    """Return what scoring must not change: mode, gradient flags, hooks and precision of modules."""
    modules = [value for value in vars(model).values() if isinstance(value, nn.Module)]
    found: list[_Trace] = []
    for top in modules:
        for name, module in top.named_modules():
            own = list(module.parameters(recurse=False))
            flags = tuple(one.requires_grad or one.grad is not None for one in own)
            hooks = len(module._forward_hooks) + len(module._backward_hooks)
            found.append((name, module.training, flags, hooks, own[0].dtype if own else None))
    return found
