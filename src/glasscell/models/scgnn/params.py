"""Settings of the family ``scgnn``."""

from __future__ import annotations

from pydantic import Field

from glasscell.models import training_field
from glasscell.models.info import FamilyParams


class ScgnnParams(FamilyParams):
    """Settings of the family ``scgnn``."""

    n_latent: int = Field(
        10, ge=2, le=200, title="Latents", description="Numbers each cell is summed up in before the graph."
    )
    hidden: int = Field(
        64, ge=2, le=2048, title="Hidden units", description="Width of the hidden layer of each autoencoder."
    )
    k: int = Field(
        10, ge=2, le=200, title="Neighbours", description="Nearest cells each cell is joined with at first."
    )
    prune: float = Field(
        1.0,
        ge=-2,
        le=100,
        title="Pruning",
        description="Edges longer than the mean plus so many standard deviations of a cell's own are cut.",
    )
    n_clusters: int = Field(
        0,
        ge=0,
        le=100,
        title="Clusters",
        description="How many; 0 takes as many as the graph has communities.",
    )
    resolution: float = Field(
        1.0, gt=0, le=10, title="Resolution", description="Of those communities: more, smaller ones above 1."
    )
    rounds: int = Field(
        3,
        ge=1,
        le=10,
        title="Most rounds",
        description="Graph, clusters, their autoencoders and back; fewer where the clusters stand still.",
    )
    own: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Own share",
        description="Weight of a cell's own latents in its imputed values; kept neighbours have the rest.",
    )
    teach: float = Field(
        0.3,
        ge=0,
        le=1,
        title="Cluster teaching",
        description="Weight of what the clusters' autoencoders say as the features are learnt again.",
        json_schema_extra={"advanced": True},
    )
    near_weight: float = Field(
        0.3,
        ge=0,
        le=10,
        title="Neighbours' counts",
        description="Weight of the neighbours' counts in the imputation, beside 1 for the cell's own.",
        json_schema_extra={"advanced": True},
    )
    cluster_weight: float = Field(
        0.1,
        ge=0,
        le=10,
        title="Cluster's counts",
        description="Weight of the cluster's mean in the imputation, beside 1 for the cell's own.",
        json_schema_extra={"advanced": True},
    )
    graph_hidden: int = Field(
        32,
        ge=2,
        le=512,
        title="Graph hidden units",
        description="Width of the first graph convolution.",
        json_schema_extra={"advanced": True},
    )
    graph_latent: int = Field(
        16,
        ge=2,
        le=128,
        title="Graph latents",
        description="Numbers of the graph embedding, in which clusters are found.",
        json_schema_extra={"advanced": True},
    )
    graph_epochs: int = Field(
        200, ge=1, le=10000, title="Graph epochs", description="Steps of the graph autoencoder in each round."
    )
    cluster_epochs: int = Field(
        8,
        ge=1,
        le=1000,
        title="Cluster epochs",
        description="Passes of each cluster's autoencoder per round.",
    )
    refine_epochs: int = Field(
        10,
        ge=1,
        le=1000,
        title="Epochs of a round",
        description="Passes of the feature autoencoder in each later round, and of the imputation, at most.",
    )
    dropout: float = training_field.dropout(0.2)
    input_dropout: float = Field(
        0.3,
        ge=0,
        le=0.95,
        title="Gene dropout",
        description="Share of genes hidden from the feature autoencoder at each step.",
    )
    kl_weight: float = Field(
        1.0,
        ge=0,
        le=100,
        title="Prior weight",
        description="Pull of latents towards the prior; 0 makes it a plain autoencoder.",
    )
    warm_up: int = Field(
        20, ge=0, le=10000, title="Warm-up", description="Epochs over which that pull is raised from zero."
    )
    starts: int = Field(
        10, ge=1, le=200, title="Mixture starts", description="The likeliest of so many divisions is kept."
    )
    learning_rate: float = Field(
        4e-3,
        ge=1e-6,
        le=1.0,
        title="Learning rate",
        description="Step size of AdamW; a quarter after the first round.",
    )
    weight_decay: float = training_field.weight_decay(1e-4)
    batch_size: int = training_field.batch_size(128)
    max_epochs: int = Field(
        200,
        ge=1,
        le=10000,
        title="Most epochs",
        description="Passes over the cells in the first round, at most.",
    )
    patience: int = training_field.patience(10)
