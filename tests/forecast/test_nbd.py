"""NBD: its likelihood and forecasts against SciPy's, and against simulated customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from scipy.special import gammaln

from ltvkit import forecast

R, ALPHA = 0.8, 6.0


@pytest.fixture(scope="module")
def bought() -> pd.DataFrame:
    """20,000 customers of a known r and alpha, observed for 26 or 52 weeks, and 26 weeks after."""
    rng = np.random.default_rng(5)
    weeks = rng.choice([26.0, 52.0], 20_000)
    rate = rng.gamma(R, 1 / ALPHA, weeks.size)
    return pd.DataFrame({"x": rng.poisson(rate * weeks), "T": weeks}).assign(
        later=rng.poisson(rate * 26)
    )


@pytest.fixture(scope="module")
def fitted(bought) -> forecast.NBDFitter:
    return forecast.NBDFitter().fit(bought["x"], np.minimum(bought["x"], 1), bought["T"])


def test_the_histories_are_pairs_of_frequency_and_age(bought, fitted):
    assert len(fitted.data) == len(bought[["x", "T"]].drop_duplicates())
    assert fitted.data["weights"].sum() == len(bought)


def test_the_estimate_is_the_one_that_scipy_finds(bought, fitted):
    """The numbers of purchases are negative binomial; the order of them adds a constant."""

    def negative(logs):
        r, alpha = np.exp(logs)
        return -stats.nbinom.logpmf(bought["x"], r, alpha / (alpha + bought["T"])).sum()

    best = optimize.minimize(negative, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8})
    assert fitted.params_.tolist() == pytest.approx(np.exp(best.x), rel=1e-4)
    order = (bought["x"] * np.log(bought["T"]) - gammaln(bought["x"] + 1)).sum()
    assert fitted.log_likelihood_ == pytest.approx(-best.fun - order, abs=1e-2)


def test_the_truth_is_found(bought, fitted):
    inside = fitted.confidence_intervals_
    assert (inside["lower 95% bound"] < [R, ALPHA]).all()
    assert (inside["upper 95% bound"] > [R, ALPHA]).all()
    ahead = fitted.predict(26.0, bought["x"], bought["x"], bought["T"])
    assert ahead.sum() == pytest.approx(bought["later"].sum(), rel=0.02)
    for x in (0, 1, 5):
        chosen = (bought["x"] == x) & (bought["T"] == 52)
        assert ahead[chosen].mean() == pytest.approx(bought.loc[chosen, "later"].mean(), rel=0.1)


def test_nobody_ever_leaves_and_pauses_are_as_scipy_says(fitted):
    assert fitted.conditional_probability_alive(3, 1.0, 500.0).tolist() == [1.0]
    r, alpha = fitted.params_
    quiet = fitted.probability_of_no_purchase(13.0, 3, 1.0, 40.0)
    assert quiet == pytest.approx(stats.nbinom.pmf(0, r + 3, (alpha + 40) / (alpha + 53)))
    rng = np.random.default_rng(1)
    draws = fitted.simulate([13.0, 26.0], np.full(50_000, 3), 1.0, 40.0, rng=rng)
    mean = fitted.expected_while_alive(13.0, 3, 40.0)
    np.testing.assert_allclose(draws.mean(axis=0), np.repeat(mean, 2), rtol=0.03)
    assert (draws[:, 0] == 0).mean() == pytest.approx(float(quiet), abs=0.01)


def test_it_is_what_the_models_with_a_lifetime_become_where_nobody_leaves(fitted):
    bg = forecast.BetaGeoFitter()
    bg.params_ = pd.Series([*fitted.params_, 1e-9, 1.0], index=["r", "alpha", "a", "b"])
    history = (np.array([0.0, 2, 7]), np.array([0.0, 11, 30]), np.array([20.0, 30, 40]))
    expected = bg.conditional_expected_number_of_purchases_up_to_time(13.0, *history)
    np.testing.assert_allclose(fitted.predict(13.0, *history), expected, rtol=1e-6)
