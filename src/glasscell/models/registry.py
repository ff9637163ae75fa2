"""All families of models by key: those of this package and those other packages announce as entry points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from glasscell.errors import ModelError, NotCompatible

if TYPE_CHECKING:
    from glasscell.models.family import Family

BUILT_IN: Mapping[str, str] = {
    "classifier": "glasscell.models.classifier.family:FAMILY",
    "additive_vae": "glasscell.models.additive_vae.family:FAMILY",
    "drvi": "glasscell.models.scvi.family:DRVI",
    "grn": "glasscell.models.grn.family:FAMILY",
    "gan": "glasscell.models.gan.family:FAMILY",
    "gene_transformer": "glasscell.models.gene_transformer.family:FAMILY",
    "ivae": "glasscell.models.svae.family:IVAE",
    "linear_scvi": "glasscell.models.scvi.family:LINEAR",
    "multivi": "glasscell.models.scvi.multimodal_family:MULTIVI",
    "pathway_vae": "glasscell.models.pathway_vae.family:FAMILY",
    "pathway_net": "glasscell.models.pathway_net.family:FAMILY",
    "pathway_transformer": "glasscell.models.pathway_transformer.family:FAMILY",
    "saucie": "glasscell.models.saucie.family:FAMILY",
    "scanvi": "glasscell.models.scvi.family:SCANVI",
    "scgnn": "glasscell.models.scgnn.family:FAMILY",
    "scvi": "glasscell.models.scvi.family:SCVI",
    "scviva": "glasscell.models.scvi.niche_family:SCVIVA",
    "spagcn": "glasscell.models.spagcn.family:FAMILY",
    "spatial_attention": "glasscell.models.spatial_attention.family:FAMILY",
    "svae": "glasscell.models.svae.family:SVAE",
    "totalvi": "glasscell.models.scvi.multimodal_family:TOTALVI",
    "torch_module": "glasscell.models.torch_module.family:FAMILY",
    "vae": "glasscell.models.vae.family:FAMILY",
    "velovi": "glasscell.models.scvi.velocity_family:VELOVI",
}


class FamilyRegistry(Mapping[str, "Family"]):
    """Families by key; a family's file is imported when it is first asked for."""

    group = "glasscell.models"

    def __init__(self) -> None:
        self._loaded: dict[str, Family] = {}
        self._places: dict[str, str] | None = None

    def _all(self) -> dict[str, str]:
        if self._places is None:
            found = {point.name: point.value for point in entry_points(group=self.group)}
            self._places = {**BUILT_IN, **{key: place for key, place in found.items() if key not in BUILT_IN}}
        return self._places

    def __getitem__(self, key: str) -> Family:
        """Return one family, loading its file on first use."""
        if key not in self._loaded:
            module, _, name = self._all()[key].partition(":")
            family = getattr(import_module(module), name, None)
            if getattr(getattr(family, "info", None), "key", None) != key:
                raise ModelError(
                    f"The plugin for model {key!r} offers no family of that name; ask its author."
                )
            assert family is not None
            self._loaded[key] = family
        return self._loaded[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over keys, ours first."""
        return iter(self._all())

    def __len__(self) -> int:
        """Count the families."""
        return len(self._all())

    def register(self, family: Family) -> None:
        """Add a family for this process only, for notebooks and tests."""
        self._all()[family.info.key] = ""
        self._loaded[family.info.key] = family

    def unregister(self, key: str) -> None:
        """Take back what ``register`` added."""
        self._all().pop(key, None)
        self._loaded.pop(key, None)


FAMILIES = FamilyRegistry()


def family(key: str) -> Family:
    """Return a family by key; an unknown key lists the known ones."""
    if key not in FAMILIES:
        raise NotCompatible(f"There is no model family {key!r}; there are {', '.join(FAMILIES)}.")
    return FAMILIES[key]
