"""What pages say about forecasts: the sentences of `texts.yaml`, in the reader's language."""

from typing import Any

from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import formats

TEXTS = files.read_yaml(__name__, "texts.yaml")


def fill(name: str, /, **figures: Any) -> str:
    """The text `name` with its figures filled in: whole numbers are counts, others shares.

    >>> fill("fitted_to_sample", n=1000, whole=9000)
    'Fitted to a random sample: 1,000 of 9,000 customers.'
    """
    return formats.fill(_(TEXTS[name]), **figures)
