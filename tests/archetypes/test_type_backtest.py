"""Types against other groupings, on the months that followed; and where nothing is to be found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from stub_archetypes import random_lines, table

from ltvkit import archetypes
from ltvkit.archetypes import backtesting, horizons, rivals
from ltvkit.engines import frames
from ltvkit.errors import ParamsError, TooLittleData

AS_OF = "2023-12-20"
RULE = {"as_of": AS_OF, "export_begins": "opening"}


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return random_lines(np.random.default_rng(11), customers=900)


def test_caught_and_explained_by_hand():
    """Ten customers in two groups: the best two of ten are two of the four who were foretold 8."""
    cube = np.array([[[4, 40.0, 480.0], [6, 10.0, 30.0]]])
    found = backtesting.measure(np.ones((1, 1)), cube, np.array([8.0, 2.0]), mean=4.0)
    assert found["caught"][0] == pytest.approx((2 / 4 * 40) / 50)
    ours = (480 - 2 * 8 * 40 + 4 * 64) + (30 - 2 * 2 * 10 + 6 * 4)
    plain = 510 - 2 * 4 * 50 + 10 * 16
    assert found["explained"][0] == pytest.approx(1 - ours / plain)


def test_the_best_fifth_may_take_several_groups():
    cube = np.array([[[1, 9.0, 81.0], [2, 6.0, 18.0], [7, 5.0, 5.0]]])
    found = backtesting.measure(np.ones((1, 1)), cube, np.array([9.0, 3.0, 1.0]), mean=2.0)
    assert found["caught"][0] == pytest.approx((9 + 6 / 2) / 20)


def test_groups_of_cpm_by_hand(on):
    rows = [  # orders, revenue, tenure since the first order, days since the last
        ("a", 1, 90_000, 10, 10), ("b", 1, 10, 240, 240), ("c", 2, 90_000, 89, 0),
        ("d", 2, 69_999, 300, 0), ("e", 3, 70_000, 90, 0), ("f", 3, 70_000, 450, 240),
        ("g", 3, 70_000, 449, 239),
    ]  # fmt: skip
    names = ["customer_id", "orders", "revenue", "tenure_days", "recency_days"]
    found = frames.table(rivals.name_cpm(on(pd.DataFrame(rows, columns=names))))
    labels = found.set_index("customer_id")["label"].to_dict()
    assert labels == {
        "a": "first_time current", "b": "first_time lapsed", "c": "beginner current",
        "d": "steady current", "e": "trending current", "f": "loyal lapsed", "g": "loyal current",
    }  # fmt: skip
    assert set(labels.values()) <= set(rivals.ORDER)


def test_rfm_cells_are_joined_by_what_came_before():
    cells = pd.DataFrame(
        [(5, 5, 5, 100, 9000.0), (1, 1, 1, 100, 0.0), (3, 3, 3, 100, 1000.0)],
        columns=[*rivals.CELLS.names, "customers", "later"],
    )
    found = rivals.group_cells(cells, groups=3, worth=33.0).set_index(rivals.CELLS.names)["label"]
    assert len(found) == 125
    assert (found[5, 5, 5], found[3, 3, 3], found[1, 1, 1]) == ("g02", "g01", "g00")


def test_it_is_the_same_on_all_engines_and_money_adds_up(on, lines):
    found = archetypes.backtest(on(lines), **RULE, draws=50)
    assert (found.months, found.of) == (6, "revenue")
    assert found.start == pd.Timestamp("2023-06-20")
    within = lines["order_date"].between("2023-06-21", AS_OF)
    old = lines.loc[lines["order_date"] <= found.start, "customer_id"].unique()
    came = lines.loc[within & lines["customer_id"].isin(old), "amount"].sum()
    groups = found.groups.assign(money=found.groups["brought"] * found.groups["customers"])
    sums = groups.groupby("method")[["customers", "money"]].sum()
    assert (sums["customers"] == len(old)).all()
    assert sums["money"].to_numpy() == pytest.approx(came)
    expected = archetypes.backtest(lines, **RULE, draws=50)
    pd.testing.assert_frame_equal(found.table, expected.table)
    pd.testing.assert_frame_equal(found.groups, expected.groups, check_dtype=False)


def test_margin_and_months_can_be_chosen(lines):
    found = archetypes.backtest(lines, **RULE, of="margin", months=3, draws=20)
    assert (found.months, found.of) == (3, "margin")
    with pytest.raises(TooLittleData, match="takes orders of 30 months or more; there are 2"):
        archetypes.backtest(lines, **RULE, months=12)
    with pytest.raises(ParamsError, match="months=0"):
        archetypes.backtest(lines, **RULE, months=0)


def test_horizons_by_hand(on):
    rows = make_lines(("a", "1", "2022-01-01", 1), ("a", "2", "2024-06-30", 1))
    assert horizons.find_months(on(rows), as_of="2024-06-30", times=2) == 12
    assert horizons.find_months(on(rows), as_of="2024-05-31", times=2) == 6  # by half a month
    assert horizons.find_months(on(rows), as_of="2023-06-30", times=1) == 12
    with pytest.raises(TooLittleData, match="of 8 months or more; there are 5"):
        horizons.find_months(on(rows), as_of="2022-06-20", times=2)


def test_where_the_future_is_dealt_at_random_nothing_is_foretold():
    """What was learned before means nothing: later money is dealt among the customers."""
    low, high, above = [], [], []
    for seed in range(4):
        lines = random_lines(np.random.default_rng(seed), customers=1200)
        first = lines.groupby("customer_id")["order_date"].transform("min")
        rng = np.random.default_rng(seed)
        for begin in ("2022-12-20", "2023-06-20"):
            old = lines.loc[first <= begin, "customer_id"].unique()
            dealt = dict(zip(old, rng.permutation(old), strict=True))
            later = (lines["order_date"] > begin) & (first <= begin)
            later &= lines["order_date"] <= pd.Timestamp(begin) + pd.DateOffset(months=6)
            others = lines["customer_id"].map(dealt)
            lines["customer_id"] = lines["customer_id"].where(~later, others)
        table = archetypes.backtest(lines, **RULE, months=6, draws=200).table
        low += (table["caught_low"] <= 0.2).tolist()
        high += (table["caught_high"] >= 0.2).tolist()
        above += (table["explained"] < 0.02).tolist()
    assert np.mean(low) >= 0.9
    assert np.mean(high) >= 0.9
    assert np.mean(above) == 1


def test_the_finding_says_what_the_table_says(lines):
    found = archetypes.backtest(lines, **RULE, draws=100)
    rows = found.table.set_index("method")
    said = " ".join(archetypes.describe_backtest(found))
    for method, name in (
        ("rfm_cells", "RFM cells"),
        ("cpm", "fixed cuts"),
        ("revenue_groups", "so far"),
    ):
        sentence = next(s for s in said.split(". ") if name in s)
        words = {
            "better": "better than",
            "unclear": "no better and no worse",
            "worse": "worse than",
        }
        assert words[rows.loc[method, "verdict"]] in sentence
    assert f"{100 * rows.loc['archetypes', 'caught']:.1f}%" in said


def test_who_is_active_is_in_the_name_of_a_group(lines):
    found = archetypes.backtest(lines, **RULE, draws=20)
    names = found.groups.loc[found.groups["method"] == "archetypes", "group"]
    customers = archetypes.measure(lines, as_of=found.start, export_begins="opening")
    quiet = ~table(archetypes.assign(customers, cuts=archetypes.find_cuts(customers)))["active"]
    assert names.str.endswith(" quiet").any() == quiet.any()
