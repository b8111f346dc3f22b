"""Silent days and sudden changes, against the shop's own rhythm."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ltvkit.quality import anomalies, checks


def days(orders, *, start: str = "2022-01-03", value: float = 50.0) -> pd.DataFrame:
    """Days from a Monday on, with these numbers of orders."""
    index = pd.date_range(start, periods=len(orders))
    return pd.DataFrame({"orders": orders, "revenue": np.multiply(orders, value)}, index=index)


def silent(table: pd.DataFrame) -> list[tuple]:
    return [(f"{r.start:%m-%d}", f"{r.end:%m-%d}", r.days) for r in table.itertuples()]


def test_a_silent_day_is_unlike_a_shop_that_sells_every_day():
    orders = [20, 22, 18, 25, 19, 30, 28] * 20
    orders[70] = 0
    assert silent(anomalies.find_gaps(days(orders))) == [("03-14", "03-14", 1)]


def test_a_weekday_that_is_always_closed_is_normal():
    orders = [20, 22, 18, 25, 19, 30, 0] * 20
    assert anomalies.find_gaps(days(orders)).empty
    orders[69:71] = [0, 0]
    assert silent(anomalies.find_gaps(days(orders))) == [("03-13", "03-14", 2)]


def test_a_shop_that_sells_now_and_then_may_be_silent_for_days_but_not_for_months():
    orders = [1, 0, 0, 1, 0, 0, 0, 0, 1, 0] * 40
    assert anomalies.find_gaps(days(orders)).empty
    orders[150:210] = [0] * 60
    assert [r[2] for r in silent(anomalies.find_gaps(days(orders)))] == [61]


def test_a_shop_of_a_few_orders_is_not_judged():
    assert anomalies.find_gaps(days([1, 0, 1, *[0] * 28, 1, 0, 0, 1])).empty
    assert anomalies.find_gaps(days([5] * 13 + [0] * 9 + [5] * 90)).empty


def test_the_end_counts_only_where_it_is_known_that_data_go_on():
    orders = [20] * 100 + [0] * 5
    assert anomalies.find_gaps(days(orders)).empty
    assert silent(anomalies.find_gaps(days(orders), ends=True)) == [("04-13", "04-17", 5)]


def test_a_silence_at_the_end_is_judged_as_the_only_one():
    """Seven of ten days are silent: 20 in a row are unusual in one place, but not among 400."""
    usual = [1, 0, 0, 1, 0, 0, 0, 0, 1, 0] * 40
    assert [r[2] for r in silent(anomalies.find_gaps(days(usual + [0] * 20), ends=True))] == [21]
    assert anomalies.find_gaps(days(usual + [0] * 6), ends=True).empty
    assert anomalies.find_gaps(days(usual + [0] * 20 + usual), ends=True).empty


def test_the_end_of_a_shop_that_sells_now_and_then_is_seldom_unusual():
    """Of shops with an order in 20 days, one in a hundred may be; each is silent for weeks."""
    rng, unusual = np.random.default_rng(1), 0
    for length in rng.integers(60, 300, 150):
        shop = days(np.append(1, rng.poisson(0.05, length)))
        unusual += shop.index[-1] in anomalies.find_gaps(shop, ends=True)["end"].to_list()
    assert unusual <= 3


@pytest.mark.parametrize("back", [1, 3])
def test_a_week_without_orders_is_sudden(back):
    """Of a shop of one order or two a day, which is often silent for a day."""
    orders = np.random.default_rng(2).poisson(1.5, 7 * 60)
    assert found(days(orders)) == {}
    orders[7 * (60 - back) : 7 * (61 - back)] = 0
    assert found(days(orders)) == {(f"2023-W{9 - back:02d}", "orders"): 0.0}
    measures = SimpleNamespace(days=days(orders), as_of=days(orders).index[-1])
    assert checks._changes(measures) == (True, f"no orders in 2023-W{9 - back:02d}")


@pytest.mark.parametrize(
    "open_on",
    [lambda d: d.day == 1, lambda d: (d.day == 1) & (d.month % 3 == 1), lambda d: d.month % 11 > 1],
    ids=["each month", "each quarter", "closed in winter"],
)
def test_orders_after_weeks_or_months_that_are_always_silent_are_not_sudden(open_on):
    """They are compared with other weeks that have orders, and not with silence."""
    every = pd.date_range("2022-01-01", "2024-12-31")
    orders = np.where(open_on(every), np.random.default_rng(0).poisson(40, len(every)), 0)
    for month in range(15, 36):
        until = (every < pd.Timestamp("2022-01-01") + pd.DateOffset(months=month)).sum()
        changes = anomalies.find_sudden_changes(days(orders[:until], start="2022-01-01"))
        # The first and the last week of a summer may have another number of days than before.
        assert changes is None or changes["factor"].between(0.2, 5).all()


@pytest.fixture
def noisy():
    return np.random.default_rng(7).poisson(20, 730)


def found(table: pd.DataFrame) -> dict:
    changes = anomalies.find_sudden_changes(table)
    return {(r.period, r.measure): round(r.factor, 1) for r in changes.itertuples()}


def test_a_steady_shop_has_no_sudden_change(noisy):
    assert found(days(noisy)) == {}


def test_a_month_of_half_the_orders_is_sudden_and_a_slow_fall_is_not(noisy):
    last = days(noisy).index >= "2023-12-01"
    table = days(np.where(last, noisy // 3, noisy))[:"2023-12-31"]
    assert ("2023-12", "orders") in found(table)
    assert found(days(np.round(noisy * np.linspace(1, 0.4, 730)))) == {}


def test_another_unit_shows_in_the_revenue_per_order(noisy):
    table = days(noisy)[:"2023-12-31"]
    table["revenue"] *= np.random.default_rng(1).uniform(0.8, 1.25, len(table))
    table.loc["2023-12", "revenue"] *= 100
    assert {m for _p, m in found(table)} == {"revenue_per_order"}


def test_a_season_that_comes_every_year_is_not_sudden():
    index = pd.date_range("2020-01-01", "2023-12-31")
    orders = np.random.default_rng(3).poisson(np.where(index.month == 12, 60, 20))
    assert found(days(orders, start="2020-01-01")) == {}
    assert ("2023-12", "orders") in found(days(orders, start="2020-01-01")["2023-01-01":])


def test_too_short_a_history_is_not_judged():
    assert anomalies.find_sudden_changes(days([5, 7, 6, 8] * 10)) is None


def test_false_alarms_on_shops_without_fault_are_rare():
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rate = np.exp(rng.uniform(np.log(0.3), np.log(200)))
        week, drift = rng.lognormal(0, 0.3, 7), rng.lognormal(0, 0.1, 20).cumprod()
        mean = rate * np.tile(week, 80) * np.repeat(drift, 28) * rng.gamma(50, 1 / 50, 560)
        orders = rng.poisson(mean)
        table = days(orders)
        table["revenue"] = [rng.lognormal(3, 0.8, n).sum() for n in orders]
        alarms += len(anomalies.find_gaps(table, ends=True)) > 0
        alarms += len(anomalies.find_sudden_changes(table)) > 0
    assert alarms <= 2
