"""A model's latents as embeddings of the dataset it was trained on."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.session.file import look_through
from glasscell.session.work import set_aside, submit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from glasscell.data.dataset import Dataset
    from glasscell.jobs import Job, JobHandle
    from glasscell.models.bundle import Bundle
    from glasscell.session.core import Core

#: Above this many cells the picture of neighbours takes too long to be made unasked.
MOST_CELLS = 200_000
NEIGHBOURS = 15
STEP = "latents"


def latent_key(bundle: Bundle) -> str:
    """Return the key of a model's latents among the embeddings."""
    return f"X_{bundle.family}"


def umap_key(bundle: Bundle) -> str:
    """Return the key of the two-dimensional picture of them."""
    return f"X_umap_{bundle.family}"


def with_latents(dataset: Dataset, bundle: Bundle, job: JobHandle, seed: int = 0) -> Dataset | None:
    """Return the dataset with the model's latents (``X_vae``) and their UMAP (``X_umap_vae``).

    Those of an earlier model of the family are replaced; what the file brought under these names is kept
    under ``<name>_stored``. The caller's table is not changed.

    Returns
    -------
    None when the model has no latents or does not know every cell.
    """
    from glasscell.data.shadow import shallow_copy

    latent_cz = bundle.cells.latent_cz
    if latent_cz is None:
        return None
    rows = bundle.rows(dataset, np.arange(dataset.n_cells))
    if (rows < 0).any() or not len(rows):
        return None
    adata = shallow_copy(dataset.adata)
    said = dict(adata.uns.get("glasscell", {}))
    ours = {str(name) for name in said.get(STEP, ())}
    for key in (latent_key(bundle), umap_key(bundle)):
        found = adata.obsm.pop(key, None)
        if found is not None and key not in ours:
            adata.obsm[f"{key}_stored"] = found
    adata.uns["glasscell"] = {**said, STEP: sorted(ours | {latent_key(bundle), umap_key(bundle)})}
    adata.obsm[latent_key(bundle)] = latent_cz[rows]
    if latent_cz.shape[1] > 2 and NEIGHBOURS < dataset.n_cells <= MOST_CELLS:
        job.report(None, "drawing the latents")
        adata.obsm[umap_key(bundle)] = _umap(latent_cz[rows], seed)
    made = dataset.with_adata(adata)
    look_through(made)
    return made


def show_latents(session: Core, bundle: Bundle, seed: int = 0) -> Job[Any] | None:
    """Make a model's latents embeddings of the open dataset in the background, and draw the cells by them.

    Returns
    -------
    The job; None when the model has no latents or other cells are open.
    """
    dataset, shown = session.dataset, session.state.dataset
    if dataset is None or bundle.cells.latent_cz is None:
        return None
    if not (bundle.rows(dataset, np.arange(dataset.n_cells)) >= 0).all():
        return None

    def work(job: JobHandle) -> Dataset | None:
        return with_latents(dataset, bundle, job, seed)

    def commit(job: Job[Dataset | None], made: Dataset | None) -> None:
        if session.state.dataset != shown:
            set_aside(session, job, "the data have changed meanwhile, so the latents were not drawn.")
        elif made is not None:
            session.adopt(made, fresh=False)
            key = umap_key(bundle) if umap_key(bundle) in made.embeddings else latent_key(bundle)
            session.update(embedding=key, components=(0, 1), axes=None)

    return submit(session, work, commit, title=f"Latents of {bundle.id}", lane="compute")


def _umap(latent_cz: NDArray[np.float32], seed: int) -> NDArray[Any]:
    import anndata as ad
    import scanpy as sc

    work = ad.AnnData(np.zeros((len(latent_cz), 1), np.float32), obsm={"latent": latent_cz})
    with warnings.catch_warnings():
        # A spectral start can fail on a graph in pieces; UMAP then says so and starts at random.
        warnings.filterwarnings("ignore", message=".*pectral.*")
        sc.pp.neighbors(work, n_neighbors=NEIGHBOURS, use_rep="latent", random_state=seed)
        start = "spectral" if work.n_obs > 50 else "random"
        sc.tl.umap(work, init_pos=start, random_state=seed)
    return np.asarray(work.obsm["X_umap"], np.float32)
