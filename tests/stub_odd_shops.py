"""Shops that no method was made for: one customer, one day, all returned, a fee every month...

Each function gives order lines: customer_id, order_id, order_date, amount, margin, product,
category, channel. They are made at random from a fixed seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

START, UNTIL = pd.Timestamp("2022-01-01"), pd.Timestamp("2024-06-30")
GOODS = ("green tea", "black tea", "soap", "cream", "noodles", "pan", "knife", "towel")
CHANNELS = ("search", "social", "catalogue")


def one_customer() -> pd.DataFrame:
    """Forty orders of one person in two years."""
    rng = np.random.default_rng(1)
    return _lines(np.zeros(40), np.sort(rng.integers(0, 730, 40)), rng=rng)


def one_day() -> pd.DataFrame:
    """Sixty customers, all on the first day."""
    return _lines(np.arange(60), np.zeros(60), rng=np.random.default_rng(2))


def all_returned() -> pd.DataFrame:
    """Every order is sent back a week later."""
    rng = np.random.default_rng(3)
    bought = _lines(*_buy(150, 700, rng=rng), rng=rng)
    return pd.concat([bought, _give_back(bought)], ignore_index=True)


def net_negative() -> pd.DataFrame:
    """Refunds are one and a half times the price."""
    rng = np.random.default_rng(4)
    bought = _lines(*_buy(150, 700, rng=rng), rng=rng)
    return pd.concat([bought, _give_back(bought, times=1.5)], ignore_index=True)


def negative_margin() -> pd.DataFrame:
    """Every order costs more than it brings."""
    rng = np.random.default_rng(5)
    return _lines(*_buy(300, 900, rng=rng), rng=rng, margin=-0.3)


def five_weeks() -> pd.DataFrame:
    """A shop that has just opened."""
    rng = np.random.default_rng(6)
    return _lines(*_buy(200, 35, gap=12, rng=rng), rng=rng)


def ten_years() -> pd.DataFrame:
    """A small shop with a long past."""
    rng = np.random.default_rng(7)
    lines = _lines(*_buy(1200, 3652, rng=rng), rng=rng)
    return lines.assign(order_date=lines["order_date"] - pd.DateOffset(years=8))


def two_products() -> pd.DataFrame:
    """All there is to buy are two things, nearly always the first."""
    rng = np.random.default_rng(8)
    lines = _lines(*_buy(300, 900, rng=rng), rng=rng)
    product = np.where(rng.random(len(lines)) < 0.9, "green tea", "soap")
    return lines.assign(product=product, category="all")


def giant_outlier() -> pd.DataFrame:
    """One order of a billion among those of a few thousand."""
    rng = np.random.default_rng(9)
    lines = _lines(*_buy(300, 900, rng=rng), rng=rng)
    lines.loc[len(lines) // 2, ["amount", "margin"]] = [1e9, 4e8]
    return lines


def monthly_fee() -> pd.DataFrame:
    """A fee on the same day of every month, until the customer ends it."""
    return _pay(since="2022-01-01", months=1, leave=0.08, amount=980.0)


def yearly_fee() -> pd.DataFrame:
    """A fee once a year, until the customer ends it."""
    return _pay(since="2017-01-01", months=12, leave=0.25, amount=9800.0)


def one_time_buyers() -> pd.DataFrame:
    """Nobody ever comes back."""
    rng = np.random.default_rng(12)
    return _lines(np.arange(900), np.sort(rng.integers(0, 900, 900)), rng=rng)


def same_amount() -> pd.DataFrame:
    """Every order is of 1,000."""
    rng = np.random.default_rng(13)
    return _lines(*_buy(300, 900, rng=rng), rng=rng).assign(amount=1000.0, margin=400.0)


def one_month_only() -> pd.DataFrame:
    """Everybody buys in the first month, once or twice; then a single order, a year later."""
    rng = np.random.default_rng(14)
    who, day = _buy(200, 31, gap=10, rng=rng)
    return _lines(np.append(who, 0), np.append(day, 395), rng=rng)


def three_companies() -> pd.DataFrame:
    """Three business customers that order every week."""
    rng = np.random.default_rng(15)
    day = np.concatenate([np.sort(rng.integers(0, 800, n)) for n in (110, 70, 12)])
    lines = _lines(np.repeat([0, 1, 2], [110, 70, 12]), day, rng=rng)
    return lines.assign(amount=lines["amount"] * 100, margin=lines["margin"] * 100)


SHOPS = {
    made.__name__: made
    for made in (
        one_customer, one_day, all_returned, net_negative, negative_margin, five_weeks, ten_years,
        two_products, giant_outlier, monthly_fee, yearly_fee, one_time_buyers, same_amount,
        one_month_only, three_companies,
    )
}  # fmt: skip


def _buy(
    customers: int, days: int, *, gap: float = 70, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Who buys on which day, if customers come evenly and half of them leave with each purchase."""
    count = rng.geometric(0.4, customers)
    who = np.repeat(np.arange(customers), count)
    wait = rng.exponential(gap, len(who))
    first = np.append(True, who[1:] != who[:-1])
    wait[first] = 0
    since = wait.cumsum() - np.repeat(wait.cumsum()[first], count)
    day = np.repeat(rng.uniform(0, days, customers), count) + since
    return who[day < days], np.floor(day[day < days])


def _lines(
    who: np.ndarray, day: np.ndarray, *, rng: np.random.Generator, margin: float = 0.4
) -> pd.DataFrame:
    n, which = len(who), rng.choice(len(GOODS), len(who), p=np.arange(8, 0, -1) / 36)
    amount = np.round(rng.gamma(2.0, 1500.0, n) + 300)
    customer = np.asarray(who, int)
    lines = pd.DataFrame(
        {
            "customer_id": [f"C{number:04d}" for number in customer],
            "order_date": START + pd.to_timedelta(np.asarray(day, int), unit="D"),
            "amount": amount,
            "margin": np.round(amount * margin),
            "product": np.asarray(GOODS)[which],
            "category": np.asarray(("drinks", "care", "kitchen"))[which // 3],
            "channel": np.asarray(CHANNELS)[customer % 3],
        }
    )
    lines = lines.sort_values(["order_date", "customer_id"], ignore_index=True)
    return lines.assign(order_id=[f"O{number:05d}" for number in range(n)])


def _give_back(bought: pd.DataFrame, *, times: float = 1.0) -> pd.DataFrame:
    """The same lines a week later, below zero."""
    return bought.assign(
        order_id="R" + bought["order_id"].str[1:],
        order_date=bought["order_date"] + pd.Timedelta(days=7),
        amount=-times * bought["amount"],
        margin=-times * bought["margin"],
    )


def _pay(*, since: str, months: int, leave: float, amount: float) -> pd.DataFrame:
    """Customers who begin on any day from `since` on, and pay every so many months."""
    rng = np.random.default_rng(10)
    days = pd.date_range(since, UNTIL)
    begun = days[np.sort(rng.integers(0, len(days), 400))]
    times = rng.geometric(leave, 400)
    who, count = np.repeat(np.arange(400), times), np.concatenate([np.arange(n) for n in times])
    due = [begun[i] + pd.DateOffset(months=months * k) for i, k in zip(who, count, strict=True)]
    lines = _lines(who, np.zeros(len(who)), rng=rng)
    paid = lines.assign(order_date=due, amount=amount, margin=0.4 * amount, product="fee")
    return paid[paid["order_date"] <= UNTIL].sort_values("order_date", ignore_index=True)


def describe(name: str, folder: Path) -> dict[str, Any]:
    """Write a shop's orders to `folder`, and give the params of its report.

    The export ends with the month of the last order, but for shops younger than two months: with
    the last order.
    """
    lines = SHOPS[name]()
    lines.to_csv(folder / f"{name}.csv", index=False)
    first, last = lines["order_date"].min(), lines["order_date"].max()
    until = last if (last - first).days < 60 else last + pd.offsets.MonthEnd(0)
    return {
        "shop": name.replace("_", "-"),
        "title": name.replace("_", " ").capitalize(),
        "currency": "JPY",
        "source": str(folder / f"{name}.csv"),
        "columns": {},
        "policies": {"data_until": f"{until:%Y-%m-%d}"},
        "month": "last",
        "abc_by": ["product", "category", "customer_id"],
        "cost_by": "channel",
        "acquisition_cost": {"all": 1500},
        "contract_days": 365 if name == "yearly_fee" else 0,
    }


def try_a_mail(lines: pd.DataFrame) -> dict[str, Any] | None:
    """A hypothesis on the last months of a shop; None for one that is too young."""
    start = lines["order_date"].max() - pd.Timedelta(days=75)
    if start < lines["order_date"].min() + pd.Timedelta(days=60):
        return None
    return {
        "id": "mail",
        "title": "A mail",
        "hypothesis": "Loyal customers buy more when we write.",
        "owner": "A. Sato",
        "department": "CRM",
        "measure": "A mail",
        "target": {"segment": ["champions", "loyal"]},
        "selected": f"{start - pd.Timedelta(days=1):%Y-%m-%d}",
        "start": f"{start:%Y-%m-%d}",
        "end": f"{start + pd.Timedelta(days=40):%Y-%m-%d}",
        "metric": "revenue_per_customer",
        "guardrails": ["orders_per_customer"],
        "comparison": "before_after",
        "smallest_effect": 300,
        "decision_rule": "superiority",
        "cost": 10000,
    }
