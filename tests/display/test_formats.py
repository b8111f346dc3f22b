"""Labels, units and numbers as strings: one rule for each, by the name of the column."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from ltvkit import periods
from ltvkit.display import formats

NAN = float("nan")
DASH, MINUS = formats.MISSING, formats.MINUS


@pytest.mark.parametrize(
    ("x", "currency", "shown"),
    [
        (0, "USD", "0.00 USD"),
        (45.678, "USD", "45.68 USD"),
        (999.99, "USD", "999.99 USD"),
        (999.999, "USD", "1,000 USD"),
        (1234567.8, "USD", "1,234,568 USD"),
        (45.6, "JPY", "46 JPY"),
        (12345.6, "円", "12,346円"),
        (45.6, "¥", "¥46"),
        (45.6, "$", "$45.60"),
        (45.6, "A$", "A$45.60"),
        (-45.6, "£", MINUS + "£45.60"),
        (-45.6, "EUR", MINUS + "45.60 EUR"),
        (-0.001, "USD", "0.00 USD"),
        (1234.5, "", "1,234"),
        (NAN, "USD", DASH),
    ],
)
def test_money_takes_its_decimals_from_currency_and_size(x, currency, shown):
    assert formats.money(x, currency) == shown


@pytest.mark.parametrize(
    ("format_", "x", "shown"),
    [
        (formats.share, 0.1234, "12.3%"),
        (formats.share, -0.05, MINUS + "5.0%"),
        (formats.share, 1, "100.0%"),
        (formats.share, NAN, DASH),
        (formats.change, 0.052, "+5.2%"),
        (formats.change, -0.031, MINUS + "3.1%"),
        (formats.change, 0.0, "0.0%"),
        (formats.change, 0.0004, "0.0%"),
        (formats.change, -0.0004, "0.0%"),
        (formats.change, 12.5, "+1,250.0%"),
        (formats.change, 279.8, "\N{MULTIPLICATION SIGN}281"),
        (formats.change, np.inf, DASH),
        (formats.points, 279.8, "+27,980.0 pp"),
        (formats.change, NAN, DASH),
        (formats.points, 0.012, "+1.2 pp"),
        (formats.points, -0.012, MINUS + "1.2 pp"),
        (formats.points, NAN, DASH),
        (formats.count, 23570, "23,570"),
        (formats.count, 23570.0, "23,570"),
        (formats.count, -5, MINUS + "5"),
        (formats.count, NAN, DASH),
        (formats.number, 0.2425945, "0.2426"),
        (formats.number, 4.4136019, "4.414"),
        (formats.number, -9582.429, MINUS + "9,582"),
        (formats.number, 0, "0"),
        (formats.date, pd.Timestamp("2024-09-30"), "2024-09-30"),
        (formats.date, pd.NaT, DASH),
    ],
)
def test_the_other_formats(format_, x, shown):
    assert format_(x) == shown


def test_a_score_far_below_zero_is_not_told_to_the_thousandth():
    shown = [formats.cell(x, "score") for x in (0.5, -9.5, -850.584, -np.inf)]
    minus = "\N{MINUS SIGN}"
    assert shown == ["0.500", f"{minus}9.500", f"below {minus}10", DASH]


def test_every_column_of_a_summary_table_has_a_label():
    known = """
        period start end revenue orders customers new_customers repeat_rate
        average_order_value revenue_per_customer status reason lines amount share measure score
        above up_to segment customers_share revenue_share median_recency_days action r_score
        before decile cumulative_share class items items_share rank cohort age_months ltv low
        high rank orders_per_customer orders_say table_says difference product
    """
    assert [c for c in re.findall(r"\w+", known) if formats.label(c) == c] == []


def test_labels_and_values_go_by_the_name_of_the_column():
    assert formats.label("orders_per_customer") == "Orders per customer"
    assert formats.value(2.3456, "orders_per_customer") == "2.35"
    assert formats.label("rank") == "Rank"
    assert (formats.label("orders_say"), formats.label("table_says")) == (
        "In the orders",
        "In this table",
    )
    assert formats.value(0.0, "difference") == "0"
    assert formats.label("difference", "USD") == "Difference"


def test_every_format_says_missing_and_every_bound_of_infinity_is_blank():
    named = {"money", "share", "change", "points", "count", "mean", "date", "number"}
    assert {formats.cell(NAN, kind) for kind in named} == {DASH}
    assert {formats.cell(None, kind) for kind in ("text", "word", "bound")} == {""}
    assert formats.value(float("inf"), "above") == formats.value(-float("inf"), "up_to") == ""


@pytest.mark.parametrize("every", periods.EVERY)
def test_a_grain_is_that_of_the_periods(every):
    names = [periods.label(periods.index_of("2024-02-29", every) + i, every) for i in range(3)]
    assert formats.grain(names) == every
    assert formats.label(f"age_{every}s").startswith("Age (")


def test_words_go_through_the_catalogue(monkeypatch):
    monkeypatch.setattr(formats, "_", lambda words: words.upper())
    assert formats.label("revenue", "USD") == "REVENUE (USD)"
    assert formats.cell("new", "word") == "NEW"
    assert formats.label("") == ""


@pytest.mark.parametrize("x", [float("inf"), float("-inf"), float("nan"), np.float64("-inf")])
def test_no_form_shows_what_is_not_finite(x):
    for kind in (*formats.FORMATS, "number"):
        shown = formats.cell(x, kind, currency="USD")
        assert shown in ("", formats.MISSING) or kind == "word", kind
    assert formats.rough_money(x, 1.0, spread=1.0) == f"{formats.MISSING} to 1.00"
    assert formats.rough_money(5.0, spread=x) == "5.00"
    assert formats.difference(x, "revenue_share") == formats.MISSING
    assert formats.difference(x, "revenue", "USD") == formats.MISSING
    assert formats.fill("{x}", x=x) == formats.MISSING


def test_a_p_value_is_never_zero():
    told = [formats.value(x, "q") for x in (0.0, 1e-9, 0.0004999, 0.0005, 0.04, float("nan"))]
    assert told == ["< 0.001"] * 3 + ["0.001", "0.040", formats.MISSING]
    assert formats.value(0.0001, "gini") == "0.000"
    assert [formats.kind(name) for name in ("p", "p_crowded", "value_q")] == ["chance"] * 3
