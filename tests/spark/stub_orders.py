"""Orders that a real shop hardly has all at once: what engines might disagree on."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd


def ties(rng: np.random.Generator) -> pd.DataFrame:
    """All pay the same, and buy on three days."""
    return lines(rng, 400, amount=np.full(400, 980.0), days=3)


def refunds(rng: np.random.Generator) -> pd.DataFrame:
    """Half of the money comes back, and some give back more than they paid."""
    return lines(rng, 500, amount=rng.normal(0, 100, 500).round(2), days=200)


def huge(rng: np.random.Generator) -> pd.DataFrame:
    """A fraction of a cent beside a trillion."""
    return lines(rng, 300, amount=(10.0 ** rng.uniform(-3, 12, 300)).round(3), days=400)


def zeros(rng: np.random.Generator) -> pd.DataFrame:
    """Nearly everything is given away."""
    return lines(rng, 300, amount=np.where(rng.random(300) < 0.95, 0.0, 5.5), days=500)


def one_customer(rng: np.random.Generator) -> pd.DataFrame:
    """One customer alone, on one day."""
    return lines(rng, 12, amount=rng.integers(1, 9, 12).astype(float), days=1).assign(
        customer_id="only"
    )


def leap_days(rng: np.random.Generator) -> pd.DataFrame:
    """Turns of years, weeks and centuries."""
    days = ["1999-12-31", "2000-02-29", "2000-03-01", "2004-12-31", "2005-01-01", "2005-01-02"]
    made = lines(rng, 240, amount=rng.integers(1, 99, 240) / 4, days=1)
    return made.assign(order_date=pd.to_datetime(rng.choice(days, 240)))


def names(rng: np.random.Generator) -> pd.DataFrame:
    """Ids that sort, fold and end in unusual ways; products without a name."""
    ids = [
        "é",
        "e",
        "É",
        "z",
        "Z",
        "ｚ",
        "山田",
        "山",
        "😀",
        "10",
        "9",
        "010",
        "a b",
        "a",
        "'",
        '"',
    ]
    made = lines(rng, 320, amount=rng.integers(1, 4, 320).astype(float), days=60)
    product = rng.choice(["茶", "tea", "", None], 320)
    return made.assign(customer_id=rng.choice(ids, 320), product_id=product, channel=product)


def long_orders(rng: np.random.Generator) -> pd.DataFrame:
    """Orders of several days, their numbers used by several customers, some begun by a return."""
    made = lines(rng, 300, amount=rng.choice([-20.0, -0.1, 0.0, 0.1, 10.25], 300), days=90)
    return made.assign(
        customer_id=[f"c{i}" for i in rng.integers(0, 25, 300)],
        order_id=[f"o{i}" for i in rng.integers(0, 20, 300)],
    )


def begun_late(rng: np.random.Generator) -> pd.DataFrame:
    """An export from the middle of a shop's life, in which old customers look new at first."""
    born = np.repeat(np.arange(-900, 700), 3)
    pace, left = rng.gamma(1.0, 1 / 60, born.size), born + rng.exponential(300, born.size)
    bought = []
    for customer in range(born.size):
        day = float(born[customer])
        while day < min(left[customer], 700):
            bought += [(f"c{customer:05}", int(day))] * (day >= 0)
            day += rng.exponential(1 / pace[customer])
    frame = pd.DataFrame(bought, columns=["customer_id", "day"])
    day = pd.Timestamp("2022-01-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    number = [f"o{n}" for n in range(len(frame))]
    return frame.assign(order_id=number, order_date=day.astype("datetime64[us]"), amount=9.5)


FRAMES = (ties, refunds, huge, zeros, one_customer, leap_days, names, long_orders, begun_late)


def lines(rng: np.random.Generator, n: int, *, amount: np.ndarray, days: int) -> pd.DataFrame:
    """Canonical order lines of about n / 5 customers; each customer's first is a purchase."""
    customers = rng.integers(0, max(n // 5, 1), n)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i:05}" for i in customers],
            "order_id": [f"o{i}" for i in rng.integers(0, n, n)],
            "order_date": pd.Timestamp("2023-12-30")
            + pd.to_timedelta(rng.integers(0, days, n), unit="D"),
            "amount": amount,
        }
    )
    frame = frame.sort_values(["customer_id", "order_date"], ignore_index=True)
    first = ~frame["customer_id"].duplicated()
    frame["amount"] = frame["amount"].where(~first, frame["amount"].abs())
    return frame.assign(order_date=frame["order_date"].astype("datetime64[us]"))


def raw(rng: np.random.Generator, n: int = 2000) -> pd.DataFrame:
    """An export as it is written, with all that a door must judge; times have a zone."""
    texts = ["1,200", "△500", "￥980", "1200円", "n/a", "", None, "-30", "0", "1e3", "9" * 25]
    ids = ["007", "７", " a1 ", "A1", "", None, "guest", "山田"]
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    times = [start + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 300_000, n)]
    return pd.DataFrame(
        {
            "customer_id": rng.choice(np.array(ids, dtype=object), n),
            "order_id": [f"{'C' if i % 50 == 0 else ''}{i}" for i in rng.integers(0, n, n)],
            "order_date": pd.Series(times, dtype="datetime64[us, UTC]"),
            "amount": rng.choice(np.array(texts, dtype=object), n),
            "quantity": rng.integers(-1, 5, n).astype("int32"),
            "channel": rng.choice(np.array(["web", "店舗", None], dtype=object), n),
        }
    )
