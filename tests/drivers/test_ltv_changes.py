"""Why newer customers are worth more: cohorts by hand, on every engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import cohorts, drivers, orders
from ltvkit.errors import ColumnError, TooLittleData
from ltvkit.ingest import daily

KNOWN = {"export_begins": "opening"}
# Three months of each kind: won in January to March, followed to June; won in April to June,
# followed to September.
LINES = make_lines(
    ("a", "1", "2024-01-10", 100, 40), ("a", "2", "2024-02-10", 50, 20),
    ("b", "3", "2024-03-31", 60, 24), ("b", "4", "2024-04-01", 30, 12),
    ("b", "5", "2024-06-01", 999, 9),  # at an age that is not compared
    ("c", "6", "2024-04-01", 80, 30), ("c", "7", "2024-04-20", 80, 30),
    ("d", "8", "2024-06-30", 40, 10), ("d", "R", "2024-08-31", -20, -5),
    ("e", "9", "2024-09-30", 700, 7),  # too young
    extra=("margin",),
)  # fmt: skip


@pytest.mark.parametrize("daily_table", [False, True])
def test_ltv_by_hand(on, daily_table):
    lines = daily.aggregate(on(LINES)) if daily_table else on(LINES)
    found = drivers.explain_ltv(lines, as_of="2024-08-31", **KNOWN)
    assert found.months == 3
    assert found.periods == ("January 2024 to March 2024", "April 2024 to June 2024")
    assert (found.before, found.after) == ((150 + 90) / 2, (160 + 20) / 2)
    table = found.table.set_index("leaf")
    sides = table[["value_before", "value_after"]].T.to_dict("list")
    assert sides == {
        "active_months": [2, 1],
        "orders_per_active_month": [1, 1.5],
        "order_value": [60, 60],
    }
    assert table["change_in_revenue"].sum() == pytest.approx(-30)
    assert drivers.finding(found).startswith(
        "Customers won from April 2024 to June 2024 brought 30.00 less (\N{MINUS SIGN}25.0%) in "
        "their first 3 months than those won from January 2024 to March 2024: 90.00 each."
    )


def test_a_margin_is_a_leaf_of_its_own(on):
    found = drivers.explain_ltv(on(LINES), as_of="2024-08-31", of="margin", **KNOWN)
    assert found.formula.leaves[-1] == "margin_rate"
    assert (found.before, found.after) == ((60 + 36) / 2, (60 + 5) / 2)
    assert found.table["change_in_revenue"].sum() == pytest.approx(found.after - found.before)
    with pytest.raises(ColumnError, match="no column 'margin'"):
        drivers.explain_ltv(on(LINES.drop(columns="margin")), as_of="2024-09-30", of="margin")


def test_ltv_of_those_who_are_old_enough_by_hand(on):
    """Won in January to March, followed for six months: a brings 150, b 60 + 30 + 999."""
    found = drivers.measure_ltv(on(LINES), as_of="2024-08-31", **KNOWN)
    assert (found.months, found.after) == (6, (150 + 1089) / 2)
    assert found.names[0] == "January 2024 to March 2024"
    assert found.table["value_after"].tolist() == pytest.approx([2.5, 1, 1239 / 5])
    with pytest.raises(TooLittleData, match="takes 5 whole months of known new customers; there"):
        drivers.measure_ltv(on(LINES), as_of="2024-04-30", **KNOWN)


def test_where_there_is_nobody_to_compare_it_says_so(on):
    with pytest.raises(
        TooLittleData, match="takes 8 whole months of known new customers; there are 7"
    ):
        drivers.explain_ltv(on(LINES), as_of="2024-07-31", **KNOWN)
    with pytest.raises(TooLittleData, match="there are 0"):
        drivers.explain_ltv(on(LINES), as_of="2020-07-31", **KNOWN)
    early = LINES[LINES["customer_id"].isin(["a", "b"])]
    with pytest.raises(TooLittleData, match="nobody was won"):
        drivers.explain_ltv(on(early), as_of="2024-08-31", **KNOWN)


def test_it_is_the_ltv_of_the_cohorts():
    book = orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]})
    found = drivers.explain_ltv(book.days, as_of="2024-09-30", **KNOWN)
    assert found.months == 6
    table = cohorts.build(book.days, as_of="2024-09-30", **KNOWN)
    table = table[(table["age"] < 6) & table["cohort"].between("2023-11", "2024-04")]
    whole = table["revenue"].sum() / table.loc[table["age"] == 0, "customers"].sum()
    assert found.after == pytest.approx(whole)


def test_ranges_of_ltv_hold_the_truth_as_often_as_they_say():
    """30 shops of 400 customers, whose newer half comes back less often, and buys for more."""

    def shop(rng, many):
        rows = []
        for start, back, value in (("2024-01", 0.4, 50), ("2024-04", 0.3, 60)):
            for who in range(200 * many):
                born = pd.Period(start) + int(rng.integers(3))
                months = [0, *(a for a in (1, 2) if rng.random() < back)]
                rows += [
                    (f"{start}{who}", (born + a).start_time, rng.gamma(3, value / 3))
                    for a in months
                ]
        table = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
        return table.assign(order_id=table.index.astype(str))

    rule = {"as_of": "2024-08-31", "draws": 400, **KNOWN}
    truth = drivers.explain_ltv(shop(np.random.default_rng(0), 40), **rule).table[
        "change_in_revenue"
    ]
    held = []
    for seed in range(1, 31):
        table = drivers.explain_ltv(shop(np.random.default_rng(seed), 1), **rule).table
        rows = table["leaf"] != "orders_per_active_month"
        held += list((table["low"] <= truth)[rows] & (truth <= table["high"])[rows])
    assert 0.8 <= np.mean(held) <= 0.98, np.mean(held)


def test_ten_percent_by_hand():
    found = drivers.explain_ltv(LINES, as_of="2024-08-31", **KNOWN)
    table = drivers.improve(found, share=0.1)
    assert table["gain"].tolist() == pytest.approx([9.0] * 3)
    assert table.set_index("leaf").loc["order_value", ["value_after", "value_then"]].tolist() == [
        60,
        66,
    ]


def test_one_customer_who_decides_a_group_is_named(on):
    """Of 40 customers won in January, one brought 1,600 of 2,000; all others are alike."""
    ids = [f"{group}{n}" for group in "ab" for n in range(40)]
    days = ["2024-01-10"] * 40 + ["2024-05-10"] * 40
    amounts = [1600.0, *[400 / 39] * 39, *[10.0] * 40]
    lines = pd.DataFrame({"customer_id": ids, "order_id": ids, "amount": amounts})
    lines["order_date"] = pd.to_datetime(days)
    found = drivers.explain_ltv(on(lines), as_of="2024-08-31", currency="JPY", **KNOWN)
    assert found.notes == (
        "One customer brought 80.0% of what those won from January 2024 to March 2024 brought; "
        "without this one they brought 10 JPY each.",
    )
    assert drivers.explain_ltv(on(LINES), as_of="2024-08-31", **KNOWN).notes == ()
