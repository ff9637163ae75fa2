"""Node importance: the result, its table, and how it is written into an AnnData and read back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glasscell.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray

FORMAT_VERSION = 1
KEY = "glasscell.nodes."
#: A node stands out from a control when it lies so many standard deviations above it.
LEAST_Z = 2.0
#: Weight of the layer's usual spread beside that of a node's own few control nets, in nets.
_PRIOR_NETS = 3.0
#: Shares and spreads below this are taken for as large: a thousandth of a layer is nothing.
_LEAST_SHARE = 1e-3
CONNECTIONS = "its connections alone give as much"
NOTHING_LEARNT = "shuffled labels give as much"
BOTH = "both controls give as much"


@dataclass(frozen=True)
class NodeRow:
    """A node's importance for a class, with its evidence.

    Parameters
    ----------
    node, layer, free
        Name, layer (1 next to the genes), and whether it stands for nothing known.
    value
        Mean attribution over held-out cells of the class, mean over seeds, in logits over other classes.
    share, low, high
        Part of its layer's importance, which is the mean size of attributions: mean, smallest and largest
        over seeds.
    shuffled, deterministic
        Mean share in nets of shuffled labels, and in nets to which every gene tells the class.
    z_shuffled, z_deterministic
        Standard deviations of the share above those nets'.
    genes, paths
        Genes that reach it, and ways from genes through it to classes.
    flag
        Which control gives as much; empty when it stands out from both.
    """

    node: str
    layer: int
    free: bool
    value: float
    share: float
    low: float
    high: float
    shuffled: float
    deterministic: float
    z_shuffled: float
    z_deterministic: float
    genes: int
    paths: int
    flag: str

    @property
    def z(self) -> float:
        """The smaller of both: a node must stand out from either control."""
        return float(min(self.z_shuffled, self.z_deterministic))


@dataclass(frozen=True, eq=False, kw_only=True)
class NodeImportance:
    """How much each node matters for each class, over seeds, beside control networks.

    Parameters
    ----------
    nodes, layer_n, free_n
        Names, layer (1 next to the genes) ``(n_nodes,)`` int32, and whether a node is free, bool.
    classes
        Names, in the order of the last axis.
    genes_n, paths_n
        Genes that reach each node, and ways through it, ``(n_nodes,)`` int64.
    seeds
        One per real net and per control of each kind.
    value_snk
        Mean attribution of the real nets, logits, ``(n_seeds, n_nodes, n_classes)``.
    share_snk, shuffled_snk, deterministic_snk
        Part of the layer's importance in real and control nets, same shape; NaN for classes without held-out
        cells.
    f1_kinds
        Mean macro-F1 on held-out cells of real, shuffled and deterministic nets.
    model, fingerprint, family, data
        Id and digest of the bundle, its family, and fingerprint of the dataset.
    """

    nodes: tuple[str, ...]
    layer_n: NDArray[np.int32]
    free_n: NDArray[np.bool_]
    classes: tuple[str, ...]
    genes_n: NDArray[np.int64]
    paths_n: NDArray[np.int64]
    seeds: tuple[int, ...]
    value_snk: NDArray[np.float64]
    share_snk: NDArray[np.float64]
    shuffled_snk: NDArray[np.float64]
    deterministic_snk: NDArray[np.float64]
    f1_kinds: tuple[float, float, float]
    model: str
    fingerprint: str
    family: str
    data: str

    @property
    def id(self) -> str:
        """A short name that changes with the model, the data and the seeds."""
        words = [self.fingerprint, self.data, *map(str, self.seeds)]
        return f"nodes-{hashlib.sha256('|'.join(words).encode()).hexdigest()[:12]}"

    @cached_property
    def z_shuffled_nk(self) -> NDArray[np.float64]:
        """Standard deviations above nets of shuffled labels, ``(n_nodes, n_classes)``."""
        return self._z(self.shuffled_snk)

    @cached_property
    def z_deterministic_nk(self) -> NDArray[np.float64]:
        """Standard deviations above nets to which every gene tells the class, ``(n_nodes, n_classes)``."""
        return self._z(self.deterministic_snk)

    def _z(self, control_snk: NDArray[np.float64]) -> NDArray[np.float64]:
        """Hold the mean share against control nets.

        Few nets tell a spread badly. Spreads of shares grow with the share, so the layer's median spread
        relative to the share stands beside a node's own, as if it came from three further nets.
        """
        real_nk, mean_nk = mean_of(self.share_snk), mean_of(control_snk)
        own = len(self.seeds) - 1
        variance_nk = mean_of(np.square(control_snk - mean_nk)) * len(self.seeds) / own
        z_nk = np.full(real_nk.shape, np.nan)
        for layer in np.unique(self.layer_n):
            mine = self.layer_n == layer
            for code in np.flatnonzero(np.isfinite(real_nk[mine]).all(axis=0)):
                mean_n, variance_n = mean_nk[mine, code], variance_nk[mine, code]
                square_n = np.maximum(mean_n, _LEAST_SHARE) ** 2
                usual_n = np.median(variance_n / square_n) * square_n
                pooled_n = (own * variance_n + _PRIOR_NETS * usual_n) / (own + _PRIOR_NETS)
                spread_n = np.sqrt(np.maximum(pooled_n, _LEAST_SHARE**2))
                z_nk[mine, code] = (real_nk[mine, code] - mean_n) / spread_n
        return z_nk

    def rows(self, name: str, layer: int | None = None) -> tuple[NodeRow, ...]:
        """Return the nodes for one class, largest smaller-z first.

        Parameters
        ----------
        layer
            1 for the nodes next to the genes, and so on; None for all.

        Raises
        ------
        DataError
            There is no such class or layer.
        """
        if name not in self.classes:
            raise DataError(f"There is no class {name!r}; there are {', '.join(self.classes)}.")
        if layer is not None and layer not in self.layer_n:
            raise DataError(f"There is no layer {layer}: the model has 1 to {int(self.layer_n.max())}.")
        code = self.classes.index(name)
        chosen = [n for n in range(len(self.nodes)) if layer is None or self.layer_n[n] == layer]
        rows = [self._row(n, code) for n in chosen]
        return tuple(sorted(rows, key=lambda row: (np.isnan(row.z), -row.z, row.node)))

    def _row(self, n: int, k: int) -> NodeRow:
        share_s = self.share_snk[:, n, k]
        known_s = share_s[np.isfinite(share_s)]
        z_shuffled, z_deterministic = float(self.z_shuffled_nk[n, k]), float(self.z_deterministic_nk[n, k])
        return NodeRow(
            node=self.nodes[n],
            layer=int(self.layer_n[n]),
            free=bool(self.free_n[n]),
            value=float(mean_of(self.value_snk)[n, k]),
            share=float(known_s.mean()) if len(known_s) else float("nan"),
            low=float(known_s.min()) if len(known_s) else float("nan"),
            high=float(known_s.max()) if len(known_s) else float("nan"),
            shuffled=float(mean_of(self.shuffled_snk)[n, k]),
            deterministic=float(mean_of(self.deterministic_snk)[n, k]),
            z_shuffled=z_shuffled,
            z_deterministic=z_deterministic,
            genes=int(self.genes_n[n]),
            paths=int(self.paths_n[n]),
            flag=_flag(z_shuffled, z_deterministic),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences a reader must see."""
        real, shuffled, deterministic = self.f1_kinds
        said = [
            f"{len(self.seeds)} nets of each kind; macro-F1 on held-out cells: real {real:.2f}, labels "
            f"shuffled {shuffled:.2f}, every gene telling {deterministic:.2f}.",
            "A share says how much of its layer the model rests on a node; nodes that share genes stand in "
            "for each other, and a node is called by its set whatever its genes do here.",
        ]
        if real <= shuffled + 0.05:
            said.insert(
                1, "The real nets learnt hardly more than those of shuffled labels: read nothing here."
            )
        return tuple(said)

    def table(self) -> pd.DataFrame:
        """One row per class and node, every column of ``NodeRow`` and the smaller z."""
        import pandas as pd

        rows = [{"class": name, **vars(row), "z": row.z} for name in self.classes for row in self.rows(name)]
        return pd.DataFrame(rows)

    def manifest(self) -> str:
        """Return everything as JSON; numbers read back equal."""
        content = {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}
        return json.dumps({"format_version": FORMAT_VERSION, **content}, sort_keys=True)

    def write_into(self, adata: AnnData) -> str:
        """Write itself into ``uns`` of an AnnData and return the key."""
        key = f"{KEY}{self.id.rpartition('-')[2]}"
        adata.uns[key] = self.manifest()
        return key


def mean_of(values_snk: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over seeds that have the class held out; NaN where none has."""
    known_snk = np.isfinite(values_snk)
    count_nk = known_snk.sum(axis=0)
    total_nk = np.where(known_snk, values_snk, 0.0).sum(axis=0)
    return np.where(count_nk > 0, total_nk / np.maximum(count_nk, 1), np.nan)


def _flag(z_shuffled: float, z_deterministic: float) -> str:
    """Say which control gives as much; NaN counts as not standing out."""
    learnt, beyond = z_shuffled >= LEAST_Z, z_deterministic >= LEAST_Z
    if learnt and beyond:
        return ""
    if learnt:
        return CONNECTIONS
    return NOTHING_LEARNT if beyond else BOTH


def read_nodes(adata: AnnData) -> tuple[NodeImportance, ...]:
    """Read every such result an AnnData holds, sorted by key.

    Raises
    ------
    DataError
        An entry is damaged or from a newer version.
    """
    return tuple(
        _read(key, str(adata.uns[key])) for key in sorted(map(str, adata.uns)) if key.startswith(KEY)
    )


_TUPLES = ("nodes", "classes", "seeds", "f1_kinds")
_KINDS = {"layer_n": np.int32, "free_n": np.bool_, "genes_n": np.int64, "paths_n": np.int64}


def _read(key: str, text: str) -> NodeImportance:
    try:
        content: dict[str, Any] = json.loads(text)
        version = content.pop("format_version")
        if version > FORMAT_VERSION:
            raise DataError(f"The result {key} was written by a newer version; update Glasscell to read it.")
        made: dict[str, Any] = {}
        for name, value in content.items():
            if name in _TUPLES:
                made[name] = tuple(value)
            elif name in _KINDS:
                made[name] = np.asarray(value, _KINDS[name])
            elif name.endswith("_snk"):
                made[name] = np.asarray(value, np.float64)  # None becomes NaN
            else:
                made[name] = value
        return NodeImportance(**made)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"The result {key} in this file is damaged ({error}); remove it or measure again."
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and np.isnan(value) else value
