"""Count the orders, and their money, that another reading of the dates would move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from ltvkit.core.i18n import _, n_
from ltvkit.display import formats
from ltvkit.engines.sql import literal
from ltvkit.ingest import mapping, pipeline, validation
from ltvkit.ingest.parse import dates
from ltvkit.ingest.parse.placeholder_days import is_placeholder
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.schema import LINE

_UNSORTED = 0.01  # of the lines may step back in time where they are in its order


@dataclass(frozen=True)
class Moves:
    """Orders and their money on another `day`, and those of them in another `month`."""

    day: tuple[int, float]
    month: tuple[int, float]

    def describe(self, currency: str) -> str:
        """As "another day for 12 orders (1,200 USD), another month for 1 order (100 USD)"."""
        text = _("another day for {day}, another month for {month}")
        return text.format(day=_describe(self.day, currency), month=_describe(self.month, currency))


def _describe(moved: tuple[int, float], currency: str) -> str:
    orders, money = moved
    text = n_("{n} order ({money})", "{n} orders ({money})", orders)
    return (
        formats.fill(text, n=orders, money=formats.money(money, currency)) if orders else _("none")
    )


def count_moves(
    raw: Any, columns: Mapping[str, str], policies: Mapping, others: Sequence[Mapping[str, str]]
) -> list[Moves]:
    """Kept lines of a source -> for each of `others`, what it moves.

    Each gives `date_format` and `zone` of another reading. Without order ids each line is an order.
    """
    lines = read_lines(raw, columns, policies, others).filter("reason is null")
    orders = "count(distinct order_id)" if "order_id" in columns else "count(*)"
    sums = (
        f"{orders} filter (moved), coalesce(sum(amount) filter (moved), 0)".replace("moved", moved)
        for n in range(len(others))
        for moved in (
            f"day_{n} <> day",
            f"date_trunc('month', day_{n}) <> date_trunc('month', day)",
        )
    )
    found = lines.aggregate(", ".join(sums)).fetchall()[0]
    pairs = [*zip(found[::2], found[1::2], strict=True)]
    return [Moves(*pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)]


def find_sorted(
    raw: Any, columns: Mapping[str, str], policies: Mapping, formats: Sequence[str]
) -> list[str]:
    """Those of several date formats by which the lines of a source are in order of time."""
    read = read_lines(raw, columns, policies, [{"date_format": form} for form in formats])
    names = [f"day_{n}" for n in range(len(formats))]
    steps = (f"{day} - lag({day}) over (partition by part order by line) as {day}" for day in names)
    moved = read.project(", ".join(steps))
    shares = (
        f"least(avg(({day} < interval 0 day)::int), avg(({day} > interval 0 day)::int))"
        for day in names
    )
    back = moved.aggregate(", ".join(shares)).fetchall()[0]
    return [form for form, share in zip(formats, back, strict=True) if (share or 0) <= _UNSORTED]


def read_lines(
    raw: Any,
    columns: Mapping[str, str],
    policies: Mapping,
    others: Iterable[Mapping[str, str]] = (),
) -> Any:
    """A source -> its lines as a relation of order_id, amount, day, written, reason, part, line.

    `day_0`, `day_1` and so on are the day as each of `others` reads it.
    """
    rules, read = Policies(**policies), []
    for number, part in enumerate(raw.parts):
        part = part.resolve(raw.connection)
        names = mapping.map_columns(part, columns=columns, source=raw.facts["source"])
        part = mapping.fill_down(part, names, rules).with_line_numbers()
        zone = pipeline.choose_timezone(raw, rules)
        reading = pipeline.PartReader(names, rules, zone, None, None)
        lines = reading.validate_part(raw.connection, part, view=f"dated_lines_{number}")
        date = f"_raw_{list(part.columns).index(names['order_date']) + 1}"
        kind = part.columns[names["order_date"]]
        known = {"in_utc": dates.says_utc(names["order_date"])}
        read_as = [dates.parse_date(date, kind, **known, **other) for other in others]
        days = [f"{day} as day_{n}" for n, day in enumerate(read_as)]
        chosen = [
            "order_id",
            "amount",
            "order_date as day",
            f"{date}::varchar as written",
            "reason",
        ]
        place = f"{number} as part, {LINE} as line"
        read.append(lines.project(", ".join([*chosen, place, *days])))
    return reduce(lambda one, other: one.union(other), read)


def count_placeholders(raw: Any, columns: Mapping[str, str], policies: Mapping) -> tuple:
    """Lines dated with a day that means none: their number, amount, three of the dates."""
    lines = read_lines(raw, columns, policies)
    unread = f"reason = {literal(validation.NO_DATE)} and {is_placeholder('written')}"
    sums = "count(*), coalesce(sum(amount), 0), list(distinct left(written, 10))[:3]"
    return lines.filter(unread).aggregate(sums).fetchall()[0]
