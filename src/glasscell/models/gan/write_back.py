"""What ``gan`` found, written into the table of cells: realism, and imputed values of named genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.data.shadow import shallow_copy
from glasscell.jobs import QUIET
from glasscell.models.gan.alarm import alarm_of_generated, alarm_of_imputed
from glasscell.models.gan.imputation import CAUTION, impute
from glasscell.models.gan.realism import NOTE, realism

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import JobHandle
    from glasscell.models.bundle import Bundle

PREFIX = "glasscell.gan"


def annotate(dataset: Dataset, bundle: Bundle, genes: Sequence[str] = (), job: JobHandle = QUIET) -> Dataset:
    """Return the dataset with what the model found; the caller's table is not changed.

    Written are ``obs["glasscell.gan.realism"]`` (the critic's value) and ``.realism_rank``, of each named
    gene ``obs["glasscell.gan.imputed.GENE"]`` and ``.delta.GENE`` (``/`` in names becomes ``_``), and in
    ``uns["glasscell.gan"]`` what they are and which genes the alarm names. No layer is written: imputed
    values must not be taken for counts.

    Parameters
    ----------
    dataset
        The file the model was trained on.
    bundle
        Of the family ``gan``.
    genes
        Whose imputed values and deltas are written.

    Raises
    ------
    NotCompatible
        The bundle is of another family, or was trained on other cells.
    """
    judged = realism(bundle, dataset, job)
    adata = shallow_copy(dataset.adata)
    adata.obs[f"{PREFIX}.realism"] = judged.value_c
    adata.obs[f"{PREFIX}.realism_rank"] = judged.rank_c
    alarms = {"generated": alarm_of_generated(bundle, dataset, job=job)}
    if genes:
        made = impute(bundle, dataset, job=job)
        for gene in genes:
            key = str(gene).replace("/", "_")
            adata.obs[f"{PREFIX}.imputed.{key}"] = made.gene(gene)
            adata.obs[f"{PREFIX}.delta.{key}"] = made.delta(dataset, gene)
        alarms["imputed"] = alarm_of_imputed(bundle, dataset, made)
    said: dict[str, Any] = {"model": bundle.id, "realism": NOTE, "imputed": CAUTION}
    for name, alarm in alarms.items():
        found = alarm.found()
        said[f"alarm_{name}"] = alarm.sentence()
        said[f"alarm_{name}_genes"] = np.array([one.gene for one in found], object)
        said[f"alarm_{name}_kinds"] = np.array([one.kind for one in found], object)
    adata.uns[PREFIX] = said
    return dataset.with_adata(adata)
