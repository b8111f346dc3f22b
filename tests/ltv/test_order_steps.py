"""From order to order, and intervals of survival: by hand, exact limits, known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from scipy import stats

from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.ltv import intervals, order_steps, survival

# Seen up to 2023-12-31, within 100 days.
LINES = make_lines(
    ("quick", "1", "2023-01-01", 10, "web"),
    ("quick", "2", "2023-01-01", 10, "web"),  # the same day: no second order
    ("quick", "3", "2023-01-21", 10, "web"),
    ("quick", "4", "2023-02-20", 10, "web"),
    ("slow", "5", "2023-01-01", 10, "web"),
    ("slow", "6", "2023-06-30", 10, "web"),  # 180 days: not within 100
    ("back", "7", "2023-01-01", 10, "shop"),
    ("back", "R", "2023-01-15", -5, "shop"),  # a return is no order
    ("back", "8", "2023-03-02", 10, "shop"),
    ("never", "9", "2023-03-01", 10, "shop"),
    ("young", "A", "2023-12-01", 10, "shop"),  # seen for 30 days
    extra=("channel",),
)
RULE = {"as_of": "2023-12-31", "within": 100, "export_begins": "opening"}


def test_steps_by_hand(on):
    """Of five, one goes on on day 20; then four are left of whom one goes on on day 60."""
    table = order_steps.rates(on(LINES), **RULE, steps=3).set_index("step")
    assert table.index.tolist() == ["F1 -> F2", "F2 -> F3", "F3 -> F4"]
    assert table["customers"].tolist() == [5, 3, 1]
    # Young is censored on day 30: four at risk on day 20, but three on day 60.
    assert table["next_order_share"].tolist() == pytest.approx([1 - 4 / 5 * 2 / 3, 1 / 3, 0])
    assert table["median_days"].tolist()[:2] == [60, 30]
    assert np.isnan(table.loc["F3 -> F4", "median_days"])


def test_customers_who_were_won_twenty_years_ago_count():
    old = LINES.assign(order_date=LINES["order_date"] - pd.DateOffset(years=20))
    table = order_steps.rates(old, **RULE, steps=2)
    assert table["next_order_share"].tolist() == pytest.approx([2 / 5, 1 / 3])


def test_groups_add_up_and_come_by_size(on):
    table = order_steps.rates(on(LINES), **RULE, steps=2, by="channel")
    assert table["channel"].tolist() == ["shop", "shop", "web", "web"]
    assert table.groupby("step")["customers"].sum().tolist() == [5, 3]
    assert table["next_order_share"].tolist() == pytest.approx([1 / 2, 0, 1 / 2, 1 / 2])
    with pytest.raises(ColumnError, match="no column 'product_id'"):
        order_steps.rates(on(LINES), **RULE, by="product_id")


def test_without_censoring_a_share_is_the_plain_one_and_its_limits_are_mid_p():
    """Of 40 customers seen for a year, 9 came back."""
    rows = [(f"c{i:02d}", f"a{i}", "2022-01-01", 1.0) for i in range(40)]
    rows += [(f"c{i:02d}", f"b{i}", f"2022-03-{i + 1:02d}", 1.0) for i in range(9)]
    row = order_steps.rates(make_lines(*rows), **RULE, steps=1).iloc[0]
    assert row["next_order_share"] == pytest.approx(9 / 40)

    def tail(p):  # mid-P: half of what was seen belongs to the tail
        return stats.binom.sf(9, 40, p) + stats.binom.pmf(9, 40, p) / 2

    assert tail(row["lowest_share"]) == pytest.approx(0.025, abs=1e-9)
    assert 1 - tail(row["highest_share"]) == pytest.approx(0.025, abs=1e-9)


def test_the_horizon_fits_the_time_that_was_seen():
    """From 1 January on: half of the time is 182 days on 31 December, and 45 in March."""
    rule = {"export_begins": "opening"}
    year = order_steps.rates(LINES, as_of="2023-12-31", **rule)
    spring = order_steps.rates(LINES, as_of="2023-03-31", **rule)
    assert (year["horizon_days"].unique(), spring["horizon_days"].unique()) == ([180], [30])


def test_where_all_go_on_at_once_the_share_is_known():
    """Members who pay each month and leave of late: nobody is silent for half a year yet."""
    rows = [(f"c{i}", f"{i} {m}", f"2023-{m:02d}-01", 1.0) for i in range(40) for m in range(1, 13)]
    gone = make_lines(*rows).query("customer_id >= 'c35' or order_date < '2023-11-01'")
    table = order_steps.rates(gone, as_of="2023-12-31", export_begins="opening")
    assert table["next_order_share"].tolist() == [1.0] * 5
    assert table["lowest_share"].tolist() == pytest.approx([0.05 ** (1 / 40)] * 5)
    assert table["median_days"].between(28, 32).all()


def test_half_by_day_is_of_those_who_go_on_then_and_no_end_of_a_step_of_time():
    """A year is followed in steps of five days; all pay again after 31."""
    dates = [pd.Timestamp("2022-01-01") + pd.Timedelta(31 * n, "D") for n in range(30)]
    rows = [(f"c{i}", f"{i} {n}", day, 1.0) for i in range(40) for n, day in enumerate(dates)]
    rule = {"as_of": "2024-07-01", "within": 365, "export_begins": "opening"}
    assert order_steps.rates(make_lines(*rows), **rule)["median_days"].tolist() == [31.0] * 5


def test_what_cannot_be_seen_is_not_a_number():
    young = order_steps.rates(LINES, **RULE | {"within": 365})
    assert young.loc[young["step"] == "F1 -> F2", "next_order_share"].isna().all()
    assert young["lowest_share"].isna().all()
    many = order_steps.rates(
        make_lines(*((f"c{i}", f"{i}", "2023-06-01", 1.0) for i in range(30))),
        **RULE | {"within": 365},
    )
    assert order_steps.finding(many) == (
        "No customer has been one for 365 days yet, so it is not known how many go on to a second "
        "order."
    )


def test_few_customers_are_not_called_young():
    """Three of them were followed for two years, and all went on."""
    days = pd.date_range("2022-01-01", periods=20, freq="36D").strftime("%Y-%m-%d")
    rows = [(f"c{i}", f"{i} {day}", day, 1.0) for i in range(3) for day in days]
    table = order_steps.rates(make_lines(*rows), as_of="2023-12-31", export_begins="opening")
    assert table["next_order_share"].eq(1).all()
    assert order_steps.finding(table) == (
        "3 customers are too few to say how many go on to a second order."
    )


def test_customers_who_may_not_be_new_are_left_out():
    rng = np.random.default_rng(1)
    days = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 700, 3000), unit="D")
    lines = pd.DataFrame({"customer_id": rng.integers(0, 400, 3000).astype(str), "amount": 1.0})
    lines = lines.assign(order_date=days, order_id=np.arange(3000).astype(str))
    rule = {"as_of": days.max(), "within": 30, "steps": 1}
    with pytest.raises(TooLittleData, match="no customer is known to be new"):
        order_steps.rates(lines, **rule, export_begins="later")
    opening = order_steps.rates(lines, **rule, export_begins="opening")
    assert opening["customers"].tolist() == [lines["customer_id"].nunique()]


def test_impossible_rules_are_refused():
    for wrong in ({"within": 0}, {"steps": 0}, {"by": "customer_id"}):
        with pytest.raises(ParamsError):
            order_steps.rates(LINES, **RULE | wrong)


def test_the_finding_is_the_tables():
    table = pd.DataFrame(
        {
            "step": ["F1 -> F2", "F2 -> F3", "F3 -> F4"],
            "customers": [500, 150, 12],
            "next_order_share": [0.31, 0.52, 0.9],
            "median_days": [48.0, 40.0, 20.0],
            "horizon_days": 365,
        }
    )
    assert order_steps.finding(table) == (
        "31.0% of customers place a second order within 365 days of their first; half of them by "
        "day 48. Of those with two orders, 52.0% place a third within 365 days of the second."
    )
    assert order_steps.finding(table.head(1)).endswith("by day 48.")
    assert "second order within 365 days of their first." in order_steps.finding(
        table.head(1).assign(next_order_share=0.0, median_days=np.nan)
    )


# Intervals.


@pytest.mark.parametrize(("n", "lost"), [(12, 0), (12, 12), (5, 1), (400, 7)])
def test_without_censoring_limits_are_those_of_clopper_and_pearson(n, lost):
    low, high = (float(limit[0]) for limit in intervals.beta_product([n], [lost]))
    exact = stats.binomtest(n - lost, n).proportion_ci(method="exact")
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    middle = intervals.beta_product_mid_p([n], [lost])
    assert low <= middle[0] <= (n - lost) / n <= middle[1] <= high


def test_leaving_one_by_one_or_all_at_once_is_the_same():
    n = np.arange(20, 12, -1)
    one_by_one = intervals.beta_product(n, np.ones(8))
    at_once = intervals.beta_product([20], [8])
    assert [limit[-1] for limit in one_by_one] == pytest.approx([limit[0] for limit in at_once])


def test_twelve_of_twelve_who_stay_may_be_735_of_1000():
    lines = make_lines(*((f"c{i}", f"{i}", "2024-01-01", 1.0) for i in range(12)))
    late = make_lines(*((f"c{i}", f"late {i}", "2024-06-20", 1.0) for i in range(12)))
    rule = {"as_of": "2024-06-30", "lapse_days": 60, "period_days": 30}
    table = survival.survivors(pd.concat([lines, late]), **rule)
    assert table["survival"].eq(1).all()
    assert table["survival_low"].tolist() == pytest.approx([0.025 ** (1 / 12)] * 4)
    assert table["survival_high"].eq(1).all()


def test_limits_hold_in_95_of_100_cases():
    """300 groups of 5 to 60 customers, half of them censored; chances from near 0 to near 1."""
    rng = np.random.default_rng(7)
    held = {"exact": [], "mid": []}
    for _group in range(300):
        size, gone = int(rng.integers(5, 60)), rng.choice([0.02, 0.3, 0.7, 0.97])
        time = np.where(rng.random(size) < gone, rng.exponential(0.3, size), np.inf)
        seen = np.where(rng.random(size) < 0.5, rng.random(size) * 2, 2.0)
        left, end = time <= np.minimum(seen, 1), np.minimum(np.minimum(time, seen), 1)
        if not (end == 1).any():
            continue
        at = np.sort(end[left])
        at_risk = np.array([(end >= t).sum() for t in (*at, 1.0)])
        lost = np.array([*np.ones(at.size), 0])
        truth = 1 - gone * (1 - np.exp(-1 / 0.3))
        low, high = intervals.beta_product(at_risk, lost)
        held["exact"].append(low[-1] <= truth <= high[-1])
        low, high = intervals.beta_product_mid_p(at_risk, lost)
        held["mid"].append(low <= truth <= high)
    assert np.mean(held["exact"]) > 0.95
    assert 0.93 < np.mean(held["mid"]) < 0.985
