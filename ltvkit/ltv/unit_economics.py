"""Unit economics: what winning a customer costs, by channel, and when it is paid back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import cohorts, periods
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import ParamsError, TooLittleData, check_grouping, check_share
from ltvkit.ltv import curves
from ltvkit.ltv.texts import fill
from ltvkit.periods import Day

WIDE = 0.5  # of an LTV, that its range reaches to either side: then the range is told
FEWEST = 30  # customers; an average of fewer says too little to call a group the best
COLUMNS = (  # besides the group's
    *("customers", "of", "acquisition_cost", "ltv", "ltv_low", "ltv_high", "ltv_to_cost"),
    *("payback_months", "affordable_cost"),
)

__all__ = ["average_cost", "finding", "summarize"]

__dir__ = __all__.copy


def summarize(
    lines: Frame,
    *,
    as_of: Day,
    acquisition_cost: Mapping[str, float],
    by: str = "channel",
    margin_rate: float | None = None,
    months: int = 12,
    export_begins: str = "",
) -> pd.DataFrame:
    """Order lines -> one row per value of column `by`: what a customer costs, and brings back.

    - `<by>`, `customers`: of the first purchase (as `cohorts.build`), by the end of the last whole
      month up to `as_of`, so that partial months are excluded
    - `acquisition_cost` of one: by value, "all" for those not named; NaN, not zero, without
    - `ltv`: realised in the first `months`, of which the month of the first order is one (12: ages
      0 to 11), `of` margin (`margin_rate` x revenue, where given), or of revenue, where the orders
      have no margin either; `ltv_low`, `ltv_high`: its 95% band (`curves.limits`); `ltv_to_cost`
    - `payback_months`: first age by which it has covered the cost; NaN: not yet, or no cost
    - `affordable_cost`: the most that winning one may cost to pay back within `months`; zero where
      customers bring less than nothing

    `export_begins` is the policy: of customers who only look new, none counts (`cohorts.build`).
    With by="" all customers are one group, "all". NaN: nobody of the value has reached that age;
    and of a single customer, from whom no cost of the next one follows.
    Raises `ParamsError` for a cost of an unknown value, or where `by` is one of the result's own
    `COLUMNS`; `TooLittleData` without a whole month.
    """
    if by in cohorts.CALENDAR:
        raise ParamsError(f"by={by!r}: give a column of the orders, such as 'channel'.")
    check_grouping("by", by, COLUMNS)
    check_share("margin_rate", margin_rate)
    if not by:
        everyone = frames.without(frames.lazy(lines), "all").with_columns(all=nw.lit("all"))
        lines, by = frames.materialize(everyone, like=lines), "all"
    curves.check_kept(lines, as_of=as_of)
    has_margin = "margin" in frames.lazy(lines).collect_schema().names()
    of = "margin" if has_margin and margin_rate is None else "revenue"
    begins: dict[str, Any] = {"by": by, "export_begins": export_begins}
    built = _whole_months(lines, as_of=as_of, **begins)
    worth = cohorts.ltv(built, of=of).set_index("cohort")
    named = frames.table(frames.lazy(lines).select(nw.col(by).cast(nw.String)).unique())[by]
    costs = _costs(acquisition_cost, worth.index, {*named.dropna(), *worth.index})
    sizes = worth.pop("customers")
    worth *= 1 if margin_rate is None else margin_rate
    ltv = worth.reindex(columns=[months - 1])[months - 1]
    band = curves.limits(lines, as_of=as_of, of=of, months=months, **begins).reindex(worth.index)
    band *= 1 if margin_rate is None else margin_rate
    paid = worth.ge(costs, axis=0)
    alone = sizes < 2  # what one customer brought says nothing of the next
    table = pd.DataFrame(
        {
            "customers": sizes,
            "of": _("margin") if has_margin or margin_rate is not None else _("revenue"),
            "acquisition_cost": costs,
            "ltv": ltv,
            "ltv_low": band["low"],
            "ltv_high": band["high"],
            "ltv_to_cost": (ltv / costs.where(costs > 0)).mask(alone),
            "payback_months": paid.idxmax(axis=1).where(paid.any(axis=1) & ~alone).astype(float),
            "affordable_cost": ltv.clip(lower=0).mask(alone),
        }
    )
    return table.rename_axis(by).reset_index()


def _whole_months(lines: Frame, *, as_of: Day, by: str, export_begins: str) -> pd.DataFrame:
    """The cohorts of column `by`, up to the end of the last whole month."""
    until = periods.end(periods.last_whole(as_of, "month"), "month")
    built = cohorts.build(lines, as_of=until, by=by, export_begins=export_begins)
    if built.empty:
        raise TooLittleData(fill("no_whole_month"))
    return built


def average_cost(table: pd.DataFrame) -> float:
    """What winning a customer costs on average, of those whose cost is known; 0 without any."""
    known = table.dropna(subset=["acquisition_cost"])
    if not known["customers"].sum():
        return 0.0
    return float(np.average(known["acquisition_cost"], weights=known["customers"]))


def finding(table: pd.DataFrame, *, currency: str, months: int = 12) -> str:
    """Which group brings most for its cost, or comes closest, and whether that is more than chance;
    or why that is not known.

    It is, where the 95% interval of the difference from every other group leaves out zero. Groups
    with an interval are compared, or, where none has one, those of 30 customers or more; how many
    others have a known LTV and cost is said.
    """
    known = table.dropna(subset=["ltv_to_cost"])
    if known.empty:
        costs = (table["acquisition_cost"] > 0).any()
        return fill("no_group_old_enough" if costs else "no_cost", months=months)
    large = known[known["ltv_high"].notna()]
    large = known[known["customers"] >= FEWEST] if large.empty else large
    if large.empty:
        return fill("few_of_known_cost", n=int(known["customers"].max()))
    best = large.loc[large["ltv_to_cost"].idxmax()]
    cost, ltv = (formats.money(best[c], currency) for c in ("acquisition_cost", "ltv"))
    group = best.iloc[0][:1].upper() + best.iloc[0][1:]
    left_out = len(known) - len(large)
    rest = fill("groups_left_out", n=left_out, months=months) if left_out else ""
    rest = joining.go_on(rest)
    if len(large) > 1 and best["ltv"] < 0:
        return fill("all_groups_lose", of=best["of"], months=months) + rest
    pays = best["ltv"] >= best["acquisition_cost"]
    many = ("best_group" if pays else "closest_group") + ("" if _leads(best, large) else "_unclear")
    alike = np.isclose(known["ltv_to_cost"], best["ltv_to_cost"]).all()
    found = {"group": group, "cost": cost, "ltv": ltv, "of": best["of"], "months": months}
    if _half_width(best) > WIDE * abs(best["ltv"]):
        ends = (formats.money(best[name], currency) for name in ("ltv_low", "ltv_high"))
        wide = fill("wide_range", **dict(zip(("low", "high"), ends, strict=True)))
        rest = joining.go_on(wide) + rest
    if alike and known["acquisition_cost"].nunique() == 1:
        return fill("one_group", **found)
    return fill("one_compared" if len(large) == 1 else many, **found) + rest


def _leads(best: pd.Series, groups: pd.DataFrame) -> bool:
    """Whether the best group is better than each other one by more than chance."""
    others = groups.drop(index=best.name)
    ahead = best["ltv_to_cost"] - others["ltv_to_cost"]
    widths = [_half_width(rows) / rows["acquisition_cost"] for rows in (best, others)]
    return bool((ahead > np.hypot(*widths)).all())


def _half_width(rows: pd.Series | pd.DataFrame) -> Any:
    return (rows["ltv_high"] - rows["ltv_low"]) / 2


def _costs(given: Mapping[str, float], groups: pd.Index, named: set[str]) -> pd.Series:
    for name, cost in given.items():
        if name not in {*named, "all"}:
            known = ", ".join(sorted(named))
            raise ParamsError(f"acquisition_cost: {name!r} is none of {known}; name one, or 'all'.")
        if not isinstance(cost, int | float) or not cost >= 0:
            raise ParamsError(f"acquisition_cost: {name}={cost!r}; give money, 0 or more.")
    rest = given.get("all", np.nan)
    return pd.Series([given.get(g, rest) for g in groups], index=groups, dtype=float)
