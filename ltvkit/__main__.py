"""`python -m ltvkit`."""

from ltvkit.cli.main import main

if __name__ == "__main__":
    main(prog_name="ltvkit")
