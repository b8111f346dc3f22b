"""Next orders: each customer's usual gap, and the days within which the next order is expected."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers, periods
from ltvkit.display import formats, joining
from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError
from ltvkit.forecast import estimation
from ltvkit.forecast.clock import HISTORY
from ltvkit.forecast.estimation import histories
from ltvkit.forecast.models import gaps
from ltvkit.forecast.models.gaps import GapModel
from ltvkit.forecast.texts import fill
from ltvkit.ingest import daily
from ltvkit.ingest.lines import filter_until
from ltvkit.periods import Day

MAX_CUSTOMERS = 5_000  # fitted or tested; of more, a sample drawn by id, which is exact enough
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9  # the ends of an 80% interval, and its middle
FEWEST, ROUGH = 30, 0.1  # who came back, for a share; and how far off it may be without a warning
ADDED = ["usual_gap_days", "overdue_after_days"]
DATES = ["next_order_low", "next_order", "next_order_high"]
KINDS = ("bought_once", "bought_2_or_3_days", "bought_more_days")
ALL = "all_customers"
COUNTS = ["came_back", "too_early", "too_late"]
CHECKED = ["kind", "customers", *COUNTS, "coverage"]


def fit_gaps(lines: Frame, *, as_of: Day) -> GapModel:
    """Order lines, or `days`, up to `as_of` -> a model of the days between customers' purchases.

    A gap lies between two days with a purchase. The model (see `models.gaps`) weighs a customer's
    own gaps against those of the whole shop, and reckons with gaps that are still open and with
    customers who have left. Of more than 5,000 customers, a sample is fitted (see `sampling`).
    Raises `TooLittleData` where fewer than ten customers bought on a second day.
    """
    seen = filter_until(frames.lazy(lines, needs=daily.KEY), as_of).to_native()
    part, _share = sampling.draw(seen, most=MAX_CUSTOMERS, among=sampling.count(seen))
    number = nw.col("day").cast(nw.Float64)
    by_customer = (
        daily.select_purchases(part, as_of=as_of)
        .unique()
        .with_columns(day=periods.number("order_date"))
        .with_columns(before=nw.col("day").shift(1).over("customer_id", order_by="day"))
        .with_columns(log_gap=(number - nw.col("before").cast(nw.Float64)).log())
        .group_by("customer_id")
        .agg(
            first=nw.col("day").min(),
            last=nw.col("day").max(),
            bought=nw.len(),
            log_gap=nw.col("log_gap").sum(),
        )
    )
    table = frames.table(
        by_customer.with_columns(
            frequency=nw.col("bought").cast(nw.Int64) - 1,
            t_x_days=nw.col("last") - nw.col("first"),
            T_days=periods.number_of(as_of) - nw.col("first"),
            log_gap=nw.when(nw.col("bought") > 1).then(nw.col("log_gap")).otherwise(0.0),
        )
        .group_by(HISTORY)
        .agg(customers=nw.len(), log_gaps=nw.col("log_gap").sum())
        .sort(HISTORY)
    )
    return gaps.fit(table[[*HISTORY, "customers", "log_gaps"]])


def predict_next_orders(
    customers: Frame, model: GapModel, *, as_of: Day, within_days: int = 0
) -> Frame:
    """Customers as of the day `as_of` -> the same with when they usually buy, and do next.

    - `usual_gap_days`: half of the customer's gaps are no longer
    - `overdue_after_days`: nine of ten of the gaps are no longer
    - `next_order_low`, `next_order`, `next_order_high`: days; of customers with this history and
      this silence who come back, a tenth do so before the first, half by the second, a tenth after
      the last

    All are of customers who come back within `within_days` (of the last purchase for gaps, of
    `as_of` for the next order); 0: within a year, or two usual gaps (`GapModel.within_days`).
    Whether they do is not said here: see `p_alive` of `predict`. Computed once per distinct
    history; returns the kind of frame that it got. Raises `ParamsError`, `ColumnError`.
    """
    if within_days < 0:
        raise ParamsError(f"within_days={within_days}: give a number of days, or 0.")
    within = within_days or model.within_days
    columns = _by_history(histories(customers), model, as_of=as_of, within=within)
    lazy = frames.without(frames.lazy(customers, needs=estimation.NEEDS), *ADDED, *DATES)
    found = lazy.collect_schema().names()
    working = {name: frames.unused(name, found) for name in HISTORY}
    history = {working[name]: value for name, value in estimation.history_columns().items()}
    joined = (
        lazy.with_columns(**history)
        .join(frames.from_pandas(columns.rename(columns=working), like=customers), on=list(history))
        .select(*found, *ADDED, *DATES)
        .sort("customer_id")
    )
    return frames.materialize(joined, like=customers)


def check_next_orders(lines: Frame, *, split: Day, as_of: Day) -> pd.DataFrame:
    """Order lines -> whether the intervals of `predict_next_orders` hold, on days that are over.

    The model knows the orders up to `split`, and gives each customer the interval of those who
    come back by `as_of`. A row for customers who had bought on one day, on two or three, on more,
    and for all: kind, customers, `came_back` (by `as_of`), `too_early` and `too_late` (of those,
    before and after their interval), `coverage` (the share within it).

    Who did not come back in that time counts for nothing: whether they have left, or would come
    later, is not known. As the interval is the one of a return within just these days, that the
    test is short does not move the coverage. Of more than 5,000 customers a sample is tested.
    """
    days = periods.number_of(as_of) - periods.number_of(split)
    if days < 1:
        raise ParamsError(f"split={split}: give a day before as_of={as_of}.")
    seen = filter_until(frames.lazy(lines, needs=daily.KEY), as_of).to_native()
    part, _share = sampling.draw(seen, most=MAX_CUSTOMERS, among=sampling.count(seen))
    known = customers.summarize(part, as_of=split)
    model = fit_gaps(part, as_of=split)
    expected = predict_next_orders(known, model, as_of=split, within_days=days)
    after = nw.col("order_date") > nw.lit(periods.day(split))
    came = daily.select_purchases(part, as_of=as_of).filter(after)
    came = came.group_by("customer_id").agg(came=nw.col("order_date").min())
    low, high, day = (nw.col(c) for c in ("next_order_low", "next_order_high", "came"))
    bought = nw.col("purchase_days")
    counted = (
        frames.lazy(expected)
        .join(came, on="customer_id", how="left")
        .with_columns(
            kind=_one_if(bought > 1) + _one_if(bought > 3),
            came_back=1 - _one_if(day.is_null()),
            too_early=_one_if(day < low),
            too_late=_one_if(day > high),
        )
    )
    by_kind = frames.add_up(counted, "kind", sums=COUNTS, customers=nw.len()).set_index("kind")
    by_kind = by_kind.reindex(range(len(KINDS))).fillna(0)[["customers", *COUNTS]].astype("int64")
    table = pd.concat([by_kind, by_kind.sum().to_frame().T], ignore_index=True)
    missed = table["too_early"] + table["too_late"]
    coverage = 1 - missed / table["came_back"].replace(0, np.nan)
    return table.assign(coverage=coverage).assign(kind=[*KINDS, ALL])[[*CHECKED]]


def describe_check(checked: pd.DataFrame, *, days: int) -> str:
    """The test of the intervals in a sentence, and a warning where they missed their share."""
    whole = checked.set_index("kind").loc[ALL]
    if whole["came_back"] < FEWEST:
        return fill("few_came_back", n=int(whole["came_back"]), days=days)
    n, share = int(whole["came_back"]), float(whole["coverage"])
    off = abs(share - (HIGH - LOW)) > ROUGH
    text = fill("came_within", n=n, share=share, days=days)
    return joining.sentences([text, fill("rough_days") if off else ""])


def describe_next_order(one: pd.Series, model: GapModel) -> str:
    """A customer of `predict_next_orders` -> the usual gap and the next order, in two sentences."""
    within = fill("within_years", n=model.within_days // gaps.YEAR)
    low, high = (formats.day(one[name]) for name in (DATES[0], DATES[2]))
    usual = fill("usual_gap", n=round(one["usual_gap_days"]))
    return joining.sentences([usual, fill("next_order", within=within, low=low, high=high)])


def _by_history(triples: pd.DataFrame, model: GapModel, *, as_of: Day, within: int) -> pd.DataFrame:
    """Distinct histories -> the columns that `predict_next_orders` adds.

    Limits are rounded inwards, so that they hold no more than their share: a gap of n whole days
    stands for one between n - 1/2 and n + 1/2.
    """
    x, span, whole = (triples[name].to_numpy() for name in HISTORY)
    silence, ends = whole - span, np.array([[LOW], [MIDDLE], [HIGH]])
    usual, limit = model.quantile(ends[1:], x, span, silence=0, within=within)
    low, middle, high = model.quantile(ends, x, span, silence=silence, within=within) - silence
    low = np.maximum(np.ceil(low), 1)
    high = np.maximum(np.floor(high), low)
    ahead = (low, np.clip(np.round(middle), low, high), high)
    today = np.datetime64(periods.day(as_of), "us")
    dates = {c: today + n.astype("timedelta64[D]") for c, n in zip(DATES, ahead, strict=True)}
    return triples[HISTORY].assign(
        usual_gap_days=np.maximum(usual, 1),
        overdue_after_days=np.maximum(np.floor(limit), 1).astype("int64"),
        **dates,
    )


def _one_if(holds: nw.Expr) -> nw.Expr:
    return nw.when(holds).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)
