"""``python -m glasscell``."""

from glasscell.cli import main

main()
