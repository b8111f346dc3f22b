"""Loyalty tiers: who moves, what they cost, and those just above and below a threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import archetypes
from ltvkit.archetypes import discontinuity, tiers
from ltvkit.engines import frames
from ltvkit.errors import ParamsError, TooLittleData, Undefined

TIERS = {
    "gold": {"at_least": 100, "cost_rate": 0.1},
    "silver": {"at_least": 50, "cost_rate": 0.02},
}
LINES = make_lines(
    ("a", "1", "2022-12-31", 500), ("a", "2", "2023-06-01", 49.99), ("a", "3", "2024-02-01", 10),
    ("b", "4", "2023-01-01", 60), ("b", "R", "2023-02-01", -10), ("b", "5", "2024-03-01", 200),
    ("c", "6", "2023-12-31", 100), ("c", "7", "2024-12-31", 30),
    ("d", "8", "2024-05-05", 70), ("d", "9", "2025-01-01", 999),
)  # fmt: skip


def table(frame) -> dict:
    return frames.table(frames.lazy(frame)).set_index("customer_id")["tier"].to_dict()


def test_tiers_by_hand(on):
    before = tiers.assign(on(LINES), as_of="2023-12-31", tiers=TIERS)
    assert table(before) == {"a": "no tier", "b": "silver", "c": "gold"}
    after = tiers.assign(on(LINES), as_of="2024-12-31", tiers=TIERS)
    assert table(after) == {"a": "no tier", "b": "gold", "c": "no tier", "d": "silver"}
    moves = tiers.migrate(before, after, tiers=TIERS).set_index("before")
    assert moves.loc["silver"].to_dict() == {"no tier": 0, "silver": 0, "gold": 1}
    assert moves.loc["gold", "no tier"] == 1
    assert moves.loc["not yet a customer", "silver"] == 1
    assert moves.to_numpy().sum() == 4


def test_costs_and_what_pays_for_them_by_hand(on):
    found = tiers.weigh(on(LINES), as_of="2024-12-31", tiers=TIERS, margin_rate=0.4)
    assert found["tier"].tolist() == ["no tier", "silver", "gold"]
    assert found["customers"].tolist() == [1, 1, 1]
    assert found["revenue"].tolist() == [10, 200, 30]  # of those who were customers before
    assert found["cost"].tolist() == pytest.approx([0, 4, 3])
    assert found["extra_revenue"].tolist() == pytest.approx([0, 10, 7.5])
    assert found["extra_share"].tolist() == pytest.approx([0, 0.05, 0.25])
    silver, gold = tiers.describe_costs(found)
    assert silver.startswith("silver: one customer held it and brought 200.00; it cost 4.00.")
    assert "7.50 of that (25.0%)" in gold
    never = tiers.weigh(on(LINES), as_of="2024-12-31", tiers=TIERS, margin_rate=0.05)
    assert "It cannot pay" in tiers.describe_costs(never)[1]
    unknown = tiers.weigh(on(LINES), as_of="2024-12-31", tiers=TIERS, margin_rate=0.0)
    assert "margin is not known" in tiers.describe_costs(unknown)[0]


def test_at_the_break_even_margin_pays_the_cost():
    """Two ways: what is left with the tier, and what would be left without it."""
    found = tiers.weigh(LINES, as_of="2024-12-31", tiers=TIERS, margin_rate=0.4).iloc[1:]
    left = found["margin"] - found["cost"]
    without = 0.4 * (found["revenue"] - found["extra_revenue"])
    assert left.to_numpy() == pytest.approx(without.to_numpy())


def test_tiers_are_read_from_a_table_and_checked():
    rows = pd.DataFrame({"tier": ["b", "a"], "at_least": [9.0, 3.0], "cost_rate": [0.1, 0.0]})
    assert tiers.read_tiers(rows)["tier"].tolist() == ["no tier", "a", "b"]
    assert tiers.read_tiers(tiers.read_tiers(rows)).equals(tiers.read_tiers(rows))
    for wrong, said in (
        ({"a": {"at_least": 0}}, "money above 0"),
        ({"a": {"at_least": 5, "cost_rate": 5}}, "a share from 0 to 1"),
        ({"a": {"at_least": 5}, "b": {"at_least": 5}}, "another at_least"),
    ):
        with pytest.raises(ParamsError, match=said):
            tiers.read_tiers(wrong)
    with pytest.raises(Undefined, match="no loyalty tiers are given"):
        tiers.read_tiers({})


def shop(rng: np.random.Generator, *, jump: float = 0.0, crowd: float = 0.0) -> pd.DataFrame:
    """3,000 customers who spent about 100 in a year, and later half of it; from 100 on `jump` more.
    A share of those just below 100 buys up to it."""
    n = 3000
    spent = np.round(rng.lognormal(4.6, 0.5, n), 2)
    short = (spent > 85) & (spent < 100) & (rng.random(n) < crowd)
    spent = np.where(short, 100 + rng.random(n), spent)
    later = np.maximum(spent * rng.gamma(1.0, 0.5, n) + jump * (spent >= 100), 0.01)
    ids = [f"c{k:04d}" for k in range(n)]
    begin, then = pd.Timestamp("2023-01-01"), pd.Timestamp("2024-01-01")
    days = [begin + pd.to_timedelta(rng.integers(0, 365, n), unit="D"),
            then + pd.to_timedelta(rng.integers(0, 180, n), unit="D")]  # fmt: skip
    parts = [
        pd.DataFrame({"customer_id": ids, "order_date": day, "amount": np.round(money, 2)})
        for day, money in zip(days, (spent, later), strict=True)
    ]
    lines = pd.concat(parts, ignore_index=True)
    return lines.assign(order_id=lines.index.astype(str))


ONE = {"gold": {"at_least": 100, "cost_rate": 0.05}}
RULE = {"as_of": "2024-06-30", "tiers": ONE}


def test_a_jump_is_found_and_is_the_same_on_all_engines(on):
    lines = shop(np.random.default_rng(1), jump=40)
    found = tiers.compare(on(lines), **RULE)
    [row] = found.to_dict("records")
    assert row["grade"] == "clear"
    assert row["low"] < 40 < row["high"]
    near = lines[lines["order_date"] <= "2023-12-31"].set_index("customer_id")["amount"] - 100
    width = row["bandwidth"]
    assert row["just_missed"] == ((near > -width) & (near < 0)).sum()
    assert row["just_reached"] == ((near >= 0) & (near < width)).sum()
    pd.testing.assert_frame_equal(found, tiers.compare(lines, **RULE))
    [said] = tiers.describe_comparison(found)
    assert f"({row['just_reached']} customers) brought" in said
    assert "more revenue each in the 6 months after" in said


def test_those_who_buy_up_to_a_tier_are_not_compared():
    found = tiers.compare(shop(np.random.default_rng(2), crowd=0.5), **RULE)
    assert found["grade"].tolist() == ["not_alike"]
    assert "are not alike" in tiers.describe_comparison(found)[0]


def test_without_an_effect_hardly_any_interval_leaves_out_zero():
    """Of 90% intervals on 60 shops at most 10% and what chance adds to it; those who crowd, too."""
    grades = [
        tiers.compare(shop(np.random.default_rng(seed)), **RULE)["grade"].iloc[0]
        for seed in range(60)
    ]
    assert grades.count("clear") <= 11
    assert grades.count("not_alike") <= 9
    assert grades.count("too_few") == 0


def test_few_customers_and_short_histories_say_so(on):
    lines = shop(np.random.default_rng(3))
    high = {"gold": {"at_least": 900}}
    found = tiers.compare(on(lines), as_of="2024-06-30", tiers=high)
    assert found["grade"].tolist() == ["too_few"]
    assert np.isnan(found["low"].iloc[0])
    assert "it takes 50 on each side" in tiers.describe_comparison(found)[0]
    with pytest.raises(TooLittleData, match="takes orders from 2022"):
        tiers.compare(on(lines), as_of="2023-12-31", tiers=ONE)


def test_a_linear_outcome_with_a_jump_by_hand():
    x = np.repeat(np.linspace(-1, 1, 401), 2)
    noise = np.tile([-1.0, 1.0], 401)
    found = discontinuity.find_jump(x, 3 + 2 * x + 5 * (x >= 0) + noise)
    assert found.estimate == pytest.approx(5)
    assert found.low < 5 < found.high
    same = discontinuity.find_jump(x, np.full(len(x), 7.0))
    assert (same.estimate, same.low) == pytest.approx((0, 0), abs=1e-9)


def test_a_sharp_fit_is_that_of_weighted_least_squares():
    """The same by one regression with an interaction, as textbooks have it."""
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, 500)
    y = np.exp(x) + (x >= 0) + rng.normal(0, 0.2, 500)
    width = 0.6
    near = np.abs(x) < width
    above = (x[near] >= 0).astype(float)
    design = np.column_stack([np.ones(near.sum()), above, x[near], above * x[near]])
    weights = np.sqrt(1 - np.abs(x[near]) / width)
    expected = np.linalg.lstsq(design * weights[:, None], y[near] * weights, rcond=None)[0][1]
    found = discontinuity.find_jump(x, y, bandwidth=width)
    assert found.estimate == pytest.approx(expected)


def test_the_bandwidth_narrows_with_more_customers_and_more_bend():
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, 40_000)
    noise = rng.normal(0, 0.3, len(x))
    bent = np.where(x < 0, 8 * x**2, -8 * x**2)
    few = discontinuity.find_bandwidth(x[:1000], (bent + noise)[:1000])
    many = discontinuity.find_bandwidth(x, bent + noise)
    straight = discontinuity.find_bandwidth(x, x + noise)
    assert many < few
    assert many < straight


def test_the_test_of_the_density_keeps_its_level_on_a_slope():
    rng = np.random.default_rng(6)
    p = [discontinuity.check_density(rng.exponential(50, 2000) - 60) for _ in range(200)]
    assert np.mean(np.array(p) <= 0.05) <= 0.1
    crowded = np.r_[rng.exponential(50, 2000) - 60, rng.random(60)]
    assert discontinuity.check_density(crowded) < 0.001


def test_tiers_are_found_on_the_package():
    assert archetypes.tiers is tiers
