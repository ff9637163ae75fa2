"""What a model attends to, with the measured change on removal beside every weight."""

from __future__ import annotations
