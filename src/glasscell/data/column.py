"""Resolvers of the channels that a dataset answers by itself: genes, obs, embeddings, positions, groups."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glasscell.data.channel import BoolArray, CellValues, ChannelContext, ChannelRef
from glasscell.data.palette import categorical, parse_colour
from glasscell.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from glasscell.data.dataset import Dataset

MAX_CATEGORIES = 500
_WHOLE_NUMBER_CATEGORIES = 12


class DataContext:
    """A channel context made of a dataset alone, for scripts, the shell and tests.

    Parameters
    ----------
    dataset
        The dataset whose columns are asked for.
    groups
        Named groups of cells, each bool of shape ``(n_cells,)``.
    bundles, explanations
        Results by id.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        groups: Mapping[str, BoolArray] | None = None,
        bundles: Mapping[str, Any] | None = None,
        explanations: Mapping[str, Any] | None = None,
    ) -> None:
        self.dataset = dataset
        self._groups = dict(groups or {})
        self._bundles = dict(bundles or {})
        self._explanations = dict(explanations or {})

    def bundle(self, model: str) -> Any:
        """Return a trained bundle by id."""
        return _look_up(self._bundles, model, "model")

    def explanation(self, explanation: str) -> Any:
        """Return an explanation by id."""
        return _look_up(self._explanations, explanation, "explanation")

    def group_mask(self, name: str) -> BoolArray:
        """Return a named group as bool of shape ``(n_cells,)``."""
        return np.asarray(_look_up(self._groups, name, "group"), dtype=np.bool_)


def resolve_gene(context: ChannelContext, ref: ChannelRef) -> CellValues:
    """Return one gene's expression; parameter `layer` is "lognorm" (default) or "counts"."""
    dataset = context.dataset
    layer = str(ref.param("layer", "lognorm"))
    values = dataset.gene_column(ref.key, layer)
    symbol = str(dataset.genes.symbols[dataset.genes.index(ref.key)])
    return CellValues(
        title=symbol, unit="counts" if layer == "counts" else dataset.expression_unit, values=values
    )


def resolve_obs(context: ChannelContext, ref: ChannelRef) -> CellValues:
    """Return an obs column: numbers stay numbers, everything else becomes categories."""
    dataset = context.dataset
    if ref.key not in dataset.obs.columns:
        raise DataError(missing_name("obs column", ref.key, dataset.obs.columns))
    column = dataset.obs[ref.key]
    if is_continuous(column):
        return CellValues(title=ref.key, values=pd.to_numeric(column).to_numpy(np.float32, na_value=np.nan))
    codes, categories = categorical_codes(column)
    if len(categories) > MAX_CATEGORIES:
        raise DataError(
            f'The obs column "{ref.key}" has {len(categories)} different values, too many to colour by; '
            "choose a column that groups cells."
        )
    return CellValues(
        title=ref.key,
        codes=codes,
        categories=categories,
        palette=_palette(dataset, ref.key, categories),
    )


def resolve_embedding(context: ChannelContext, ref: ChannelRef) -> CellValues:
    """Return one component of an embedding; parameter `component` counts from 0."""
    embeddings = context.dataset.embeddings
    if ref.key not in embeddings:
        raise DataError(missing_name("embedding", ref.key, embeddings))
    component = int(ref.param("component", 0) or 0)
    table_cz = np.asarray(embeddings[ref.key])
    if not 0 <= component < table_cz.shape[1]:
        raise DataError(
            f'The embedding "{ref.key}" has components 0 to {table_cz.shape[1] - 1}, not {component}.'
        )
    return CellValues(title=f"{ref.key.removeprefix('X_')} {component + 1}", values=table_cz[:, component])


def resolve_position(context: ChannelContext, ref: ChannelRef) -> CellValues:
    """Return "x" or "y" of every cell, as drawn."""
    dataset = context.dataset
    if dataset.positions_cd is None:
        raise DataError("These cells have no positions; colour by a gene or an obs column instead.")
    if ref.key not in ("x", "y"):
        raise DataError(f'A position is "x" or "y", not "{ref.key}".')
    return CellValues(
        title=ref.key,
        unit=dataset.position_unit,
        values=dataset.positions_cd[:, "xy".index(ref.key)].astype(np.float32),
    )


def resolve_group(context: ChannelContext, ref: ChannelRef) -> CellValues:
    """Return a named group as two categories: inside and outside."""
    mask = context.group_mask(ref.key)
    return CellValues(
        title=ref.key, codes=np.where(mask, 0, 1).astype(np.int32), categories=(ref.key, f"not {ref.key}")
    )


def is_continuous(column: pd.Series[Any]) -> bool:
    """Tell whether a column is to be drawn as numbers rather than as categories."""
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column):
        return False
    if not pd.api.types.is_numeric_dtype(column):
        return False
    if pd.api.types.is_integer_dtype(column):
        return bool(column.nunique() > _WHOLE_NUMBER_CATEGORIES)
    return True


def categorical_codes(column: pd.Series[Any]) -> tuple[np.ndarray[Any, np.dtype[np.int32]], tuple[str, ...]]:
    """Return int32 codes (-1 where missing) and the category names in their own or natural order.

    Names that are empty or only blanks count as missing, and unused categories are left out.
    """
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("category")
    column = column.cat.remove_unused_categories()
    stored = [str(value) for value in column.cat.categories]
    names: list[str] = []
    new_code = np.full(len(stored) + 1, -1, dtype=np.int32)
    for old, name in enumerate(stored):
        if not name.strip() or name.lower() in ("nan", "none", "<na>"):
            continue
        if name not in names:
            names.append(name)
        new_code[old] = names.index(name)
    return new_code[column.cat.codes.to_numpy(np.int64)], tuple(names)


def stored_colours(dataset: Dataset, key: str) -> dict[str, str]:
    """Return the ``#rrggbb`` that a file stores for each category of an obs column, unused ones included.

    Colours that cannot be read are left out.
    """
    stored, column = dataset.adata.uns.get(f"{key}_colors"), dataset.obs[key]
    if stored is None or not isinstance(column.dtype, pd.CategoricalDtype):
        return {}
    colours = zip(column.cat.categories, map(parse_colour, np.asarray(stored).ravel()), strict=False)
    return {str(name): colour for name, colour in colours if colour is not None}


def recode(
    codes: np.ndarray[Any, np.dtype[Any]], names: Iterable[str], known: Iterable[str]
) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return codes by another list of names, of the same shape; -1 stays, and is what unknown names become.

    Parameters
    ----------
    codes
        Places in ``names``, -1 for none.
    known
        The list that is wanted.
    """
    place = {name: code for code, name in enumerate(known)}
    found: np.ndarray[Any, np.dtype[np.int32]]
    found = np.array([*(place.get(name, -1) for name in names), -1], np.int32)[codes]
    return found


def missing_name(what: str, name: str, known: Iterable[Any]) -> str:
    """Return the sentence for a name that is not there, with the nearest known names."""
    names = [str(item) for item in known]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f'There is no {what} "{name}"; did you mean {" or ".join(near)}?'
    shown = ", ".join(names[:8]) or "none at all"
    return f'There is no {what} "{name}"; there is {shown}{" ..." if len(names) > 8 else ""}.'


def _palette(dataset: Dataset, key: str, categories: tuple[str, ...]) -> tuple[str, ...]:
    """Return the colours stored with a column, or default ones where one is missing."""
    stored = stored_colours(dataset, key)
    if not stored.keys() >= set(categories):
        return categorical(len(categories))
    return tuple(stored[name] for name in categories)


def _look_up(table: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise DataError(missing_name(what, name, table))
    return table[name]
