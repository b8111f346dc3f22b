"""Days: whatever is counted from them is what is counted from the lines, on every engine."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from conftest import ENGINES, make_lines

from ltvkit import cohorts, customers, kpis
from ltvkit.engines import frames
from ltvkit.errors import LtvkitError
from ltvkit.ingest import daily
from ltvkit.ltv import curves, survival


def table(frame):
    """A frame of days, in order."""
    return frames.table(frames.lazy(frame).sort("customer_id", "order_date"))


def test_an_order_counts_on_the_day_of_its_first_purchase(on):
    lines = make_lines(
        ("a", "1", "2024-01-01", -3),  # nothing is bought yet
        ("a", "1", "2024-01-02", 10),
        ("a", "1", "2024-01-03", 5),
        ("a", "2", "2024-01-03", 0),
        ("b", "1", "2024-01-03", 7),  # another customer's order of the same number
        ("b", "1", "2024-01-04", -7),
    )
    found = table(daily.aggregate(on(lines)))
    assert found["orders"].tolist() == [0, 1, 1, 1, 0]
    assert found["active"].tolist() == [0, 1, 1, 1, 0]
    assert found["revenue"].tolist() == [-3, 10, 5, 7, -7]


def test_money_that_lines_have_is_added_up_and_no_other(on):
    lines = make_lines(
        ("a", "1", "2024-01-01", 10, 4.0, 2),
        ("a", "1", "2024-01-01", 5, np.nan, 1),
        extra=("margin", "quantity"),
    )
    found = table(daily.aggregate(on(lines)))
    assert found[["revenue", "margin", "quantity"]].iloc[0].tolist() == [15, 4, 3]
    assert "margin" not in table(daily.aggregate(on(lines.drop(columns="margin"))))


def test_lines_may_have_columns_named_as_those_of_days(on):
    lines = make_lines(("a", "1", "2024-01-01", 10), ("b", "2", "2024-02-01", 5))
    named = lines.assign(active="no", revenue="?", orders=-1)
    for count in (
        lambda frame: table_of(customers.summarize(frame, as_of="2024-03-31")),
        lambda frame: kpis.series(frame, as_of="2024-03-31"),
        lambda frame: cohorts.build(frame, as_of="2024-03-31"),
    ):
        pd.testing.assert_frame_equal(count(on(named)), count(on(lines)))


def scattered(seed):
    """Order lines of few customers and orders, so that orders have several days."""
    rng = np.random.default_rng(seed)
    n = 200
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in rng.integers(0, 25, n)],
            "order_id": [f"o{i}" for i in rng.integers(0, 20, n)],
            "order_date": pd.Timestamp("2023-01-01")
            + pd.to_timedelta(rng.integers(0, 500, n), unit="D"),
            "amount": rng.choice([-20.0, -0.1, 0.0, 0.1, 10.25], n),
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_orders_are_counted_one_by_one(on, seed):
    """The definition, order by order: begun on the first day with a line of zero or more."""
    lines = scattered(seed)
    found = table(daily.aggregate(on(lines))).set_index(["customer_id", "order_date"])
    bought = lines[lines["amount"] >= 0]
    begun = {}
    for key, order in bought.groupby(["customer_id", "order_id"]):
        day = key[0], order["order_date"].min()
        begun[day] = begun.get(day, 0) + 1
    active = set(zip(bought["customer_id"], bought["order_date"], strict=True))
    assert len(found) == len(lines.drop_duplicates(["customer_id", "order_date"]))
    for day, row in found.iterrows():
        assert row["orders"] == begun.get(day, 0)
        assert row["active"] == (day in active)
    assert (bought.groupby(["customer_id", "order_id"])["order_date"].nunique() > 1).sum() > 5


def table_of(buyers):
    """Customers, in order."""
    return frames.table(frames.lazy(buyers).sort("customer_id"))


COUNTS = {
    "customers": lambda frame, day: table_of(customers.summarize(frame, as_of=day)),
    **{
        every: lambda frame, day, every=every: kpis.series(frame, as_of=day, every=every)
        for every in ("day", "week", "month", "quarter", "year")
    },
    "cohorts": lambda frame, day: cohorts.build(frame, as_of=day),
    "second": lambda frame, day: cohorts.second_order(frame, as_of=day),
    "curve": lambda frame, day: curves.ltv(frame, as_of=day, draws=5),
    "survival": lambda frame, day: survival.survivors(frame, as_of=day, lapse_days=60),
}


def tried(count, frame, day):
    try:
        return count(frame, day)
    except LtvkitError as error:
        return pd.DataFrame({"refused": [type(error).__name__]})


def three_shops():
    """Three such sets of lines, whose customers are different ones and whose orders are not."""
    shops = [scattered(seed) for seed in range(3)]
    ids = [shop["customer_id"] + f" of {n}" for n, shop in enumerate(shops)]
    return pd.concat(
        [shop.assign(customer_id=who) for shop, who in zip(shops, ids, strict=True)],
        ignore_index=True,
    )


@cache
def counts_of_lines_up_to(day):
    """What is counted of the lines up to a day; by Polars, the fastest where lines are few."""
    lines = three_shops()
    before = ENGINES["polars"](lines[lines["order_date"] <= day])
    return {name: tried(count, before, day) for name, count in COUNTS.items()}


@pytest.mark.parametrize("day", ["2023-03-31", "2023-12-15", "2024-12-31"])
def test_days_of_all_lines_tell_any_day_as_the_lines_up_to_it_do(on, day):
    """Also of orders that go on after that day, of which only the first part is known."""
    frame = on(three_shops())
    whole = daily.aggregate(frame)
    for name, expected in counts_of_lines_up_to(day).items():
        for of in (frame, whole):
            found = tried(COUNTS[name], of, day)
            pd.testing.assert_frame_equal(found, expected, check_dtype=False, obj=name)
