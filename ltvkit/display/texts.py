"""Sentences of pages, in the reader's language: each package has its own in a file `texts.yaml`.

>>> fill("second_order", rate=0.228, days=90)
'22.8% of new customers order again within 90 days.'
>>> [fill("orders", n=n) for n in (1, 1200)]
['1 order', '1,200 orders']
"""

from typing import Any

from ltvkit.core import files
from ltvkit.core.i18n import _, n_
from ltvkit.display import formats


class Texts(dict[str, Any]):
    """Sentences by name; one that depends on a number has a form for `one` and one for `many`."""

    def fill(self, name: str, /, **figures: Any) -> str:
        """A sentence with its figures filled in: whole numbers are counts, others shares.

        Where it has two forms, the figure `n` decides.
        """
        text = self[name]
        said = _(text) if isinstance(text, str) else n_(text["one"], text["many"], figures["n"])
        return formats.fill(said, **figures)


def read(module: str) -> Texts:
    """The sentences of `texts.yaml` beside the module of this name."""
    return Texts(files.read_yaml(module, "texts.yaml"))


TEXTS = read(__name__)
fill = TEXTS.fill


def describe_grade(grade: str) -> str:
    """A grade of evidence, C or D, with what it means.

    >>> describe_grade("D")
    'D, as the two sides may differ in much else'
    """
    return fill(f"grade_{grade}")


def explain_no_shares(revenue: float) -> str:
    """Why there are no shares of a revenue of zero or less.

    >>> explain_no_shares(0.0)
    'There is no revenue to share out.'
    """
    return fill("below_zero" if revenue < 0 else "no_revenue")
