"""The search for a rule whom to treat, on half of the customers: sums by segment, and cuts of
them."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import scipy

from ltvkit.engines import frames, sampling
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError, TooLittleData
from ltvkit.offers.texts import fill

TREATED, CONTROL = "treated", "control"
LEAST = 30  # customers of a value in each group and half; values of fewer are taken together
SMALL = "(all small groups)"
MOST = 20  # values of a column; of more, those with most customers
MOST_VALUES = 500  # a column of more tells single customers, and is no segment
SUMS = ("n1", "y1", "n0", "y0")  # treated: customers, outcome; control: the same


def count(
    frame: Frame, *, by: tuple[str, ...], outcome: str, group: str
) -> dict[str, pd.DataFrame]:
    """By column: group of customers, value, and SUMS."""
    opened = frames.lazy(frame, needs=("customer_id", group, outcome, *by))
    arms = set(frames.table(opened.select(arm=nw.col(group).cast(nw.String)).unique())["arm"])
    if arms != {TREATED, CONTROL}:
        named = ", ".join(sorted(map(str, arms)))
        raise DataError(f"column {group!r} has {named}; it takes '{TREATED}' and '{CONTROL}'.")
    treated = frames.one_if(nw.col(group).cast(nw.String) == TREATED)
    y = nw.col(outcome).cast(nw.Float64)
    names = {f"by{n}": nw.col(column).cast(nw.String).fill_null("") for n, column in enumerate(by)}
    opened = opened.select("customer_id", n1=treated, y=y, **names).with_columns(
        n0=1 - nw.col("n1")
    )
    for n, column in enumerate(by):
        values = frames.count(opened.select(f"by{n}").unique())
        if values > MOST_VALUES:
            raise ParamsError(f"by: {column!r} has {values:,} values; give a column of segments.")
    opened = opened.with_columns(
        y1=nw.col("y") * nw.col("n1"), y0=nw.col("y") * nw.col("n0"), y2=nw.col("y") * nw.col("y")
    ).with_columns(s1=nw.col("y2") * nw.col("n1"), s0=nw.col("y2") * nw.col("n0"))
    dealt = sampling.deal(opened)
    if frames.count(opened.filter(nw.col("y").is_null() | nw.col("y").is_nan())):
        raise DataError(f"column {outcome!r} has empty values; write 0 where nothing was bought.")
    return {
        column: frames.add_up(dealt, "group", f"by{n}", sums=[*SUMS, "s1", "s0"]).rename(
            columns={f"by{n}": "value"}
        )
        for n, column in enumerate(by)
    }


def check_size(table: pd.DataFrame, *halves: np.ndarray) -> None:
    """Raise `TooLittleData` where a half has fewer than 30 treated or control customers."""
    number = table["group"].map(lambda digits: int(digits, 16))
    least = min(int(table.loc[number.isin(half), ["n1", "n0"]].sum().min()) for half in halves)
    if least < LEAST:
        raise TooLittleData(fill("too_few_treated", n=least, least=LEAST))


def search(table: pd.DataFrame, searching: np.ndarray) -> dict[str, Any] | None:
    """The best cut of a column on the searching half; None: it has one value."""
    number = table["group"].map(lambda digits: int(digits, 16))
    sums = table[number.isin(searching)].drop(columns="group").groupby("value").sum()
    sums = sums.loc[
        sums[["n1", "n0"]].sum(axis=1).sort_values(ascending=False, kind="stable").index
    ]
    large = (sums[["n1", "n0"]].min(axis=1) >= LEAST) & (np.arange(len(sums)) < MOST)
    named = [*sums.index[large]]
    rest = sums[~large].sum()
    sums = sums[large]
    if rest[["n1", "n0"]].min() >= LEAST:
        sums.loc[SMALL] = rest
    if len(sums) < 2:
        return None
    effect = sums["y1"] / sums["n1"] - sums["y0"] / sums["n0"]
    sums = sums.loc[effect.sort_values(ascending=False, kind="stable").index]
    before = sums.cumsum()
    whole = before.iloc[-1]
    tests = [_compare(part, whole - part) for _value, part in before.iloc[:-1].iterrows()]
    cut = int(np.argmax([z for _difference, z in tests]))
    order = [*sums.index]
    if SMALL not in order:
        order.append(SMALL)  # values that only the judging half has
    known = {"difference": tests[cut][0], "p": _test_alike(sums)}
    return {"values": tuple(order[: cut + 1]), **known, "order": (order, named)}


def _compare(inside: pd.Series, outside: pd.Series) -> tuple[float, float]:
    """The difference of effects, and how many standard errors that is."""
    (one, of_one), (other, of_other) = _estimate(inside), _estimate(outside)
    difference, variance = float(one - other), float(of_one + of_other)
    return difference, difference / np.sqrt(variance) if variance > 0 else 0.0


def _test_alike(sums: pd.DataFrame) -> float:
    """The p of Cochran's Q: whether effects differ between values by more than chance."""
    effect, variance = _estimate(sums)
    if not (variance > 0).all():
        return 1.0
    weight = 1 / variance
    mean = (weight * effect).sum() / weight.sum()
    return float(scipy.stats.chi2.sf((weight * (effect - mean) ** 2).sum(), len(sums) - 1))


def _estimate(sums: Any) -> tuple[Any, Any]:
    """SUMS and squares, of one or of several values -> the effect, and its variance."""
    effect, variance = 0.0, 0.0
    for arm, sign in ((1, 1), (0, -1)):
        n, mean = sums[f"n{arm}"], sums[f"y{arm}"] / sums[f"n{arm}"]
        effect = effect + sign * mean
        variance = variance + np.maximum(sums[f"s{arm}"] / n - mean**2, 0.0) / (n - 1)
    return effect, variance
