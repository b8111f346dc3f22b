from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import kpis, periods
from ltvkit.errors import DataError

LINES = make_lines(
    ("a", "1", "2023-01-01", 100),
    ("b", "2", "2023-01-10", 50),
    ("a", "3", "2023-02-10", 30),
    ("a", "R", "2023-02-11", -10),
    ("c", "4", "2023-02-20", 40),
    ("b", "5", "2023-04-01", 60),
    ("a", "6", "2024-01-31", 300),
    ("a", "7", "2024-02-15", 10),
)


def by_period(frame, as_of, every="month") -> pd.DataFrame:
    return kpis.series(frame, as_of=as_of, every=every).set_index("period")


def test_figures_by_hand(on):
    table = by_period(on(LINES), "2024-02-29")
    feb = table.loc["2023-02"]
    assert feb[["revenue", "orders", "customers", "new_customers"]].tolist() == [60, 2, 2, 1]
    assert feb[["repeat_rate", "average_order_value"]].tolist() == [0.5, 30]
    assert feb["revenue_vs_previous"] == pytest.approx(60 / 150 - 1)
    assert feb["repeat_rate_vs_previous"] == pytest.approx(0.5)
    assert table.loc["2024-01", "revenue_vs_last_year"] == pytest.approx(1)


def test_an_empty_period_is_zero_without_averages_and_nothing_is_compared_with_it(on):
    table = by_period(on(LINES), "2024-02-29")
    march = table.loc["2023-03"]
    assert march[["revenue", "orders", "customers"]].tolist() == [0, 0, 0]
    assert march[["average_order_value", "repeat_rate"]].isna().all()
    assert np.isnan(table.loc["2023-04", "revenue_vs_previous"])
    assert march["revenue_vs_previous"] == -1
    assert len(table) == 14


def test_what_is_not_in_the_data_is_unavailable_not_zero(on):
    table = by_period(on(LINES), "2024-02-29")
    assert np.isnan(table.loc["2023-01", "revenue_vs_previous"])
    assert table.loc["2023-01":"2023-12", "revenue_vs_last_year"].isna().all()


def test_partial_periods_are_marked_and_not_compared(on):
    table = by_period(on(LINES), "2024-02-20")
    assert table["partial"].tolist() == [False] * 13 + [True]
    assert table.loc["2024-02"].filter(like="_vs_").isna().all()
    late_start = by_period(on(LINES.iloc[1:]), "2024-02-29")
    assert late_start["partial"].tolist() == [True] + [False] * 13
    assert np.isnan(late_start.loc["2024-01", "revenue_vs_last_year"])


@pytest.mark.parametrize("every", periods.EVERY)
def test_every_period_adds_up_to_the_same_totals(on, every):
    table = kpis.series(on(LINES), as_of="2024-02-29", every=every)
    assert table["revenue"].sum() == LINES["amount"].sum()
    assert table["orders"].sum() == 7
    assert table["new_customers"].sum() == 3
    assert table["start"].diff().dropna().gt(pd.Timedelta(0)).all()


def test_days_and_weeks_are_compared_52_weeks_back():
    lines = make_lines(("a", "1", "2023-02-18", 10), ("a", "2", "2024-02-17", 15))
    for every in ("day", "week"):
        table = kpis.series(lines, as_of="2024-02-18", every=every)
        assert kpis.on(table, as_of="2024-02-17")["start"].day_of_week in (0, 5)
    day = kpis.on(kpis.series(lines, as_of="2024-02-18", every="day"), as_of="2024-02-17")
    assert day["revenue_vs_last_year"] == pytest.approx(0.5)


def test_an_order_over_two_months_counts_once_as_in_the_customer_table(on):
    lines = on(make_lines(("a", "1", "2023-01-31", 5), ("a", "1", "2023-02-01", 5)))
    assert by_period(lines, "2023-02-28")["orders"].tolist() == [1, 0]


def test_the_finding_says_what_the_row_says():
    table = kpis.series(LINES, as_of="2024-02-29")
    text = kpis.finding(table, as_of="2024-02-29")
    assert "in February 2024" in text
    assert "Revenue is down 96.7% on January 2024 and 83.3% on February 2023." in text
    same = table.assign(revenue_vs_previous=0.0, revenue_vs_last_year=0.5)
    said = kpis.finding(same, as_of="2024-02-29")
    assert said.endswith("Revenue is level with January 2024 and up 50.0% on February 2023.")
    far = table.assign(revenue_vs_previous=279.8, revenue_vs_last_year=350.2)
    said = kpis.finding(far, as_of="2024-02-29")
    both = "281 times that of January 2024 and 351 times that of February 2023."
    assert said.endswith(f"Revenue is {both}")
    partial = kpis.series(LINES, as_of="2024-02-20")
    assert "not complete" in kpis.finding(partial, as_of="2024-02-20")


def test_no_order_has_a_value_below_zero(on):
    lines = make_lines(
        ("a", "1", "2024-01-10", 50), ("a", "2", "2024-02-10", 5), ("a", "R", "2024-02-11", -40)
    )
    table = by_period(on(lines), "2024-02-29")
    assert table.loc["2024-01", "average_order_value"] == 50
    assert np.isnan(table.loc["2024-02", "average_order_value"])


def test_a_month_in_which_nobody_bought_or_more_came_back_than_went():
    lines = make_lines(
        ("a", "1", "2024-01-10", 50), ("b", "2", "2024-01-12", 50),
        ("a", "R", "2024-02-02", -80),
    )  # fmt: skip
    table = kpis.series(lines, as_of="2024-02-29")
    assert table["revenue"].tolist() == [100, -80]
    assert np.isnan(table["revenue_vs_previous"].iloc[1])  # and not a fall by 180%
    assert kpis.finding(table, as_of="2024-02-29") == "Nobody bought in February 2024."


def test_nothing_up_to_the_date_is_said():
    with pytest.raises(DataError, match="no order up to 2022-12-31"):
        kpis.series(LINES, as_of="2022-12-31")


def test_several_kinds_of_period_at_once_are_the_same_tables(on):
    tables = kpis.tables(on(LINES), as_of="2024-02-29", every=periods.EVERY)
    assert list(tables) == list(periods.EVERY)
    for every, table in tables.items():
        alone = kpis.series(on(LINES), as_of="2024-02-29", every=every)
        pd.testing.assert_frame_equal(table, alone)


# Five customers who buy every 30 days from the first day on, and one who is new in each 30 days.
MIDLIFE = [
    (
        f"old{c}",
        f"{c}-{n}",
        f"{pd.Timestamp('2023-01-01') + pd.Timedelta(days=30 * n + c):%Y-%m-%d}",
        10,
    )
    for c in range(5)
    for n in range(8)
] + [
    (f"new{n}", f"n{n}", f"{pd.Timestamp('2023-01-11') + pd.Timedelta(days=30 * n):%Y-%m-%d}", 10)
    for n in range(8)
]


def test_who_is_new_is_blank_until_it_can_be_told(on):
    lines = on(make_lines(*MIDLIFE))
    told = kpis.series(lines, as_of="2023-08-28", export_begins="opening")
    assert list(told["new_customers"]) == [6, 1, 1, 1, 1, 1, 1, 1]
    blank = kpis.series(lines, as_of="2023-08-28", export_begins="later").set_index("period")
    assert blank.loc["2023-01", ["new_customers", "repeat_rate"]].isna().all()
    assert list(blank["new_customers"][1:]) == [1] * 7
    assert blank.loc["2023-02", "repeat_rate"] == pytest.approx(4 / 5)  # one of the old pauses
    assert np.isnan(blank.loc["2023-02", "new_customers_vs_previous"])
    assert blank.loc["2023-04", "new_customers_vs_previous"] == 0
    others = [c for c in told if "new_customers" not in c and "repeat_rate" not in c]
    pd.testing.assert_frame_equal(told[others], blank.reset_index()[told.columns][others])


def test_nothing_is_said_of_who_is_new_where_that_is_unknown():
    lines = make_lines(*MIDLIFE)
    table = kpis.series(lines, as_of="2023-01-31", export_begins="later")
    assert kpis.finding(table, as_of="2023-01-31") == (
        "6 customers bought in January 2023 (7 orders). These orders do not tell how many had "
        "bought before."
    )


@pytest.mark.parametrize(("days", "new"), [(0, 0), (29, 0), (30, 2)])
def test_orders_of_less_than_a_month_do_not_tell_who_is_new(days, new):
    lines = make_lines(("a", "1", "2024-01-01", 5), ("b", "2", "2024-01-01", 5))
    as_of = pd.Timestamp("2024-01-01") + pd.Timedelta(days=days)
    table = kpis.series(lines, as_of=as_of)
    assert table["new_customers"].sum() == new
    assert table["repeat_rate"].notna().any() == (new > 0)
    declared = kpis.series(lines, as_of=as_of, export_begins="opening")
    assert (declared["new_customers"].sum(), declared["repeat_rate"].iloc[0]) == (2, 0)
    if not new:
        assert kpis.finding(table, as_of=as_of).startswith(
            "2 customers bought in January 2024 (2 orders). These orders do not tell how many"
        )
