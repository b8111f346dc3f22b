"""A shop opened by its params file: its orders and customers, ready for every concept."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ltvkit import customers, orders
from ltvkit.config import params
from ltvkit.config.params import Params
from ltvkit.core import paths
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, ProjectError, nearest
from ltvkit.ingest.book import Orders
from ltvkit.ingest.lines import select_until
from ltvkit.ingest.parse import currencies


@dataclass(frozen=True, repr=False)
class Shop:
    """A shop as of a day. Frames are of the kind that `engine` of its params computes with.

    `params`: its params file as read. `book`: all its orders (see `orders.read`), with what was
    left out and why. `as_of`: the last day that counts.
    """

    params: Params
    book: Orders
    as_of: dt.date

    @property
    def title(self) -> str:
        """The shop's name on pages."""
        return self.params.values.get("title", "")

    @property
    def currency(self) -> str:
        """The unit of all money."""
        return self.params.values.get("currency", "")

    @cached_property
    def lines(self) -> Frame:
        """One row per order line, up to `as_of`."""
        return self.book.until(self.as_of)

    @cached_property
    def days(self) -> Frame:
        """One row per customer and day, up to `as_of`: quicker than `lines`, the same figures."""
        return select_until(self.book.days, as_of=self.as_of)

    @cached_property
    def customers(self) -> Frame:
        """One row per customer who had bought by `as_of` (see `customers.summarize`)."""
        return customers.summarize(self.book.days, as_of=self.as_of)

    def __repr__(self) -> str:
        first = self.book.facts["first"]
        return f"{self.title} ({self.params.shop}): orders of {first} to {self.as_of}"


def open_shop(
    path: str | os.PathLike[str], *, month: str | None = None, engine: str | None = None
) -> Shop:
    """A params file -> `Shop`; see `ltvkit.open`."""
    file = find_params(path)
    with paths.inside(paths.project_of(file.parent)):
        given = params.load(file, engine=engine)
        book = read_orders(given)
    return Shop(given, book, book.as_of(month or given.values.get("month", "last")))


def read_orders(given: Params) -> Orders:
    """The orders of a shop; raises `ParamsError` where its params name another currency."""
    book = orders.read(given.values["source"], **reading(given))
    currencies.check_currency(given.values.get("currency", ""), book.facts)
    return book


def reading(given: Params) -> dict[str, Any]:
    """What a params file says of how its orders are read: options of `orders.read`."""
    known = ("columns", "policies", "engine", "spark")
    return {key: given.values[key] for key in known if key in given.values}


def find_params(path: str | os.PathLike[str]) -> Path:
    """The params file that `path` names, from the working folder or from the project's root.

    Raises `ParamsError` naming the params files that there are.
    """
    here = Path.cwd().resolve()
    try:
        homes = dict.fromkeys((here, paths.root().resolve()))
    except ProjectError:
        homes = {here: None}
    named = Path(path).expanduser()
    for home in homes:
        if (home / named).is_file():
            return (home / named).resolve()
    known = [found for home in homes for found in sorted(home.glob("params/*.yaml"))]
    known = known or [*here.glob("*/params/*.yaml")]
    shown = [os.path.relpath(found) for found in dict.fromkeys(known)]
    there = f"There is {', '.join(shown)}." if shown else "Write one: python -m ltvkit inspect FILE"
    looked = " or ".join(map(str, homes))
    raise ParamsError(
        f"there is no params file {path} in {looked}.{nearest(str(path), shown)} {there}"
    )
