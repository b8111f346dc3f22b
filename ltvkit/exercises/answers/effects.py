"""What a measure did, and what a test can show."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit import customers, deciles, periods
from ltvkit.core.i18n import _
from ltvkit.engines import frames
from ltvkit.errors import TooLittleData
from ltvkit.exercises.answers import Found
from ltvkit.ingest.book import Orders
from ltvkit.periods import Day

TREATED, CONTROL = (3000.0, 3900.0), (2900.0, 3500.0)  # before and after
COUNTS = (530, 470)
SENT, GAIN, RATE, COST = 1200, 450.0, 0.4, 150_000.0  # customers, revenue each, margin, letters
LOWEST, HIGHEST = [9, 10], [1, 2]


def difference_by_hand() -> Found:
    """The difference in differences of the exercise by hand."""
    (treated, treated_after), (control, control_after) = TREATED, CONTROL
    wrong = {
        "before_and_after": treated_after - treated,
        "after_alone": treated_after - control_after,
        "control": control_after - control,
        "before_alone": treated - control,
        "added": treated_after - treated + control_after - control,
    }
    return treated_after - treated - (control_after - control), wrong, {}


def change_of_lowest(book: Orders, as_of: Day, split: str) -> Found:
    """The average order value of deciles 9 and 10 after the split, against before it."""
    right, other = (_measure_change(book, as_of, split, group) for group in (LOWEST, HIGHEST))
    return right, _list_mistakes(book, as_of, split, right, other), {}


def change_of_highest(book: Orders, as_of: Day, split: str) -> Found:
    """The average order value of deciles 1 and 2 after the split, against before it."""
    right, other = (_measure_change(book, as_of, split, group) for group in (HIGHEST, LOWEST))
    return right, _list_mistakes(book, as_of, split, right, other), {}


def sample_ratio_by_hand() -> Found:
    """Chi-square of the counts of the exercise by hand, of which half was planned each."""
    half = sum(COUNTS) / 2
    each = [(n - half) ** 2 / half for n in COUNTS]
    wrong = {
        "one_group": each[0],
        "by_counted": sum((n - half) ** 2 / n for n in COUNTS),
        "not_squared": sum(abs(n - half) / half for n in COUNTS),
        "difference": (COUNTS[0] - COUNTS[1]) ** 2 / half,
    }
    return sum(each), wrong, {}


def customers_needed(plan: pd.DataFrame) -> Found:
    """Customers that a test needs at its planned length."""
    planned = plan[plan["planned"]].iloc[0]
    others = plan[~plan["planned"]]["customers_needed"].dropna()
    if pd.isna(planned["customers_needed"]) or others.empty:
        raise TooLittleData(_("it does not depend on the number of customers."))
    wrong = {
        "there_are": planned["customers"],
        "shortest": others.iloc[0],
        "longest": others.iloc[-1],
        "missing": planned["customers_needed"] - planned["customers"],
    }
    return planned["customers_needed"], wrong, {"customers": int(planned["customers"])}


def net_by_hand() -> Found:
    """Margin of the effect on all treated customers, less the cost."""
    margin = GAIN * RATE
    wrong = {
        "no_cost": SENT * margin,
        "revenue": SENT * GAIN - COST,
        "all_customers": 2 * SENT * margin - COST,
        "each": margin - COST / SENT,
    }
    return SENT * margin - COST, wrong, {}


def _list_mistakes(
    book: Orders, as_of: Day, split: str, right: float, other: float
) -> dict[str, float]:
    every = [*range(1, 11)]
    return {
        "other_end": other,
        "everybody": _measure_change(book, as_of, split, every),
        "ratio": 1 + right,
        "other_way": 1 / (1 + right) - 1,
    }


def _measure_change(book: Orders, as_of: Day, split: str, group: list[int]) -> float:
    """Average order value after the split against before it, of customers of these deciles."""
    ranked = frames.lazy(deciles.assign(customers.summarize(book.days, as_of=split)))
    chosen = ranked.filter(nw.col("decile").is_in(group)).select("customer_id")
    until, since = periods.day(as_of), periods.day(split)
    days = frames.lazy(book.days).filter(nw.col("orders") > 0, nw.col("order_date") <= until)
    days, after = days.join(chosen, on="customer_id"), nw.col("order_date") > since
    sums = frames.add_up(
        days.select("revenue", "orders", later=frames.one_if(after)),
        "later",
        sums=("revenue", "orders"),
    ).set_index("later")
    values = sums["revenue"] / sums["orders"]
    if set(values.index) != {0, 1}:
        raise TooLittleData(_("nobody of these customers ordered after the split."))
    return float(values[1] / values[0] - 1)
