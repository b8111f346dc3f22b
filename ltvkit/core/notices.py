"""One line on standard error about what the kit did by itself; pages never show it."""

import os
import sys

from ltvkit.core import redaction

# Set for the notebooks of a report, whose standard error would be on the page.
QUIET = "LTVKIT_QUIET"


def tell(text: str) -> None:
    """Say `text` in a line on standard error, in letters that the terminal has."""
    if not os.environ.get(QUIET):
        text = redaction.mask(text)
        known = sys.stderr.encoding or "utf-8"
        shown = text.encode(known, "backslashreplace").decode(known)
        print(" ".join(shown.split()), file=sys.stderr)
