"""The LTV curve: what a customer has paid by each age, with the uncertainty of the average."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import cohorts, periods
from ltvkit.display import formats
from ltvkit.engines import frames, ranking, resampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import NothingKept, TooLittleData
from ltvkit.ingest import daily
from ltvkit.ltv.texts import fill
from ltvkit.periods import Day

__all__ = ["check_kept", "finding", "limits", "ltv"]

__dir__ = __all__.copy

GROUPS = 200
ROUNDING = 1e-9  # of what was paid and sent back together: a sum below that is zero
FEWEST = 30  # customers; resampling fewer says little about the uncertainty of their average
COLUMNS = ["age_months", "customers", "ltv", "low", "high"]


def ltv(
    lines: Frame,
    *,
    as_of: Day,
    of: str = "revenue",
    by: str = "",
    draws: int = 1000,
    seed: int = 1,
    export_begins: str = "",
) -> pd.DataFrame:
    """Order lines up to `as_of` -> age_months, customers, ltv, low, high: all cohorts together.

    With `by`, a column of the lines: the same for the customers of each value that their first
    order had, below each other, most customers first (equal: by name), with two more columns:
    `group` (the value) and `few` (whether it has fewer than 30 customers, and so no band).

    LTV at age n = sum over ages a = 0..n of (revenue at age a / customers who have lived age a to
    its end), ages in calendar months since the first purchase. `of` is "revenue" or "margin".
    `low` and `high` are a 95% percentile bootstrap: customers are dealt into 200 groups of equal
    size (one each where there are fewer) and groups are drawn with replacement, `draws` times
    from `seed`. The band is the uncertainty of the average, not the spread between customers;
    ages that fewer than 30 customers have lived have none (NaN). Raises `ColumnError` where the
    lines have no margin, `TooLittleData` where nobody has lived a whole month, or all that was
    bought was sent back (`check_kept`). Customers of whom it is
    not known when they were new are left out (`cohorts.find_known`; `export_begins`: the policy).
    """
    check_kept(lines, as_of=as_of, of=of)
    known = cohorts.find_known(lines, as_of=as_of, every="month", export_begins=export_begins)
    groups = _by_group(lines, as_of=as_of, column=of, known=known, by=by)
    if not groups:
        raise TooLittleData(fill("no_curve"))
    curves = {name: _draw_curve(*each, draws=draws, seed=seed) for name, each in groups.items()}
    if not by:
        return curves[""]
    most = {name: int(curve["customers"].iloc[0]) for name, curve in curves.items()}
    tables = [
        curves[name].assign(group=name, few=most[name] < FEWEST)
        for name in sorted(curves, key=lambda name: (-most[name], name))
    ]
    return pd.concat(tables, ignore_index=True)[["group", *COLUMNS, "few"]]


def limits(
    lines: Frame,
    *,
    as_of: Day,
    by: str,
    of: str = "revenue",
    months: int = 12,
    draws: int = 1000,
    seed: int = 1,
    export_begins: str = "",
) -> pd.DataFrame:
    """Order lines -> low, high by value of column `by`: the band of `ltv` for its customers.

    At the end of the first `months`; NaN where fewer than 30 customers have lived so long.
    """
    known = cohorts.find_known(lines, as_of=as_of, every="month", export_begins=export_begins)
    groups = _by_group(lines, as_of=as_of, column=of, known=known, by=by, ages=months)
    bands = {
        name: [end[months - 1] for end in _resample(paid, lived, draws=draws, seed=seed)]
        for name, (paid, lived) in groups.items()
        if paid.shape[1] >= months
    }
    columns = ["low", "high"]
    return pd.DataFrame.from_dict(bands, orient="index", columns=columns, dtype="float64")


def finding(curve: pd.DataFrame, *, currency: str, months: int = 12) -> str:
    """What a customer has spent in the first `months`, or in those that there are.

    The month of the first order is one of them: the first 12 months are the ages 0 to 11.
    """
    row = curve[curve["age_months"] < months].iloc[-1]
    lived = int(row["age_months"]) + 1
    unclear = row["low"] <= 0 <= row["high"]
    sign, ends = (1, ("low", "high")) if row["ltv"] >= 0 or unclear else (-1, ("high", "low"))
    money = [formats.money(sign * row[name], currency) for name in ("ltv", *ends)]
    worth = dict(zip(("ltv", "low", "high"), money, strict=True))
    name = "not_clear" if unclear else "brought" if sign > 0 else "cost_the_shop"
    return fill(name, n=lived, **worth) + _describe_range(curve, row, worth)


def check_kept(lines: Frame, *, as_of: Day, of: str = "revenue") -> None:
    """Raise `NothingKept` where customers sent back as much as they bought: what they brought by
    an age is then no more than how long that took. Raises `ColumnError` without the column `of`."""
    money = frames.lazy(daily.select_days(lines, as_of=as_of), needs=(of,)).select(of)
    sums = money.select(net=nw.col(of).sum(), moved=nw.col(of).abs().sum())
    net, moved = frames.table(sums).astype(float).fillna(0.0).iloc[0]
    if of == "revenue" and moved and abs(net) <= ROUNDING * moved:
        raise NothingKept(fill("all_sent_back"))


def _describe_range(curve: pd.DataFrame, row: pd.Series, worth: dict[str, str]) -> str:
    """The range; or that customers are too few for one, at this age or at all."""
    if not pd.isna(row["low"]):
        return "." if worth["low"] == worth["high"] else fill("likely_range", **worth)
    n = int(curve["customers"].max())
    return fill("few_in_all", n=n) if n < FEWEST else fill("few_as_old")


def _draw_curve(paid: np.ndarray, lived: np.ndarray, *, draws: int, seed: int) -> pd.DataFrame:
    low, high = _resample(paid, lived, draws=draws, seed=seed)
    columns = (
        np.arange(paid.shape[1]),
        lived.sum(axis=0).astype("int64"),
        np.cumsum(paid.sum(axis=0) / lived.sum(axis=0)),
        low,
        high,
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _resample(paid: np.ndarray, lived: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """The lower and the upper end of the band, by age; NaN where too few have lived it."""
    weights = resampling.draw_weights(draws=draws, seed=seed, groups=len(paid))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.cumsum((weights @ paid) / (weights @ lived), axis=1)
    enough = lived.sum(axis=0) >= FEWEST
    ends = np.full((2, len(enough)), np.nan)
    ends[:, enough] = np.nanquantile(drawn[:, enough], [0.025, 0.975], axis=0)
    return ends


def _by_group(
    lines: Frame,
    *,
    as_of: Day,
    column: str,
    known: int | None,
    by: str = "",
    ages: int | None = None,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Money paid at, and customers who have lived through, each age: two arrays, group x age.

    Of each value of column `by`, or of all (""), where somebody has lived a whole month; up to
    `ages` of them. `known`: the first month from which on it is known who is new.
    """
    born = cohorts.members(lines, as_of=as_of, by=by or "month", every="month")
    born = born if known is None else born.filter(nw.col("born") >= known)
    born = born if by else born.with_columns(cohort=nw.lit(""))
    dealt = ranking.rank(born, by="customer_id", ascending=True)
    dealt = dealt.with_columns(group=(nw.col("rank") - 1) % GROUPS)
    sizes = frames.table(dealt.group_by("cohort", "group", "born").agg(customers=nw.len()))
    aged = cohorts.aged(lines, dealt, as_of=as_of, every="month")
    aged = aged if ages is None else aged.filter(nw.col("age") < ages)
    spent = frames.add_up(aged, "cohort", "group", "born", "age", sums=[column])
    last = periods.last_whole(as_of, "month")
    paid_by = dict(list(spent.groupby("cohort")))
    lived_ages = last - sizes.groupby("cohort")["born"].min() + 1
    return {
        str(name): _fill(
            sizes[sizes["cohort"] == name],
            paid_by.get(name, spent.iloc[:0]),
            column=column,
            last=last,
            ages=min(int(n), ages or int(n)),
        )
        for name, n in lived_ages.items()
        if n >= 1
    }


def _fill(
    sizes: pd.DataFrame, spent: pd.DataFrame, *, column: str, last: int, ages: int
) -> tuple[np.ndarray, np.ndarray]:
    """The two arrays of one value."""
    groups = int(sizes["group"].max()) + 1
    paid, lived = np.zeros((groups, ages)), np.zeros((groups, ages))
    seen = spent[(spent["born"] + spent["age"] <= last) & (spent["age"] < ages)]
    np.add.at(paid, (seen["group"], seen["age"]), seen[column])
    for age in range(ages):
        reached = sizes[sizes["born"] + age <= last]
        np.add.at(lived[:, age], reached["group"], reached["customers"])
    return paid, lived
