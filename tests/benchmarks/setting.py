"""The settings that models are scored with, frozen before the scores were looked at."""

import tomllib
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("model_settings.toml")


def settings_of(topic: str) -> dict[str, Any]:
    """Read one section of the file."""
    with FILE.open("rb") as file:
        return dict(tomllib.load(file)[topic])
