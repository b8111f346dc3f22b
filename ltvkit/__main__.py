"""`python -m ltvkit`, also installed as `ltvkit`: says so where Python or a package is missing."""

import sys

REMEDY = (
    "Use the project's environment (. .venv/bin/activate), or make one: `make` in a checkout, "
    "else `pip install` with the ltvkit wheel."
)


def main() -> None:
    """Run the command line; one plain line where this Python cannot."""
    if sys.version_info < (3, 11):  # noqa: UP036 (the wrong Python is the point)
        sys.exit(_cannot("needs Python 3.11 or newer, and this is {}.{}".format(*sys.version_info)))
    _print_what_it_can()
    try:
        from ltvkit.cli.main import main as run

        run(prog_name="ltvkit")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "ltvkit":
            raise
        sys.exit(_cannot(f"needs the package '{error.name}', which this Python lacks"))


def _print_what_it_can() -> None:
    """Let a terminal that lacks a character (cp932, latin-1, ASCII) show its code in its place."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _cannot(why: str) -> str:
    return f"Error: ltvkit {why} ({sys.executable}). {REMEDY}"


if __name__ == "__main__":
    main()
