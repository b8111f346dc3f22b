"""Survival: how many customers are left after each period of tenure, as observed.

A customer who has not bought for `lapse_days` counts as gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import periods
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError, TooLittleData
from ltvkit.ingest import daily
from ltvkit.ingest.truncation import find_known_from
from ltvkit.ltv import intervals
from ltvkit.ltv.texts import fill
from ltvkit.periods import MONTH_DAYS, Day

__all__ = ["finding", "from_curve", "survivors"]

__dir__ = __all__.copy

FEWEST = 30  # customers; the hazard of fewer is mostly chance


def survivors(
    lines: Frame,
    *,
    as_of: Day,
    lapse_days: int = 180,
    period_days: float = MONTH_DAYS,
    export_begins: str = "",
) -> pd.DataFrame:
    """Order lines up to `as_of` -> one row per period of tenure, from 1 on.

    - `period`; `tenure_days`: its end, period x `period_days` after the first purchase
    - `at_risk`: customers who had not left before it; `lost`: of those, who left in it
    - `hazard`: lost / at_risk; `survival`: share left at its end; `survival_low`,
      `survival_high`: its 95% interval

    Of the customers who first bought by the day c = as_of - lapse_days: a customer without a
    purchase after c has left, in period floor((last - first purchase) / period_days) + 1; one who
    bought after c is censored. A period counts for a customer only if it was over by c. Else those
    who leave early in a period would count more than those who stay. Customers of whom it is not
    known when they were new are left out (`ingest.truncation`; `export_begins` is the policy), as
    those who had stayed until then would be taken for new ones. Kaplan-Meier (1958); the
    interval holds in 95 of 100 cases or more (`intervals.beta_product`), also where nobody left.
    Raises `TooLittleData` where nobody has been observed for a whole period.

    >>> lines = pd.DataFrame({"customer_id": list("aab"), "amount": 1.0, "order_date":
    ...     pd.to_datetime(["2024-01-01", "2024-05-01", "2024-01-01"])})
    >>> table = survivors(lines, as_of="2024-06-30", lapse_days=90)
    >>> table[["period", "at_risk", "lost", "survival"]].values.tolist()
    [[1.0, 2.0, 1.0, 0.5], [2.0, 1.0, 0.0, 0.5], [3.0, 1.0, 0.0, 0.5]]
    """
    if lapse_days < 1 or period_days < 1:
        raise ParamsError(f"lapse_days={lapse_days}, period_days={period_days}: give 1 or more.")
    known = find_known_from(lines, as_of=as_of, export_begins=export_begins)
    rule: dict[str, Any] = {"lapse_days": lapse_days, "period_days": period_days}
    table = _followed(lines, as_of=as_of, known=known, **rule)
    if table.empty:
        days = {
            "period": formats.count(period_days),
            "lapse": lapse_days,
            "day": periods.day(as_of),
        }
        raise TooLittleData(fill("not_observed", **days))
    return _estimated(table, period_days)


def from_curve(survivors: Sequence[float], *, period_days: float = MONTH_DAYS) -> pd.DataFrame:
    """Survivors after 0, 1, 2, ... renewals (numbers or shares) -> the table of `survivors`.

    `survival_low` and `survival_high` are NaN: a curve does not say how many customers it is of.

    >>> from_curve([100, 80, 60])[["period", "at_risk", "lost", "hazard"]].values.tolist()
    [[1.0, 100.0, 20.0, 0.2], [2.0, 80.0, 20.0, 0.25]]
    """
    left = np.asarray(survivors, dtype=float)
    if left.ndim != 1 or left.size < 2 or not (left[:-1] > 0).all() or not left[-1] >= 0:
        raise DataError("a survivor curve is two or more numbers above zero (the last may be 0).")
    if (np.diff(left) > 0).any():
        raise DataError("a survivor curve never rises: a customer who has left stays away.")
    return _table(left[:-1], -np.diff(left), period_days).assign(
        survival=left[1:] / left[0], survival_low=np.nan, survival_high=np.nan
    )


def finding(survivors: pd.DataFrame, *, lapse_days: int) -> str:
    """When half have left, and when the risk is highest (of periods with 30 or more at risk); of
    fewer than 30 customers that they are too few.

    The table says in which period half have left, so the sentence names its first and last day.
    """
    at_risk = survivors["at_risk"]
    if at_risk.max() < FEWEST:
        return fill("survival_too_few", n=int(at_risk.max()))
    half = survivors[survivors["survival"] <= 0.5]
    row = survivors.iloc[-1] if half.empty else half.iloc[0]
    left = "most_left" if row["period"] == 1 else "half_left"
    summary = fill(
        "still_there" if half.empty else left,
        share=row["survival"],
        lost=1 - row["survival"],
        rule=lapse_days,
        **_name_days(row),
    )
    worst = survivors.loc[survivors["hazard"].where(at_risk >= FEWEST).idxmax()]
    said = not half.empty and row["period"] == worst["period"] == 1
    if not worst["hazard"] or said:
        return summary
    name = "never_again" if worst["period"] == 1 else "highest_risk"
    risk = fill(name, hazard=worst["hazard"], rule=lapse_days, **_name_days(worst))
    return joining.sentences([summary, risk])


def _name_days(row: pd.Series) -> dict[str, str]:
    """The first and the last day of a period."""
    end = row["tenure_days"]
    return {"start": formats.count(end - end / row["period"]), "end": formats.count(end)}


def _followed(
    lines: Frame,
    *,
    as_of: Day,
    known: pd.Timestamp | None,
    lapse_days: int,
    period_days: float,
) -> pd.DataFrame:
    """Customers by `period` (the last that they count for) and `left` (1: they left in it)."""
    end = periods.number_of(as_of) - int(lapse_days)
    first, last = periods.number("first"), periods.number("last")
    is_known = first >= periods.number_of(known) if known is not None else first <= end
    bought = daily.select_purchases(lines, as_of=as_of)
    return frames.table(
        bought.group_by("customer_id")
        .agg(first=nw.col("order_date").min(), last=nw.col("order_date").max())
        .filter(is_known & (first <= end))
        .with_columns(
            # The day c itself was observed too, hence the day more.
            over=_periods(end - first + 1, period_days),
            ended=_periods(last - first, period_days) + 1,
        )
        .filter(nw.col("over") >= 1)
        .with_columns(left=((last <= end) & (nw.col("ended") <= nw.col("over"))))
        .with_columns(
            nw.col("left").cast(nw.Int64),
            period=nw.when(nw.col("left")).then(nw.col("ended")).otherwise(nw.col("over")),
        )
        .group_by("period", "left")
        .agg(customers=nw.len())
    )


def _periods(days: nw.Expr, period_days: float) -> nw.Expr:
    return (days.cast(nw.Float64) / float(period_days)).floor().cast(nw.Int64)


def _estimated(table: pd.DataFrame, period_days: float) -> pd.DataFrame:
    from lifelines import KaplanMeierFitter

    ends = np.arange(1, table["period"].max() + 1)
    counts = table.set_index(["period", "left"])["customers"].unstack("left")
    counts = counts.reindex(index=ends, columns=[0, 1]).fillna(0).astype("int64")
    at_risk = counts.sum(axis=1)[::-1].cumsum()[::-1]
    curve = KaplanMeierFitter().fit(
        table["period"], table["left"], timeline=ends, weights=table["customers"]
    )
    low, high = intervals.beta_product(at_risk, counts[1])
    return _table(at_risk.to_numpy(), counts[1].to_numpy(), period_days).assign(
        survival=curve.survival_function_["KM_estimate"].to_numpy(),
        survival_low=low,
        survival_high=high,
    )


def _table(at_risk: np.ndarray, lost: np.ndarray, period_days: float) -> pd.DataFrame:
    table = pd.DataFrame({"period": np.arange(1, len(lost) + 1), "at_risk": at_risk, "lost": lost})
    table.insert(1, "tenure_days", table["period"] * period_days)
    return table.assign(hazard=table["lost"] / table["at_risk"])
