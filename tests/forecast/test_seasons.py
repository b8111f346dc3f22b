"""Seasons and campaigns: a clock by hand, a planted season found, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import betaln, log_expit

from ltvkit import customers, forecast
from ltvkit.errors import DataError, ParamsError, TooLittleData
from ltvkit.forecast import months_ahead, seasons
from ltvkit.forecast.clock import Clock
from ltvkit.forecast.estimation import BUYING
from ltvkit.forecast.models.left_truncated import LeftTruncatedFitter
from ltvkit.forecast.seasons import Season

AS_OF = pd.Timestamp("2024-12-31")
TRUTH = {"r": 0.8, "alpha": 8.0, "a": 0.7, "b": 2.5}
FACTORS = np.array([0.7, 0.8, 1.0, 1.0, 1.0, 0.9, 1.5, 0.8, 0.8, 1.0, 1.0, 1.5])


def a_shop(factors: np.ndarray, *, years: int = 4, a_day: float = 2.5, seed: int = 1):
    """Order lines of an MBG/NBD shop that opened `years` ago, in which a day is as long as its
    month's factor; the number of new customers has no season."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(AS_OF - pd.DateOffset(years=years) + pd.Timedelta(days=1), AS_OF)
    passed = np.append(0.0, factors[days.month - 1].cumsum())
    born = np.repeat(np.arange(len(days)), rng.poisson(a_day, len(days)))
    n = len(born)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], n) / 7
    may_buy = rng.geometric(rng.beta(TRUTH["a"], TRUTH["b"], n)) - 1
    left = passed[-1] - passed[born + 1]
    who = np.repeat(np.arange(n), rng.poisson(rate * left))
    when = np.interp(
        passed[born + 1][who] + rng.random(len(who)) * left[who], passed, np.arange(len(passed))
    )
    times = pd.DataFrame({"who": who, "day": np.floor(when).astype(int)}).sort_values(
        ["who", "day"]
    )
    times = times[times.groupby("who").cumcount() < may_buy[times["who"]]]
    both = pd.concat([pd.DataFrame({"who": np.arange(n), "day": born}), times])
    return pd.DataFrame(
        {
            "customer_id": both["who"].astype(str).to_numpy(),
            "order_id": np.arange(len(both)).astype(str),
            "order_date": days[0] + pd.to_timedelta(both["day"].to_numpy(), unit="D"),
            "amount": 10.0,
        }
    )


@pytest.fixture(scope="module")
def seasonal() -> pd.DataFrame:
    return a_shop(FACTORS)


@pytest.fixture(scope="module")
def season(seasonal) -> Season:
    flat = forecast.fit(customers.summarize(seasonal, as_of=AS_OF), model="mbg_nbd")
    return seasons.learn(seasonal, flat, as_of=AS_OF)


# The clock.


def test_a_clock_by_hand():
    """December counts twice: the 10 days before 5 January are 6 double ones, and 4 of one."""
    pace = np.ones(12)
    pace[11] = 2.0
    clock = seasons.make_clock(
        Season(pace, np.ones(12)), as_of="2024-01-05", days_before=60, unit="day"
    )
    assert clock.between(10, 0) == pytest.approx(5 * 2 + 5)  # 27 to 31 December, 1 to 5 January
    assert clock.between(5, 0) == pytest.approx(5)
    triples = pd.DataFrame({"frequency": [1], "t_x_days": [3], "T_days": [10]})
    assert [v.tolist() for v in clock.history(triples)] == [[1], [6.0], [15.0]]
    assert clock.ahead([26, 27]).tolist() == [26, 27]  # up to the end of January
    assert clock.ahead(331 + 31) - clock.ahead(331) == 30 * 2 + 1  # 2 to 31 December
    even = Clock("week")
    assert even.between([14, 7], 0).tolist() == [2.0, 1.0]
    assert even.ahead(7) == 1.0


def test_campaigns_make_days_longer():
    clock = seasons.make_clock(
        None,
        as_of="2024-01-31",
        days_before=31,
        campaigns={"2024-01-10/2024-01-12": 3, "2024-02-01/2024-02-01": 2.0},
        unit="day",
    )
    assert clock.between(31, 0) == pytest.approx(31 + 3 * 2)
    assert clock.ahead([1, 2]).tolist() == [2.0, 3.0]
    for wrong, factor in (
        ("2024-01-10", 2),
        ("2024-01-12/2024-01-10", 2),
        ("2024-01-10/2024-01-12", 0),
    ):
        with pytest.raises(ParamsError, match="campaigns"):
            seasons.make_clock(None, as_of="2024-01-31", days_before=9, campaigns={wrong: factor})


def test_without_a_season_there_is_no_other_clock():
    assert seasons.make_clock(None, as_of=AS_OF, days_before=9) == Clock("week")


def test_a_season_leaves_the_number_of_distinct_histories(seasonal, season):
    triples = forecast.histories(customers.summarize(seasonal, as_of=AS_OF))
    clock = seasons.make_clock(season, as_of=AS_OF, days_before=int(triples["T_days"].max()))
    timed = pd.DataFrame(dict(zip("xtT", clock.history(triples), strict=True)))
    assert len(timed.drop_duplicates()) == len(triples)


# Seasons.


def test_a_planted_season_is_found(season):
    assert np.abs(season.buying / (FACTORS / FACTORS.mean()) - 1).max() < 0.15
    assert np.abs(season.winning - 1).max() < 0.15
    assert season.buying.mean() == pytest.approx(1)


def test_with_its_clock_a_model_finds_the_truth(seasonal):
    """Purchases that follow the season exactly are a model without one, in operational time."""
    buyers = customers.summarize(seasonal, as_of=AS_OF)
    days = int(forecast.histories(buyers)["T_days"].max())
    clock = seasons.make_clock(Season(FACTORS, np.ones(12)), as_of=AS_OF, days_before=days)
    table = forecast.fit(buyers, model="mbg_nbd", clock=clock).against(TRUTH).dropna()
    assert len(table) == 4
    assert table["truth"].between(table["lowest"], table["highest"]).all()


def test_a_forecast_follows_the_season(seasonal, season):
    """Today's customers buy in December what FACTORS say, relative to the months around it."""
    buyers = customers.summarize(seasonal, as_of=AS_OF)
    triples = forecast.histories(buyers)
    clock = seasons.make_clock(season, as_of=AS_OF, days_before=int(triples["T_days"].max()))
    fitted = forecast.fit(buyers, model="mbg_nbd", clock=clock)
    calendar = months_ahead.find_months(AS_OF, 12)
    ahead = months_ahead.expect(triples, fitted, calendar, won=75, season=season)
    a_day = ahead.existing / np.diff(calendar.days)
    around = np.sqrt(a_day[5] * a_day[7])  # of July
    wanted = season.buying[6] / np.sqrt(season.buying[5] * season.buying[7])
    assert a_day[6] / around == pytest.approx(wanted, rel=0.05)


def test_where_there_is_no_season_none_is_found():
    lines = a_shop(np.ones(12), seed=2)
    flat = forecast.fit(customers.summarize(lines, as_of=AS_OF), model="mbg_nbd")
    assert seasons.learn(lines, flat, as_of=AS_OF) is None


def count_seasonal(usual: np.ndarray, *, years: int, scatter: float) -> int:
    """Of 60 shops of about 80 orders a month, in how many the months look seasonal."""
    rng, months = np.random.default_rng(7), pd.RangeIndex(12 * years)
    expected = 80 * np.exp(np.linspace(-0.3, 0.3, len(months)))
    found = 0
    for _shop in range(60):
        level = expected * usual[months % 12] * np.exp(rng.normal(0, scatter, len(months)))
        factors = seasons._estimate_factors(months, pd.Series(rng.poisson(level)), expected)
        found += not np.array_equal(factors, np.ones(12))
    return found


def test_months_that_differ_by_chance_are_no_season():
    kinds = [(2, 0.0), (3, 0.15), (4, 0.3)]
    found = [count_seasonal(np.ones(12), years=years, scatter=each) for years, each in kinds]
    assert sum(found) <= 0.05 * 180


@pytest.mark.parametrize(("years", "scatter"), [(2, 0.0), (4, 0.1)])
def test_months_that_differ_alike_in_each_year_are_a_season(years, scatter):
    assert count_seasonal(FACTORS, years=years, scatter=scatter) >= 57


def test_old_customers_who_look_new_are_no_season_of_winning(seasonal):
    """Twice as many look new in each December; of 600 known days 24 months are not left."""
    first = seasonal.groupby("customer_id")["order_date"].transform("min")
    in_december = seasonal[first.dt.month == 12]
    twice = in_december.assign(customer_id="again " + in_december["customer_id"])
    lines = pd.concat([seasonal, twice], ignore_index=True)
    fitted = forecast.fit(customers.summarize(lines, as_of=AS_OF), model="mbg_nbd")
    whole = seasons.learn(lines, fitted, as_of=AS_OF)
    assert whole.winning[11] == whole.winning.max() > 1.6
    few, enough = (
        seasons.learn(lines, replace(fitted, known_days=days), as_of=AS_OF) for days in (600, 900)
    )
    assert few.winning.tolist() == [1.0] * 12
    assert few.buying.tolist() == whole.buying.tolist()
    assert enough.winning[11] > 1.6


def test_two_years_are_needed(seasonal):
    lines = seasonal[seasonal["order_date"] > "2023-02-01"]
    flat = forecast.fit(customers.summarize(lines, as_of=AS_OF), model="mbg_nbd")
    assert seasons.learn(lines, flat, as_of=AS_OF) is None


# Beside dynamic covariates (Bachmann, Meierer & Naef 2021, Marketing Science 40(4), 783-809): a
# purchase rate that follows the calendar, integrated over customers' rates number by number.

BOUGHT = [
    ["2023-01-15"],
    ["2023-03-01", "2023-07-10"],
    ["2024-06-20", "2024-07-01", "2024-07-30", "2024-12-05"],
    ["2023-11-30", "2023-12-01", "2024-02-10"],
    ["2022-12-31", "2024-12-20"],
]
PARETO = {"r": 0.8, "alpha": 8.0, "s": 0.6, "beta": 12.0}
LOGS = np.linspace(-40, 12, 400)  # of rates, and of odds
STEP = LOGS[1] - LOGS[0]


def write_path(bought: list[str]) -> tuple[np.ndarray, int, np.ndarray]:
    """Purchase days of one customer -> the integral of the rate's factor up to each day since the
    first, in weeks; which of these days is that of the last purchase; the factors at repeats."""
    days = pd.DatetimeIndex(bought)
    calendar = pd.date_range(days[0], AS_OF)[1:]
    path = np.append(0, FACTORS[calendar.month - 1].cumsum()) / 7
    return path, (days[-1] - days[0]).days, FACTORS[days[1:].month - 1]


def draw_rates(shape: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates, and the weight of each in a gamma distribution."""
    rates = np.exp(LOGS)
    return rates, stats.gamma.pdf(rates, shape, scale=1 / scale) * rates * STEP


def integrate_leaving_after_purchase(bought: list[str], *, first: int) -> float:
    """Log likelihood of the purchase days; `first`: 1 if one can leave after the first purchase."""
    path, last, factors = write_path(bought)
    chances = len(factors) + first
    rates, weights = draw_rates(TRUTH["r"], TRUTH["alpha"])
    density = weights * np.prod(rates[:, None] * factors, axis=1)
    leaves, stays = log_expit(LOGS), log_expit(-LOGS)
    a, b = TRUTH["a"], TRUTH["b"]
    share = np.exp(a * leaves + b * stays - betaln(a, b)) * STEP
    here = (density @ np.exp(-rates * path[-1])) * (share @ np.exp(chances * stays))
    if not chances:
        return np.log(here)
    gone = share @ np.exp(leaves + (chances - 1) * stays)
    return np.log(here + (density @ np.exp(-rates * path[last])) * gone)


def integrate_leaving_any_time(bought: list[str], *, by_calendar: bool) -> float:
    """The same of a customer who may leave at any moment, by the calendar or by the season."""
    path, last, factors = write_path(bought)
    leaving = np.arange(len(path)) / 7 if by_calendar else path
    rates, weights = draw_rates(PARETO["r"], PARETO["alpha"])
    density = weights * np.prod(rates[:, None] * factors, axis=1)
    risks, share = draw_rates(PARETO["s"], PARETO["beta"])
    nodes, parts = np.polynomial.legendre.leggauss(2)  # of each day
    moments = (np.arange(last, len(path) - 1)[:, None] + (nodes + 1) / 2).ravel()
    buys, leaves = (
        np.interp(moments, np.arange(len(path)), clock)[:, None] for clock in (path, leaving)
    )
    gone = (np.exp(-buys * rates) @ density) * (np.exp(-leaves * risks) @ (share * risks))
    gone = gone @ np.outer(np.diff(leaving)[last:], parts / 2).ravel()
    here = (density @ np.exp(-path[-1] * rates)) * (share @ np.exp(-leaving[-1] * risks))
    return np.log(here + gone)


def compute_in_the_kit(model: str, params: dict[str, float]) -> np.ndarray:
    """Log likelihood of each of `BOUGHT` in operational time."""
    days = [pd.DatetimeIndex(each) for each in BOUGHT]
    rows = [(len(d) - 1, (d[-1] - d[0]).days, (AS_OF - d[0]).days) for d in days]
    triples = pd.DataFrame(rows, columns=["frequency", "t_x_days", "T_days"])
    season = Season(FACTORS, np.ones(12))
    clock = seasons.make_clock(season, as_of=AS_OF, days_before=int(triples["T_days"].max()))
    history = dict(zip(["frequency", "recency", "T"], clock.history(triples), strict=True))
    return BUYING[model]()._scores(np.array(list(params.values())), history)[0]


@pytest.mark.parametrize(("model", "first"), [("bg_nbd", 0), ("mbg_nbd", 1)])
def test_the_likelihood_is_that_of_a_covariate_of_purchases(model, first):
    """It leaves out the factors at the purchases, in which no parameter of the model is."""
    for bought, told in zip(BOUGHT, compute_in_the_kit(model, TRUTH), strict=True):
        factors = write_path(bought)[-1]
        by_calendar = integrate_leaving_after_purchase(bought, first=first)
        assert told + np.log(factors).sum() == pytest.approx(by_calendar, abs=1e-8)


def test_customers_of_pareto_nbd_leave_in_operational_time_too():
    """With covariates on purchases alone they leave by the calendar: a small difference."""
    apart = []
    for bought, told in zip(BOUGHT, compute_in_the_kit("pareto_nbd", PARETO), strict=True):
        told += np.log(write_path(bought)[-1]).sum()
        by_season = integrate_leaving_any_time(bought, by_calendar=False)
        assert told == pytest.approx(by_season, abs=1e-5)
        apart.append(abs(integrate_leaving_any_time(bought, by_calendar=True) - told))
    assert 0.01 < max(apart) < 0.1


# Two groups of customers.


@pytest.fixture(scope="module")
def groups(seasonal) -> tuple[forecast.Fitted, pd.DataFrame]:
    buyers = customers.summarize(seasonal, as_of=AS_OF)
    return forecast.fit(buyers, model="mbg_nbd", known_days=500), buyers


def test_each_group_has_the_parameters_of_its_customers(groups):
    fitted, buyers = groups
    assert isinstance(fitted.buying, LeftTruncatedFitter)
    older = buyers["tenure_days"] > 500
    for rows, buying in ((~older, fitted.buying.later), (older, fitted.buying.earlier)):
        alone = forecast.fit(buyers[rows], model="mbg_nbd")
        assert buying.params_.tolist() == pytest.approx(alone.buying.params_.tolist(), rel=1e-3)
    assert len(fitted.table) == 4 + 4
    repeats = fitted.buying.later.expected_number_of_purchases_up_to_time(12 * 30.4375 / 7)
    worth = forecast.new_customer(fitted, months=(12,))[12]
    assert worth == pytest.approx(float(fitted.spend_of(0, 0.0) * (1 + repeats[0])))


def test_each_customer_is_forecast_by_their_group(groups):
    fitted, buyers = groups
    both = forecast.predict(buyers, fitted, months=(12,))
    older = both["tenure_days"] > 500
    for rows, buying in ((~older, fitted.buying.later), (older, fitted.buying.earlier)):
        triples = forecast.histories(
            buyers[buyers["customer_id"].isin(both.loc[rows, "customer_id"])]
        )
        alive = buying.conditional_probability_alive(*fitted.clock.history(triples))
        told = both.loc[rows, "p_alive"].sum()
        assert told == pytest.approx(float(alive @ triples["customers"]))


def test_parameters_of_both_groups_are_drawn(groups):
    drawn = forecast.parameters(groups[0], draws=5)
    assert list(drawn) == list(groups[0].buying.params_.index)
    assert (drawn.std() > 0).all()


@pytest.mark.parametrize("method", ["coarse", "reweighted"])
def test_fits_of_both_groups_that_fail_are_said_with_the_model(groups, method, monkeypatch):
    def fail(*_args):
        raise DataError("no optimum")

    monkeypatch.setattr(LeftTruncatedFitter, method, fail)
    with pytest.raises(TooLittleData, match=r"only 0 of 5 .* by MBG/NBD"):
        forecast.parameters(groups[0], draws=5)


def test_too_small_a_group_leaves_one(seasonal):
    fitted = forecast.fit(customers.summarize(seasonal, as_of=AS_OF), known_days=5)
    assert not isinstance(fitted.buying, LeftTruncatedFitter)
    assert fitted.known_days is None
    assert any("forecast as one of all" in note for note in fitted.notes)
