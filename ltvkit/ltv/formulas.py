"""LTV by the usual formulas, side by side: the value each gives, and why they differ.

Source of the discounted formula: Gupta & Lehmann (2003), Customers as assets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ltvkit import customers, periods
from ltvkit.core import files
from ltvkit.core.i18n import _
from ltvkit.display import formats, joining
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import Alike, NothingKept, ParamsError, TooLittleData, check_share
from ltvkit.ingest import daily, margins
from ltvkit.ingest.lines import filter_until
from ltvkit.ltv import contracts, curves, survival
from ltvkit.ltv.texts import fill
from ltvkit.periods import Day

__all__ = ["compare", "finding", "measures"]

__dir__ = __all__.copy

METHODS = files.read_yaml(__name__, "methods.yaml")
REVENUE = METHODS["realised"]["of"]
REALISED = 12  # months, of which the month of the first order is one: ages 0 to 11
LEAST_DAYS = 30  # of orders, to say how many a year would hold
YEARS = 10  # of contracts: an average without an end is often infinite
# Of fewer lost customers the true churn may be half or twice what they say: the exact 95% interval
# of a rate counted from 10 runs from 0.48 to 1.84 times the rate.
LEAST_LOST = 10
# With a constant churn, this part of a whole life's value falls within the time that the orders
# span. If it is less, the rest rests on years that nobody has seen.
LEAST_SEEN = 0.2
WHOLE, MONTHS = METHODS["churn"]["horizon"], METHODS["model"]["horizon"]
COLUMNS = ["method", "value", "lowest", "of", "horizon", "definition", "why", "withheld"]


def compare(
    lines: Frame,
    *,
    as_of: Day,
    margin_rate: float | None = None,
    acquisition_cost: float = 0.0,
    retention_cost: float = 0.0,
    lapse_days: int = 180,
    discount: float = 0.1,
    contract_days: int = 0,
    expected: Mapping[int, float] | None = None,
) -> pd.DataFrame:
    """Order lines up to `as_of` -> method, value (money a customer), lowest, of, horizon,
    definition, why, withheld.

    One row per method of `METHODS`, all of the same customers, from their `measures` and the
    LTV curve: "so far" where nobody has lived 12 calendar months. Costs are money a customer,
    `retention_cost` a year; `discount` is a share a year. Rows of margin and profit need a margin
    (see `measures`), contracts `contract_days`, model rows `expected`: revenue expected of a newly
    won customer by its horizon in months. `lowest`: the low end of the 95% band of the
    revenue so far (`curves.ltv`). NaN: not known, or absurd, and `withheld` says why (see
    `_withhold`); it is empty elsewhere. Raises `ParamsError`, and the `DataError` of `curves.ltv`.
    """
    check_share("discount", discount)
    by_day, rate = daily.aggregate(lines), _rate(lines, margin_rate, as_of=as_of)
    rule: dict[str, Any] = {"as_of": as_of, "margin_rate": rate, "lapse_days": lapse_days}
    parts = _measures(by_day, **rule, contract_days=contract_days).iloc[0]
    reached = _find_realised(by_day, as_of=as_of)
    costs = acquisition_cost + retention_cost * parts["years"]
    given = {"costs": costs, "discount": discount, "realised": reached["ltv"]}
    values = _values(parts, **given, contract=contract_days > 0)
    age = int(reached["age_months"])
    words: dict[str, Any] = {"age": age, "years": YEARS, "days": contract_days}
    words["lapse"] = formats.count(lapse_days)
    words["reached"] = _(MONTHS).format(months=REALISED) if age == REALISED - 1 else _("so far")
    words["discount"] = formats.share(discount)
    withheld = _withhold(parts)
    if np.isnan(reached["ltv"]):
        withheld |= dict.fromkeys(("realised", "realised_margin"), fill("all_returned"))
    if np.isnan(parts["contract_periods"]):
        withheld.setdefault("contract", fill("no_contract_periods"))
    rows = [
        _row(key, np.nan if key in withheld else value, **words)
        | {"withheld": withheld.get(key, "")}
        | {"lowest": reached["low"] if key == "realised" else np.nan}
        for key, value in values.items()
    ]
    ahead, seen = {} if expected is None else expected, parts["months_spanned"]
    rows += [_model_row(value, months=n, seen=seen) for n, value in ahead.items()]
    return pd.DataFrame(rows, columns=COLUMNS).fillna({"withheld": ""})


def _withhold(parts: pd.Series) -> dict[str, str]:
    """The formulas of a whole life that cannot be trusted, and why.

    - more was returned than bought: there is no revenue to carry on
    - fewer than `LEAST_LOST` customers are lost: `years` and churn are not known
    - by churn: of the value, less than `LEAST_SEEN` falls within the time that the orders span.
      With churn c a month that part is 1 - exp(-c x months spanned).
    - discounted month by month: churn is more than all customers in a month
    - by orders a year: the orders of the last 12 months do not say how many a year holds
    """
    churn, lost = parts["monthly_churn_rate"], int(parts["customers_lost"])
    by_churn, by_years = ["churn", "churn_margin", "discounted_margin"], list(METHODS)[:3]
    if parts["average_order_value"] <= 0:
        name = "no_revenue_left" if parts["average_order_value"] else "all_returned"
        return dict.fromkeys([*by_churn, *by_years, "contract"], fill(name))
    if lost < LEAST_LOST:
        name = "too_few_lost" if lost else "nobody_lost"
        return dict.fromkeys([*by_churn, *by_years], fill(name, n=lost, least=LEAST_LOST))
    reasons: dict[str, str] = {}
    if np.isnan(parts["orders_per_year"]):
        reasons |= dict.fromkeys(by_years, fill("no_orders_a_year", days=LEAST_DAYS))
    if -np.expm1(-churn * parts["months_spanned"]) < LEAST_SEEN:
        spans = {"years": 1 / churn / 12, "seen": parts["months_spanned"] / 12}
        spans = {name: formats.number(years, decimals=1) for name, years in spans.items()}
        reasons |= dict.fromkeys(by_churn, fill("life_too_long", **spans))
    elif churn >= 1:
        reasons["discounted_margin"] = fill("churn_too_high", churn=churn)
    return reasons


def measures(
    lines: Frame,
    *,
    as_of: Day,
    margin_rate: float | None = None,
    lapse_days: int = 180,
    contract_days: int = 0,
) -> pd.DataFrame:
    """Order lines up to `as_of` -> one row: what the formulas of `compare` are made of.

    - `average_order_value`: revenue, returns netted, / orders
    - `orders_per_year`: orders begun in the 12 months up to `as_of` / customers who bought in them,
      scaled up to a year where the orders span less; NaN where they span less than 30 days
    - `years`: (days from first to last order + `lapse_days`) / 365.25, mean of those who have left
      (no order for `lapse_days`); NaN where nobody has
    - `monthly_arpu`: revenue / the months (30.4375 days) that customers were not yet lost: from the
      first order until they counted as gone, or `as_of`; both of customers won `lapse_days` ago or
      earlier, as younger ones have paid but cannot count as gone yet
    - `monthly_churn_rate`: customers who have left / the same months
    - `customers_lost`: those who have left
    - `months_spanned`: from the first order of all to `as_of`
    - `margin_rate`: as given, else sum of margin / sum of amount of the lines that have a margin;
      NaN where there is none
    - `contract_periods`: expected in ten years, the first included: by the sBG, or by one rate of
      leaving where it shows no difference between customers; NaN without `contract_days`, and
      where these orders are too few (see `contracts.fit`)

    >>> lines = pd.DataFrame({"customer_id": list("aab"), "order_id": list("123"), "amount": 6.0,
    ...     "order_date": pd.to_datetime(["2024-01-01", "2024-05-01", "2024-01-01"])})
    >>> row = measures(lines, as_of="2024-12-31", margin_rate=0.5).iloc[0]
    >>> row[["average_order_value", "orders_per_year", "margin_rate"]].tolist()
    [6.0, 1.5, 0.5]
    """
    rate = _rate(lines, margin_rate, as_of=as_of)
    rule: dict[str, Any] = {"as_of": as_of, "margin_rate": rate, "lapse_days": lapse_days}
    return _measures(daily.aggregate(lines), **rule, contract_days=contract_days)


def _measures(
    by_day: Any, *, as_of: Day, margin_rate: float, lapse_days: int, contract_days: int
) -> pd.DataFrame:
    if lapse_days < 1:
        raise ParamsError(f"lapse_days={lapse_days}: give 1 day at least.")
    rule: dict[str, Any] = {"as_of": as_of, "lapse_days": lapse_days}
    whole = _whole(by_day, **rule)
    end = pd.Timestamp(periods.day(as_of))
    year_before = end - pd.DateOffset(years=1)
    this_year = frames.lazy(by_day).filter(nw.col("order_date") > nw.lit(year_before))
    year = customers.totals(customers.summarize(this_year, as_of=as_of)).iloc[0]
    months = whole["stayed"] / periods.MONTH_DAYS
    spanned = (end - whole["first"]).days + 1
    covered = min(1, spanned / (end - year_before).days) if spanned >= LEAST_DAYS else 0
    parts = {
        "average_order_value": _ratio(whole["revenue"], whole["orders"]),
        "orders_per_year": _ratio(year["orders"], year["customers"] * covered),
        "years": _ratio(whole["days"] / contracts.YEAR_DAYS, whole["left"]),
        "monthly_arpu": _ratio(whole["revenue_of_old"], months),
        "monthly_churn_rate": _ratio(whole["left"], months) or np.nan,
        "customers_lost": int(whole["left"]),
        "months_spanned": spanned / periods.MONTH_DAYS,
        "margin_rate": margin_rate,
        "contract_periods": _periods(by_day, **rule, period_days=contract_days),
    }
    return pd.DataFrame([parts])


def _periods(lines: Frame, *, period_days: int, **rule: Any) -> float:
    """Contract periods to expect; NaN without contracts, or where too little is known of them."""
    if not period_days:
        return np.nan
    number = np.arange(YEARS * contracts.YEAR_DAYS // period_days)
    try:
        asked = survival.survivors(lines, **rule, period_days=period_days)
        return contracts.fit(asked, model="sbg").survival(number).sum()
    except Alike:
        rate = asked["lost"].sum() / asked["at_risk"].sum()
        return float(((1 - rate) ** number).sum())
    except TooLittleData:
        return np.nan


def finding(table: pd.DataFrame, *, currency: str) -> str:
    """What customers have spent, the lowest and highest formula for a whole life of those that
    stand, why the others do not, and whether one gives less than customers surely spent."""
    revenue = table[table["of"] == REVENUE]
    seen = revenue[revenue["method"] == _(METHODS["realised"]["method"])].iloc[0]
    spent = formats.money(abs(seen["value"]), currency)
    name = "spent" if seen["value"] >= 0 else "returned"
    if fill("all_returned") in set(table["withheld"]):
        return fill("nothing_kept")
    sentences = [fill(name, value=spent, horizon=seen["horizon"])]
    margin = table.loc[table["method"] == _(METHODS["realised_margin"]["method"]), "value"]
    if seen["value"] > 0 and (margin < 0).any():
        sentences += [fill("margin_below_zero")]
    whole = revenue[revenue["horizon"] == _(WHOLE)]
    unknown, whole = whole[whole["withheld"] != ""], whole.dropna(subset=["value"])
    reasons = unknown.groupby("withheld", sort=False)["method"].agg(joining.both)
    if whole.empty:
        return joining.sentences(
            [*sentences, *(fill("no_whole_life", reason=r) for r in reasons.index)]
        )
    ends = {"low": whole["value"].idxmin(), "high": whole["value"].idxmax()}
    named = {
        end: joining.aside(formats.money(whole["value"][at], currency), whole["method"][at])
        for end, at in ends.items()
    }
    one = "one_whole_life" if len(whole) == 1 else "whole_life"
    sentences.append(fill(one, **named))
    sentences += [fill("withheld", method=m, reason=reason) for reason, m in reasons.items()]
    if whole["value"].min() < seen["lowest"]:
        sentences.append(fill("too_low", value=formats.money(seen["lowest"], currency)))
    return joining.sentences(sentences)


def _find_realised(by_day: Any, *, as_of: Day) -> pd.Series:
    """The LTV curve after 12 months, or as far as it goes; NaN where nothing was kept."""
    try:
        curve = curves.ltv(by_day, as_of=as_of)
    except NothingKept:
        return pd.Series({"age_months": 0, "ltv": np.nan, "low": np.nan})
    return curve[curve["age_months"] < REALISED].iloc[-1]


def _values(
    parts: pd.Series, *, costs: float, discount: float, realised: float, contract: bool
) -> dict[str, float]:
    value, rate, churn = parts[["average_order_value", "margin_rate", "monthly_churn_rate"]]
    orders_ = value * parts["orders_per_year"] * parts["years"]
    lasting = _ratio(parts["monthly_arpu"], churn)
    monthly = (1 + discount) ** (1 / 12) - 1
    stay = 1 - churn
    later = _ratio(parts["monthly_arpu"] * rate * stay, (1 + monthly - stay) if churn else 0)
    values = {
        "orders": orders_,
        "orders_margin": orders_ * rate,
        "orders_profit": orders_ * rate - costs,
        "churn": lasting,
        "churn_margin": lasting * rate,
        "discounted_margin": later,
        "contract": value * parts["contract_periods"],
        "realised": realised,
        "realised_margin": realised * rate,
    }
    unknown = {k for k in values if METHODS[k]["of"] != REVENUE} if np.isnan(rate) else set()
    unknown |= set() if contract else {"contract"}
    return {k: v for k, v in values.items() if k not in unknown}


def _model_row(value: float, *, months: int, seen: float) -> dict[str, Any]:
    """What a model expects; withheld where the orders span too little of the time it is for."""
    short = seen < LEAST_SEEN * months
    span = formats.number(seen, decimals=1)
    withheld = fill("span_too_short", seen=span, months=months) if short else ""
    return _row("model", np.nan if short else value, months=months) | {"withheld": withheld}


def _row(key: str, value: float, **words: Any) -> dict[str, Any]:
    texts = {name: _(text).format(**words) for name, text in METHODS[key].items()}
    return texts | {"value": float(value), "of": METHODS[key]["of"]}


def _whole(lines: Frame, *, as_of: Day, lapse_days: int) -> pd.Series:
    """Totals of all customers. `left`: how many have; `days`: that those were customers, `stayed`:
    that all were who can have left, each from the first order until they counted as gone, or
    `as_of`; `revenue_of_old`: what these paid."""
    gone, old = nw.col("recency_days") >= lapse_days, nw.col("tenure_days") >= lapse_days
    until_gone = nw.col("tenure_days") - nw.col("recency_days") + int(lapse_days)
    stayed = nw.when(gone).then(until_gone).otherwise(nw.col("tenure_days"))
    sums = frames.lazy(customers.summarize(lines, as_of=as_of)).select(
        nw.col("revenue", "orders").sum(),
        first=nw.col("first_order").min(),
        left=gone.cast(nw.Int64).sum(),
        days=nw.when(gone).then(stayed).otherwise(0).sum(),
        stayed=nw.when(old).then(stayed).otherwise(0).sum(),
        revenue_of_old=nw.when(old).then(nw.col("revenue")).otherwise(0.0).sum(),
    )
    return frames.table(sums).iloc[0]


def _rate(lines: Frame, given: float | None, *, as_of: Day) -> float:
    """The margin rate that is given, else that of the lines which know their margin."""
    check_share("margin_rate", given)
    if given is not None:
        return given
    return margins.find_rate(filter_until(frames.lazy(lines), as_of))


def _ratio(part: float, whole: float) -> float:
    """part / whole; NaN where there is nothing to divide by."""
    return float(part / whole) if whole else np.nan
