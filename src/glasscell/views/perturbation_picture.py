"""A perturbation in the words and rows that views show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glasscell.views.perturbation_view import PerturbationPicture

if TYPE_CHECKING:
    from glasscell.explain.perturbation.result import Perturbation

N_GENES = 40
#: From how many standard deviations of the controls on an effect is said to stand out.
STANDS_OUT = 3.0


def perturbation_picture(found: Perturbation, observations: str = "cells") -> PerturbationPicture:
    """Put a perturbation into words and rows."""
    said, stands_out = _evidence(found)
    genes: tuple[tuple[str, float, float], ...] = ()
    if found.expected_g is not None:
        place = {gene: at for at, gene in enumerate(found.genes)}
        genes = tuple(
            (gene, float(found.expected_g[place[gene]]), change) for gene, change in found.top(N_GENES)
        )
    changed = f"{found.title} in {len(found.cells):,} {observations}: expected by the model, not measured."
    return PerturbationPicture(
        title=changed,
        evidence=said,
        stands_out=stands_out,
        flips=found.flips(),
        genes=genes,
        sorts=found.sorts,
        unit=found.unit,
        notes=found.notes,
    )


def _evidence(found: Perturbation) -> tuple[str, bool | None]:
    compared, observed = found.comparison, found.observed
    if observed is not None:
        rest = "" if observed.others is None else f" ({observed.others:+.2f} with those of others)"
        return (
            f"Decoded change against the measured shift of {observed.n_cells:,} cells: "
            f"correlation {observed.own:+.2f}{rest}.",
            None if observed.others is None else observed.own > observed.others,
        )
    if compared is None:
        return "No control to compare with: what is expected of other genes is unknown.", None
    n = len(compared.controls)
    if compared.z is None:
        return f"{compared.as_large} of {n} matched controls change as much.", None
    return (
        f"Size of the change {compared.effect:.2g} {found.effect_unit}: z {compared.z:+.1f} against {n} "
        f"random genes of like expression, {compared.as_large} of which change as much.",
        compared.z >= STANDS_OUT and compared.as_large == 0,
    )
