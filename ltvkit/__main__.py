"""`python -m ltvkit`."""

from ltvkit.cli import main

if __name__ == "__main__":
    main(prog_name="ltvkit")
