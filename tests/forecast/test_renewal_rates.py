"""Lists of customers who pay in a regular rhythm: each is expected to pay when it is due."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from stub_odd_shops import SHOPS

from ltvkit import customers, forecast
from ltvkit.forecast import leaving, predictions
from ltvkit.ltv import contracts

UNTIL = "2024-06-30"
FEES = ("monthly_fee", "yearly_fee")


@pytest.fixture(scope="module")
def lines() -> dict[str, pd.DataFrame]:
    return {name: SHOPS[name]() for name in FEES}


def fit_lists(lines: pd.DataFrame, as_of: str = UNTIL):
    shop = customers.summarize(lines, as_of=as_of)
    how = {"model": "renewal_rates", "lines": lines, "as_of": as_of}
    return shop, forecast.fit_for_lists(shop, None, **how)


@pytest.mark.parametrize("name", FEES)
@pytest.mark.parametrize("as_of", ["2024-06-30", "2024-02-29"])
def test_lists_add_up_to_what_is_forecast_for_the_shop(lines, name, as_of):
    shop, listed = fit_lists(lines[name], as_of)
    told = forecast.predict(shop, listed, months=(1, 6, 24))
    ahead = forecast.forecast_months(lines[name], as_of=as_of, months=24).table["customers"]
    found = told[["orders_1m", "orders_6m", "orders_24m"]].sum()
    assert found.tolist() == pytest.approx([ahead[0], ahead[:6].sum(), ahead.sum()])


def test_so_they_do_where_customers_differ():
    """Half of them leave at a fifth of the renewals, half at a fiftieth: those left leave less."""
    rng = np.random.default_rng(2)
    rows = []
    for n in range(600):
        paid, first = rng.geometric((0.2, 0.02)[n % 2]), rng.integers(0, 18)
        months = pd.date_range("2023-01-05", periods=18, freq="MS")[first:][:paid]
        rows += [(f"c{n}", f"{n} {month:%Y%m}", month, 980.0) for month in months]
    lines = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "amount"])
    shop, listed = fit_lists(lines)
    told = forecast.predict(shop, listed, months=(24,))["orders_24m"].sum()
    ahead = forecast.forecast_months(lines, as_of=UNTIL, months=24).table["customers"]
    assert told == pytest.approx(ahead.sum())
    left = listed.buying.rhythm.left(np.array([0, 1, 20, 21]))
    assert 1 - left[3] / left[2] < 0.7 * (1 - left[1] / left[0])


@pytest.mark.parametrize("name", FEES)
def test_a_new_customer_brings_what_is_due_within_the_time(lines, name):
    _shop, listed = fit_lists(lines[name])
    new = forecast.forecast_months(lines[name], as_of=UNTIL, months=24).new["revenue"]
    told = forecast.new_customer(listed, months=(12, 24))
    assert told.tolist() == pytest.approx([new[:12].sum(), new[:24].sum()])
    if name == "yearly_fee":
        assert told[12] == pytest.approx(9800)  # the next fee is due when the year is over


@pytest.mark.parametrize("name", FEES)
def test_who_missed_a_payment_has_left(lines, name):
    shop, listed = fit_lists(lines[name])
    told = forecast.predict(shop, listed)
    months = {"monthly_fee": 1, "yearly_fee": 12}[name]
    last = pd.to_datetime(told["last_order"]).dt.to_period("M")
    missed = last + months <= pd.Period(UNTIL, "M")
    assert 0.2 < missed.mean() < 0.8
    assert (told["p_alive"] == np.where(missed, 0.0, 1.0)).all()
    assert (told.loc[missed, ["orders_12m", "ltv_12m"]] == 0).all(axis=None)
    assert (told.loc[missed, "p_quiet"] == 1).all()


@pytest.mark.parametrize("name", FEES)
def test_simulated_payments_come_as_expected(lines, name):
    shop, listed = fit_lists(lines[name])
    triples, rng = forecast.histories(shop), np.random.default_rng(1)
    history, ends = listed.clock.history(triples), np.array([91.3125, 365.25])
    buying = listed.buying
    drawn = np.array([buying.simulate(ends, *history, rng=rng) for _draw in range(400)])
    expected = np.diff(buying.expected_purchases(ends, *history), axis=1, prepend=0)
    assert drawn.mean(axis=0).sum(axis=0) == pytest.approx(expected.sum(axis=0), rel=0.01)
    quiet = (drawn[:, :, 0] == 0).mean(axis=0)
    told = buying.probability_of_no_purchase(91.3125, *history)
    assert np.abs(quiet - told).max() < 0.1
    assert quiet.mean() == pytest.approx(told.mean(), abs=0.01)


def test_customers_as_they_will_be_later_are_those_of_that_day(lines):
    """Moved by a month: as if the last day were a month later, and nobody had paid meanwhile."""
    shop, listed = fit_lists(lines["monthly_fee"])
    moved = leaving._move(listed, 31)
    aged = shop.assign(**{c: shop[c] + 31 for c in ("recency_days", "tenure_days")})
    told = forecast.predict(aged, moved)
    assert (told["p_alive"] == 0).all()  # nobody paid in July
    assert forecast.predict(shop, listed)["p_alive"].sum() > 100


def test_who_has_left_is_overdue_without_anything_at_stake(lines):
    shop, listed = fit_lists(lines["yearly_fee"])
    gaps = forecast.fit_gaps(lines["yearly_fee"], as_of=UNTIL)
    told = forecast.predict_next_orders(forecast.predict(shop, listed), gaps, as_of=UNTIL)
    late = forecast.overdue(told)
    soon = forecast.entering_risk(told, listed, as_of=UNTIL)
    assert soon.empty
    table = forecast.summarize_leaving(late, soon)
    assert (table[["ltv_12m", "ltv_at_stake"]] == 0).all(axis=None)
    said = forecast.describe_leaving(table, as_of=UNTIL)
    assert said.endswith(
        f"{len(late)} customers are overdue already, and next to nothing is expected of them."
    )


def test_the_best_of_the_test_makes_the_lists(lines):
    tested = forecast.backtest(lines["yearly_fee"], as_of=UNTIL)
    assert tested.best == tested.list_model == "renewal_rates"
    assert tested.text.endswith("Lists of customers are made by it.")
    _shop, listed = fit_lists(lines["yearly_fee"])
    assert "every 12 months" in forecast.explain_lists(None, listed)
    worse = tested.table.assign(skill=lambda t: t["skill"].where(t["method"] != "renewal_rates", 0))
    assert replace(tested, table=worse).list_model in predictions.LIST_MODELS


def test_without_a_rhythm_another_model_makes_the_lists():
    lines = SHOPS["negative_margin"]()
    _shop, listed = fit_lists(lines)
    assert listed.model == "mbg_nbd"


def test_who_is_left_of_100_agrees_with_the_rate_that_is_named(lines):
    """74.2% stay at each renewal: 17 of 100 after six, and 3 after twelve."""
    text = forecast.summarize_renewals(lines["yearly_fee"], as_of=UNTIL).text
    rate = float(re.search(r"([\d.]+)% leave at each of them", text)[1]) / 100
    left = [round(100 * (1 - rate) ** n) for n in (6, 12)]
    assert f"Of 100 new customers, {left[0]} are still there after 6 renewals" in text
    assert f"and {left[1]} after 12." in text


def test_renewal_rates_follow_the_orders_only_beyond_chance(lines):
    """One rate for all: what is still to come does not go up and down. After a trial: it does."""
    value = forecast.summarize_renewals(lines["monthly_fee"], as_of=UNTIL).value
    assert np.ptp(value["expected_periods"]) < 1e-9
    lost = np.array([300.0, 90, 80, 70])
    at_risk = np.array([1000.0, 700, 610, 530])
    even = np.full(4, lost.sum() / at_risk.sum())
    assert not contracts.is_by_chance(lost, at_risk, even)
    assert contracts.is_by_chance(at_risk * even, at_risk, even)
    rng = np.random.default_rng(1)
    found = [
        contracts.is_by_chance(rng.binomial(at_risk.astype(int), even), at_risk, even)
        for _shop in range(400)
    ]
    assert 0.92 < np.mean(found) < 0.98


def test_rhythms_that_no_customer_has_are_left_blank(lines):
    """Nobody ever waited for longer than a month: who last paid weeks ago has left."""
    shop, listed = fit_lists(lines["monthly_fee"])
    grid = forecast.matrix(listed, shop, of="p_alive").set_index("orders")
    weeks = grid.columns.to_numpy()
    assert (grid.loc[:, weeks < weeks.max() - 10].fillna(0.0) == 0).all(axis=None)
    assert grid.isna().any(axis=None)
    assert grid.notna().sum(axis=1).ge(1).all()


def test_rhythms_that_customers_have_are_shown(lines):
    """After each number of yearly payments, the years that they take."""
    shop, listed = fit_lists(lines["yearly_fee"])
    for of in ("p_alive", "expected_orders"):
        grid = forecast.matrix(listed, shop, of=of).set_index("orders")
        assert grid.notna().sum(axis=1).loc[0:4].ge(1).all()
        assert grid.loc[1].notna().sum() == 1
