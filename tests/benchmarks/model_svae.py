"""Models of shifts: planted sparse shifts (S2) against the dense model, and effects on the Norman subset."""

from statistics import mean

import numpy as np
from tests.benchmarks.row import Row
from tests.benchmarks.setting import settings_of
from tests.benchmarks.shift_runs import FEW, N_HELD, HalfRun, PlantedRun, norman_run, planted_run

IDS = ("SV1", "SV2", "SV3", "SV4", "SV5")
SEEDS, SPLITS = (0, 1, 2), (0, 1, 2, 3, 4)
MCC_MARGIN, F1_MARGIN, WON, MAY_LACK = 0.08, 0.10, 14, 0.02


def rows() -> list[Row]:
    """Measure all bars; the planted ones train six nets, the others five."""
    sparse = [planted_run("svae", settings_of("shifts_svae"), seed) for seed in SEEDS]
    dense = [planted_run("ivae", settings_of("shifts_ivae"), seed) for seed in SEEDS]
    settings = settings_of("shifts_norman")
    epochs = settings.pop("epochs")
    halves = [norman_run("svae", settings, epochs, split) for split in SPLITS]
    return [*planted_rows(sparse, dense), norman_row(halves)]


def planted_rows(sparse: list[PlantedRun], dense: list[PlantedRun]) -> list[Row]:
    """Compare both families on planted shifts, bars on means over seeds."""
    mcc, mcc_dense = [run.mcc for run in sparse], [run.mcc for run in dense]
    f1, f1_dense = [run.f1 for run in sparse], [run.f1 for run in dense]
    ratio = [run.density / run.true_density for run in sparse]
    worst = max(max(one, 1 / one) if one else np.inf for one in ratio)
    won = [int((a.bounds > b.bounds).sum()) for a, b in zip(sparse, dense, strict=True)]
    gained = [int((run.bounds > run.no_shift).sum()) for run in sparse]
    gap = [float((a.bounds - b.bounds).mean()) for a, b in zip(sparse, dense, strict=True)]
    few = "; ".join(few_cells(sparse, dense, place) for place in range(len(FEW)))
    return [
        Row(
            "SV1",
            "S2: latents matched to the true ones, mean |Pearson|",
            f"svae {mean(mcc):.3f}",
            f"ivae {mean(mcc_dense):.3f}",
            mean(mcc) - mean(mcc_dense),
            MCC_MARGIN,
            note=f"seeds {SEEDS}: svae {listed(mcc)}, ivae {listed(mcc_dense)}.",
        ),
        Row(
            "SV2",
            "S2: targets found, F1",
            f"svae {mean(f1):.3f}",
            f"ivae, two largest {mean(f1_dense):.3f}",
            mean(f1) - mean(f1_dense),
            F1_MARGIN,
            note=f"seeds {SEEDS}: svae {listed(f1)}, ivae {listed(f1_dense)}.",
        ),
        Row(
            "SV3",
            "S2: open gates, times the truth (worst seed)",
            f"{mean(run.density for run in sparse):.3f}",
            f"truth {mean(run.true_density for run in sparse):.3f}",
            float(worst),
            2.0,
            at_least=False,
            note=f"seeds {SEEDS}: {listed([run.density for run in sparse])}, "
            f"truth {listed([run.true_density for run in sparse])}.",
        ),
        Row(
            "SV4",
            f"S2: {N_HELD} new actions, more likely than under ivae",
            f"{mean(won):.1f} of {N_HELD}",
            f"half: {N_HELD // 2}",
            float(mean(won)),
            WON,
            note=f"seeds {SEEDS}: {won} of {N_HELD}; mean gap {listed(gap)} nats a cell. Impostor, the "
            f"control's prior in place of the new shift: beaten in {gained}. {few}.",
        ),
    ]


def few_cells(sparse: list[PlantedRun], dense: list[PlantedRun], place: int) -> str:
    """Say how the families compare when shifts are learnt from ``FEW[place]`` cells each."""
    gaps = [a.few[:, place] - b.few[:, place] for a, b in zip(sparse, dense, strict=True)]
    won = [int((gap > 0).sum()) for gap in gaps]
    return (
        f"From {FEW[place]} cells each: {won}, mean {mean(won):.1f}, "
        f"gap {listed([float(gap.mean()) for gap in gaps])}"
    )


def norman_row(halves: list[HalfRun]) -> Row:
    """Compare decoded effects with the training half's own mean shift."""
    ours, half = [run.ours for run in halves], [run.half for run in halves]
    average, wrong = [run.average for run in halves], [run.wrong for run in halves]
    return Row(
        "SV5",
        "Norman: decoded effect and the other half's shift, Pearson, minus the training half's",
        f"svae {mean(ours):.3f}",
        f"half {mean(half):.3f}",
        mean(ours) - mean(half),
        -MAY_LACK,
        note=f"splits {SPLITS}: svae {listed(ours)}, training half's own mean shift {listed(half)}, "
        f"average effect {listed(average)}, wrong perturbation {listed(wrong)}.",
    )


def listed(values: list[float]) -> str:
    """Write values with three decimals."""
    return " ".join(f"{value:.3f}" for value in values)
