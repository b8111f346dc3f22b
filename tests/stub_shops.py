"""Simulated shops of which it is known when they opened, whatever their export says."""

from __future__ import annotations

import numpy as np
import pandas as pd

START = pd.Timestamp("2023-01-01")


def simulate(rng, *, won, days, before=0, gap=60, stay=300, once=0.2):
    """Order lines from day 0 on of a shop that won `won(t)` customers on day t since -`before`.

    Customers buy at rates of their own, `gap` days apart on average, and leave after `stay` days on
    average, a share of them `once` they have bought.
    """
    since = np.arange(-before, days)
    born = np.repeat(since, rng.poisson(np.maximum([won(t) for t in since], 0))).astype(float)
    pace = gap / rng.gamma(1.0, 1.0, len(born))
    left = born + rng.exponential(stay, len(born)) * (rng.random(len(born)) > once)
    found, who, at = [], np.arange(len(born)), born
    while len(who):
        found.append(pd.DataFrame({"customer_id": who, "day": np.floor(at)}))
        at = at + rng.exponential(pace[who])
        there = at < np.minimum(left[who], days)
        who, at = who[there], at[there]
    rows = pd.concat(found).query("0 <= day").drop_duplicates().astype({"customer_id": str})
    return rows.assign(
        order_id=np.arange(len(rows)).astype(str),
        order_date=START + pd.to_timedelta(rows.pop("day"), unit="D"),
        amount=1.0,
    ).reset_index(drop=True)
