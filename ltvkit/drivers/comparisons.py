"""Part of a shop's orders, or another shop's: what a comparison is made of besides two months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import orders, periods
from ltvkit.display import formats, joining
from ltvkit.drivers import changes, leaves
from ltvkit.drivers.calendars import Calendar
from ltvkit.drivers.change import Change
from ltvkit.drivers.changes import Compared
from ltvkit.drivers.customer_groups import check_group
from ltvkit.drivers.kpi_tree import THE_KITS, KpiTree
from ltvkit.drivers.leaves import Counted
from ltvkit.drivers.texts import fill
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, nearest
from ltvkit.ingest import daily
from ltvkit.ingest.book import Orders
from ltvkit.periods import Day

READING = ("columns", "policies", "engine", "spark")
MOST = 30  # values of a column that an error names


@dataclass(frozen=True)
class Other:
    """Another shop to compare with: its order lines, their days, its name on pages, the policy
    `export_begins`, where the lines are a part of its orders, the days of all, and its
    `margin_rate`."""

    lines: Frame
    days: Frame
    title: str
    export_begins: str = ""
    all_days: Frame | None = None
    margin_rate: float = 0.0


def select(book: Orders, *, where: Mapping[str, str]) -> tuple[Any, Any]:
    """Orders read -> their lines and days; with `where` (column: value), of these lines alone.

    Who is new, and when one bought last, is then by these lines, too. Raises `ColumnError` for a
    column that is not there, and `ParamsError` for columns that tell single customers or orders,
    and where no line has the value.
    """
    if not where:
        return book.lines, book.days
    lines = frames.materialize(choose_lines(book, where=where), like=book.lines)
    return lines, daily.aggregate(lines)


def choose_lines(book: Orders, *, where: Mapping[str, str]) -> nw.LazyFrame:
    """The lines of orders that `select` selects, not yet computed; raises as it does."""
    for column in where:
        check_group("where", column)
    opened = frames.lazy(book.lines, needs=tuple(where))
    for column, value in where.items():
        chosen = opened.filter(nw.col(column).cast(nw.String) == value)
        if not frames.count(chosen):
            known = _list_values(opened, column, value)
            raise ParamsError(f"where: no order line has {column}={value}.{known}")
        opened = chosen
    return opened


def _list_values(opened: nw.LazyFrame, column: str, value: str) -> str:
    """The nearest value of a column, or else those that there are; nothing of a column with so many
    that they may tell single customers."""
    known = opened.select(value=nw.col(column).cast(nw.String)).unique().sort("value")
    names = frames.table(known.head(MOST + 2))["value"].dropna().tolist()
    if len(names) > MOST:
        return f" It has more than {MOST} others."
    return nearest(value, names) or f" There is {', '.join(names)}."


def read_other(
    given: Mapping[str, Any], *, where: Mapping[str, str], as_of: Day, currency: str
) -> Other | None:
    """What a params file says of another shop (source, title, currency, columns, policies, ...) ->
    `Other`; None where nothing is given.

    Raises `ParamsError` where its money is in another currency, or its orders do not go up to
    `as_of`.
    """
    if not given:
        return None
    title = given.get("title") or given.get("shop", "")
    check_currencies(currency, given.get("currency", ""), title)
    named = {name: given[name] for name in READING if name in given}
    book = orders.read(given["source"], **named)
    lines, days = select(book, where=where)
    last = periods.day(as_of)
    if pd.Timestamp(book.as_of(f"{last:%Y-%m}")) < pd.Timestamp(last):
        until = formats.day(book.facts["until"])
        raise ParamsError(f"{title}: its orders end on {until}, before {formats.day(last)}.")
    begins, rate = book.facts["export_begins"], given.get("margin_rate", 0.0)
    return Other(lines, days, title, begins, book.days, rate)


def check_currencies(ours: str, theirs: str, title: str) -> None:
    """Raise `ParamsError` where two shops count in different money."""
    if ours != theirs:
        raise ParamsError(
            f"{title} counts in {theirs or 'no currency'}, and the other shop in "
            f"{ours or 'no currency'}: amounts cannot be compared. Give both the same "
            "`currency`, and where the orders need it, `rates` in policies."
        )


def describe_scope(where: Mapping[str, str], other: Other | None) -> str:
    """What a comparison is limited to, in a sentence; "" where it is not."""
    named = joining.items(f"{column} = {value}" for column, value in where.items())
    said = [fill("only_where", where=named)] if where else []
    said += [fill("against_shop", title=other.title)] if other else []
    return joining.sentences(said)


def compare(
    days: Frame,
    *,
    as_of: Day,
    lines: Frame,
    other: Other | None = None,
    against: str = "previous",
    title: str = "",
    of: str = "revenue",
    margin_rate: float = 0.0,
    country: str = "",
    export_begins: str = "",
    lapse_days: int = 180,
    kpi_tree: KpiTree = THE_KITS,
    all_days: Frame | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Change:
    """As `changes.explain`; with an `other` shop, why revenue, or margin, of the month differs from
    its, each by its own margin rate.

    Both shops' leaves are of the same days, so that days and weekdays have no part in it. Raises
    `TooLittleData` where one of both does not hold the whole of it.
    """
    rule = {"lapse_days": lapse_days, "draws": draws, "seed": seed}
    if other is None:
        return changes.explain(
            days,
            as_of=as_of,
            lines=lines,
            against=against,
            of=of,
            margin_rate=margin_rate,
            country=country,
            export_begins=export_begins,
            kpi_tree=kpi_tree,
            all_days=all_days,
            **rule,  # type: ignore[arg-type]
        )
    span = changes.find_spans(as_of=as_of)[1]
    name = periods.label(periods.index_of(as_of, "month"), "month")
    ours = Other(lines, days, title, export_begins, all_days, margin_rate)
    found, known, regular = [], True, True
    for n, side in enumerate((other, ours)):
        whole = side.days if side.all_days is None else side.all_days
        known &= changes.is_known(
            whole,
            span[0],
            latest=span[0],
            name=name,
            as_of=as_of,
            export_begins=side.export_begins,
        )
        counted = leaves.count(
            side.days,
            spans=[span, span],
            lapse_days=lapse_days,
            lines=side.lines,
            of=of,
            margin_rate=side.margin_rate,
        )
        found += [counted.sums[[c for c in counted.sums if c.endswith(str(n))]]]
        regular &= counted.regular
    sums = pd.concat(found, axis=1).fillna(0.0).sort_index()
    n_days = changes.count_days(span)
    shops = (other.title, title)
    compared = Compared([span, span], (name, name), known, Calendar(), n_days, shops, of)
    counted = Counted(sums, regular)
    change = changes.share_out_sums(
        counted, compared, lines=lines, tree=kpi_tree, draws=draws, seed=seed
    )
    return replace(change, part=all_days is not None)
