"""Predictions: the same on all engines, by hand for one customer, and how sure they are."""

from __future__ import annotations

import dataclasses

import lifetimes
import numpy as np
import pandas as pd
import pytest

from ltvkit import forecast
from ltvkit.engines import frames, sampling
from ltvkit.errors import ColumnError, ParamsError
from ltvkit.forecast import estimation, predictions, uncertainty

TRUTH = {"r": 0.6, "alpha": 9.0, "a": 0.7, "b": 2.5, "p": 5.0, "q": 4.0, "v": 60.0}
WEEKS = 30.4375 / 7


def a_shop(seed: int = 1, *, size: int = 400, days: int = 700, **changed: float) -> pd.DataFrame:
    """Customers of a BG/NBD and Gamma-Gamma world, as `customers.summarize` would have them."""
    t, rng = {**TRUTH, **changed}, np.random.default_rng(seed)
    age = rng.integers(1, days, size)
    bought = rng.poisson(rng.gamma(t["r"], 1 / t["alpha"], size) * age / 7)
    x = np.minimum(bought, rng.geometric(rng.beta(t["a"], t["b"], size)))
    last = np.ceil(age * rng.beta(np.maximum(x, 1), bought - x + 1))
    # Purchases of one day are one: there are no more of them than days.
    x = np.minimum(x, last).astype(int)
    span = np.where(x > 0, last, 0).astype(int)
    paid = rng.gamma(t["p"] * (1 + x)) / rng.gamma(t["q"], 1 / t["v"], size)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(size)],
            "purchase_days": 1 + x,
            "recency_days": age - span,
            "tenure_days": age,
            "revenue": paid.round(2),
        }
    )


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return a_shop()


@pytest.fixture(scope="module")
def fitted(shop) -> forecast.Fitted:
    return forecast.fit(shop)


@pytest.fixture(scope="module")
def large() -> tuple[pd.DataFrame, forecast.Fitted]:
    shop = a_shop(2, size=5000)
    return shop, forecast.fit(shop)


@pytest.fixture(scope="module")
def drawn(large) -> pd.DataFrame:
    return uncertainty.parameters(large[1], draws=100, seed=4)


# Predictions.


@pytest.mark.parametrize("name", estimation.BUYING)
def test_engines_and_row_orders_agree(on, shop, name):
    expected = forecast.predict(shop, forecast.fit(shop, model=name))
    given = on(shop.sample(frac=1, random_state=6).reset_index(drop=True))
    found = forecast.predict(given, forecast.fit(given, model=name))
    assert type(found) is type(given)
    table = frames.table(frames.lazy(found).sort("customer_id"))
    assert table.columns.tolist() == expected.columns.tolist()
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, rtol=1e-8)


def test_columns_and_ranges(shop, fitted):
    predicted = forecast.predict(shop, fitted, months=(1, 12))
    added = ["p_alive", "p_quiet", "expected_spend"]
    added += ["orders_1m", "orders_12m", "ltv_1m", "ltv_12m"]
    assert predicted.columns.tolist() == [*shop.columns, *added]
    pd.testing.assert_frame_equal(predicted[shop.columns], shop)
    assert predicted["p_alive"].between(0, 1).all()
    assert (predicted["p_quiet"] >= 1 - predicted["p_alive"] - 1e-12).all()
    assert (predicted["orders_12m"] >= predicted["orders_1m"]).all()


@pytest.mark.parametrize("row", [0, 7, 123])
def test_ltv_of_one_customer_by_hand(shop, fitted, row):
    predicted = forecast.predict(shop, fitted, months=(3, 12), discount=0.1, margin_rate=0.4)
    one = predicted.iloc[row]
    theirs = lifetimes.BetaGeoFitter()
    theirs.params_ = fitted.buying.params_
    x = one["purchase_days"] - 1
    history = (x, (one["tenure_days"] - one["recency_days"]) / 7, one["tenure_days"] / 7)
    ask = theirs.conditional_expected_number_of_purchases_up_to_time
    orders = [float(np.squeeze(ask(m * WEEKS, *history))) for m in range(1, 13)]
    p, q, v = fitted.spend.params_
    spend = p * (v + one["revenue"]) / (p * (x + 1) + q - 1)
    worth = [
        0.4 * spend * n / 1.1 ** (m / 12) for m, n in enumerate(np.diff(orders, prepend=0), start=1)
    ]
    assert one["expected_spend"] == pytest.approx(spend)
    assert one["orders_12m"] == pytest.approx(orders[-1], rel=1e-6)
    assert one["ltv_3m"] == pytest.approx(sum(worth[:3]), rel=1e-6)
    assert one["ltv_12m"] == pytest.approx(sum(worth), rel=1e-6)
    alive = theirs.conditional_probability_alive(*history)
    assert one["p_alive"] == pytest.approx(float(alive[0]))


def test_without_discount_ltv_is_orders_times_spend(shop, fitted):
    predicted = forecast.predict(shop, fitted)
    for months in predictions.HORIZONS:
        worth = predicted[f"orders_{months}m"] * predicted["expected_spend"]
        np.testing.assert_allclose(predicted[f"ltv_{months}m"], worth, rtol=1e-12)


def test_the_chance_of_a_quiet_spell_is_that_of_drawn_futures(shop, fitted):
    triples = forecast.histories(shop)
    quiet = predictions.predict_histories(triples, fitted, quiet_days=120)["p_quiet"].to_numpy()
    x, t_x, age = fitted.clock.history(triples)
    rng, ends = np.random.default_rng(3), np.array([120 / 7])
    draws = [fitted.buying.simulate(ends, x, t_x, age, rng=rng)[:, 0] == 0 for _ in range(400)]
    error = np.sqrt((quiet * (1 - quiet)).sum() / 400)
    assert abs(np.mean(draws, axis=0).sum() - quiet.sum()) < 4 * error
    assert np.corrcoef(np.mean(draws, axis=0), quiet)[0, 1] > 0.99


@pytest.mark.parametrize(
    "wrong",
    [
        {"discount": 1.5},
        {"margin_rate": 40},
        {"discount": -0.1},
        {"discount": float("nan")},
        {"months": (0, 3)},
        {"months": ()},
        {"quiet_days": 0},
    ],
)
def test_impossible_settings_are_refused(shop, fitted, wrong):
    with pytest.raises(ParamsError, match=next(iter(wrong))):
        forecast.predict(shop, fitted, **wrong)


def test_unknown_names_and_missing_columns_are_refused(shop, fitted):
    with pytest.raises(ParamsError, match="mbg_nbd"):
        forecast.fit(shop, model="mbgnbd")
    with pytest.raises(ParamsError, match="week"):
        forecast.fit(shop, unit="weeks")
    with pytest.raises(ColumnError, match="tenure_days"):
        forecast.predict(shop.drop(columns="tenure_days"), fitted)


def test_histories_add_up_and_returns_leave_zero(on):
    shop = a_shop(3, size=2000, days=60).assign(
        revenue=lambda c: c["revenue"].where(c.index >= 5, -5.0)
    )
    triples = forecast.histories(on(shop))
    assert triples["customers"].sum() == len(shop)
    assert (triples["frequency"] * triples["customers"]).sum() == (shop["purchase_days"] - 1).sum()
    paid = shop["revenue"].clip(lower=0)
    assert triples["revenue"].sum() == pytest.approx(paid.sum())
    assert triples["squares"].sum() == pytest.approx((paid**2).sum())
    fitted = forecast.fit(on(shop))
    assert fitted.spend.data["weights"].sum() == len(shop) - 5
    p, q, v = fitted.spend.params_
    spend = forecast.predict(shop, fitted)["expected_spend"]
    first = shop["purchase_days"].iloc[0]
    assert spend.iloc[0] == pytest.approx(p * v / (p * first + q - 1))


# What is said when an assumption does not hold.


def test_amounts_without_a_mean_fall_back_to_the_average():
    shop = a_shop(4, q=0.6)
    fitted = forecast.fit(shop)
    assert fitted.spend is None
    assert "q = " in fitted.text
    mean = (shop["revenue"] / shop["purchase_days"]).mean()
    assert fitted.mean_spend == pytest.approx(mean)
    predicted = forecast.predict(shop, fitted)
    assert predicted["expected_spend"].tolist() == pytest.approx([mean] * len(shop))
    np.testing.assert_allclose(predicted["ltv_12m"], predicted["orders_12m"] * mean)


def test_equal_amounts_fall_back_to_the_average():
    shop = a_shop(5).assign(revenue=lambda c: 20.0 * c["purchase_days"])
    with np.errstate(over="ignore"):
        fitted = forecast.fit(shop)
    assert fitted.spend is None
    assert "every customer gets the average" in fitted.text
    assert fitted.mean_spend == pytest.approx(20)
    assert set(fitted.table["parameter"]) == {"r", "alpha", "a", "b"}


def test_notes_by_what_they_are_about(large):
    shop, fitted = large
    assert forecast.fit(shop, model="mbg_nbd").notes == ()
    assert forecast.fit(shop, model="mbg_nbd").text.endswith(
        "against the assumptions of the model."
    )
    once = (shop["purchase_days"] == 1).mean()
    assert [f"{100 * once:.1f}%" in note for note in fitted.notes] == [True]


@pytest.mark.parametrize(
    ("power", "word"), [(0.5, "more per purchase"), (-0.35, "less per purchase")]
)
def test_a_correlation_of_orders_and_spend_is_noted(power, word):
    shop = a_shop(6, size=1500)
    related = shop["revenue"] * shop["purchase_days"] ** power
    notes = forecast.fit(shop.assign(revenue=related), model="mbg_nbd").notes
    assert len(notes) == 1
    assert word in notes[0]


def test_few_repeat_customers_are_noted():
    shop = a_shop(7, size=300)
    again = (shop["purchase_days"] > 1).sum()
    assert again < 200
    note = forecast.fit(shop, model="mbg_nbd").notes[0]
    assert f"Only {again} customers" in note


def test_a_model_is_learnt_from_a_sample_of_very_many(large, on, monkeypatch):
    shop, whole = large
    monkeypatch.setattr(estimation, "MAX_CUSTOMERS", 2500)
    few, among = forecast.fit(on(shop)), sampling.contains(shop["customer_id"], 0.5)
    said = f"Based on a sample: {among.sum():,} of 5,000 customers, chosen by their id."
    assert said in few.notes
    by_hand = forecast.fit(shop[among])
    for one, other in ((few.buying, by_hand.buying), (few.spend, by_hand.spend)):
        assert one.params_.tolist() == pytest.approx(other.params_.tolist(), rel=1e-6)
    assert few.mean_spend == pytest.approx(whole.mean_spend, rel=0.05)


def test_of_very_many_histories_those_of_a_part_are_fitted(large, monkeypatch):
    shop, whole = large
    many = len(estimation.histories(shop))
    monkeypatch.setattr(estimation, "MAX_HISTORIES", many - 1)
    monkeypatch.setattr(estimation, "SAMPLED_HISTORIES", many // 2)
    part = forecast.fit(shop)
    assert len(part.buying.data) < 0.6 * many  # shared ones are drawn sooner
    fitted = part.buying.data["weights"].sum()
    assert fitted == pytest.approx(len(shop) / 2, rel=0.1)
    assert any(f"random sample: {fitted:,.0f} of 5,000 customers" in note for note in part.notes)
    away = (np.log(part.buying.params_ / whole.buying.params_)).abs()
    spread = part.buying.standard_errors_ / part.buying.params_
    assert (away < 4 * spread).all()


# How sure.


def test_the_bootstrap_spreads_as_the_likelihood_says(large, drawn):
    _shop, fitted = large
    for fitter in (fitted.buying, fitted.spend):
        wald = fitter.standard_errors_ / fitter.params_
        spread = np.log(drawn[wald.index]).std()
        # 100 draws know a spread to 7%; the sample itself differs from its expectation too.
        assert (spread / wald).between(0.7, 1.4).all(), spread / wald
        off = (np.log(drawn[wald.index]).mean() - np.log(fitter.params_)).abs() / wald
        assert (off < 0.5).all()


def test_equal_weights_give_the_estimate_back(large):
    buying = large[1].buying
    again = buying.reweighted(buying.data["weights"].to_numpy())
    np.testing.assert_allclose(again, buying.params_, rtol=1e-5)


def test_the_same_seed_draws_the_same_parameters(fitted):
    one, other = (uncertainty.parameters(fitted, draws=3, seed=8) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert list(one) == [*fitted.buying.params_.index, *fitted.spend.params_.index]


def test_an_interval_holds_its_ltv_on_every_engine(on, large, drawn):
    shop, fitted = large
    given = shop.head(300)
    found = forecast.interval(on(given), fitted, drawn.head(40), months=12, discount=0.1)
    table = frames.table(frames.lazy(found).sort("customer_id"))
    predicted = forecast.predict(given, fitted, months=(12,), discount=0.1)
    assert table.columns.tolist() == [*predicted.columns, "ltv_low", "ltv_high"]
    np.testing.assert_allclose(table["ltv_12m"], predicted["ltv_12m"], rtol=1e-9)
    assert (table["ltv_low"] < table["ltv_high"]).all()
    inside = (table["ltv_low"] < table["ltv_12m"]) & (table["ltv_12m"] < table["ltv_high"])
    assert inside.mean() > 0.99


def test_an_interval_of_one_customer_by_hand(large, drawn):
    shop, fitted = large
    one = shop.iloc[[11]]
    each = [
        forecast.predict(one, uncertainty.with_parameters(fitted, params), months=(12,))[
            "ltv_12m"
        ].iloc[0]
        for _, params in drawn.head(20).iterrows()
    ]
    found = forecast.interval(one, fitted, drawn.head(20), months=12).iloc[0]
    low, high = np.quantile(each, [0.025, 0.975])
    assert (found["ltv_low"], found["ltv_high"]) == pytest.approx((low, high))


def test_the_model_at_other_parameters_leaves_the_first_alone(fitted):
    before = fitted.buying.params_.copy()
    params = pd.concat([before, fitted.spend.params_]) * 1.1
    other = uncertainty.with_parameters(fitted, params)
    assert other.buying.params_.tolist() == pytest.approx((before * 1.1).tolist())
    assert fitted.buying.params_.equals(before)
    assert (
        uncertainty.with_parameters(dataclasses.replace(fitted, spend=None), params).spend is None
    )


def brute_futures(shop, fitted, days, draws, rng) -> np.ndarray:
    """Total revenue of all customers to come, each drawn by its own history and its own revenue."""
    p, q, v = fitted.spend.params_
    x = shop["purchase_days"].to_numpy() - 1
    t_x = (shop["tenure_days"] - shop["recency_days"]).to_numpy() / 7
    age = shop["tenure_days"].to_numpy() / 7
    totals = []
    for _draw in range(draws):
        n = fitted.buying.simulate(np.array([days / 7]), x, t_x, age, rng=rng)[:, 0]
        rate = rng.gamma(q + p * (x + 1)) / (v + shop["revenue"].to_numpy())
        totals.append((rng.gamma(np.maximum(p * n, 1e-12)) * (n > 0) / rate).sum())
    return np.array(totals)


@pytest.mark.parametrize(("size", "days"), [(1500, 700), (5000, 700), (10_000, 60)])
def test_futures_spread_as_all_customers_drawn_one_by_one(size, days):
    # In 60 days many share a history who paid unlike amounts; of 5,000 customers 4,000 are drawn.
    shop = a_shop(3, size=size, days=days)
    fitted, triples = forecast.fit(shop), forecast.histories(shop)
    rng = np.random.default_rng(5)
    found = uncertainty.simulate_deviations(triples, fitted, np.array([365.0]), draws=300, rng=rng)[
        :, 0
    ]
    brute = brute_futures(shop, fitted, 365.0, 300, rng)
    expected = uncertainty.expected_revenue(triples, fitted, np.array([365.0])).sum()
    assert abs(brute.mean() - expected) < 4 * brute.std() / np.sqrt(300)
    assert found.mean() == pytest.approx(0, abs=1e-6)
    # 300 draws know a spread to 4%, or two to 6% of each other.
    assert found.std() / brute.std() == pytest.approx(1, abs=0.12)


def test_the_factor_of_a_total_is_exact_where_all_customers_are_seen(shop, fitted):
    triples, days = forecast.histories(shop), np.array([90.0, 365.0])
    params = pd.concat([fitted.buying.params_, fitted.spend.params_]) * 1.05
    one = pd.DataFrame([params])
    rng = np.random.default_rng(1)
    found = uncertainty.parameter_factors(triples, fitted, days, one, rng=rng)[0]
    whole = uncertainty.expected_revenue(
        triples, uncertainty.with_parameters(fitted, params), days
    ).sum(axis=0)
    np.testing.assert_allclose(
        found, whole / uncertainty.expected_revenue(triples, fitted, days).sum(axis=0)
    )


def test_spends_of_a_history_are_the_sum_over_its_customers(shop, fitted):
    triples = forecast.histories(shop)
    predicted = forecast.predict(shop, fitted)
    assert uncertainty.total_spend(triples, fitted).sum() == pytest.approx(
        predicted["expected_spend"].sum()
    )
    paths = uncertainty.expected_revenue(triples, fitted, np.array([12 * 30.4375]))
    assert paths.sum() == pytest.approx(predicted["ltv_12m"].sum())


# Occasions.


def test_occasions_by_hand(on):
    lines = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "a", "b", "c", "d"],
            "order_id": [str(i) for i in range(7)],
            "order_date": pd.to_datetime(
                [
                    "2024-01-31",
                    "2024-02-01",
                    "2024-02-20",
                    "2024-04-02",
                    "2024-01-05",
                    "2024-03-31",
                    "2024-04-01",
                ]
            ),
            "amount": [1.0, 2, 3, 4, 5, 6, 7],
        }
    )
    # By 2024-04-15 March is the last month that is over: April's orders do not count yet.
    found = forecast.occasions(on(lines), as_of="2024-04-15")
    # a: January, then February of two months; b: January only. c has had no occasion yet.
    assert found.to_dict("list") == {
        "frequency": [0, 1],
        "recency": [0, 1],
        "n_periods": [2, 2],
        "customers": [1, 1],
    }
    later = forecast.occasions(on(lines), as_of="2024-04-30")
    assert later["customers"].sum() == 3
    assert later["n_periods"].tolist() == [1, 3, 3]
    assert later["recency"].tolist() == [0, 0, 3]
    assert later["frequency"].tolist() == [0, 0, 2]
