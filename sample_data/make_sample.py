"""Write the sample tissue: ``python sample_data/make_sample.py [--seed 0] [--out FILE]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from glasscell.data.sample import SAMPLE_NAME, make_sample


def main() -> None:
    """Make the sample tissue and write it, compressed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="same seed, same tissue")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name(SAMPLE_NAME), help="file to write"
    )
    options = parser.parse_args()
    adata = make_sample(options.seed)
    adata.write_h5ad(options.out, compression="gzip", compression_opts=9)
    size = options.out.stat().st_size / 1e6
    print(f"{options.out}: {adata.n_obs:,} cells x {adata.n_vars} genes, {size:.1f} MB")


if __name__ == "__main__":
    main()
