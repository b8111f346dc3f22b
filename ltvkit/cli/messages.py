"""Messages for the terminal: they may quote what stands in a file."""

import traceback
from pathlib import Path

from ltvkit.core import paths
from ltvkit.errors import LtvkitError

LONGEST = 2000  # letters of a line


def make_printable(text: str) -> str:
    """A message masked, without control characters, its lines of a length that can be read.

    >>> make_printable("a\\x1b[31mb\\nc")
    'a[31mb\\nc'
    >>> make_printable("x" * 5000)[-5:]
    'x ...'
    """
    from ltvkit.core import redaction

    printable = "".join(c for c in redaction.mask(text) if c.isprintable() or c == "\n")
    lines = printable.split("\n")
    return "\n".join(line if len(line) <= LONGEST else f"{line[:LONGEST]} ..." for line in lines)


def locate(error: Exception) -> str:
    """Where in the kit an error was raised that is none of its own; "" for those that are.

    Its text is masked, so this is what tells a fault of the kit.

    >>> try:
    ...     make_printable(None)
    ... except TypeError as error:
    ...     locate(error).startswith(" (core/")
    True
    """
    if isinstance(error, LtvkitError):
        return ""
    home = paths.package()
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(home)
    ]
    if not own:
        return ""
    file = Path(own[-1].filename).relative_to(home).as_posix()
    return f" ({file}, line {own[-1].lineno})"
