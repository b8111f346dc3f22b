"""Lines on standard error about the steps of a run that take long, before they are through."""

from collections.abc import Mapping
from typing import Any

from ltvkit.core import notices
from ltvkit.core.i18n import _, n_
from ltvkit.display import formats


def tell_reading(shop: str) -> None:
    """A shop's orders are about to be read, or opened if they have been."""
    notices.tell(_("{shop}: reading the orders").format(shop=shop))


def tell_read(shop: str, facts: Mapping[str, Any]) -> None:
    """What a shop's orders are, by their facts."""
    lines, span = facts["lines_read"], {n: facts[n] for n in ("first", "last")}
    said = n_(
        "{shop}: {lines} line read, {first} to {last}",
        "{shop}: {lines} lines read, {first} to {last}",
        lines,
    )
    notices.tell(formats.fill(said, shop=shop, lines=lines, **span))


def tell_work(notebooks: int, jobs: int) -> None:
    """How many notebooks are about to run."""
    if not notebooks:
        return
    said = n_(
        "{notebooks} notebook to run", "{notebooks} notebooks to run, {jobs} at a time", notebooks
    )
    notices.tell(formats.fill(said, notebooks=notebooks, jobs=jobs))
