"""How a month went, compared with others."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ltvkit import kpis, periods
from ltvkit.core.i18n import _
from ltvkit.errors import TooLittleData
from ltvkit.exercises.answers import Found
from ltvkit.ingest.book import Orders

MIDDLE = 15  # of a month, the day up to which months are compared


def change_on_last_year(book: Orders, as_of: pd.Timestamp) -> Found:
    """Revenue of the month of `as_of` against the same month of last year."""
    by_month = kpis.series(book.days, as_of=as_of, every="month")
    last = by_month.iloc[-1]
    change = last["revenue_vs_last_year"]
    if np.isnan(change):
        raise TooLittleData(_("there is no same month of last year to compare with."))
    wrong = {
        "month_before": last["revenue_vs_previous"],
        "ratio": 1 + change,
        "other_way": 1 / (1 + change) - 1,
        "orders": last["orders_vs_last_year"],
        "customers": last["customers_vs_last_year"],
    }
    return change, wrong, {"now": last["period"], "then": by_month["period"].iloc[-13]}


def change_so_far(book: Orders, as_of: pd.Timestamp) -> Found:
    """Revenue of the month of `as_of` up to the 15th, against the same days of the month before."""
    now = as_of.replace(day=MIDDLE)
    before = periods.month_before(now).replace(day=MIDDLE)
    sold = {day: _sum_month(book, day) for day in (now, before, as_of, periods.month_before(as_of))}
    so_far, then, whole, whole_then = sold.values()
    if not then > 0:
        raise TooLittleData(_("nothing was sold in the same days of the month before."))
    wrong = {
        "whole_month_before": so_far / whole_then - 1,
        "whole_months": whole / whole_then - 1,
        "doubled": 2 * so_far / whole_then - 1,
        "other_half": (whole - so_far) / then - 1,
        "other_way": then / so_far - 1,
    }
    return so_far / then - 1, wrong, {}


def count_returning(book: Orders, as_of: pd.Timestamp) -> Found:
    """Customers of the month of `as_of` who had bought before."""
    by_month = kpis.series(book.days, as_of=as_of, every="month")
    last = by_month.iloc[-1]
    wrong = {
        "new": last["new_customers"],
        "all": last["customers"],
        "orders": last["orders"] - last["new_customers"],
        "month_before": by_month["customers"].iloc[-2] if len(by_month) > 1 else np.nan,
    }
    figures = {"customers": int(last["customers"]), "new": int(last["new_customers"])}
    return last["customers"] - last["new_customers"], wrong, figures


def _sum_month(book: Orders, day: dt.date) -> float:
    """Revenue of the month of a day, up to it."""
    return float(kpis.series(book.days, as_of=day, every="month")["revenue"].iloc[-1])
