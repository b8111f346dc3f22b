"""What pages say about hypotheses: the sentences of `texts.yaml`, in the reader's language."""

from typing import Any

from ltvkit.core import files
from ltvkit.core.i18n import _

TEXTS = files.read_yaml(__name__, "texts.yaml")


def fill(name: str, **values: Any) -> str:
    """The text `name` with its values filled in.

    >>> fill("interval", low=1, high=2)
    '1 to 2'
    """
    return _(TEXTS[name]).format(**values)
