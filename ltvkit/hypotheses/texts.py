"""What pages say about hypotheses: the sentences of `texts.yaml`, in the reader's language."""

from typing import Any

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import formats

TEXTS = files.read_yaml(__name__, "texts.yaml")


def fill(name: str, /, **figures: Any) -> str:
    """The text `name` with its figures filled in: whole numbers are counts, others shares.

    >>> fill("interval", low=1, high=2)
    '1 to 2'
    """
    return formats.fill(_(TEXTS[name]), **figures)
