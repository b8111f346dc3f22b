"""LTV by stage reached, from one age on: customers who had reached it by then, and who had not.

Whoever ever wrote a review has stayed for long enough to write it. To compare them with all others
credits the review with having stayed (immortal time: Suissa 2008, American Journal of Epidemiology
167(4), 492-499). So customers are compared from one age on, by what was known at that age
(Anderson, Cain & Gelber 1983, Journal of Clinical Oncology 1(11), 710-719). Nobody was drawn at
random, so a difference is still no effect.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.funnel.reaching import Stages
from ltvkit.funnel.stages import FACTS, OF_EVENTS, PURCHASE
from ltvkit.funnel.texts import fill
from ltvkit.ingest import daily

AT = 90  # days after the first order
FOLLOWED = (365, 180, 90)  # days after that: the longest for which half of the customers are there
COMPARED = ("second_order", "third_order", "loyal", *OF_EVENTS)
FEWEST = 30  # customers who have reached a stage, and who have not
SUPPORT = 10  # others with as many orders; a customer who resembles fewer is not compared
MOST_CUSTOMERS = 30_000  # of more, a sample is compared
MOST_ORDERS = 4  # counted one by one
LEVEL = 0.05  # of all stages together
MORE, LESS, UNCLEAR, TOO_FEW = "more", "less", "unclear", "too_few"
BEFORE = ["stage", "customers", "other_customers"]
FIGURES = ["ltv_later", "ltv_of_similar", "ltv_difference", "low", "high"]
COLUMNS = [*BEFORE, *FIGURES, "grade", "verdict", "at_days", "horizon_days"]


def value_stages(
    lines: Frame, stages: Stages, *, at: int = AT, follow: int = 0, of: str = "revenue"
) -> pd.DataFrame:
    """Order lines, or their days, and stages reached -> a row per stage that is recorded: what
    customers brought after day `at`, by whether they had reached the stage by that day.

    - `customers` who had, `other_customers` who had not: all new customers with a first order
      `at` + `horizon_days` ago or longer. Of "third_order" and "loyal" only those who had reached
      the stage before it; of stages that events tell, only those won while events are recorded
    - `ltv_later`: `of` (revenue or margin) in the `horizon_days` after day `at`, mean of those who
      had; `ltv_of_similar`: what others like them brought (least squares on the others alone, by
      orders, revenue, recency and the first order at day `at`; for stages that are orders, by the
      first order alone)
    - `ltv_difference` between the two, `low` to `high`: its range, which holds for all stages
      together in 95 of 100 cases (Bonferroni; errors HC3)
    - `grade` of the evidence: C (similar in what orders tell), D (a stage that is an order: who
      orders again differs from who does not); `verdict`: "more", "less", "unclear", or "too_few"
      (30 on each side are needed; figures are NaN)
    - `horizon_days`: `follow`; 0: the longest of 365, 180 and 90 that half of the customers have
      been seen for

    Of more than 30,000 customers a sample is compared. Raises `TooLittleData` where nobody has been
    seen for so long, `ColumnError` without the column `of`.
    """
    if at < 1 or follow < 0:
        raise ParamsError(f"at={at}, follow={follow}: give days.")
    days = follow or _choose_days(stages, at)
    table = _measure(lines, stages, at=at, follow=days, of=of)
    names = [name for name in COMPARED if name not in stages.missing]
    rows = [_compare(table, name, stages, at, tests=len(names)) for name in names]
    if not rows:
        raise TooLittleData(fill("nobody_observed", days=at + days))
    return pd.DataFrame(rows).assign(at_days=at, horizon_days=days)[COLUMNS]


def find_customers(stages: Stages) -> nw.LazyFrame:
    """customer_id, reached (the first order) of those who are known to have been new then."""
    rows = frames.lazy(stages.rows).filter(nw.col("stage") == PURCHASE, nw.col("known") == 1)
    return rows.filter(~nw.col("customer_id").is_null()).select("customer_id", "reached")


def _choose_days(stages: Stages, at: int) -> int:
    first = find_customers(stages).with_columns(_day=periods.number("reached"))
    until = periods.number_of(stages.as_of)
    enough = {f"n{days}": frames.one_if(nw.col("_day") <= until - at - days) for days in FOLLOWED}
    counted = first.with_columns(**enough).select(nw.col(*enough).sum(), n=nw.len())
    row = frames.table(counted).fillna(0).iloc[0]
    return next((d for d in FOLLOWED if 2 * row[f"n{d}"] >= row["n"] > 0), FOLLOWED[-1])


def _measure(lines: Frame, stages: Stages, *, at: int, follow: int, of: str) -> pd.DataFrame:
    """A row per customer seen for so long, or of a sample: first (a day number), orders, revenue,
    recency, first_revenue at day `at`, `later`, and per stage 1 where it was reached by then."""
    until = periods.number_of(stages.as_of) - at - follow
    customers = find_customers(stages).select("customer_id", first=periods.number("reached"))
    old = customers.filter(nw.col("first") <= until)
    whole = frames.count(old)
    if not whole:
        raise TooLittleData(fill("nobody_observed", days=at + follow))
    part, _share = sampling.draw(old.to_native(), most=MOST_CUSTOMERS, among=whole)
    drawn = frames.lazy(part)
    seen = daily.select_days(lines, as_of=stages.as_of)
    seen = frames.lazy(seen.to_native(), needs=(of,)).join(drawn, on="customer_id")
    age = periods.number("order_date") - nw.col("first")
    aged = seen.with_columns(_age=age).filter(nw.col("_age") >= 0, nw.col("_age") <= at + follow)
    by_day = aged.group_by("customer_id", "first", "_age").agg(
        nw.col(of).sum(), nw.col("active").max()
    )
    known, money = nw.col("_age") <= at, nw.col(of).cast(nw.Float64)
    amounts = {"spent": known, "first_spent": nw.col("_age") == 0, "later": ~known}
    bought = known & (nw.col("active") > 0)
    parts = by_day.with_columns(
        **{name: nw.when(where).then(money).otherwise(0.0) for name, where in amounts.items()},
        orders=frames.one_if(bought),
        last=nw.when(bought).then(nw.col("_age")).otherwise(nw.lit(0)),
    ).group_by("customer_id", "first")
    summed = parts.agg(nw.col(*amounts, "orders").sum(), nw.col("last").max())
    flags = _flag(stages, drawn, at)
    table = frames.table(summed.join(flags, on="customer_id", how="left"))
    names = [n for n in COMPARED if n in table]
    table = table.sort_values("customer_id", ignore_index=True).drop(columns="customer_id")
    return table.assign(**{n: table[n].fillna(0).astype(int) for n in names})


def _flag(stages: Stages, customers: nw.LazyFrame, at: int) -> nw.LazyFrame:
    """customer_id, and per stage 1 if it was reached by day `at`."""
    rows = frames.lazy(stages.rows).select("customer_id", "stage", "reached")
    aged = rows.join(customers.select("customer_id", "first"), on="customer_id")
    early = aged.filter(periods.number("reached") - nw.col("first") <= at)
    names = [name for name in COMPARED if name not in stages.missing]
    has = {name: frames.one_if(nw.col("stage") == name) for name in names}
    return early.with_columns(**has).group_by("customer_id").agg(nw.col(*names).max())


def _compare(
    table: pd.DataFrame, name: str, stages: Stages, at: int, *, tests: int
) -> dict[str, Any]:
    by_events = name in OF_EVENTS
    if by_events:
        first, last = (periods.number_of(day) for day in (stages.first, stages.last))
        table = table[(table["first"] >= first) & (table["first"] + at <= last)]
    before = FACTS[name]["after"]
    if before != PURCHASE:
        table = table[table[before] == 1]
    treated = table[name].to_numpy() == 1
    row: dict[str, Any] = {"stage": name, "grade": "C" if by_events else "D"}
    x = _describe(table, at) if by_events else _describe_first(table)
    if by_events:
        kept = _find_support(table["orders"], treated)
        x, table, treated = x[kept], table[kept], treated[kept]
    counts = {"customers": int(treated.sum()), "other_customers": int((~treated).sum())}
    row |= counts
    if min(counts.values()) < FEWEST:
        return row | dict.fromkeys(FIGURES, np.nan) | {"verdict": TOO_FEW}
    later = table["later"].to_numpy(dtype=float)
    return row | _adjust(x, later, treated, level=LEVEL / tests)


def _find_support(orders: pd.Series, treated: np.ndarray) -> np.ndarray:
    """Whether there are others with as many orders to compare a customer with."""
    capped = orders.clip(upper=MOST_ORDERS)
    others = capped[~treated].value_counts()
    return (capped.map(others).fillna(0) >= SUPPORT).to_numpy()


def _describe(table: pd.DataFrame, at: int) -> np.ndarray:
    """What was known on day `at`: how many orders (and how long ago the last one was, of each
    number), revenue in all and at first (logarithms), and when the customer was won."""
    orders = table["orders"].clip(upper=MOST_ORDERS).to_numpy()
    recency = (at - table["last"].to_numpy(dtype=float)) / at
    several = [orders == n for n in range(2, MOST_ORDERS + 1)]
    columns = [has.astype(float) for has in several] + [has * recency for has in several]
    columns += [np.log1p(table["spent"].clip(lower=0)), *_describe_first(table).T]
    return np.column_stack(columns)


def _describe_first(table: pd.DataFrame) -> np.ndarray:
    """The first order alone: revenue (logarithm), and when."""
    spent = np.log1p(table["first_spent"].clip(lower=0).to_numpy(dtype=float))
    return np.column_stack([spent, table["first"].to_numpy(dtype=float)])


def _adjust(
    x: np.ndarray, later: np.ndarray, treated: np.ndarray, *, level: float
) -> dict[str, Any]:
    """What the others foretell of customers like those who had reached the stage, against what
    these brought (Oaxaca-Blinder; Kline 2011, American Economic Review 101(3), 532-537)."""
    import statsmodels.api as sm
    from scipy import stats

    x = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    x = x[:, x[~treated].std(axis=0) > 0]
    x = np.column_stack([np.ones(len(x)), x])
    fitted = sm.OLS(later[~treated], x[~treated]).fit(cov_type="HC3")
    mean, left = x[treated].mean(axis=0), later[treated] - x[treated] @ fitted.params
    similar, n = float(mean @ fitted.params), int(treated.sum())
    error = float(np.sqrt(left.var(ddof=1) / n + mean @ fitted.cov_params() @ mean))
    gap = float(left.mean())
    width = stats.t.ppf(1 - level / 2, n - 1) * error
    verdict = MORE if gap > width else LESS if gap < -width else UNCLEAR
    return {
        "ltv_later": gap + similar, "ltv_of_similar": similar, "ltv_difference": gap,
        "low": gap - width, "high": gap + width, "verdict": verdict,
    }  # fmt: skip
