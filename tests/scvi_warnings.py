"""Marks for tests that import scvi-tools: what third parties it brings along complain of."""

import pytest

#: Lightning reads pytrees the old way and asks for more loader workers; the others complain of themselves.
SCVI_WARNINGS = [
    pytest.mark.filterwarnings(f"ignore:{which}")
    for which in (
        "`isinstance:FutureWarning:lightning",
        ":UserWarning:lightning",
        ":DeprecationWarning:lightning",
        ":UserWarning:torch.optim",
        ":FutureWarning:mudata",
        ":UserWarning:scvi",
        ":DeprecationWarning:scvi",
    )
]
