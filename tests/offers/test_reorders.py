"""When an item is due again: curves by hand, and against lifelines; intervals that hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from lifelines import KaplanMeierFitter

from ltvkit import offers
from ltvkit.engines import frames
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.offers import gaps


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(gaps, "FEWEST", 1)
    monkeypatch.setattr(gaps, "LEAST", 1)


# Gaps of tea up to 1 March: a 10, 20 and 30 open; b 20 and 40 open. Cup was never bought again.
LINES = make_lines(
    ("a", "1", "2024-01-01", 5, "tea"), ("a", "2", "2024-01-11", 5, "tea"),
    ("a", "2b", "2024-01-11", 5, "tea"), ("a", "3", "2024-01-31", 5, "tea"),
    ("b", "4", "2024-01-01", 5, "tea"), ("b", "5", "2024-01-21", 5, "tea"),
    ("c", "6", "2024-01-05", 9, "cup"),
    extra=("product_id",),
)  # fmt: skip


def test_gaps_by_hand(on, few):
    table = offers.measure_gaps(on(LINES), as_of="2024-03-01")
    assert table["item"].unique().tolist() == ["tea"]
    assert table[["gap_days", "again", "open"]].to_numpy().tolist() == [
        [10, 1, 0], [20, 2, 0], [30, 0, 1], [40, 0, 1],
    ]  # fmt: skip
    # Of five, one ends; of four, two.
    assert table["left"].tolist() == pytest.approx([0.8, 0.4, 0.4, 0.4])
    [row] = offers.summarize_gaps(table, within=40).to_dict("records")
    assert row["bought_again"] == 3
    assert row["again_share"] == pytest.approx(0.6)
    # Of 0.6 who come back a third are by day 10, all by day 20.
    assert (row["gap_low"], row["usual_gap_days"], row["gap_high"]) == (10, 20, 20)
    [unseen] = offers.summarize_gaps(table).to_dict("records")  # nobody waited for a year
    assert np.isnan([unseen["again_share"], unseen["usual_gap_days"]]).all()


def test_who_is_due_by_hand(on, few):
    """Up to 5 February: gaps of 10, 20 and 20; open ones of 5 (a) and 15 (b). Of four that got to
    day 10 one ended then, of two that got to day 20 both."""
    table = frames.table(frames.lazy(offers.find_due(on(LINES), as_of="2024-02-05", days=15)))
    assert table["customer_id"].tolist() == ["a", "b"]
    assert table["silent_days"].tolist() == [5, 15]
    assert table["last_bought"].astype(str).tolist() == ["2024-01-31", "2024-01-21"]
    assert table["again_share"].tolist() == [1, 1]
    assert table["due"].astype(str).tolist() == ["2024-02-20", "2024-02-10"]
    assert table["due_low"].astype(str).tolist() == ["2024-02-10", "2024-02-10"]
    summed = offers.summarize_due(offers.find_due(on(LINES), as_of="2024-02-05", days=15))
    assert summed.to_numpy().tolist() == [["tea", 2, 2.0]]
    soon = offers.find_due(on(LINES), as_of="2024-02-05", days=5)
    assert frames.table(frames.lazy(soon))["customer_id"].tolist() == ["b"]


def make_shop(rng: np.random.Generator, *, customers: int = 400, days: int = 500) -> pd.DataFrame:
    """Two items: one bought about every 30 days, one every 60, each dropped with a chance of .1."""
    rows = []
    for n in range(customers):
        for item, mean in (("month", 30), ("two", 60)):
            at = rng.uniform(0, days)
            while at < days:
                rows.append((f"c{n:03d}", f"{n}{item}{at:.4f}", int(at), 5.0, item))
                if rng.random() < 0.1:
                    break
                at += rng.gamma(4, mean / 4)
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "day", "amount", "product_id"])
    dates = pd.Timestamp("2023-01-01") + pd.to_timedelta(lines.pop("day"), unit="D")
    return lines.assign(order_date=dates)


SHOP = make_shop(np.random.default_rng(2))
LAST = "2024-05-14"


def test_curves_are_those_of_lifelines():
    table = offers.measure_gaps(SHOP, as_of=LAST)
    for _item, part in table.groupby("item"):
        lengths = np.r_[part["gap_days"], part["gap_days"]]
        ended = np.repeat([1, 0], len(part))
        weights = np.r_[part["again"], part["open"]]
        kept = weights > 0
        fit = KaplanMeierFitter().fit(lengths[kept], ended[kept], weights=weights[kept])
        expected = fit.survival_function_at_times(part["gap_days"]).to_numpy()
        assert part["left"].to_numpy() == pytest.approx(expected)


def test_all_engines_say_the_same(on):
    expected = offers.find_due(SHOP, as_of=LAST)
    found = frames.table(frames.lazy(offers.find_due(on(SHOP), as_of=LAST)))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    checked = offers.check_due(on(SHOP), split="2024-03-01", as_of=LAST)
    pd.testing.assert_frame_equal(
        checked, offers.check_due(SHOP, split="2024-03-01", as_of=LAST), check_dtype=False
    )


def test_known_gaps_are_found():
    table = offers.summarize_gaps(offers.measure_gaps(SHOP, as_of=LAST)).set_index("item")
    assert table["again_share"].to_dict() == pytest.approx({"month": 0.9, "two": 0.9}, abs=0.03)
    # The median of Gamma(4) is 0.918 of its mean.
    assert table["usual_gap_days"].to_dict() == pytest.approx({"month": 27.5, "two": 55}, rel=0.08)


def test_intervals_and_shares_hold_on_days_that_are_over():
    sums = np.zeros(4)
    for seed in range(8):
        lines = make_shop(np.random.default_rng(seed))
        table = offers.check_due(lines, split="2024-03-01", as_of=LAST)
        whole = table.set_index("item").loc["all"]
        assert whole["waiting"] == table.iloc[:-1]["waiting"].sum()
        sums += whole[["expected_again", "came_back", "too_early", "too_late"]].to_numpy(float)
    assert sums[1] / sums[0] == pytest.approx(1, abs=0.08)
    assert 0.75 <= 1 - (sums[2] + sums[3]) / sums[1] <= 0.87
    said = offers.describe_due(table, days=74)
    assert "were within the days expected (80.0% should be)" in said


def test_who_has_waited_too_long_or_buys_at_random_is_not_due(on):
    found = frames.table(frames.lazy(offers.find_due(on(SHOP), as_of=LAST)))
    usual = offers.summarize_gaps(offers.measure_gaps(SHOP, as_of=LAST)).set_index("item")
    assert (found["silent_days"] <= found["product_id"].map(usual["gap_high"])).all()
    rng = np.random.default_rng(7)
    random = SHOP.assign(order_date=pd.Timestamp("2023-01-01")
                         + pd.to_timedelta(rng.integers(0, 500, len(SHOP)), unit="D"))  # fmt: skip
    none = offers.find_due(on(random), as_of=LAST, days=20)
    assert len(frames.table(frames.lazy(none))) == 0
    assert offers.summarize_due(none).empty


def test_what_cannot_be_known_is_refused():
    with pytest.raises(TooLittleData, match="product_id has 50 repeat purchases"):
        offers.find_due(LINES, as_of="2024-03-01")
    with pytest.raises(TooLittleData, match="orders that span twice as long; half of these"):
        offers.find_due(SHOP, as_of=LAST, days=300)
    with pytest.raises(TooLittleData, match="twice as long"):
        offers.check_due(SHOP, split="2023-08-01", as_of=LAST)
    with pytest.raises(ParamsError, match="days=0"):
        offers.find_due(SHOP, as_of=LAST, days=0)
    with pytest.raises(ParamsError, match="give a day before"):
        offers.check_due(SHOP, split=LAST, as_of=LAST)


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((100, 100.0, 0.8), "80.0% were within the days expected (80.0% should be)."),
        ((100, 100.0, 0.5), "The days expected are rough."),
        ((100, 150.0, 0.8), "Fewer came again than expected: 100 instead of 150."),
        ((300, 150.0, 0.8), "More came again than expected: 300 instead of 150."),
        ((1, 1.0, 1.0), "One item was bought again within 28 days"),
    ],
)
def test_what_is_said_of_the_check(figures, said):
    came, expected, coverage = figures
    table = pd.DataFrame(
        {"item": ["all"], "came_back": [came], "expected_again": [expected], "coverage": [coverage]}
    )
    assert said in offers.describe_due(table, days=28)


def test_who_waited_longer_than_others_do_is_not_due_in_a_young_shop():
    """Half a year: of purchases that were followed by another one, 95% were after a week, 5% after
    60 days. Nobody was waited for a year, and yet who has waited for 55 days is one of few."""
    rng = np.random.default_rng(3)
    rows = []
    for customer in range(80):
        gaps = np.where(rng.random(40) < 0.05, 60, rng.integers(5, 10, 40))
        day = np.cumsum(gaps)
        last = 125 if customer < 10 else 180  # ten have waited for 55 days or more
        rows += [(f"c{customer:02d}", d) for d in day[day <= last]]
    lines = pd.DataFrame(rows, columns=["customer_id", "day"])
    lines["order_date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(lines.pop("day"), unit="D")
    lines = lines.assign(amount=5.0, product_id="tea", order_id=np.arange(len(lines)).astype(str))
    due = offers.find_due(lines, as_of="2024-06-29", days=14)
    assert (due["silent_days"] <= 10).all()
    assert len(due) > 20
