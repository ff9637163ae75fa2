"""Write what the sample was planted with as gene sets: ``python sample_data/make_sets.py [--out FILE]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from glasscell.data.gene_set import SAMPLE_SETS, GeneSet, write_gmt
from glasscell.data.sample_gene import planted_sets


def main() -> None:
    """Write the sets of the sample's genes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name(SAMPLE_SETS), help="file to write"
    )
    options = parser.parse_args()
    sets = [GeneSet(name, genes, "planted in the sample") for name, genes in planted_sets().items()]
    write_gmt(sets, options.out)
    print(f"{options.out}: {len(sets)} gene sets")


if __name__ == "__main__":
    main()
