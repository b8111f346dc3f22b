"""Customers of a past date who resemble those of a list.

A list that was not drawn at random was chosen for reasons that are not known. Its natural change is
that of customers who looked alike on a past date: for each customer of the list, the nearest of
that date (nearest neighbour, with replacement; Stuart 2010, Statistical Science 25(1), 1-21). A
date counts only if both are alike on average: in each feature within a tenth of a standard
deviation (Austin 2009, Statistics in Medicine 28(25), 3083-3107).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from ltvkit.hypotheses.effects import targets
from ltvkit.hypotheses.effects.customer_days import Histories
from ltvkit.hypotheses.hypothesis import Target

ALIKE = 0.1  # standard deviations by which the means of a feature may differ
YEAR = 365  # days from which on recency and tenure count alike: shops are young on past dates
MOST_CHANNELS, SAME = 20, 1e-9


class Match(NamedTuple):
    """The customers of a past date, one for each of the list, in any order; `gap` is the largest
    difference of means, in standard deviations, and `feature` the one that it is of."""

    who: np.ndarray
    gap: float
    feature: str

    @property
    def alike(self) -> bool:
        """Whether they resemble the list."""
        return self.gap <= ALIKE


def match(histories: Histories, listed: Target, *, on: int, back: int, length: int) -> Match:
    """The customers of `listed`, as they were on day `on` -> those most like them `back` days
    before; `length` is how many days count as lately."""
    key = ("match", listed, length, on, on - back)
    return histories.cached(key, lambda: _match(histories, listed, on, back, length))


def _match(histories: Histories, listed: Target, on: int, back: int, length: int) -> Match:
    chosen = targets.select(histories, listed, on=on)
    now, then = (read_features(histories, day, length) for day in (on, on - back))
    if not len(chosen) or then.empty:
        return Match(np.array([], dtype="int64"), np.inf, "customers")
    spread = now.std(ddof=0)
    spread = spread.where(spread > SAME, 1.0)
    wanted, there = now.loc[chosen] / spread, then / spread
    nearest = cKDTree(there.to_numpy()).query(wanted.to_numpy())[1]
    gaps = (there.to_numpy()[nearest].mean(axis=0) - wanted.mean()).abs()
    return Match(then.index.to_numpy()[nearest], float(gaps.max()), str(gaps.idxmax()))


def read_features(histories: Histories, day: int, length: int) -> pd.DataFrame:
    """What is known of each customer at the end of a day, by position: recency and tenure, orders
    and revenue in all and lately (logarithms), and the channel."""
    known = histories.customers_on(day).set_index("customer_id")
    who, first = known.index.to_numpy(), day - length + 1
    found = {
        "recency_days": known["recency_days"].clip(upper=YEAR),
        "tenure_days": known["tenure_days"].clip(upper=YEAR),
        "orders": known["orders"],
        "revenue": known["revenue"],
        "recent_orders": histories.column("orders", who, first, day),
        "recent_revenue": histories.column("revenue", who, first, day),
    }
    table = np.log1p(pd.DataFrame(found, index=known.index).clip(lower=0).astype(float))
    channels = histories.channels
    if channels is None or len(channels.categories) > MOST_CHANNELS:
        return table
    by_channel = pd.get_dummies(channels[who], dtype=float).set_axis(known.index)
    return table.join(by_channel.add_prefix("channel "))
