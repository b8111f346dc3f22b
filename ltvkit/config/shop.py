"""A shop opened by its params file: its orders and customers, ready for every concept."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ltvkit import customers, orders
from ltvkit.config import params
from ltvkit.config.params import Params
from ltvkit.core import i18n, paths, redaction
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest import records, undecided_amounts
from ltvkit.ingest.book import Orders
from ltvkit.ingest.lines import select_until
from ltvkit.ingest.parse import currencies
from ltvkit.ingest.policies import Policies, check_options
from ltvkit.ingest.readers import databases
from ltvkit.ingest.readers.locate import locate
from ltvkit.ingest.records import Records


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
    file = params.find_params(path)
    with paths.inside(paths.find_project(file.parent)):
        given = params.load(file, engine=engine)
        with i18n.speaking(given.language):
            book = read_orders(given)
    return Shop(given, book, book.as_of(month or given.values.get("month", "last")))


def read_orders(given: Params) -> Orders:
    """The orders of a shop; raises `ParamsError` where its params name another currency, or do not
    tell how amounts such as 25.500 are read.
    """
    book = orders.read(given.values["source"], **reading(given))
    currency, rates = (
        given.values.get("currency", ""),
        given.values.get("policies", {}).get("rates"),
    )
    currencies.check_currency(currency, book.facts)
    undecided_amounts.check_undecided(currency, book.facts, rated=bool(rates))
    return book


def read_records(given: Params) -> dict[str, Records]:
    """The events and enquiries that a shop's params name, read and checked, by table."""
    return {table: records.read(to, table=table) for table, to in _list_records(given).items()}


def _list_records(given: Params) -> dict[str, dict[str, Any]]:
    return {table: given.values[table] for table in records.TABLES if given.values.get(table)}


def find_missing_files(given: Params) -> list[str]:
    """Messages on the files that a params file names and that are not there; none is read."""
    source, rules = given.values["source"], check_options(policies=given.values.get("policies"))
    checks = _check_source(source, rules)
    if rules.rates:
        checks.append((currencies.find_rates, rules.rates))
    if rules.join:
        checks.append((locate, rules.join, rules))
    found = list(filter(None, (_find_problem(*check) for check in checks)))
    for table, options in _list_records(given).items():
        checked = records.Options.of(options, table)
        problems = (_find_problem(*c) for c in _check_source(checked.source, checked.rules))
        found += [f"{table}: {problem}" for problem in problems if problem]
    return found


def _check_source(source: str, rules: Policies) -> list[tuple]:
    """The call that finds the files of a source; none for one that is on a server."""
    if databases.is_file(source):
        return [(databases.find_file, source)]
    return [(locate, source, rules)] if "://" not in source else []


def _find_problem(check: Callable[..., Any], *options: Any) -> str:
    try:
        check(*options)
    except (DataError, ParamsError, OSError) as error:
        return redaction.describe_error(error)
    return ""


def reading(given: Params) -> dict[str, Any]:
    """What a params file says of how its orders are read: options of `orders.read`."""
    known = ("columns", "policies", "engine", "spark")
    return {key: given.values[key] for key in known if key in given.values}
