"""Looking into a forecast: one customer, all kinds of customers, the spread of their LTV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers, periods
from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.errors import DataError, ParamsError, one_of
from ltvkit.forecast import predictions
from ltvkit.forecast.model import DAYS, MONTH, Fitted, histories, in_unit
from ltvkit.forecast.uncertainty import INTERVAL, amounts
from ltvkit.ingest.daily import NEEDS
from ltvkit.ingest.lines import filter_purchases

FUTURES = 4000
BINS = 16


@dataclass(frozen=True)
class Explained:
    """One customer: `table` (one row), `history` (date, p_alive, ordered), `text`."""

    table: pd.DataFrame
    history: pd.DataFrame
    text: str


def explain_customer(
    lines: Any,
    fitted: Fitted,
    customer_id: str,
    *,
    as_of: Any,
    months: int = 12,
    discount: float = 0.0,
    margin_rate: float = 1.0,
    currency: str = "",
    seed: int = 1,
) -> Explained:
    """Order lines, a model -> why it says of a customer what it says.

    `table`: one row of what is known (purchases, days, revenue), what is expected in the next
    `months` (as by `predict`), and the span, `low` to `high`, in which 95 of 100 such customers
    would lie.
    `history`: P(alive) day by day since the first purchase, as it would have been computed on
    that day. Raises `DataError` for an unknown customer.
    """
    own = frames.lazy(lines, needs=NEEDS).filter(nw.col("customer_id") == customer_id)
    one = frames.table(own)
    summary = customers.summarize(one, as_of=as_of) if len(one) else one
    if summary.empty:
        raise DataError(f"this customer has no purchase by {as_of}.")  # ids stay off pages
    rule = {"months": (months,), "discount": discount, "margin_rate": margin_rate}
    expected = predictions.predict(summary, fitted, **rule).iloc[0]
    revenue = expected[f"orders_{months}m"] * expected["expected_spend"]
    worth = expected[f"ltv_{months}m"] / revenue if revenue else 0.0  # of a unit of revenue
    low, high = _span(summary, fitted, months, seed) * worth
    known = ["purchase_days", "tenure_days", "recency_days", "revenue"]
    ahead = ["p_alive", f"orders_{months}m", "expected_spend", f"ltv_{months}m"]
    table = expected[[*known, *ahead]].to_frame().T.astype(float).assign(low=low, high=high)
    text = _(
        "Bought on {n} days, last {recency} days ago: alive with {alive}. Expected to bring {ltv} "
        "of {of} in {months} months; of 100 such customers, 95 will bring {low} to {high}."
    ).format(
        of=_("revenue") if margin_rate == 1 else _("margin"),
        n=formats.count(expected["purchase_days"]),
        recency=formats.count(expected["recency_days"]),
        alive=formats.share(expected["p_alive"]),
        ltv=formats.money(expected[f"ltv_{months}m"], currency),
        months=months,
        low=formats.money(low, currency),
        high=formats.money(high, currency),
    )
    return Explained(table, _alive_by_day(one, fitted, as_of), text)


def matrix(fitted: Fitted, customers: Any, *, of: str, months: int = 12) -> pd.DataFrame:
    """Customers, their model -> orders (repeat), then a column per recency in weeks: `of` p_alive
    or expected_orders (in the next `months`), for customers as old as the oldest.

    Recency is the time from the first to the last purchase. Cells that cannot be are NaN.
    """
    one_of("of", of, ("p_alive", "expected_orders"))
    triples = histories(customers)
    oldest = int(triples["T_days"].max())
    most = int(triples["frequency"].repeat(triples["customers"]).quantile(0.995))
    weeks = np.unique(np.linspace(0, oldest // 7, 14).astype(int))
    counts = np.unique(np.linspace(0, max(most, 5), 13).astype(int))
    cells = pd.DataFrame(
        [(x, w * 7, oldest) for x in counts for w in weeks],
        columns=["frequency", "t_x_days", "T_days"],
    )
    if of == "p_alive":
        values = fitted.buying.conditional_probability_alive(*in_unit(cells, fitted.unit))
    else:
        values = predictions.orders_by(fitted, cells, np.array([months * MONTH]))[:, 0]
    values = np.where((cells["frequency"] == 0) == (cells["t_x_days"] == 0), values, np.nan)
    grid = pd.DataFrame(values.reshape(len(counts), -1), columns=[int(w) for w in weeks])
    return pd.concat([pd.DataFrame({"orders": counts}), grid], axis=1)


def distribution(predicted: Any, *, column: str = "ltv_12m") -> pd.DataFrame:
    """Predicted customers -> above, up_to, customers, customers_share, value_share by LTV.

    Edges are rounded to 1, 2, 2.5 or 5 times a power of ten, spaced to hold all customers but the
    highest percent; the last bin is open.
    """
    opened = frames.lazy(predicted, needs=(column,))
    top = float(
        frames.table(opened.select(top=nw.col(column).quantile(0.99, "linear")))["top"].iloc[0]
    )
    if not top > 0:
        raise ParamsError(f"{column} is zero for nearly everybody: there is nothing to spread.")
    step = _round(top / BINS)
    bins = int(np.ceil(top / step))
    place = (nw.col(column) / step).floor().clip(0, bins).cast(nw.Int64)
    counted = (
        frames.table(
            opened.select(bin=place, value=nw.col(column))
            .group_by("bin")
            .agg(customers=nw.len(), value=nw.col("value").sum())
        )
        .set_index("bin")
        .reindex(range(bins + 1))
        .fillna(0)
        .reset_index()
    )
    edges = np.arange(bins + 1) * step
    return pd.DataFrame(
        {
            "above": edges,
            "up_to": [*edges[1:], np.inf],
            "customers": counted["customers"].astype("int64"),
            "customers_share": counted["customers"] / counted["customers"].sum(),
            "value_share": counted["value"] / counted["value"].sum(),
        }
    )


def _span(summary: pd.DataFrame, fitted: Fitted, months: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = histories(summary).loc[[0] * FUTURES]
    x, t_x, age = in_unit(rows, fitted.unit)
    ends = np.array([months * MONTH / DAYS[fitted.unit]])
    counts = fitted.buying.simulate(ends, x, t_x, age, rng=rng)
    paid = amounts(fitted, counts, x + 1, rows["revenue"].to_numpy(), rng)
    return np.quantile(paid[:, 0], INTERVAL)


def _alive_by_day(one: pd.DataFrame, fitted: Fitted, as_of: Any) -> pd.DataFrame:
    bought = filter_purchases(nw.from_native(one)).to_native()["order_date"].drop_duplicates()
    bought = bought.sort_values().to_numpy()
    days = pd.date_range(bought[0], periods.day(as_of))
    count = np.searchsorted(bought, days.to_numpy(), side="right") - 1
    lived = pd.DataFrame(
        {
            "frequency": count,
            "t_x_days": (bought[count] - bought[0]) / np.timedelta64(1, "D"),
            "T_days": (days - bought[0]).days,
        }
    )
    alive = fitted.buying.conditional_probability_alive(*in_unit(lived, fitted.unit))
    return pd.DataFrame({"date": days, "p_alive": alive, "ordered": days.isin(bought)})


def _round(step: float) -> float:
    """The next larger 1, 2, 2.5 or 5 times a power of ten.

    >>> _round(3.1), _round(0.07)
    (5.0, 0.1)
    """
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= step))
