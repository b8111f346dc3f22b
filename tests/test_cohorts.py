from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from conftest import make_lines

from ltvkit import cohorts
from ltvkit.errors import ColumnError, TooLittleData
from ltvkit.ltv import curves

LINES = make_lines(
    ("a", "1", "2024-01-05", 10, "web"),
    ("a", "2", "2024-02-10", 20, "web"),
    ("a", "3", "2024-03-31", 30, "web"),
    ("b", "4", "2024-01-20", 40, "shop"),
    ("b", "R", "2024-02-25", -4, "shop"),
    ("c", "5", "2024-02-01", 50, "web"),
    ("c", "6", "2024-03-02", 60, "web"),
    extra=("channel",),
)
NAN = np.nan


def rows(wide: pd.DataFrame) -> dict:
    return {r[0]: list(r[2:]) for r in wide.itertuples(index=False)}


def test_retention_by_hand_with_what_is_to_come_left_open(on):
    table = cohorts.build(on(LINES), as_of="2024-03-31")
    assert cohorts.customers(table).to_numpy().tolist() == [["2024-01", 2], ["2024-02", 1]]
    found = rows(cohorts.retention(table))
    assert found["2024-01"] == [1, 0.5, 0.5]
    assert found["2024-02"] == pytest.approx([1, 1, NAN], nan_ok=True)


def test_ltv_is_all_revenue_so_far_per_customer_acquired(on):
    table = cohorts.build(on(LINES), as_of="2024-03-31")
    found = rows(cohorts.ltv(table))
    assert found["2024-01"] == [25, 33, 48]
    assert found["2024-02"] == pytest.approx([50, 110, NAN], nan_ok=True)
    assert table[table["cohort"] == "2024-01"]["revenue"].tolist() == [50, 16, 30]
    assert table["revenue"].sum() == LINES["amount"].sum()


def test_zero_is_observed_none_and_nan_is_not_yet_observable():
    lines = make_lines(("a", "1", "2024-01-05", 10), ("b", "2", "2024-03-05", 10))
    found = rows(cohorts.retention(cohorts.build(lines, as_of="2024-03-31")))
    assert found["2024-01"] == [1, 0, 0]
    assert found["2024-03"] == pytest.approx([1, NAN, NAN], nan_ok=True)


def test_cells_of_an_unfinished_month_are_marked(on):
    table = cohorts.build(on(LINES), as_of="2024-03-30")
    assert rows(cohorts.partial(table)) == {
        "2024-01": [False, False, True],
        "2024-02": [False, True, False],
    }
    assert not cohorts.build(on(LINES), as_of="2024-03-31")["partial"].any()


def test_a_column_makes_cohorts_whose_ages_count_only_those_old_enough(on):
    table = cohorts.build(on(LINES), as_of="2024-03-31", by="channel")
    web = table[table["cohort"] == "web"]
    assert web["customers"].tolist() == [2, 2, 2]
    assert web["observed"].tolist() == [2, 2, 1]
    assert web["active"].tolist() == [2, 2, 1]
    assert rows(cohorts.ltv(table))["web"] == [30, 70, 100]


def test_the_largest_line_of_the_first_day_decides_the_column():
    lines = make_lines(
        ("a", "1", "2024-01-05", 5, "tea"),
        ("a", "1", "2024-01-05", 9, "soap"),
        ("a", "2", "2024-01-06", 99, "rice"),
        extra=("product_id",),
    )
    assert cohorts.build(lines, as_of="2024-01-31", by="product_id")["cohort"].tolist() == ["soap"]


@pytest.mark.parametrize(
    ("by", "names"), [("week", "2024-W01"), ("quarter", "2024-Q1"), ("year", "2024")]
)
def test_other_calendars(by, names):
    table = cohorts.build(LINES, as_of="2024-03-31", by=by)
    assert table["cohort"].iloc[0] == names
    assert table["revenue"].sum() == LINES["amount"].sum()


def test_margin_is_followed_where_it_is_given():
    lines = LINES.assign(margin=LINES["amount"] / 2)
    table = cohorts.build(lines, as_of="2024-03-31")
    assert rows(cohorts.ltv(table, of="margin"))["2024-01"] == [12.5, 16.5, 24]
    with pytest.raises(ColumnError, match="no column 'margin'"):
        cohorts.ltv(cohorts.build(LINES, as_of="2024-03-31"), of="margin")


def test_second_order_within_days_waits_for_the_youngest(on):
    table = cohorts.second_order(on(LINES), as_of="2024-03-31").set_index("cohort")
    assert table.loc["2024-01", "within_30"] == 0
    assert table.loc["2024-01", "within_60"] == 0.5
    assert table.loc["2024-02", "within_30"] == 1
    assert np.isnan(table.loc["2024-02", "within_60"])
    assert np.isnan(table.loc["2024-01", "within_90"])


def test_a_second_order_on_the_same_day_is_not_a_return_of_the_customer():
    lines = make_lines(("a", "1", "2024-01-01", 1), ("a", "2", "2024-01-01", 1))
    assert cohorts.second_order(lines, as_of="2024-12-31")["within_180"].tolist() == [0]


def test_curve_counts_only_ages_lived_to_their_end(on):
    curve = curves.ltv(on(LINES), as_of="2024-03-30", draws=50)
    assert curve["customers"].tolist() == [3, 2]
    assert curve["ltv"].tolist() == pytest.approx([100 / 3, 100 / 3 + 16 / 2])
    whole = curves.ltv(on(LINES), as_of="2024-03-31", draws=50)
    assert whole["ltv"].tolist() == pytest.approx(
        [100 / 3, 100 / 3 + 76 / 3, 100 / 3 + 76 / 3 + 30 / 2]
    )


def test_the_band_is_seeded_and_covers_a_known_mean():
    # Spend at age 0 is exponential with mean 100: the band should hold 100 about 95 times in 100.
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(200):
        spent = rng.exponential(100, 400)
        lines = make_lines(*((f"c{i:03d}", str(i), "2024-01-05", s) for i, s in enumerate(spent)))
        row = curves.ltv(pl.from_pandas(lines), as_of="2024-01-31", draws=300).iloc[0]
        inside += row["low"] <= 100 <= row["high"]
    assert 180 <= inside <= 199
    again = [curves.ltv(LINES, as_of="2024-03-31", draws=50) for _ in range(2)]
    pd.testing.assert_frame_equal(*again)


def test_a_missing_column_is_named():
    with pytest.raises(ColumnError, match="no column 'region'"):
        cohorts.build(LINES, as_of="2024-03-31", by="region")


# Five customers who buy every 30 days from the first day on, and one who is new in each 30 days.
MIDLIFE = [
    (
        f"old{c}",
        f"{c}-{n}",
        f"{pd.Timestamp('2023-01-01') + pd.Timedelta(days=30 * n + c):%Y-%m-%d}",
        10,
        "web",
    )
    for c in range(5)
    for n in range(8)
] + [
    (
        f"new{n}",
        f"n{n}",
        f"{pd.Timestamp('2023-01-11') + pd.Timedelta(days=30 * n):%Y-%m-%d}",
        7,
        "app",
    )
    for n in range(8)
]


def test_cohorts_are_blank_until_it_can_be_told_who_is_new(on):
    lines = on(make_lines(*MIDLIFE, extra=("channel",)))
    later = {"as_of": "2023-08-28", "export_begins": "later"}
    table = cohorts.build(lines, **later)
    blank = table["cohort"] == "2023-01"
    assert table.loc[blank, ["customers", "observed", "active", "revenue"]].isna().all(axis=None)
    assert table.loc[~blank, "customers"].eq(1).all()
    assert cohorts.ltv(table).set_index("cohort").loc["2023-01"].isna().all()
    assert cohorts.ltv(table).set_index("cohort").loc["2023-02", 0] == 7
    second = cohorts.second_order(lines, **later)
    assert second.iloc[0, 1:].isna().all()
    assert list(second["customers"][1:]) == [1] * 7
    assert list(second["within_30"][1:7]) == [0] * 6
    told = cohorts.build(lines, as_of="2023-08-28", export_begins="opening")
    assert told.loc[told["cohort"] == "2023-01", "customers"].eq(6).all()


def test_a_column_is_without_customers_who_only_look_new(on):
    lines = on(make_lines(*MIDLIFE, extra=("channel",)))
    table = cohorts.build(lines, as_of="2023-08-28", by="channel", export_begins="later")
    assert set(table["cohort"]) == {"app"}
    assert set(table["customers"]) == {7}


def test_no_cohort_is_known_where_nobody_is_known_to_be_new():
    lines = make_lines(*MIDLIFE, extra=("channel",))
    with pytest.raises(
        TooLittleData, match="begins in the middle of the shop's life, on 2023-01-01"
    ):
        cohorts.build(lines, as_of="2023-02-15", export_begins="later")


@pytest.mark.parametrize(
    ("customers", "text"),
    [
        (30, "50.0% of new customers order again within 90 days."),
        (29, "29 new customers are too few to say how many order again within 90 days."),
        (1, "1 new customer is too few to say how many order again within 90 days."),
    ],
)
def test_a_share_of_few_customers_is_no_finding(customers, text):
    table = pd.DataFrame({"customers": [customers, 900], "within_90": [0.5, np.nan]})
    assert cohorts.finding(table) == text
