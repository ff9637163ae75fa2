"""Family ``gene_transformer``: genes as tokens, taught without labels first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.errors import ModelError
from glasscell.models.gene_transformer.model import GeneTransformerModel
from glasscell.models.gene_transformer.params import GeneTransformerParams
from glasscell.models.gene_transformer.train import Task, make_network
from glasscell.models.info import FamilyParams, ModelInfo
from glasscell.models.preprocessing import Preprocessing
from glasscell.models.published import DAMAGED, NetFamily, whole_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torch import Tensor

    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Curve
    from glasscell.models.family import FoldPlan, TrainingData
    from glasscell.models.row import Rows

__all__ = ["FAMILY", "GeneTransformerFamily", "GeneTransformerModel", "GeneTransformerParams"]

INFO = ModelInfo(
    key="gene_transformer",
    title="Gene transformer",
    source="doi:10.1038/s42256-022-00534-z",
    works_for="Few labels among many cells: hidden genes teach it without labels, and genes attend to genes.",
    fails_for="Genes that are no tokens are read linearly at most; attention of genes is co-expression.",
    min_cells=50,
    target_kinds=("class", "contrast", "latent"),
    looks_at_unlabelled=True,
)


class GeneTransformerFamily(NetFamily):
    """Trains, takes apart and rebuilds transformers over genes."""

    info = INFO
    params: type[FamilyParams] = GeneTransformerParams

    def train(
        self, data: TrainingData, plan: FoldPlan, params: FamilyParams, job: JobHandle
    ) -> tuple[GeneTransformerModel, Curve, tuple[str, ...]]:
        """Train one network, first on hidden genes, then on labels, and return an immutable copy of it.

        Raises
        ------
        NotCompatible, ModelError
            The model to start from cannot be read or is another's.
        """
        return self.train_taught(data, plan, params, job)

    def train_taught(
        self,
        data: TrainingData,
        plan: FoldPlan,
        params: FamilyParams,
        job: JobHandle,
        taught: Rows | None = None,
    ) -> tuple[GeneTransformerModel, Curve, tuple[str, ...]]:
        """Train as ``train`` does, but guess hidden genes in other rows than labels are learnt from.

        Parameters
        ----------
        taught
            Stands in for ``data.rows`` while no label is used: an impostor's, for example.
        """
        assert isinstance(params, GeneTransformerParams)
        task = Task(data, plan, params, taught)
        network, curve = task.run(job)
        tokens = tuple(data.genes[int(place)] for place in network.tokens.place)
        words = (self.info, data.genes, data.classes, tokens, data.preprocessing)
        return GeneTransformerModel(network, *words, task.temperature(network)), curve, tuple(task.notes)

    def restore(
        self,
        description: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        *,
        params: FamilyParams,
        genes: tuple[str, ...],
        classes: tuple[str, ...],
    ) -> GeneTransformerModel:
        """Rebuild a model that scores bit-equal; its genes come from the bundle."""
        assert isinstance(params, GeneTransformerParams)
        tokens = tuple(str(name) for name in description["tokens"])
        with whole_bundle():
            network = make_network(params, len(tokens), len(genes), len(classes))
            network.load_state_dict(dict(tensors))
            if tuple(genes[int(place)] for place in network.tokens.place) != tokens:
                raise ModelError(DAMAGED)
        preprocessing = Preprocessing.from_json(description["preprocessing"])
        words = (self.info, genes, classes, tokens, preprocessing)
        return GeneTransformerModel(network, *words, float(description["temperature"]))


FAMILY = GeneTransformerFamily()
