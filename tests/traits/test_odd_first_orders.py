"""Odd shops: nothing fails but with a message, and no sentence says what is not known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ltvkit import traits
from ltvkit.errors import TooLittleData

RULE = {"as_of": "2024-12-31", "export_begins": "opening"}


def make(amount, *, customers: int = 700, again: float = 0.0) -> pd.DataFrame:
    """One order each, over the months of 2024, by two channels; a share orders again."""
    number = np.arange(customers)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(number % 360, "D")
    first = pd.DataFrame({"n": number, "order_date": day, "amount": amount})
    later = first.head(int(again * customers))
    later = later.assign(order_date=later["order_date"] + pd.Timedelta(20, "D"))
    lines = pd.concat([first, later], ignore_index=True)
    return lines.assign(
        customer_id="c" + lines["n"].astype(str),
        order_id=lines.index.astype(str),
        channel=np.where(lines["n"] % 3 == 0, "web", "shop"),
        amount=lines["amount"].astype(float),
    ).drop(columns="n")


def say(lines: pd.DataFrame) -> str:
    """All that a page would say of these orders."""
    followed = traits.follow(traits.collect(lines, **RULE), lines, as_of=RULE["as_of"])
    afforded = traits.afford(followed, acquisition_cost={"web": 5, "shop": 9})
    value = traits.predict_first_day(followed)
    value.predict(traits.collect(lines, **RULE))
    traits.afford(followed, acquisition_cost={}, pairs=True)
    parts = [
        traits.finding(traits.compare(followed), followed, currency="USD"),
        traits.describe_pairs(traits.combine(followed), currency="USD"),
        traits.describe_costs(afforded, months=followed.months, currency="USD"),
        traits.describe_value(value, currency="USD"),
    ]
    said = " ".join(parts)
    assert "nan" not in said.split()
    assert "{" not in said
    return said


@pytest.mark.parametrize("amount", [0.0, 10.0, 1e9])
def test_all_orders_are_of_one_amount(on, amount):
    said = say(on(make(amount)))
    assert "shows a difference beyond chance" in said
    assert "nobody can tell" in said


def test_all_that_was_bought_came_back():
    lines = make(10.0)
    back = lines.assign(amount=-10.0, order_id="R" + lines["order_id"])
    back["order_date"] += pd.Timedelta(1, "D")
    said = say(pd.concat([lines, back], ignore_index=True))
    assert "bring back less than they cost to win: " in said


def test_one_customer_brings_nearly_all():
    lines = make(10.0)
    lines.loc[7, "amount"] = 1e7
    assert "shows a difference beyond chance" in say(lines)


def test_amounts_are_random_and_some_order_again(on):
    rng = np.random.default_rng(1)
    say(on(make(rng.lognormal(3, 1, 700), again=0.3)))


@pytest.mark.parametrize("customers", [0, 1, 40])
def test_too_few_customers(on, customers):
    lines = make(np.arange(customers) + 1.0, customers=customers)
    first = traits.collect(on(lines), **RULE)
    with pytest.raises(TooLittleData):
        traits.follow(first, on(lines), as_of=RULE["as_of"])


def test_a_month_is_too_short():
    lines = make(10.0)
    lines["order_date"] = pd.Timestamp("2024-12-03")
    with pytest.raises(TooLittleData, match="takes 5 whole months"):
        traits.follow(traits.collect(lines, **RULE), lines, as_of=RULE["as_of"])
