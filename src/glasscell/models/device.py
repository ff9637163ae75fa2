"""Where to compute."""

from __future__ import annotations

import torch

from glasscell.errors import ModelError
from glasscell.settings import DEVICES, settings


def resolve_device(device: str = "auto") -> str:
    """Choose the device of the settings, else CUDA, then MPS, then CPU; refuse one this machine lacks.

    Raises
    ------
    ModelError
        The name is unknown or the device is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        device = settings().device
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if device not in there:
        raise ModelError(f"There is no device {device!r}: choose {', '.join(DEVICES)}.")
    if not there[device]:
        raise ModelError(f"This machine has no usable {device} device: choose auto or cpu.")
    return device
