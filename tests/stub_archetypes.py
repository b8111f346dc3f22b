"""Customers and order lines for the tests of archetypes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit.engines import frames


def table(frame) -> pd.DataFrame:
    return frames.table(frames.lazy(frame)).sort_values("customer_id", ignore_index=True)


def random_customers(rng: np.random.Generator, size: int) -> pd.DataFrame:
    orders = rng.geometric(0.4, size)
    span = np.where(orders > 1, rng.integers(1, 900, size), 0)
    silent = rng.integers(0, 400, size)
    return pd.DataFrame(
        {
            "customer_id": [f"c{n:04d}" for n in range(size)],
            "orders": orders,
            "tenure_days": span + silent,
            "recency_days": silent,
            "beginning_known": rng.random(size) < 0.9,
            "revenue": np.round(orders * rng.lognormal(8, 1, size))
            - (rng.random(size) < 0.1) * 9e4,
        }
    )


def random_lines(
    rng: np.random.Generator, *, customers: int = 400, months: int = 24
) -> pd.DataFrame:
    """Order lines from 2022 on: customers of other rates and prices, who leave at any time."""
    end = 30 * months
    born = rng.integers(0, end, customers)
    left = np.minimum(born + rng.exponential(200, customers), end)
    count = 1 + rng.poisson(rng.gamma(0.8, 1 / 60, customers) * (left - born))
    who = np.repeat(np.arange(customers), count)
    first = np.r_[True, who[1:] != who[:-1]]
    day = np.where(first, born[who], born[who] + rng.random(len(who)) * (left - born)[who])
    price = rng.lognormal(3.5, 0.5, customers)[who] * rng.lognormal(0, 0.3, len(who))
    amount = np.round(price, 2)
    lines = {
        "customer_id": [f"c{n:04d}" for n in who],
        "order_id": [f"o{n:05d}" for n in range(len(who))],
        "order_date": pd.Timestamp("2022-01-01") + pd.to_timedelta(day.astype(int), unit="D"),
        "amount": amount,
        "margin": np.round(amount * 0.4, 2),
        "category": rng.choice(["tea", "cups", "pots"], len(who)),
        "channel": rng.choice(["shop", "web"], customers)[who],
    }
    return pd.DataFrame(lines)
