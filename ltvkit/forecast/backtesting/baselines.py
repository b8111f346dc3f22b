"""Forecasts without a probability model: what a model must beat to be worth its trouble.

Each takes customers as of the day `split` and their order lines, and returns the purchase days
and the revenue that it expects of each in the next `days`. A column `older` of the customers says
who had probably bought before the orders begin (see `ingest.truncation`); without it, nobody.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit import customers, rfm
from ltvkit.errors import TooLittleData
from ltvkit.forecast.texts import fill
from ltvkit.periods import Day

YEAR = 365
SHORTEST = 90  # days that a rate is taken over, at least
FEWEST = 50  # customers that a method can learn from
FEATURES = ["purchase_days", "recency_days", "tenure_days", "revenue"]
SCORES = ["r_score", "f_score", "m_score"]


def outcome(known: pd.DataFrame, lines: pd.DataFrame, *, split: Day, days: int) -> pd.DataFrame:
    """Customers, lines -> orders (purchase days) and revenue of each in `days` after `split`."""
    after = lines[lines["order_date"] > pd.Timestamp(split)]
    after = after[after["order_date"] <= pd.Timestamp(split) + pd.Timedelta(days=days)]
    bought = after[after["amount"] >= 0]
    orders = bought.groupby("customer_id")["order_date"].nunique()
    revenue = after.groupby("customer_id")["amount"].sum()
    table = pd.DataFrame({"orders": orders, "revenue": revenue})
    return table.reindex(known["customer_id"]).fillna(0.0)


def run_rate(known: pd.DataFrame, lines: pd.DataFrame, *, split: Day, days: int) -> pd.DataFrame:
    """Every customer goes on as in the last 365 days: what they did a day, times `days`.

    For a customer won within these 365 days, the days count from the first purchase, and are 90
    at least: somebody who bought for the first time yesterday is not expected to buy every day.
    For one who had bought before, they count from the first day of the orders.
    """
    start = pd.Timestamp(split) - pd.Timedelta(days=YEAR)
    past = outcome(known, lines, split=start, days=YEAR)
    since = known["tenure_days"].mask(_find_older(known), known["tenure_days"].max())
    return past.mul(days / since.clip(SHORTEST, YEAR).to_numpy(), axis=0)


def cohort_curve(
    known: pd.DataFrame, lines: pd.DataFrame, *, split: Day, days: int
) -> pd.DataFrame:
    """Every customer does what older ones did on average at the same age.

    Ages are whole spans of 30 days since the first purchase; for ages that no customer has reached,
    the mean of the last three spans is used. Customers who had bought before the orders begin have
    no known age: they do what the others do after their first purchase in the orders.
    """
    past = lines[lines["order_date"] <= pd.Timestamp(split)]
    learnt = known[~_find_older(known)]
    learnt = learnt if (learnt["tenure_days"] >= 30).any() else known
    first = learnt.set_index("customer_id")["first_order"]
    past = past[past["customer_id"].isin(first.index)]
    age = (past["order_date"] - past["customer_id"].map(first)).dt.days
    later = past.assign(age=(age - 1) // 30).query("age >= 0")
    lived = learnt["tenure_days"] // 30
    if not lived.max():
        raise TooLittleData(fill("no_month_to_learn_from"))
    reached = np.array([(lived > a).sum() for a in range(int(lived.max()))])
    whole = later[later["age"] < later["customer_id"].map(lived.set_axis(first.index))]
    bought = whole[whole["amount"] >= 0].drop_duplicates(["customer_id", "order_date"])
    orders, revenue = bought.groupby("age").size(), whole.groupby("age")["amount"].sum()
    rates = pd.DataFrame({"orders": orders, "revenue": revenue}).reindex(range(len(reached)))
    rates = rates.fillna(0.0).div(reached, axis=0)
    spans = -(-days // 30)
    tail = pd.DataFrame([rates.tail(3).mean()] * spans)
    summed = pd.concat([rates, tail]).cumsum()
    age = known["tenure_days"].to_numpy() / 30
    areas = {c: _area_between(np.append(0.0, summed[c]), age, days / 30) for c in summed}
    return pd.DataFrame(areas, index=known["customer_id"])


def _find_older(known: pd.DataFrame) -> pd.Series:
    """Who had bought before the orders begin."""
    return known["older"] if "older" in known else pd.Series(False, index=known.index)


def rfm_cell(known: pd.DataFrame, lines: pd.DataFrame, *, split: Day, days: int) -> pd.DataFrame:
    """Every customer does what those in the same RFM cell did, starting `days` earlier."""
    before, target = _training_data(lines, split=split, days=days)
    cuts = rfm.thresholds(before)
    then = rfm.score(before, cuts=cuts)[SCORES].assign(**target.reset_index(drop=True))
    cells = then.groupby(SCORES)[["orders", "revenue"]].mean()
    by_f = then.groupby("f_score")[["orders", "revenue"]].mean()
    now = rfm.score(known, cuts=cuts)
    found = cells.reindex(pd.MultiIndex.from_frame(now[SCORES]))
    wider = by_f.reindex(now["f_score"]).fillna(then[["orders", "revenue"]].mean())
    filled = found.reset_index(drop=True).fillna(wider.reset_index(drop=True))
    return filled.set_index(known["customer_id"])


def boosting(known: pd.DataFrame, lines: pd.DataFrame, *, split: Day, days: int) -> pd.DataFrame:
    """Gradient boosting: learns from the customers of `days` earlier and what they then did."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    before, target = _training_data(lines, split=split, days=days)
    trees = {"max_iter": 80, "max_leaf_nodes": 8, "min_samples_leaf": 40, "learning_rate": 0.05}
    model = HistGradientBoostingRegressor(loss="poisson", random_state=1, **trees)
    with threadpool_limits(1):  # a second thread costs more than it saves
        learnt = {
            name: model.fit(before[FEATURES], target[name].clip(lower=0)).predict(known[FEATURES])
            for name in ("orders", "revenue")
        }
    return pd.DataFrame(learnt, index=known["customer_id"])


SIMPLE = {"run_rate": run_rate, "cohort_curve": cohort_curve, "rfm_cell": rfm_cell}
CHALLENGERS = {"boosting": boosting}


def _training_data(
    lines: pd.DataFrame, *, split: Day, days: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Customers as of `days` before `split`, and what they did from then on."""
    then = pd.Timestamp(split) - pd.Timedelta(days=days)
    if (lines["order_date"] <= then).sum() == 0:
        raise TooLittleData(fill("nothing_to_learn_from", days=days))
    before = customers.summarize(lines, as_of=then)
    target = outcome(before, lines, split=then, days=days)
    if len(before) < FEWEST or not target["revenue"].gt(0).any():
        raise TooLittleData(fill("few_to_learn_from", days=days))
    return before, target


def _area_between(summed: np.ndarray, start: np.ndarray, length: float) -> np.ndarray:
    """Area under a rate curve from `start` over `length`; `summed`: its area up to 0, 1, 2, ..."""
    places = np.arange(len(summed))
    slope = summed[-1] - summed[-2]
    reach = [
        np.interp(at, places, summed) + np.maximum(at - places[-1], 0) * slope
        for at in (start, start + length)
    ]
    return reach[1] - reach[0]
