"""What pages say about LTV: the sentences of `texts.yaml`, in the reader's language."""

from typing import Any

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import formats

TEXTS = files.read_yaml(__name__, "texts.yaml")


def fill(name: str, /, **figures: Any) -> str:
    """The text `name` with its figures filled in: whole numbers are counts, others shares.

    >>> fill("too_low", value="5.00 USD")
    'A formula that gives less than 5.00 USD is too low for this shop.'
    """
    return formats.fill(_(TEXTS[name]), **figures)
