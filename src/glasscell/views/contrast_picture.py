"""A contrast as a picture: volcano, ordered rows, words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glasscell.views.contrast_view import ContrastPicture, Volcano

if TYPE_CHECKING:
    from glasscell.explain.contrast import By, Contrast

N_ROWS = 60
N_LEADING = 20
HIGHEST = 300.0


def contrast_picture(found: Contrast, by: By = "expression", side: str = "a") -> ContrastPicture:
    """Draw a contrast up, genes of one side first."""
    by = by if found.attribution is not None else "expression"
    rows = found.top(N_ROWS, by, "b" if side == "b" else "a")
    people = f", {found.donors_a} and {found.donors_b} donors" if found.unit == "donors" else ""
    return ContrastPicture(
        a_name=found.a_name,
        b_name=found.b_name,
        volcano=volcano(found),
        rows=rows,
        p_text=found.p_text,
        has_model=found.attribution is not None,
        agreement="" if found.agreement is None else found.agreement.sentence(),
        title=(
            f"{found.n_a:,} against {found.n_b:,} cells{people}, by {found.score_name}"
            f"{f'; p: {found.p_text}' if found.p_text else ''}."
        ),
        notes=found.notes,
        by=by,
        side="b" if side == "b" else "a",
    )


def volcano(found: Contrast) -> Volcano:
    """Place every gene by change and p, or by change and level where p is not to be had.

    p below 1e-300 cannot be told apart: such genes stand at 300 and are listed as clipped.
    """
    tested = found.tested
    clipped: tuple[int, ...] = ()
    if tested.p_g is not None:
        with np.errstate(divide="ignore"):
            y_g = -np.log10(np.asarray(tested.p_g, np.float64))
        clipped = tuple(int(g) for g in np.flatnonzero(y_g > HIGHEST))
        y_g, y_name = np.minimum(y_g, HIGHEST), "-log10 p"
    elif found.unit == "donors":
        y_g = (tested.mean_a_g + tested.mean_b_g) / 2
        y_name = "mean log2 CPM" if found.change_name.startswith("log2") else "mean value"
    else:
        level_g = (tested.mean_a_g + tested.mean_b_g) / 2
        is_log = found.change_name.startswith("log2")
        y_g = np.log2(1 + np.maximum(level_g, 0)) if is_log else level_g
        y_name = "log2 (1 + mean count)" if is_log else "mean value"
    ahead = [tuple(int(g) for g in found.order_of("expression", side)[:N_LEADING]) for side in ("a", "b")]
    return Volcano(
        genes=found.genes,
        x_g=np.asarray(tested.change_g, np.float64),
        y_g=np.asarray(y_g, np.float64),
        lead_a=ahead[0],
        lead_b=ahead[1],
        clipped=clipped,
        x_name=found.change_name,
        y_name=y_name,
    )
