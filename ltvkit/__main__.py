"""`python -m ltvkit`."""

from ltvkit.cli import main

main(prog_name="ltvkit")
