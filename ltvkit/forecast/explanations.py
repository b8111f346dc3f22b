"""Looking into a forecast: one customer, all kinds of customers, and how their LTV is spread."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers, periods
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, Undefined, one_of
from ltvkit.forecast import next_orders, predictions
from ltvkit.forecast.clock import HISTORY
from ltvkit.forecast.estimation import Fitted, histories
from ltvkit.forecast.models.gaps import GapModel
from ltvkit.forecast.models.renewal_rates import RenewalFitter
from ltvkit.forecast.texts import fill
from ltvkit.forecast.uncertainty import INTERVAL, simulate_amounts
from ltvkit.ingest.daily import NEEDS
from ltvkit.ingest.lines import filter_purchases
from ltvkit.periods import MONTH_DAYS, Day

FUTURES = 4000  # simulated for one customer
LEAST_SHOWN = 0.01  # units of money
BINS = 16


@dataclass(frozen=True)
class Explained:
    """One customer: `table` (one row), `history` (date, p_alive, ordered), `text`."""

    table: pd.DataFrame
    history: pd.DataFrame
    text: str


def explain_customer(
    lines: Frame,
    fitted: Fitted,
    customer_id: str,
    *,
    as_of: Day,
    months: int = 12,
    discount: float = 0.0,
    margin_rate: float = 1.0,
    currency: str = "",
    gaps: GapModel | None = None,
) -> Explained:
    """Order lines, a model -> why the model expects of a customer what it expects.

    `table`: one row of what is known (purchases, days, revenue), what is expected in the next
    `months` (as by `predict`), and the range from `low` to `high` that holds 95 of 100 such
    customers. `history`: P(alive) day by day since the first purchase, as it would have been
    computed on that day. With `gaps` (of `fit_gaps`), `text` also tells the usual gap and the next
    order (see `next_orders.predict_next_orders`). Raises `DataError` for an unknown
    customer.
    """
    own = frames.lazy(lines, needs=NEEDS).filter(nw.col("customer_id") == customer_id)
    one = frames.table(own)
    summary: pd.DataFrame = customers.summarize(one, as_of=as_of) if len(one) else one
    if summary.empty:
        raise DataError(f"this customer has no purchase by {as_of}.")  # ids stay off pages
    predicted: pd.DataFrame = predictions.predict(
        summary, fitted, months=(months,), discount=discount, margin_rate=margin_rate
    )
    expected = predicted.iloc[0]
    revenue = expected[f"orders_{months}m"] * expected["expected_spend"]
    worth = expected[f"ltv_{months}m"] / revenue if revenue else 0.0  # of a unit of revenue
    low, high = _likely_range(summary, fitted, months) * worth
    known = ["purchase_days", "tenure_days", "recency_days", "revenue"]
    ahead = ["p_alive", f"orders_{months}m", "expected_spend", f"ltv_{months}m"]
    table = expected[[*known, *ahead]].to_frame().T.astype(float).assign(low=low, high=high)
    of = _("revenue") if margin_rate == 1 else _("margin")
    text = _describe(expected, (low, high), months=months, of=of, currency=currency)
    if gaps:
        dated: pd.DataFrame = next_orders.predict_next_orders(summary, gaps, as_of=as_of)
        text = joining.sentences([text, next_orders.describe_next_order(dated.iloc[0], gaps)])
    return Explained(table, _alive_by_day(one, fitted, as_of), text)


def _describe(expected: pd.Series, likely: tuple, *, months: int, of: str, currency: str) -> str:
    ago = fill("days", n=int(expected["recency_days"]))
    alive = formats.share(expected["p_alive"], decimals=0)
    bought = fill("bought", n=int(expected["purchase_days"]), ago=ago, alive=alive)
    amounts = (expected[f"ltv_{months}m"], *likely)
    ltv, low, high = (formats.money(amount, currency) for amount in amounts)
    ahead = fill("expected", of=of, months=months, ltv=ltv)
    likely_range = fill("likely_one" if low == high else "likely", low=low, high=high)
    gone = [fill("rather_gone")] if expected["p_alive"] < 0.5 else []
    return joining.sentences([bought, ahead, likely_range, *gone])


def matrix(fitted: Fitted, customers: Frame, *, of: str, months: int = 12) -> pd.DataFrame:
    """Customers, their model -> orders (repeat), then a column per recency in weeks: `of` p_alive
    or expected_orders (in the next `months`), for customers as old as the oldest.

    Recency is the time from the first to the last purchase. Impossible cells are NaN, and where
    payments are regular those of a rhythm that no customer has.
    """
    one_of("of", of, ("p_alive", "expected_orders"))
    triples = histories(customers)
    oldest = int(triples["T_days"].max())
    most = int(triples["frequency"].repeat(triples["customers"]).quantile(0.995))
    weeks = np.unique(np.linspace(0, oldest // 7, 14).astype(int))
    counts = np.unique(np.linspace(0, max(most, 5), 13).astype(int))
    cells = pd.DataFrame([(x, w * 7.0, oldest) for x in counts for w in weeks], columns=HISTORY)
    possible = (cells["frequency"] == 0) == (cells["t_x_days"] == 0)
    if isinstance(fitted.buying, RenewalFitter):
        step = 7 * np.diff(weeks).max(initial=1)
        regular = _find_nearest_rhythm(fitted, triples, cells, within=step / 2)
        possible &= np.isfinite(regular)
        cells["t_x_days"] = np.nan_to_num(regular)
    if of == "p_alive":
        values = fitted.buying.conditional_probability_alive(*fitted.clock.history(cells))
    else:
        horizon = np.array([months * MONTH_DAYS])
        values = predictions.expected_orders(fitted, cells, horizon)[:, 0]
    values = np.where(possible, values, np.nan)
    grid = pd.DataFrame(values.reshape(len(counts), -1), columns=[int(w) for w in weeks])
    return pd.concat([pd.DataFrame({"orders": counts}), grid], axis=1)


def _find_nearest_rhythm(
    fitted: Fitted, triples: pd.DataFrame, cells: pd.DataFrame, *, within: float
) -> np.ndarray:
    """Where payments are regular, a number of them takes so many gaps of some customer: the nearest
    such time to that of a cell; missing where none is `within` so many days of it, or so long."""
    gaps = np.unique(fitted.buying.gaps(*fitted.clock.history(triples)))
    times = cells[["frequency"]].to_numpy() * gaps * MONTH_DAYS
    times = np.where(times <= cells[["T_days"]].to_numpy(), times, np.inf)
    away = np.abs(times - cells[["t_x_days"]].to_numpy())
    nearest = away.argmin(axis=1)[:, None]
    found, off = (np.take_along_axis(each, nearest, axis=1)[:, 0] for each in (times, away))
    return np.where(off <= within, found, np.nan)


def distribution(predicted: Frame, *, column: str = "ltv_12m") -> pd.DataFrame:
    """Predicted customers -> above, up_to, customers, customers_share, value_share by LTV.

    Edges are multiples of 1, 2, 2.5 or 5 times a power of ten; the bins below the last hold all
    customers but the highest percent, and the last is open.
    """
    lazy = frames.lazy(predicted, needs=(column,))
    quantile = frames.table(lazy.select(nw.col(column).quantile(0.99, "linear")))
    top = float(quantile.iloc[0, 0])
    if not top > 0:
        raise Undefined(_("LTV is zero or less for nearly all customers: no spread to show."))
    if formats.kind(column) == "money" and top < LEAST_SHOWN:
        raise Undefined(_("LTV is next to nothing for nearly all customers: no spread to show."))
    step = _round_up(top / BINS)
    bins = int(np.ceil(top / step))
    place = (nw.col(column) / step).floor().clip(0, bins).cast(nw.Int64)
    by_bin = lazy.select(bin=place, value=nw.col(column)).group_by("bin")
    counted = frames.table(by_bin.agg(customers=nw.len(), value=nw.col("value").sum()))
    counted = counted.set_index("bin").reindex(range(bins + 1)).fillna(0).reset_index(drop=True)
    shares, edges = (counted / counted.sum()).add_suffix("_share"), np.arange(bins + 1) * step
    table = pd.DataFrame({"above": edges, "up_to": [*edges[1:], np.inf]})
    return table.assign(customers=counted["customers"].astype("int64"), **shares)


def _likely_range(summary: pd.DataFrame, fitted: Fitted, months: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    rows = histories(summary).loc[[0] * FUTURES]
    x, t_x, age = fitted.clock.history(rows)
    ends = fitted.clock.ahead([months * MONTH_DAYS])
    counts = fitted.buying.simulate(ends, x, t_x, age, rng=rng)
    paid = simulate_amounts(fitted, counts, x + 1, rows["revenue"].to_numpy(), rng)
    return np.quantile(paid[:, 0], INTERVAL)


def _alive_by_day(one: pd.DataFrame, fitted: Fitted, as_of: Day) -> pd.DataFrame:
    bought = filter_purchases(nw.from_native(one)).to_native()["order_date"]
    bought = np.unique(bought.to_numpy())
    days = pd.date_range(bought[0], periods.day(as_of))
    count = np.searchsorted(bought, days.to_numpy(), side="right") - 1
    ago = (days[-1] - days).days.to_numpy()
    first, last = ago[0], ago[np.searchsorted(days.to_numpy(), bought[count])]
    clock = fitted.clock
    buying = fitted.buying.of(clock.between(first, 0))
    lived = (clock.between(first, last), clock.between(first, ago))
    alive = buying.conditional_probability_alive(count, *lived)
    return pd.DataFrame({"date": days, "p_alive": alive, "ordered": days.isin(bought)})


def _round_up(step: float) -> float:
    """The next larger 1, 2, 2.5 or 5 times a power of ten.

    >>> _round_up(3.1), _round_up(0.07)
    (5.0, 0.1)
    """
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= step))
