"""Messages for the terminal: they may quote what stands in a file."""

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
