"""Cohorts, second orders and lifetime value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ltvkit import cohorts, customers, kpis
from ltvkit.core.i18n import _
from ltvkit.display import formats
from ltvkit.engines import frames
from ltvkit.engines.frames import Frame
from ltvkit.errors import TooLittleData
from ltvkit.exercises.answers import Found
from ltvkit.ingest.book import Orders
from ltvkit.ingest.lines import filter_until
from ltvkit.ltv import curves, formulas, unit_economics

DAYS = 90  # of the second-order rate that is asked for
YEAR, HALF, QUARTER = 12, 6, 3  # months, of which the month of the first order is one


def second_order_of_cohort(book: Orders, as_of: pd.Timestamp, cohort: str) -> Found:
    """Of the customers of `cohort`, those who ordered again within 90 days."""
    begins = _begins(book)
    second = cohorts.second_order(book.days, as_of=as_of, **begins).set_index("cohort")
    right = second[f"within_{DAYS}"].get(cohort, np.nan)
    if pd.isna(right):
        raise TooLittleData(_("this cohort is not known, or has not had 90 days yet."))
    row, table = second.loc[cohort], cohorts.build(book.days, as_of=as_of, **begins)
    retention = cohorts.retention(table).set_index("cohort").loc[cohort]
    month = kpis.series(book.days, as_of=as_of, **begins).set_index("period").loc[cohort]
    buyers = _read_buyers(book.days, as_of)
    born = buyers[buyers["first_order"].dt.strftime("%Y-%m") == cohort]
    wrong = {
        "within_60": row["within_60"],
        "within_180": row["within_180"],
        "retention": retention.get(3, np.nan),
        "ever": (born["purchase_days"] > 1).mean(),
        "repeat_rate": month["repeat_rate"],
    }
    n = int(row["customers"])
    return right, wrong, {"customers": n, "again": round(right * n)}


def second_order_of_all(book: Orders, as_of: pd.Timestamp) -> Found:
    """Of all customers of the cohorts that have had 90 days, those who ordered again in them."""
    begins, within = _begins(book), f"within_{DAYS}"
    second = cohorts.second_order(book.days, as_of=as_of, **begins)
    old = second[second[within].notna()]
    if old.empty:
        raise TooLittleData(_("no cohort has had 90 days yet."))
    known = second["customers"].notna().to_numpy()
    # As if the days that have not come yet had been without an order.
    until = filter_until(frames.lazy(book.days), as_of)
    later = {"as_of": as_of + pd.Timedelta(days=DAYS), "export_begins": "opening"}
    failed = cohorts.second_order(frames.materialize(until, like=book.days), **later)[known]
    again, everyone = (failed["customers"] * failed[within]).sum(), failed["customers"].sum()
    n = int(old["customers"].sum())
    came = (old["customers"] * old[within]).sum()
    older = second[second["within_180"].notna()]
    buyers = _read_buyers(book.days, as_of)
    wrong = {
        "young_as_failures": again / everyone,
        "quick_ones": again / (n + again - came),
        "within_180": _average(older["within_180"], older["customers"]),
        "ever": (buyers["purchase_days"] > 1).mean(),
    }
    return came / n, wrong, {"again": round(came), "customers": n, "young": int(everyone) - n}


def old_customers_who_look_new(book: Orders, cut: Frame, as_of: pd.Timestamp) -> Found:
    """Of the customers who look new in the first month of `cut`, those who had bought before."""
    whole = _read_buyers(book.days, as_of).set_index("customer_id")
    seen = _read_buyers(cut, as_of).set_index("customer_id")
    if seen.empty or not whole["first_order"].min() < seen["first_order"].min():
        raise TooLittleData(_("no order is older than the day `later`."))
    month = seen["first_order"].dt.strftime("%Y-%m")
    old = whole["first_order"].reindex(seen.index) < seen["first_order"]
    first = month == month.min()
    figures = kpis.series(cut, as_of=as_of).iloc[0]
    wrong = {
        "all_who_look_new": int(first.sum()),
        "really_new": int((first & ~old).sum()),
        "all_months": int(old.sum()),
        "all_old": int((whole["first_order"] < seen["first_order"].min()).sum()),
        "orders": int(figures["orders"]),
    }
    return int((first & old).sum()), wrong, {"look": int(first.sum())}


def margin_of_first_year(book: Orders, as_of: pd.Timestamp, margin_rate: float) -> Found:
    """LTV so far in the first 12 months, of margin."""
    curve = _read_curve(book, as_of, months=YEAR)
    buyers = _read_buyers(book.days, as_of)
    wrong = {
        "revenue": curve[YEAR - 1],
        "thirteen_months": curve.get(YEAR, np.nan) * margin_rate,
        "last_month": (curve[YEAR - 1] - curve[YEAR - 2]) * margin_rate,
        "all_ages": buyers["revenue"].mean() * margin_rate,
        "first_month": curve[0] * margin_rate,
    }
    return curve[YEAR - 1] * margin_rate, wrong, {"revenue": round(curve[YEAR - 1])}


def margin_by_formula(book: Orders, as_of: pd.Timestamp, margin_rate: float) -> Found:
    """ARPU x margin rate / churn rate."""
    rule: dict[str, Any] = {"as_of": as_of, "margin_rate": margin_rate}
    methods = formulas.compare(book.lines, **rule).set_index("method")
    name = formulas.METHODS["churn_margin"]["method"]
    row = methods.loc[_(name)]
    if pd.isna(row["value"]):
        raise TooLittleData(row["withheld"])
    parts = formulas.measures(book.lines, **rule).iloc[0]
    arpu, churn = parts["monthly_arpu"], parts["monthly_churn_rate"]
    wrong = {
        "revenue": arpu / churn,
        "order_value": parts["average_order_value"] * margin_rate / churn,
        "times_churn": arpu * margin_rate * churn,
        "one_year": arpu * margin_rate * YEAR,
        "years_until_gone": arpu * margin_rate * YEAR * parts["years"],
    }
    return row["value"], wrong, {"months": formats.number(1 / churn, decimals=1)}


def affordable_cost(book: Orders, as_of: pd.Timestamp, margin_rate: float) -> Found:
    """The most that a new customer may cost to be paid back within three months."""
    curve = _read_curve(book, as_of, months=QUARTER)
    rule = {"margin_rate": margin_rate, "months": QUARTER, "by": "", "acquisition_cost": {}}
    found = unit_economics.summarize(book.lines, as_of=as_of, **rule, **_begins(book)).iloc[0]
    if pd.isna(found["affordable_cost"]):
        raise TooLittleData(_("no customer has been one for 3 months yet."))
    wrong = {
        "revenue": curve[QUARTER - 1],
        "four_months": curve.get(QUARTER, np.nan) * margin_rate,
        "six_months": curve.get(HALF - 1, np.nan) * margin_rate,
        "one_year": curve.get(YEAR - 1, np.nan) * margin_rate,
        "first_month": curve[0] * margin_rate,
        "last_month": (curve[QUARTER - 1] - curve[QUARTER - 2]) * margin_rate,
    }
    return found["affordable_cost"], wrong, {"revenue": round(curve[QUARTER - 1])}


def newest_cohort_of_a_year(book: Orders, as_of: pd.Timestamp, ltv_of: str) -> Found:
    """LTV by the end of the first 12 months, of the newest monthly cohort that has lived them."""
    table = cohorts.build(book.days, as_of=as_of, **_begins(book))
    table = table[~table["partial"]]
    worth = cohorts.ltv(table, of=ltv_of).set_index("cohort")
    grown = worth[worth[YEAR - 1].notna()] if YEAR - 1 in worth else worth.iloc[:0]
    if grown.empty:
        raise TooLittleData(_("no cohort has lived 12 months to the end yet."))
    name, row = grown.index[-1], grown.iloc[-1]
    cells = table[table["cohort"] == name].set_index("age")
    curve = curves.ltv(book.days, as_of=as_of, of=ltv_of, **_begins(book)).set_index("age_months")
    wrong = {
        "thirteen_months": row.get(YEAR, np.nan),
        "so_far": row.drop("customers").dropna().iloc[-1],
        "last_month": row[YEAR - 1] - row[YEAR - 2],
        "oldest": grown[YEAR - 1].iloc[0] if len(grown) > 1 else np.nan,
        "all_cohorts": curve["ltv"].get(YEAR - 1, np.nan),
        "per_active": (cells[ltv_of] / cells["active"].replace(0, np.nan)).loc[: YEAR - 1].sum(),
    }
    return row[YEAR - 1], wrong, {"cohort": name, "customers": int(row["customers"])}


def _begins(book: Orders) -> Mapping[str, Any]:
    return {"export_begins": book.facts["export_begins"]}


def _average(values: pd.Series, weights: pd.Series) -> float:
    """NaN where there are none."""
    return float(np.average(values, weights=weights)) if len(values) else np.nan


def _read_buyers(lines: Frame, as_of: pd.Timestamp) -> pd.DataFrame:
    """customer_id, first_order, purchase_days, revenue."""
    named = ["customer_id", "first_order", "purchase_days", "revenue"]
    buyers = frames.lazy(customers.summarize(lines, as_of=as_of)).select(named)
    return frames.table(buyers)


def _read_curve(book: Orders, as_of: pd.Timestamp, *, months: int) -> pd.Series:
    """LTV of revenue by age, where customers have lived so many months."""
    curve = curves.ltv(book.days, as_of=as_of, **_begins(book)).set_index("age_months")["ltv"]
    if months - 1 not in curve:
        reason = _("no customer has been one for {months} months yet.")
        raise TooLittleData(reason.format(months=months))
    return curve
