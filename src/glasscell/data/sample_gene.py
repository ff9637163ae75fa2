"""The genes of the sample tissue: which are real names, and what each was planted to do."""

from __future__ import annotations

from dataclasses import dataclass

N_GENES = 400
N_REAL = 200
LAYERS = ("L1", "L2", "L3", "L4", "L5", "L6", "WM")
PLANTED_PER_LAYER = 10
PASSENGERS_PER_LAYER = 4
MARKERS_PER_TYPE = 8

# Symbols of human genes; beside its real names a role is filled up with invented ones.
LAYER_GENES = {
    "L1": "RELN FABP7 MT1G SPARC HOPX VIM PTGDS",
    "L2": "LAMP5 HPCAL1 CUX2 CALB1 CXCL14 C1QL2 CARTPT",
    "L3": "FREM3 ADCYAP1 COL5A2 LINC00507 PENK PRSS12 ENC1",
    "L4": "RORB NEFH SCN1B VAMP1 KCNC1 MEPE GLRA3",
    "L5": "PCP4 TRABD2A HTR2C CRYM FEZF2 BCL11B ETV1",
    "L6": "KRT17 NTNG2 TLE4 NR4A2 SEMA3E HS3ST4 RXFP1",
    "WM": "MBP MOBP PLP1 CNP MAG OPALIN CRYAB",
}
PASSENGER_GENES = {
    "L1": "APOD CSRP1",
    "L2": "CCK SYNPR",
    "L3": "ARPP19 RGS4",
    "L4": "NEFL NEFM",
    "L5": "PDE1A SULF1",
    "L6": "DIRAS2 TSHZ2",
    "WM": "TF QDPR",
}
TYPE_GENES = {
    "Astrocyte": "AQP4 GFAP GJA1 SLC1A2 S100B",
    "Interneuron": "GAD1 GAD2 SST VIP PVALB",
    "Microglia": "C1QA C1QC CSF1R SPP1 LGALS1",
    "Endothelial": "CLDN5 VWF FLT1 COL1A2 DCN",
    "OPC": "PDGFRA OLIG1 OLIG2 VCAN CSPG4",
}
PROGRAMME_GENES = {
    "activity": "FOS JUN EGR1 BASP1",
    "metabolism": "COX7B NDUFA4 ATP5B UQCRH",
    "transport": "TUBA1A TUBB2A MAP1B STMN1",
}
GENES_PER_PROGRAMME = 8
# (sender, receiver): genes that the receiver turns up beside a sender.
NEIGHBOUR_GENES = {
    ("Microglia", "Astrocyte"): "HSPH1 SERPINI1",
    ("Endothelial", "Interneuron"): "ADRA2A STXBP6",
}
GENES_PER_NEIGHBOUR = 4
N_BATCH_GENES = 2
BACKGROUND_GENES = (
    "GAPDH NRGN SNAP25 TMSB10 ACTB TUBA1B CALM1 CALM2 CKB GNAS VSNL1 YWHAH OLFM1 SPARCL1 ATP1B1 RTN1 UCHL1 "
    "RTN3 "
    "PPIA CALM3 HSP90AA1 GPM6A HSP90AB1 CHN1 HSPA8 THY1 SYT1 CAMK2N1 RTN4 MALAT1 YWHAZ YWHAG APP NORAD CPE "
    "TPI1 "
    "SLC17A7 HINT1 DNM1 CLSTN1 TSPAN7 EEF1A2 MDH1 SNRPN EIF4A2 PRNP APLP1 STXBP1 TMEM59L TSC22D1 SNCB ENO2 "
    "STMN2 "
    "BEX1 ATP1A1 YWHAB LDHB NDRG4 SARAF SLC22A17 GPM6B SYP GAP43 PRKAR1B GNG3 DKK3 PLD3 LMO4 TSPYL1 KLC1 "
    "ATP1A3 "
    "NDFIP1 GRIN1 PHYHIP PPP3CA CTXN1 NCDN NPTN FXYD6 CABP1 RAB3A TUBB PIN1 NDUFB1 PRDX2 TAGLN3 LY6H PFN2 "
    "ATP2A2 "
    "NAPB ATP2B2 CLTC NSF PI4KA PREPL RAB6B GHITM PRKCB RHBDD2 PGK1 MEG3 CHCHD10 SCD DSTN SCG5 SNCA CALY "
    "NGEF "
    "PTPRN TUBA4A CAMK2A CHGA MEF2C SNCG SEZ6L2 MOAP1 CAMK2B GABRA1 SATB2 TBR1 CALB2 NPY TAC1 CORT CNR1"
)


@dataclass(frozen=True)
class SampleGene:
    """One gene of the sample.

    Parameters
    ----------
    name
        A real symbol, or an invented "SYN-..." one.
    role
        "layer", "passenger", "cell_type", "programme", "neighbour", "batch" or "background".
    of
        The layer, cell type, programme or "sender>receiver" it belongs to; empty for the rest.
    """

    name: str
    role: str
    of: str = ""


def sample_genes() -> tuple[SampleGene, ...]:
    """Return the 400 genes of the sample, half of them real symbols, in the order of the file (by name)."""
    planned: list[tuple[str, str, list[str], int]] = []
    planned += [("layer", name, LAYER_GENES[name].split(), PLANTED_PER_LAYER) for name in LAYERS]
    planned += [("passenger", name, PASSENGER_GENES[name].split(), PASSENGERS_PER_LAYER) for name in LAYERS]
    planned += [("cell_type", name, text.split(), MARKERS_PER_TYPE) for name, text in TYPE_GENES.items()]
    planned += [
        ("programme", name, text.split(), GENES_PER_PROGRAMME) for name, text in PROGRAMME_GENES.items()
    ]
    planned += [
        ("neighbour", ">".join(pair), text.split(), GENES_PER_NEIGHBOUR)
        for pair, text in NEIGHBOUR_GENES.items()
    ]
    planned.append(("batch", "D2", [], N_BATCH_GENES))
    n_real = sum(len(real) for _, _, real, _ in planned)
    n_planned = sum(total for *_, total in planned)
    background = BACKGROUND_GENES.split()[: N_REAL - n_real]
    planned.append(("background", "", background, N_GENES - n_planned))
    genes: list[SampleGene] = []
    invented = 0
    for role, of, real, total in planned:
        names = list(real)
        while len(names) < total:
            invented += 1
            names.append(f"SYN-{invented:03d}")
        genes += [SampleGene(name, role, of) for name in names]
    return tuple(sorted(genes, key=lambda gene: gene.name))


def planted_sets() -> dict[str, frozenset[str]]:
    """Return what was planted, as gene sets: layers (with their passengers), cell types and programmes."""
    sets: dict[str, set[str]] = {}
    for gene in sample_genes():
        role = "layer" if gene.role == "passenger" else gene.role
        if role in ("layer", "cell_type", "programme"):
            sets.setdefault(f"{role.upper()}_{gene.of.upper().replace(' ', '_')}", set()).add(gene.name)
    order = {"LAYER": 0, "CELL": 1, "PROGRAMME": 2}
    ranked = sorted(sets, key=lambda name: (order[name.partition("_")[0]], name))
    return {name: frozenset(sets[name]) for name in ranked}
