"""From order to order: how many go on from the first to the second, the third, ...; F1 -> F2 -> F3.

The n-th order of a customer is the n-th day with a purchase, as everywhere in the kit.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import cohorts, periods
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, check_grouping
from ltvkit.ingest import daily, truncation
from ltvkit.ltv import intervals, lapse
from ltvkit.ltv.texts import fill
from ltvkit.periods import Day

__all__ = ["COLUMNS", "finding", "rates"]

__dir__ = __all__.copy

FIGURES = ("next_order_share", "lowest_share", "highest_share", "median_days")
COLUMNS = ("step", "customers", *FIGURES, "horizon_days")  # besides the group's
STEPS = 5
HORIZONS = (365, 180, 90, 30)  # days
PARTS = (0, 60, 180, 365, 730)  # days after the first: customers of a later order by their ends
MONTH = 30  # days, for how long customers were followed
RAREST = 0.05  # a customer weighs as 20 at most
GROUPS = 10  # the largest
FEWEST = 30  # customers; a share of fewer is no finding


def rates(
    lines: Frame,
    *,
    as_of: Day,
    within: int | None = None,
    steps: int = STEPS,
    by: str = "",
    export_begins: str = "",
) -> pd.DataFrame:
    """Order lines up to `as_of` -> how many go on from each order to the next in `within` days.

    - the column `by`, if given: the value on the largest line of a customer's first day (see
      `cohorts.build`), such as "channel" or "product_id"; the ten with the most customers
    - `step`: "F1 -> F2", ...; `customers`: who placed the earlier order
    - `next_order_share` of them within `within` days, and its 95% interval, `lowest_share` to
      `highest_share`
    - `median_days`: within which half of those who go on have done so
    - `horizon_days`: as given, or the longest of 365, 180, 90 and 30 for which half of the time
      since the first (known) new customer is long enough, and in which each step of 30 customers
      or more has a share; 30 at least. Where a customer counts as gone only after more than a
      year, as with a yearly fee (see `lapse.find`), first those days, in whole 30 days

    An order is a day with a purchase. Customers whose earlier order is recent are censored: they
    count for as long as they were seen, and for no failure (Kaplan & Meier 1958, with weights; see
    `_weighted`). Times are counted in up to 100 equal steps of `within`. The interval is
    mid-P (see `intervals`): it holds the true share in 95 of 100 cases on average, in small groups
    too. NaN where nobody could be seen for `within` days. Customers of a time in which it is not
    known who is new are left out (`ingest.truncation`; `export_begins` is the policy). Raises
    `TooLittleData` where that leaves nobody.

    >>> lines = pd.DataFrame({"customer_id": list("aabc"), "amount": 1.0, "order_date":
    ...     pd.to_datetime(["2023-01-01", "2023-02-01", "2023-01-01", "2024-06-01"])})
    >>> table = rates(lines, as_of="2024-06-30", within=90)
    >>> table[["step", "customers", "next_order_share", "median_days"]].values.tolist()
    [['F1 -> F2', 3, 0.5, 31.0], ['F2 -> F3', 1, 0.0, nan]]
    """
    if (within is not None and within < 1) or steps < 1:
        raise ParamsError(f"within={within}, steps={steps}: give 1 or more.")
    if by == "customer_id":
        raise ParamsError("by='customer_id': pages show no customer ids; give another column.")
    check_grouping("by", by, COLUMNS)
    first = _find_first(lines, as_of=as_of, export_begins=export_begins)
    named = _name(lines, first, as_of=as_of, by=by)
    for days in [within] if within else _choose_horizons(lines, first, as_of):
        table = _follow(lines, named, as_of=as_of, within=days, steps=steps, by=by)
        if table.loc[table["customers"] >= FEWEST, "next_order_share"].notna().all():
            break
    return table


def _follow(
    lines: Frame, named: nw.LazyFrame, *, as_of: Day, within: int, steps: int, by: str
) -> pd.DataFrame:
    counts = _count(lines, named, as_of=as_of, within=within, steps=steps)
    if counts.empty:
        raise TooLittleData(fill("no_new_customer"))
    followed = _follow_up(named, as_of)
    sizes = followed.groupby("value")["customers"].sum().sort_index()
    rows = []
    for value in sizes.sort_values(ascending=False, kind="stable").index:
        since = followed[followed["value"] == value]
        for number, group in counts[counts["value"] == value].groupby("number"):
            names = {by: value} if by else {}
            names |= {"step": f"F{number} -> F{number + 1}"}
            found = _estimate(group, since, within)
            rows.append({**names, "customers": int(group["customers"].sum()), **found})
    return pd.DataFrame(rows).assign(horizon_days=within)


def finding(table: pd.DataFrame) -> str:
    """How many of those who ordered once, and twice, go on (of steps with 30 customers or more).

    Where it is not known, why: the customers are too few, or too young.
    """
    known = table[table["next_order_share"].notna() & (table["customers"] >= FEWEST)]
    within = int(table["horizon_days"].iloc[0])
    if known.empty or known["step"].iloc[0] != "F1 -> F2":
        n = int(table["customers"].iloc[0])  # who placed a first order
        return fill("steps_too_few" if n < FEWEST else "steps_too_young", n=n, days=within)
    first, *later = known.itertuples()
    half = formats.count(first.median_days) if first.next_order_share else ""
    text = fill("goes_on", share=first.next_order_share, days=within)
    text = text + fill("half_by", days=half) if half else joining.stop(text)
    if later:
        again = fill("goes_on_again", share=later[0].next_order_share, days=within)
        text = joining.sentences([text, again])
    return text


def _find_first(lines: Frame, *, as_of: Day, export_begins: str) -> nw.LazyFrame:
    """customer_id, first (day) of the customers who are known to be new then."""
    known = truncation.find_known_from(lines, as_of=as_of, export_begins=export_begins)
    bought = daily.select_purchases(lines, as_of=as_of)
    first = bought.select("customer_id", first=periods.number("order_date"))
    first = first.group_by("customer_id").agg(nw.col("first").min())
    return first.filter(nw.col("first") >= periods.number_of(known)) if known else first


def _choose_horizons(lines: Frame, first: nw.LazyFrame, as_of: Day) -> list[int]:
    begins = frames.table(first.select(nw.col("first").min()))["first"].iloc[0]
    seen = 0 if pd.isna(begins) else periods.number_of(as_of) - int(begins)
    own = lapse.find(lines, as_of=as_of)
    longer = [-(-own.lapse_days // MONTH) * MONTH] if own.lapse_days > HORIZONS[0] else []
    return [days for days in (*longer, *HORIZONS) if 2 * days <= seen] or [HORIZONS[-1]]


def _count(
    lines: Frame, named: nw.LazyFrame, *, as_of: Day, within: int, steps: int
) -> pd.DataFrame:
    """value, number (of the order), part (how long after the first), place, again, customers, and
    the sums of their days `since` the first order, and `waited` for the next.

    `place`: step of time in which the next order came (`again`: 1), or the last that was over by
    `as_of` (0). A step counts for a customer only if it was over; else those who are quick would
    count more.
    """
    day, customer, unit = nw.col("day"), {"order_by": "day"}, _find_unit(within)
    bought = daily.select_purchases(lines, as_of=as_of).unique()
    bought = bought.select("customer_id", day=periods.number("order_date"))
    placed = bought.with_columns(
        number=day.cum_count().over("customer_id", **customer).cast(nw.Int64),
        _next=day.shift(-1).over("customer_id", **customer),
    )
    over = (periods.number_of(as_of) - day) // unit
    came = (nw.col("_next") - day + unit - 1) // unit
    followed = (
        placed.filter(nw.col("number") <= steps)
        .join(named, on="customer_id")
        .with_columns(since=day - nw.col("first"))
        .with_columns(over=nw.when(over > within // unit).then(within // unit).otherwise(over))
        .with_columns(again=(~nw.col("_next").is_null() & (came <= nw.col("over"))))
        .with_columns(
            nw.col("again").cast(nw.Int64),
            place=nw.when(nw.col("again")).then(came).otherwise(nw.col("over")),
            part=_part(nw.col("since")),
            waited=nw.when(nw.col("again")).then(nw.col("_next") - day).otherwise(nw.lit(0)),
        )
    )
    cells = followed.group_by("value", "number", "part", "place", "again")
    return frames.table(cells.agg(nw.col("since", "waited").sum(), customers=nw.len()))


def _part(since: nw.Expr) -> nw.Expr:
    """Which of the spans between `PARTS` holds the days since the first order."""
    return nw.sum_horizontal(*((since > days).cast(nw.Int64) for days in PARTS))


def _find_unit(within: int) -> int:
    """Days of a step of time, so that `within` has 100 at most.

    >>> _find_unit(30), _find_unit(180), _find_unit(365)
    (1, 2, 5)
    """
    return next(n for n in range(1, within + 1) if within % n == 0 and within // n <= 100)


def _name(lines: Frame, first: nw.LazyFrame, *, as_of: Day, by: str) -> nw.LazyFrame:
    """Customers -> customer_id, first, value: of the column `by`, of the largest groups."""
    if not by:
        return first.with_columns(value=nw.lit(""))
    born = cohorts.members(lines, as_of=as_of, by=by, every="month")
    named = first.join(born, on="customer_id").select(
        "customer_id", "first", value=nw.col("cohort")
    )
    sizes = named.group_by("value").agg(customers=nw.len())
    largest = sizes.sort("customers", "value", descending=[True, False]).head(GROUPS)
    return named.join(largest, on="value").select("customer_id", "first", "value")


def _follow_up(named: nw.LazyFrame, as_of: Day) -> pd.DataFrame:
    """value, months (of 30 days) since the first order, customers."""
    months = (periods.number_of(as_of) - nw.col("first")) // MONTH
    counted = named.with_columns(months=months).group_by("value", "months")
    return frames.table(counted.agg(customers=nw.len()))


def _estimate(group: pd.DataFrame, followed: pd.DataFrame, within: int) -> dict[str, float]:
    """One step of one group -> next_order_share, lowest_share, highest_share, median_days."""
    unit = _find_unit(within)
    times = np.arange(1, within // unit + 1)
    at_risk, went = _weighted(group, followed, times, unit)
    left = np.cumprod(1 - went / np.where(at_risk > 0, at_risk, 1))
    if left[-1] > 0 and not at_risk[-1] > 0:  # nobody was seen so long
        return dict.fromkeys(FIGURES, np.nan)
    low, high = intervals.beta_product_mid_p(at_risk, went)
    share = float(1 - left[-1])
    half = _find_half(group, times[1 - left >= share / 2][0]) if share > 0 else np.nan
    return dict(zip(FIGURES, (share, 1 - high, 1 - low, half), strict=True))


def _find_half(group: pd.DataFrame, step: int) -> float:
    """How many days those waited, on average, who went on in this step of time."""
    rows = group[(group["place"] == step) & (group["again"] == 1)]
    return float(rows["waited"].sum() / rows["customers"].sum())


def _weighted(
    group: pd.DataFrame, followed: pd.DataFrame, times: np.ndarray, unit: int
) -> tuple[np.ndarray, np.ndarray]:
    """Customers at risk and gone on at each time, as many as their weights are worth.

    Who came to a later order late is rarer in the data than in the shop, as more of them are not
    there yet. So each part of the customers weighs 1 / the share of customers who were followed
    for so long since the first order (Lin, Sun & Ying 1999, Biometrika 86(1), 59-70). For the
    first step there is one part, and all weigh the same.
    """
    most = max(200, int(followed["months"].max()) + 1)
    counts = followed.groupby("months")["customers"].sum().reindex(range(most), fill_value=0)
    reached = counts[::-1].cumsum()[::-1].to_numpy() / counts.sum()
    sums = np.zeros((3, len(times)))  # at risk, at risk by squared weights, gone on
    for _part, rows in group.groupby("part"):
        place, again = rows["place"].to_numpy(), rows["again"].to_numpy() == 1
        number = rows["customers"].to_numpy(dtype=float)
        late = rows["since"].sum() / number.sum() + times * unit
        weight = 1 / np.maximum(np.interp(late / MONTH, np.arange(most), reached), RAREST)
        at_risk = (place >= times[:, None]) @ number
        went = ((place == times[:, None]) & again) @ number
        sums += np.array([at_risk * weight, at_risk * weight**2, went * weight])
    worth = sums[0] / np.maximum(sums[1], 1e-300)  # of a customer's weight
    return sums[0] * worth, sums[2] * worth
