"""Reading off heavy things what the rules must know, once, when they arrive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from glasscell.data.column import categorical_codes, is_continuous
from glasscell.session.rules import ExplanationFacts, Facts

if TYPE_CHECKING:
    from glasscell.data.dataset import Dataset
    from glasscell.explain.result import Explanation
    from glasscell.models.bundle import Bundle


class FactBook:
    """The facts of every dataset, model and explanation that a state may name."""

    def __init__(self) -> None:
        self._datasets: dict[str, Facts] = {}
        self._models: dict[str, str] = {}  # fingerprint -> id
        self._explanations: dict[str, ExplanationFacts] = {}

    def add_dataset(self, name: str, dataset: Dataset) -> Facts:
        """Note a dataset under its name in the session."""
        self._datasets[name] = read_facts(name, dataset)
        return self.of(name)

    def add_bundle(self, bundle: Bundle) -> None:
        """Note a model."""
        self._models[bundle.fingerprint] = bundle.id

    def add_explanation(self, explanation: Explanation) -> None:
        """Note an explanation; its model must have been noted before."""
        told = explanation.provenance
        owner = self._models.get(told.model, told.model)
        self._explanations[explanation.id] = ExplanationFacts(owner, told.data, frozenset(explanation.genes))

    def of(self, name: str | None) -> Facts:
        """Return the facts that hold when this dataset is shown."""
        known = self._datasets.get(name or "", Facts())
        return replace(known, models=frozenset(self._models.values()), explanations=dict(self._explanations))


def read_facts(name: str, dataset: Dataset) -> Facts:
    """Read the facts of a dataset."""
    sections = dataset.sections
    return Facts(
        dataset=name,
        data=dataset.fingerprint,
        n_cells=dataset.n_cells,
        genes=dataset.genes,
        columns={str(column): _n_categories(dataset.obs[column]) for column in dataset.obs.columns},
        embeddings={key: int(table.shape[1]) for key, table in dataset.embeddings.items()},
        sections=tuple(sections.names) if sections is not None and len(sections.names) > 1 else (),
        has_positions=dataset.positions_cd is not None,
    )


def _n_categories(column: Any) -> int | None:
    return None if is_continuous(column) else len(categorical_codes(column)[1])
