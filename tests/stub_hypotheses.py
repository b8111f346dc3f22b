"""A small shop and hypotheses on it, for the tests of how they are measured."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ltvkit.hypotheses.hypothesis import Hypothesis, Target

START, END = dt.date(2024, 3, 1), dt.date(2024, 3, 31)
EVERYBODY = Target("channel", ("web", "shop"))


def hypothesis(**given) -> Hypothesis:
    """A hypothesis on March 2024 with the fields in `given`."""
    words = dict.fromkeys(("title", "hypothesis", "owner", "department", "measure"), "x")
    usual = {"id": "mail", "selected": dt.date(2024, 2, 29), "start": START, "end": END}
    usual |= {"target": EVERYBODY, "metric": "revenue_per_customer", "smallest_effect": 1.0}
    return Hypothesis(**words | usual | {"comparison": "before_after"} | given)


def assigned(treated, control) -> pd.DataFrame:
    """A list of customers drawn for both groups."""
    groups = ["treated"] * len(treated) + ["control"] * len(control)
    return pd.DataFrame({"customer_id": [*treated, *control], "group": groups, "segment": ""})


def steady(*, customers: int = 400, days: int = 800, seed: int = 1, until="2024-03-31"):
    """Order lines of customers who buy at a rate of their own, half from each channel."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2, 0.01, customers)
    who = np.repeat(np.arange(customers), 1 + rng.poisson(rate * days))
    first = np.diff(who, prepend=-1) > 0
    when = np.where(first, rng.integers(0, 60, len(who)), rng.integers(60, days, len(who)))
    date = pd.Timestamp(until) - pd.to_timedelta(days - 1 - when, "D")
    return pd.DataFrame(
        {
            "customer_id": [f"c{n:04d}" for n in who],
            "order_id": np.arange(len(who)).astype(str),
            "order_date": date,
            "amount": rng.gamma(4, 10, len(who)).round(2),
            "channel": np.where(who % 2, "web", "shop"),
        }
    )
