"""Which way to choose offers would have been right most often: tried on past days.

What was bought up to a day makes the offers, what was bought after it judges them. The half-life
and the method are chosen on an earlier day, and judged on a later one, so that the choice is not
judged by what it was made on.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ltvkit import periods
from ltvkit.engines import resampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError
from ltvkit.offers import holdout
from ltvkit.offers.methods import KINDS, METHODS, Way
from ltvkit.periods import Day

HALF_LIVES = (0, 28, 91, 182, 365)  # days; 0: none
DRAWS = 1000


@dataclass(frozen=True)
class Choice:
    """What was best on an earlier day: `half_life` (days; 0: none), the `method` of each kind of
    offer, and the `table` it follows from (see `choose`)."""

    half_life: float
    methods: dict[str, str]
    table: pd.DataFrame


def choose(
    lines: Frame,
    *,
    as_of: Day,
    item: str = "product_id",
    days: int = 28,
    k: int = 10,
    judged: str = "next_basket",
    groups: Frame | None = None,
    by: str = "segment",
    half_lives: tuple[float, ...] = HALF_LIVES,
) -> Choice:
    """Order lines up to `as_of` -> the half-life and the methods that would have been best on the
    last `days` of them.

    `table`: kind, method, half_life, customers, recall. The half-life is the one with the highest
    recall@`k` of "personal" among offers of items bought before (equal: the first). With it,
    methods are tried in the order of the table, the simplest first, and one replaces those before
    it where its recall is higher by more than chance (95%). `groups` must be known on the day
    before these `days`. Raises as `compare` does.
    """
    split = periods.day(as_of) - dt.timedelta(days=days)
    rule: dict[str, Any] = {"item": item, "days": days, "k": k, "judged": judged}
    rule |= {"groups": groups, "by": by}
    if not half_lives:
        raise ParamsError("half_lives: name one at least; 0 is none.")
    trial = holdout.open_trial(lines, split=split, half_lives=half_lives, **rule)
    tried = [Way("again", "personal", half_life) for half_life in half_lives]
    found = holdout.summarize(holdout.measure(trial, tried, k=k))
    known = found["recall"].notna()  # where nothing is ever bought again, none is
    best = float(found.loc[found["recall"].idxmax() if known.any() else 0, "half_life"])
    results = holdout.measure(trial, _list_ways(groups, best), k=k)
    methods = {kind: _choose_method([r for r in results if r["kind"] == kind]) for kind in KINDS}
    rest = holdout.summarize(results)
    known = (rest["kind"] == "again") & (rest["method"] == "personal")
    table = pd.concat([found, rest[~known]], ignore_index=True)
    return Choice(best, methods, table[["kind", "method", "half_life", "customers", "recall"]])


def _choose_method(results: list[dict[str, Any]]) -> str:
    """The last of the methods that is better than the one kept so far by more than chance."""
    kept = results[0]
    for result in results[1:]:
        ahead = [
            holdout.compute(resampling.resample(r["sums"], draws=DRAWS, seed=1))
            for r in (result, kept)
        ]
        low, _high = resampling.find_limits(ahead[0]["recall"] - ahead[1]["recall"])
        kept = result if low > 0 else kept
    return str(kept["method"])


def compare(
    lines: Frame,
    *,
    as_of: Day,
    item: str = "product_id",
    days: int = 28,
    k: int = 10,
    judged: str = "next_basket",
    groups: Frame | None = None,
    by: str = "segment",
    choice: Choice | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Order lines up to `as_of` -> how good offers made `days` before would have been, by method.

    A row per kind of offer (again, new, any) and method (see `recommend`): kind, method, `chosen`
    (whether `choice` names it; without one it is made by `choose` on the `days` before, with the
    same groups), half_life, `customers` (who bought something of the kind later), and of these

    - `recall`: the share of what a customer bought later that is among the `k` offers, on average
    - `hit`: the share of customers with at least one of it among their offers
    - `revenue_caught`: the share of the revenue of what they bought later; NaN: it brought none
    - each with `_low`, `_high`: 95%, by drawing customers, dealt into 256 groups, anew
    - `recall_vs_best_sellers`, and its `_low`, `_high`, of the same customers
    - `catalogue_share`: the share of all items ever bought that are offered to one of them
    - `judged`, `days`, `k`: as asked for

    `judged`: by the customer's "next_basket" (the first day with a purchase within the `days`; what
    was bought on it) or by all that was bought in these "days", of which there is more than fits
    into the offers. Customers whose first purchase comes later are not in it: nobody can offer them
    anything by name. Items first sold later are missed by every method. `groups` must be known on
    the day of the offers; without any, group_best_sellers is not tried. Raises `ColumnError`, and
    `TooLittleData` where fewer than 30 customers bought both before and after.
    """
    split = periods.day(as_of) - dt.timedelta(days=days)
    rule: dict[str, Any] = {"item": item, "days": days, "k": k, "judged": judged}
    rule |= {"groups": groups, "by": by}
    choice = choice or choose(lines, as_of=split, **rule)
    trial = holdout.open_trial(lines, split=split, half_lives=[choice.half_life], **rule)
    results = holdout.measure(trial, _list_ways(groups, choice.half_life), k=k)
    table = holdout.summarize(results, draws=draws, seed=seed)
    chosen = [choice.methods.get(r.kind) == r.method for r in table.itertuples()]
    table.insert(2, "chosen", chosen)
    return table.assign(judged=judged, days=days, k=k)


def _list_ways(groups: Frame | None, half_life: float) -> list[Way]:
    """All methods of all kinds; those by group where there are groups."""
    named = [(kind, method) for kind in KINDS for method in METHODS[kind]]
    known = [(k, m) for k, m in named if m != "group_best_sellers" or groups is not None]
    return [Way(kind, method, half_life) for kind, method in known]
