"""Who enters the time to act next month, and what an offer to them may cost."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, Undefined
from ltvkit.forecast.leaving import next_month_end
from ltvkit.offers.texts import fill
from ltvkit.offers.timing import ALL, MOST, Timing
from ltvkit.periods import Day

LIFTS = (0.05, 0.10, 0.20)


def find_entering(
    customers: Frame,
    timing: Timing,
    *,
    as_of: Day,
    until: Day | None = None,
    value: str = "ltv_12m",
) -> Frame:
    """Customers as of `as_of` with a column of their `value` -> those who enter the window before
    the risk rises by `until` (the end of the next calendar month) unless they order.

    customer_id, orders, recency_days, `days_left` (until it opens), `risk` (now) and `risk_then`
    (at `until`), and the `value` column: the LTV at stake, as it was handed in; the most first. By
    the order number where that has a window, else by all orders; customers are put there by their
    `purchase_days`. Comes back as the kind of frame that went in. Raises `ColumnError`.
    """
    needs = ("customer_id", "purchase_days", "recency_days", value)
    ahead = periods.number_of(until or next_month_end(as_of)) - periods.number_of(as_of)
    if ahead < 1:
        raise ParamsError(f"until={until}: give a day after as_of={as_of}.")
    known = timing.windows.set_index("order_number")["opens_days"]
    silence = np.arange(timing.lapse_days)
    rows = []
    for n in range(1, MOST + 1):
        used = n if pd.notna(known[n]) else ALL
        left = timing.curves[used]
        risk = left[-1] / np.maximum(left, left[-1])
        then = risk[np.minimum(silence + ahead, timing.lapse_days)]
        days_left = known[used] - silence
        columns = {"_number": n, "_silent": silence, "days_left": days_left}
        rows.append(pd.DataFrame({**columns, "risk": risk[silence], "risk_then": then}))
    entering = pd.concat(rows)
    entering = entering[entering["days_left"].between(1, ahead)].astype({"days_left": "int64"})
    number = nw.when(nw.col("purchase_days") < MOST).then(nw.col("purchase_days")).otherwise(MOST)
    opened = frames.lazy(customers, needs=needs).select(
        *needs, _number=number.cast(nw.Int64), _silent=nw.col("recency_days").cast(nw.Int64)
    )
    listed = (
        opened.join(frames.from_pandas(entering, like=customers), on=["_number", "_silent"])
        .select(*needs, "days_left", "risk", "risk_then")
        .sort(value, "customer_id", descending=[True, False])
    )
    return frames.materialize(listed, like=customers)


def weigh_incentives(
    entering: Frame,
    *,
    value: str = "ltv_12m",
    margin_rate: float = 1.0,
    lifts: tuple[float, ...] = LIFTS,
) -> pd.DataFrame:
    """Customers of `find_entering` -> what an incentive may cost at most, by the lift it would
    need.

    A row per lift (more customers who come back, of all of them): `lift_share`, customers,
    `stake` (mean margin at stake of one: `value` x `margin_rate`; 1 where the value is margin),
    `pays_up_to` (per customer who gets the offer: stake x lift) and `pays_up_to_used` (per
    customer who uses it: the same / (share who come back anyway, 1 - risk, + lift), as they use
    it too), and `in_all` (customers x pays_up_to). What the lift is, nobody knows before a
    test. `value` must be what a customer brings who comes back; an expected value that reckons
    with leavers makes the limits cautious. Raises `Undefined` where the margin rate is not
    known (NaN).
    """
    if np.isnan(margin_rate):
        raise Undefined(fill("no_margin"))
    opened = frames.lazy(entering, needs=(value, "risk"))
    sums = opened.select(value=nw.col(value).cast(nw.Float64), risk=nw.col("risk"))
    totals = frames.table(sums.select(nw.col("value", "risk").sum(), n=nw.len())).iloc[0]
    n = int(totals["n"])
    stake = float(totals["value"]) * margin_rate / n if n else np.nan
    back = 1 - float(totals["risk"]) / n if n else np.nan
    rows = []
    for lift in lifts:
        if not 0 < lift <= 1:
            raise ParamsError(f"lifts: {lift} is no share from 0 to 1, as 0.05 for 5 points.")
        most = max(stake, 0.0) * lift if n else np.nan
        used = most / min(back + lift, 1.0)
        rows.append((lift, n, stake, most, used, most * n if n else 0.0))
    columns = ["lift_share", "customers", "stake", "pays_up_to", "pays_up_to_used", "in_all"]
    return pd.DataFrame(rows, columns=columns)
