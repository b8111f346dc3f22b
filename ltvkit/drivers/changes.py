"""Why revenue changed between two periods: the part of each leaf, how sure it is, and whose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats
from ltvkit.drivers import calendars, leaves, margins
from ltvkit.drivers.change import Change
from ltvkit.drivers.decomposition import attribute
from ltvkit.drivers.formula import Formula, Values
from ltvkit.drivers.kpi_tree import THE_KITS, KpiTree
from ltvkit.drivers.leaves import LEAVES, MOVED, ROUNDING, Counted
from ltvkit.drivers.own_trees import build_own_tree
from ltvkit.drivers.texts import fill
from ltvkit.engines import resampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, Undefined
from ltvkit.ingest import truncation
from ltvkit.periods import Day

COVERED = 0.9  # of the interval
FEWEST = 30  # customers in each period; with fewer, resampling says little about chance


def explain(
    days: Frame,
    *,
    as_of: Day,
    lines: Frame | None = None,
    against: str = "previous",
    every: str = "month",
    of: str = "revenue",
    margin_rate: float = 0.0,
    country: str = "",
    lapse_days: int = 180,
    draws: int = 1000,
    seed: int = 1,
    export_begins: str = "",
    kpi_tree: KpiTree = THE_KITS,
    all_days: Frame | None = None,
) -> Change:
    """Order lines, or their `days` -> why the revenue of the period that holds `as_of` differs.

    From that of the period before (`against` "previous"), of the same a year before ("last_year"),
    or of a month ("2024-06"). Of a period that is not over, as many of its first days are compared
    with the first days of the other. With the `lines`, order value is items per order times price
    per item, less what was sent back, as far as they say so. A customer who had not bought for more
    than `lapse_days` is won back.

    The tree is days x weekday mix x customers a day (new, kept, won back) x orders per customer x
    order value x what was kept; where nearly all pay once a period, as a monthly fee, it is without
    the days, on which such payments do not depend. Each leaf's part of the change is its Shapley
    value (see `decomposition.attribute`). Intervals resample customers, dealt into 256 groups,
    `draws` times from `seed`. Where it is not known who is new (`ingest.truncation`;
    `export_begins` is the policy), customers are one leaf; where `days` are a part of the orders,
    `all_days` say it. A `kpi_tree` of the shop's own may have another formula (see
    `own_trees.build_own_tree`) and departments. `of` "margin": why margin differs, which is
    revenue x the margin rate, of the orders (a line without a margin counts as 0) or `margin_rate`.
    With the code of a `country`, its public holidays are a kind of day (see `calendars.learn`).
    Raises `TooLittleData` where a period is not in the data, has revenue and nobody who bought, or
    margin and no revenue, and `ColumnError` where the margin is not known.
    """
    spans = find_spans(as_of=as_of, against=against, every=every)
    names = [periods.label(periods.index_of(start, every), every) for start, _end in spans]
    whole = days if all_days is None else all_days
    latest = spans[0][1 if export_begins == "opening" else 0]
    known = is_known(
        whole,
        spans[0][0],
        latest=latest,
        name=names[0],
        as_of=as_of,
        export_begins=export_begins,
    )
    sums = leaves.count(
        days, spans=spans, lapse_days=lapse_days, lines=lines, of=of, margin_rate=margin_rate
    )
    calendar = calendars.learn(days, as_of=as_of, country=country, since=spans[0][0])
    n_days = count_days(spans[1], every=every)
    compared = Compared(spans, (names[0], names[1]), known, calendar, n_days, of=of)
    change = share_out_sums(sums, compared, lines=lines, tree=kpi_tree, draws=draws, seed=seed)
    return replace(change, part=all_days is not None)


def is_known(
    days: Frame, first: Day, *, latest: Day, name: str, as_of: Day, export_begins: str
) -> bool:
    """Whether it is known who is new from the `first` day of a period on; raises `TooLittleData`
    where the orders begin only after its `latest`."""
    began = truncation.examine(days, as_of=as_of, export_begins=export_begins)
    if began is None or began.start > periods.number_of(latest):
        raise TooLittleData(fill("not_in_data", period=formats.period(name)))
    found = truncation.describe(began)
    return found is None or found.known_from <= pd.Timestamp(first)


def count_days(span: leaves.Span, *, every: str = "month") -> int:
    """The days of a span that ends before its period does; 0: it is whole."""
    first, last = map(pd.Timestamp, span)
    cut = last < periods.end(periods.index_of(last, every), every)
    return (last - first).days + 1 if cut else 0


class Compared(NamedTuple):
    """Two spans and their names; whether it is known who is new; what kinds of days bring; of a
    period that is not over, its days; of two shops, their names; and of what the change is."""

    spans: Sequence[leaves.Span]
    names: tuple[str, str]
    known: bool
    calendar: calendars.Calendar
    days: int = 0
    shops: tuple[str, ...] = ()
    of: str = "revenue"


def share_out_sums(
    counted: Counted,
    compared: Compared,
    *,
    lines: Frame | None,
    tree: KpiTree,
    draws: int,
    seed: int,
) -> Change:
    """Sums of both sides (see `leaves.count`) -> the change, shared out among the leaves."""
    totals = counted.sums.sum().to_dict()
    spans, names, known, calendar, n_days, shops, of = compared
    for n, name in enumerate(names):
        sold = totals.get(f"gross{n}", totals[f"revenue{n}"])
        if sold and not totals[f"orders{n}"]:
            raise Undefined(fill("nothing_bought", period=formats.period(name)))
    if of == "margin":
        margins.check_margins(totals, names)
    if tree.formula:
        grown = build_own_tree(
            tree.formula,
            totals,
            spans=spans,
            names=names,
            known=known,
            calendar=calendar,
            lines=lines,
        )
    else:
        grown = leaves.build_tree(
            totals, spans=spans, known=known, regular=counted.regular, calendar=calendar
        )
    grown = grown.add_margin_rate() if of == "margin" else grown
    drawn = grown.compute(resampling.resample(counted.sums, draws=draws, seed=seed))
    people = [sum(totals[f"{kind}{n}"] for kind in leaves.KINDS) for n in (0, 1)]
    enough = min(people) >= FEWEST
    shares = list_shares(grown.formula, grown.compute(totals), drawn, enough=enough, tree=tree)
    sides = (float(totals[f"{of}0"]), float(totals[f"{of}1"]))
    shares = margins.name_margin(shares) if of == "margin" else shares
    return Change(
        shares,
        grown.formula,
        names,
        *sides,
        days=n_days,
        tree=tree,
        shops=shops,
        of=of,
        no_margin=margins.count_unknown(totals),
        notes=(calendar.note,) if calendar.note and "days" in grown.formula.leaves else (),
    )


def list_shares(
    formula: Formula,
    sides: Sequence[Values],
    drawn: Sequence[Values],
    *,
    enough: bool,
    tree: KpiTree = THE_KITS,
) -> pd.DataFrame:
    """A formula, its leaves before and after, and draws of both -> the table of `Change`."""
    before, after = sides
    levels = [abs(float(formula.evaluate(side))) for side in sides]
    noise = ROUNDING * max(x for x in (*levels, 0.0) if np.isfinite(x))
    parts, spread = (
        {leaf: np.where(np.abs(part) > noise, part, 0.0) for leaf, part in shared.items()}
        for shared in (attribute(formula, *sides), attribute(formula, *drawn))
    )
    moved = [leaf for leaf in parts if parts[leaf] and LEAVES[leaf]["department"]]
    rows: list[dict[str, Any]] = []
    for leaf in formula.leaves:
        department, change = LEAVES[leaf]["department"], float(parts[leaf])
        low, high = _find_range(spread[leaf], COVERED) if enough else (np.nan, np.nan)
        wide = _find_range(spread[leaf], 1 - (1 - COVERED) / max(len(moved), 1))
        clear = not department or (enough and (wide[0] > 0 or wide[1] < 0))
        verdict = ("raised" if change > 0 else "lowered") if clear else "unclear"
        values = {"value_before": float(before[leaf]), "value_after": float(after[leaf])}
        row = {"leaf": leaf, MOVED: change, "low": low, "high": high}
        row |= {"verdict": verdict if change else "unmoved", **values}
        row |= {"department": tree.name_department(leaf)}
        rows.append(row)
    return pd.DataFrame(rows)


def find_spans(
    *, as_of: Day, against: str = "previous", every: str = "month"
) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """The period that holds `as_of`, up to it, after the one to compare it with.

    Of one that is not over, as many days from the beginning of both.

    >>> [[str(day.date()) for day in span] for span in find_spans(as_of="2024-03-31")]
    [['2024-02-01', '2024-02-29'], ['2024-03-01', '2024-03-31']]
    >>> str(find_spans(as_of="2024-03-31", against="2023-11")[0][1].date())
    '2023-11-30'
    """
    now = periods.index_of(as_of, every)
    back = {"previous": 1, "last_year": periods.YEAR_BEFORE[every]}
    then = now - back[against] if against in back else _find_month(against, every)
    if then >= now:
        raise ParamsError(f"against={against!r}: give an earlier month than that of {as_of}.")
    first, last = periods.start(now, every), pd.Timestamp(periods.day(as_of))
    earlier, end = periods.start(then, every), periods.end(then, every)
    if last < periods.end(now, every):
        end = min(end, earlier + (last - first))
    return [(earlier, end), (first, min(last, periods.end(now, every)))]


def _find_month(name: str, every: str) -> int:
    if every != "month" or not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", name):
        raise ParamsError(f"against={name!r}: give previous, last_year, or a month as 2024-06.")
    return periods.index_of(f"{name}-01", "month")


def _find_range(drawn: np.ndarray, covered: float) -> tuple[float, float]:
    """The middle part of the draws; not known where chance decides nothing."""
    if np.ptp(drawn) == 0:
        return np.nan, np.nan
    low, high = np.quantile(drawn, [(1 - covered) / 2, (1 + covered) / 2])
    return float(low), float(high)
