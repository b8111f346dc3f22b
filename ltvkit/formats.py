"""Labels and numbers as people read them: the one place where anything is rounded.

`money`, `share`, `count`, `change` ... give strings, for sentences, axes and the cells of `tables`.
What a column holds is known by its name.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from datetime import date as Day
from fnmatch import fnmatchcase
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ltvkit.i18n import N_, _

MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
WHOLE_CURRENCIES = ("JPY", "円", "¥", "\N{FULLWIDTH YEN SIGN}", "KRW", "₩", "VND", "₫")

# fmt: off
LABELS = {
    "above": N_("Above"), "acquisition_cost": N_("Acquisition cost"), "action": N_("What to do"),
    "actual": N_("Actual"), "affordable_cost": N_("Affordable cost"), "after": N_("After"),
    "age_days": N_("Age (days)"), "age_months": N_("Age (months)"),
    "age_quarters": N_("Age (quarters)"), "age_weeks": N_("Age (weeks)"),
    "age_years": N_("Age (years)"), "amount": N_("Amount"), "at_risk": N_("At risk"),
    "average_order_value": N_("Average order value"), "bdw": N_("Beta-discrete-Weibull"),
    "before": N_("Before"), "bg_bb": N_("BG/BB"), "bg_nbd": N_("BG/NBD"),
    "bias": N_("Total off by"), "boosting": N_("Gradient boosting"), "category": N_("Category"),
    "challenger": N_("Challenger"), "channel": N_("Channel"), "check": N_("Check"),
    "class": N_("Class"),
    "cohort": N_("Cohort"), "cohort_curve": N_("Cohort average curve"),
    "comparison": N_("Comparison"), "contract_periods": N_("Contract periods"),
    "control_after": N_("Control after"), "control_before": N_("Control before"),
    "cost": N_("Cost"), "coverage": N_("In own interval"),
    "cumulative_share": N_("Cumulative share"), "customer_id": N_("Customer"),
    "customers": N_("Customers"), "customers_share": N_("Share of customers"),
    "day": N_("Day"), "decile": N_("Decile"), "decision": N_("Decision"),
    "definition": N_("How it is computed"),
    "department": N_("Department"), "difference": N_("Difference"), "effect": N_("Effect"),
    "end": N_("Until"), "estimate": N_("Estimate"), "existing_revenue": N_("Existing customers"),
    "expected": N_("Expected"), "expected_orders": N_("Expected orders"),
    "expected_periods": N_("Periods to come"), "expected_spend": N_("Expected order value"),
    "f_score": N_("F score"), "file": N_("File"), "first_order": N_("First order"),
    "found": N_("What was found"),
    "gain": N_("Gain"), "gain_highest": N_("Highest gain (95%)"),
    "gain_lowest": N_("Lowest gain (95%)"), "gini": N_("Order (Gini)"), "gone": N_("Gone"),
    "grade": N_("Evidence"), "hazard": N_("Hazard"), "high": N_("High"),
    "highest": N_("Highest (95%)"),
    "holds": N_("Holds"), "horizon": N_("Horizon"), "hypothesis": N_("Hypothesis"),
    "items": N_("Items"), "items_per_customer": N_("Items per customer"),
    "items_share": N_("Share of items"),
    "kind": N_("Kind"), "last_order": N_("Last order"), "lines": N_("Order lines"),
    "low": N_("Low"), "lowest": N_("Lowest (95%)"),
    "ltv": N_("LTV per customer"), "ltv_to_cost": N_("LTV / cost"), "m_score": N_("M score"),
    "mae": N_("Mean error per customer"), "margin": N_("Margin"),
    "margin_per_customer": N_("Margin per customer"), "margin_rate": N_("Margin rate"),
    "mbg_nbd": N_("MBG/NBD"), "meaning": N_("Meaning"), "measure": N_("Measure"),
    "median_recency_days": N_("Median recency (days)"), "method": N_("Method"),
    "metric": N_("Metric"), "model": N_("Model"), "month": N_("Month"),
    "monthly_arpu": N_("ARPU per month"),
    "monthly_churn_rate": N_("Churn per month"), "natural_change": N_("Natural change"),
    "net": N_("Gain less cost"), "net_highest": N_("Highest, less cost (95%)"),
    "net_lowest": N_("Lowest, less cost (95%)"), "new_customers": N_("New customers"),
    "new_revenue": N_("New customers"), "of": N_("Of"),
    "order_date": N_("Order date"), "order_id": N_("Order"), "orders": N_("Orders"),
    "orders_bias": N_("Orders off by"), "orders_per_customer": N_("Orders per customer"),
    "orders_per_year": N_("Orders per year"), "orders_say": N_("By the orders"),
    "outcome": N_("Outcome"), "owner": N_("Owner"), "p": N_("p"),
    "p_alive": N_("P(alive)"), "p_quiet": N_("P(no purchase)"), "parameter": N_("Parameter"),
    "pareto_nbd": N_("Pareto/NBD"), "payback_months": N_("Paid back after (months)"),
    "period": N_("Period"), "predicted": N_("Predicted"), "problem": N_("Problem"),
    "product": N_("Product"),
    "product_id": N_("Product id"), "purchase_days": N_("Purchase days"),
    "q": N_("p, all together"), "quantity": N_("Quantity"), "r_score": N_("R score"),
    "rank": N_("Rank"), "rank_correlation": N_("Rank correlation"),
    "raw_effect": N_("Change as it stands"),
    "raw_highest": N_("Its highest (95%)"), "raw_lowest": N_("Its lowest (95%)"),
    "reason": N_("Reason"), "recency_days": N_("Recency (days)"),
    "relative_effect": N_("Relative effect"), "relative_highest": N_("Highest (95%)"),
    "relative_lowest": N_("Lowest (95%)"), "renewals": N_("Renewals so far"),
    "repeat_rate": N_("Repeat rate"), "retention_rate": N_("Retention"), "revenue": N_("Revenue"),
    "revenue_per_customer": N_("Revenue per customer"), "revenue_share": N_("Share of revenue"),
    "rfm_cell": N_("RFM cell mean"), "roi": N_("Return on cost"), "role": N_("Role"),
    "run_rate": N_("Last year's run rate"), "sbg": N_("Shifted beta-geometric"),
    "score": N_("Score"), "second_order_rate": N_("Second-order rate"), "segment": N_("Segment"),
    "share": N_("Share"), "simple": N_("Simple"), "skill": N_("Skill"), "start": N_("From"),
    "status": N_("Status"), "survival": N_("Survival"), "table_says": N_("By this table"),
    "tenure_days": N_("Tenure (days)"), "title": N_("Title"),
    "total_in_interval": N_("Total in interval"), "truth": N_("Truth"), "until": N_("Until"),
    "up_to": N_("Up to"), "value": N_("Value"), "value_share": N_("Share of expected LTV"),
    "verdict": N_("Verdict"), "why": N_("Why it differs"),
    "years": N_("Years until gone"),
    "baseline": N_("Without effect"), "customers_needed": N_("Customers needed"),
    "error": N_("Error"), "planned": N_("As planned"), "power": N_("Power"),
    "smallest_detectable": N_("Detectable effect"),
    "smallest_effect": N_("Worth having"), "weeks": N_("Weeks"),
}
PATTERNS = {
    "*_vs_previous": N_("{name} vs previous"),
    "*_vs_last_year": N_("{name} vs last year"),
    "within_*": N_("Within {name} days"),
    "ltv_*m": N_("LTV in {name} months"),
    "orders_*m": N_("Orders in {name} months"),
}

# Which columns take which format: the first match wins, so the narrower names come first.
KINDS = {
    "word": ("action", "after", "before", "check", "class", "comparison", "decision", "grade",
        "kind", "measure", "method", "metric", "outcome", "reason", "role", "segment", "status",
        "verdict"),
    "bound": ("above", "up_to"),
    "points": ("*_rate_vs_previous", "*_rate_vs_last_year"),
    "number": ("natural_change",),  # in the unit of its row
    "change": ("*_vs_previous", "*_vs_last_year", "*_change", "*bias", "relative_*", "roi"),
    "share": (
        "share", "*_share", "*_rate", "within_*", "p_alive", "p_quiet", "hazard", "survival*",
        "coverage", "power",
    ),
    "score": ("skill", "gini", "rank_correlation", "p", "q"),
    "mean": (
        "orders_per_*", "items_per_*", "expected_orders", "orders_*m", "ltv_to_cost", "*_periods",
        "years",
    ),
    "money": (
        "amount", "*revenue*", "*_value", "margin", "*ltv", "low", "high", "mae", "predicted",
        "actual", "expected", "acquisition_cost", "affordable_cost", "expected_spend", "ltv_*",
        "monthly_arpu", "value", "margin_per_*", "cost", "gain", "gain_*", "net", "net_*",
    ),
    "count": ("*customers", "customers_needed", "orders", "lines", "items", "*_days", "at_risk",
        "lost", "payback_months"),
    "date": ("start", "end", "until", "*_date", "first_order", "last_order"),
}
# fmt: on
PLACES = {"mean": 2, "score": 3}
GRAINS = {
    "year": r"(19|20)\d\d",
    "quarter": r"\d{4}-Q\d",
    "month": r"\d{4}-\d\d",
    "week": r"\d{4}-W\d\d",
    "day": r"\d{4}-\d\d-\d\d",
}


def money(x: float, currency: str = "", *, decimals: int | None = None) -> str:
    """An amount of money. Decimals: none for yen and the like, none from 1,000 on, else two.

    >>> money(45.678, "USD"), money(45678.9, "£"), money(45678.9, "円")
    ('45.68 USD', '£45,679', '45,679円')
    """
    if pd.isna(x):
        return MISSING
    text = number(x, decimals=money_decimals([x], currency) if decimals is None else decimals)
    if currency and unicodedata.category(currency[-1]) == "Sc":
        sign = MINUS * text.startswith(MINUS)
        return f"{sign}{currency}{text.removeprefix(MINUS)}"
    return f"{text} {currency}" if currency and currency.isascii() else text + currency


def money_decimals(values: Iterable[Any], currency: str = "") -> int:
    """How many decimals amounts shown together take: one decision, so that their points line up.

    >>> money_decimals([1.5, 2.25]), money_decimals([1.5, 2000]), money_decimals([1.5], "JPY")
    (2, 0, 0)
    """
    large = any(abs(x) >= 999.995 for x in values if not pd.isna(x))
    return 0 if large or currency in WHOLE_CURRENCIES else 2


def share(x: float, *, decimals: int = 1) -> str:
    """A part of a whole, in percent.

    >>> share(0.1234), share(float("nan")) == MISSING
    ('12.3%', True)
    """
    return MISSING if pd.isna(x) else number(100 * x, decimals=decimals) + "%"


def count(x: float) -> str:
    """How many.

    >>> count(23570)
    '23,570'
    """
    return number(x, decimals=0)


def change(x: float) -> str:
    """A relative change, signed.

    >>> change(0.052), change(0.0), change(-0.031) == MINUS + "3.1%"
    ('+5.2%', '0.0%', True)
    """
    return _signed(x, share(x))


def points(x: float) -> str:
    """A difference of two shares, in percentage points.

    >>> points(0.012)
    '+1.2 pp'
    """
    return MISSING if pd.isna(x) else change(x)[:-1] + " pp"


def difference(x: float, column: str, currency: str = "", *, decimals: int | None = None) -> str:
    """A difference of two values of `column`, signed; of two shares, in percentage points.

    >>> difference(0.012, "repeat_rate"), difference(4.5, "revenue", "USD")
    ('+1.2 pp', '+4.50 USD')
    """
    known = kind(column) or "number"
    if known == "share":
        return points(x)
    if known == "money":
        return _signed(x, money(x, currency, decimals=decimals))
    places = PLACES.get(known) if decimals is None else decimals
    return _signed(x, number(x, decimals=places))


def number(x: float, *, decimals: int | None = None) -> str:
    """Any other number: with `decimals` places, else four significant digits, integers whole.

    >>> number(0.24259), number(1882), number(12345.6)
    ('0.2426', '1,882', '12,346')
    """
    if pd.isna(x):
        return MISSING
    if decimals is None:
        text = f"{x:,.4g}" if abs(x) < 999.95 else f"{x:,.0f}"
    else:
        text = f"{x:,.{decimals}f}"
    return text.replace("-", MINUS if _visible(text) else "")


def date(x: Any) -> str:
    """A day as year-month-day.

    >>> date(pd.Timestamp("2024-09-30"))
    '2024-09-30'
    """
    return MISSING if pd.isna(x) else f"{x:%Y-%m-%d}"


def label(column: Any, currency: str = "") -> str:
    """A column's name as a reader sees it, with its unit; unknown names stay as they are.

    >>> label("revenue", "USD"), label("revenue_vs_previous"), label("within_30")
    ('Revenue (USD)', 'Revenue vs previous', 'Within 30 days')
    """
    name = str(column)
    for pattern, words in PATTERNS.items():
        if fnmatchcase(name, pattern):
            start, end = pattern.split("*")
            return _(words).format(name=label(name.removeprefix(start).removesuffix(end)))
    text = _word(name if name in LABELS else name.replace("_", " "))
    return f"{text} ({currency})" if currency and kind(name) == "money" else text


def value(x: Any, column: str, currency: str = "") -> str:
    """One value as `column` would show it.

    >>> value(0.4, "repeat_rate"), value(45.5, "revenue", "USD"), value(0.05, "orders_vs_previous")
    ('40.0%', '45.50 USD', '+5.0%')
    """
    known = kind(column) or "number"
    return money(x, currency) if known == "money" else cell(x, known)


def kind(column: Any) -> str | None:
    """Which format a column takes by its name; None where the name does not say.

    >>> kind("revenue_share"), kind("weight")
    ('share', None)
    """
    known = (k for k, names in KINDS.items() if any(fnmatchcase(str(column), n) for n in names))
    return next(known, None)


def cell(x: Any, kind: str, *, decimals: int | None = None) -> str:
    """One value in a format of `KINDS`; "number" and "text" go by the type of the value.

    >>> cell(0.25, "share"), cell(12.0, "bound"), cell(True, "text"), cell(None, "text")
    ('25.0%', '12', 'yes', '')
    """
    if isinstance(x, str):
        return _word(x) if kind == "word" else x
    if pd.isna(x):
        return "" if kind in ("text", "word", "bound") else MISSING
    if isinstance(x, bool | np.bool_):
        return _("yes") if x else _("no")
    if isinstance(x, Day):
        return date(x)
    if kind == "bound":
        return number(x, decimals=0 if x == round(x) else 2) if math.isfinite(x) else ""
    if kind == "money":
        return money(x, decimals=decimals)
    if kind in PLACES:
        return number(x, decimals=PLACES[kind])
    plain = {"share": share, "change": change, "points": points, "count": count}
    return plain.get(kind, number if isinstance(x, Real) else str)(x)


def grain(names: Iterable[Any]) -> str:
    """What kind of period all `names` are: "day" ... "year"; "month" where they are no periods.

    >>> grain(["1998-W26", "1998-W27"]), grain(["shop", "web"])
    ('week', 'month')
    """
    names = list(map(str, names))
    fitting = [g for g, p in GRAINS.items() if all(re.fullmatch(p, name) for name in names)]
    return fitting[0] if names and fitting else "month"


def width(text: str) -> int:
    """Columns a text takes in a fixed-width font: Japanese characters take two.

    >>> width("mug"), width("手拭い")
    (3, 6)
    """
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _word(name: str) -> str:
    return _(LABELS.get(name, name)) if name else ""  # gettext answers "" with its own header


def _signed(x: float, text: str) -> str:
    return "+" + text if x > 0 and _visible(text) else text


def _visible(text: str) -> bool:
    """Whether anything is left after rounding: a rounded nothing takes no sign."""
    return any(digit in text for digit in "123456789")
