"""The months to come: by hand, by simulation, on past dates, and where little is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stub_shops import simulate

from ltvkit import customers, forecast, kpis
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.forecast import acquisition, bands, monthly_revenue, months_ahead, uncertainty
from ltvkit.forecast.acquisition import Acquisition
from ltvkit.forecast.backtesting import rolling_origins
from ltvkit.forecast.backtesting.rolling_origins import RollingOrigins
from ltvkit.forecast.clock import Clock

AS_OF = "2024-12-31"
UNTRIED = pd.DataFrame(columns=rolling_origins.COLUMNS)


def a_shop(seed: int, *, before: int = 0, days: int = 731) -> pd.DataFrame:
    """A shop that wins three customers a day, since `before` days before its export begins."""
    rng = np.random.default_rng(seed)
    lines = simulate(rng, won=lambda t: 3.0, days=days, before=before, gap=50, stay=250)
    return lines.assign(amount=rng.gamma(4.0, 10.0, len(lines)).round(2))


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return a_shop(3)


@pytest.fixture(scope="module")
def rolled(log) -> RollingOrigins:
    return forecast.roll(log, as_of=AS_OF, model="mbg_nbd", export_begins="opening")


@pytest.fixture(scope="module")
def summary(log) -> pd.DataFrame:
    return customers.summarize(log, as_of=AS_OF)


@pytest.fixture(scope="module")
def fitted(summary) -> forecast.Fitted:
    return forecast.fit(summary, model="mbg_nbd")


@pytest.fixture(scope="module")
def drawn(fitted) -> pd.DataFrame:
    return forecast.parameters(fitted, draws=20)


@pytest.fixture(scope="module")
def history(log) -> pd.DataFrame:
    return kpis.series(log, as_of=AS_OF, every="month")


def untried(**known) -> RollingOrigins:
    """Nothing is known of past dates; 90 customers are won a month."""
    facts = {
        "table": UNTRIED,
        "model": "mbg_nbd",
        "method": "model",
        "ahead": None,
        "season": None,
        "clock": Clock(),
    }
    return RollingOrigins(**{"won": Acquisition(90.0, None), **facts, **known})


# What a forecast is made of.


def test_revenue_of_todays_customers_is_that_of_predict(summary, fitted, drawn, history):
    # 48 calendar months with one leap day are 48 x 30.4375 days: the two agree to the day.
    known = {"past": untried(), "history": history, "as_of": AS_OF}
    ahead = forecast.revenue(summary, fitted, drawn, **known, months=48, acquisition=0.0).table
    ahead = ahead[ahead["expected"].notna()]
    assert ahead["month"].iloc[[0, 1, -1]].tolist() == ["2025-01", "2025-02", "2028-12"]
    predicted = forecast.predict(summary, fitted, months=(48,))["ltv_48m"].sum()
    assert ahead["existing_revenue"].sum() == pytest.approx(predicted, rel=1e-9)
    assert (ahead["new_revenue"] == 0).all()
    assert (ahead["expected"] == ahead["existing_revenue"]).all()
    assert (ahead["low"] < ahead["expected"]).all()
    assert (ahead["expected"] < ahead["high"]).all()


def test_a_month_is_a_calendar_month(summary, fitted, drawn, history):
    # From the middle of a month: the rest of it belongs to no month to come.
    known = {"past": untried(), "history": history, "as_of": "2025-01-10"}
    ahead = forecast.revenue(summary, fitted, drawn, **known, months=2, acquisition=0.0)
    ahead = ahead.table.tail(2)
    assert ahead["month"].tolist() == ["2025-02", "2025-03"]
    triples = forecast.histories(summary)
    spans = np.array([21.0, 21 + 28, 21 + 28 + 31])
    paths = uncertainty.expected_revenue(triples, fitted, spans).sum(axis=0)[1:]
    assert ahead["existing_revenue"].tolist() == pytest.approx(paths.tolist())


def test_new_customers_by_simulation(summary, fitted, drawn, history):
    known = {"past": untried(), "history": history, "as_of": AS_OF}
    found = forecast.revenue(summary, fitted, drawn, **known, months=12, acquisition=2.0)
    found = found.table["new_revenue"].sum()
    won, rng, n = 2 * 90.0, np.random.default_rng(1), 4000
    ends = pd.date_range(AS_OF, periods=13, freq="ME")
    days = (ends - ends[0]).days.to_numpy()
    orders = []
    for middle in (days[1:] + days[:-1]) / 2:
        left, nobody = np.array([(days[-1] - middle) / 7]), np.zeros(n)
        # A new customer has bought once, and may have left at once.
        repeats = fitted.buying.simulate(left, nobody.astype(int), nobody, nobody, rng=rng)
        orders.append(1 + repeats)
    worth = won * float(fitted.spend_of(0, 0.0))
    error = np.std(np.hstack(orders).sum(axis=1)) / np.sqrt(n) * worth
    assert abs(np.mean(orders, axis=1).sum() * worth - found) < 4 * error


def test_a_month_may_bring_nothing_where_one_did(summary, fitted, drawn, history):
    known = {"past": untried(), "as_of": AS_OF, "months": 2}
    full = forecast.revenue(summary, fitted, drawn, history=history, **known).table.tail(2)
    assert (full["low"] > 0).all()
    empty = history.astype({"revenue": float})
    empty.loc[empty.index[-3], "revenue"] = 0.0
    table = forecast.revenue(summary, fitted, drawn, history=empty, **known).table.tail(2)
    assert (table["low"] == 0).all()
    assert table["high"].tolist() == full["high"].tolist()


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (700_000.0, 1_700_000.0, "We expect 980,000 EUR"),
        (966_000.0, 986_000.0, "We expect 976,000 EUR"),
    ],
)
def test_an_amount_has_two_digits_at_least(low, high, said):
    """A total of 976,052 that may be off by a million is no "1.0 million"."""
    table = pd.DataFrame({"month": ["2024-05", "2024-06"], "actual": [817_824.0, np.nan]})
    table = table.assign(
        expected=[np.nan, 976_052.0], existing_revenue=226_270.0, new_revenue=749_782.0
    )
    band = bands.Band(np.ones(1), np.ones(1), 9, 9, 3)
    ahead = monthly_revenue.Revenue(table, 976_052.0, low, high, 9.0, 1.0, band, "model")
    text = monthly_revenue.finding(ahead, currency="EUR")
    assert text.startswith(said)
    if low == 700_000:
        assert "That is 20% more than the last month on record (818,000 EUR)." in text
        assert "230,000 EUR of it is from today's customers, and 750,000 EUR from new ones" in text


def test_impossible_futures_are_refused(summary, fitted, drawn, history):
    known = {"past": untried(), "history": history, "as_of": AS_OF}
    for wrong in ({"months": 0}, {"acquisition": -1.0}):
        with pytest.raises(ParamsError, match=next(iter(wrong))):
            forecast.revenue(summary, fitted, drawn, **known, **wrong)


def test_new_customers_are_not_foreseen_where_it_is_unknown_who_was_new(
    summary, fitted, drawn, history
):
    past = untried(won=Acquisition(np.nan, None), method="")
    known = {"past": past, "history": history, "as_of": AS_OF, "months": 2}
    with pytest.raises(TooLittleData, match="month brings: they span too few months, or"):
        forecast.revenue(summary, fitted, drawn, **known)
    ahead = forecast.revenue(summary, fitted, drawn, acquisition=0.0, **known)
    assert ahead.table["new_revenue"].dropna().eq(0).all()
    assert "no new ones are assumed" in monthly_revenue.finding(ahead, currency="EUR")


@pytest.mark.parametrize(
    ("last_year", "why"),
    [
        ({"revenue": -1.0}, "sent back as much as they bought in the last 12 months, or more"),
        ({"revenue": 0.0, "orders": 0}, "nobody has bought in the last 12 months"),
    ],
)
def test_a_year_without_revenue_is_not_carried_on(summary, fitted, drawn, history, last_year, why):
    past = history.astype({"orders": float})
    past.loc[past.index[-12:], list(last_year)] = list(last_year.values())
    known = {"past": untried(), "as_of": AS_OF, "months": 2}
    with pytest.raises(TooLittleData, match=why):
        forecast.revenue(summary, fitted, drawn, history=past, **known)
    past.loc[past.index[-12], "revenue"] = 12.0
    assert forecast.revenue(summary, fitted, drawn, history=past, **known).total > 0


def test_other_new_customers_are_assumed_without_a_model_too(summary, history):
    """Of a method of regular payments, and of one that tells nobody apart."""
    paid = months_ahead.Ahead(np.full(2, 70.0), np.array([10.0, 30.0]), np.array([80.0, 100.0]))
    known = {"history": history, "as_of": AS_OF, "months": 2}
    for times, total in ((1.0, 180.0), (0.0, 140.0), (2.0, 220.0)):
        past = untried(method="renewal_rates", ahead=paid)
        found = forecast.revenue(summary, None, None, past=past, acquisition=times, **known)
        assert found.total == pytest.approx(total)
    level = months_ahead.repeat_level(history, months_ahead.find_months(AS_OF, 2))
    past = untried(method="level", ahead=level)
    with pytest.raises(TooLittleData, match=r"Leave acquisition at 1\.0"):
        forecast.revenue(summary, None, None, past=past, acquisition=2.0, **known)


def test_months_repeat_the_last_ones_by_hand():
    months = pd.period_range("2022-01", "2024-03", freq="M")
    history = pd.DataFrame(
        {
            "period": months.astype(str),
            "start": months.start_time,
            "end": months.end_time.normalize(),
            "partial": False,
            "revenue": [*[10.0] * 15, *range(1, 13)],
        }
    )
    calendar = months_ahead.find_months("2024-03-31", 13)
    level = months_ahead.repeat_level(history, calendar).total
    assert level.tolist() == pytest.approx([6.5] * 13)
    # The year before brought 120, the last one 78: April brings 1 x 78 / 120.
    year = months_ahead.repeat_year(history, calendar).total
    assert year.tolist() == pytest.approx([m * 78 / 120 for m in [*range(1, 13), 1]])
    with pytest.raises(TooLittleData, match="fewer than 24 whole months"):
        months_ahead.repeat_year(history.tail(23), calendar)
    for times in (5, 1 / 5):  # a shop that is another one now has no year to repeat
        other = history.assign(revenue=[*[10.0] * 15, *[10.0 * times] * 12])
        with pytest.raises(TooLittleData, match="four times the revenue"):
            months_ahead.repeat_year(other, calendar)


# Bands.


def test_a_band_by_hand():
    """Two dates, errors of 20% each way: the band is 1.96 standard deviations of all of them."""
    errors = np.log([1.2, 1 / 1.2, 1.2, 1 / 1.2])
    table = pd.DataFrame({"origin": [1, 1, 2, 2], "lead": [1, 2, 1, 2], "forecast": 100.0})
    table["month"] = list("abcd")
    table["actual"] = 100 * np.exp(errors)
    band = bands.widen(table, np.zeros(2))
    spread = np.sqrt((4 * np.log(1.2) ** 2 + 4 * 0.15**2) / 8)
    assert band.high.tolist() == pytest.approx([np.exp(1.96 * spread)] * 2, rel=1e-4)
    assert (band.low * band.high).tolist() == pytest.approx([1.0, 1.0])
    assert (band.held, band.tested) == (4, 4)
    # The model's own uncertainty takes the place of errors that it explains.
    assert bands.widen(table, np.full(2, 0.3)).high[0] == pytest.approx(
        np.exp(1.96 * 0.3), rel=1e-3
    )


def test_a_month_far_off_is_not_held_by_a_band_of_the_other_dates():
    table = pd.DataFrame({"origin": [1, 2, 3, 4], "lead": 1, "forecast": 100.0})
    table["month"] = list("abcd")
    table["actual"] = [100.0, 101.0, 99.0, 300.0]
    band = bands.widen(table, np.array([0.02]))
    assert (band.held, band.tested) == (3, 4)
    assert band.high[0] > 2, "the band of the future is as wide as that error asks for"


def test_without_past_dates_a_band_is_that_of_any_shop():
    band = bands.widen(UNTRIED, np.zeros(3))
    assert band.high.tolist() == pytest.approx([np.exp(1.96 * 0.15)] * 3, rel=1e-3)
    assert band.tested == 0
    low, high = bands.widen_total(UNTRIED, 0.0, months=12)
    assert 0.5 < low < 0.9 < 1.1 < high < 2


def test_a_month_that_brought_nothing_is_not_held():
    months = pd.DataFrame({"origin": 1, "month": list("abc"), "lead": [1, 2, 3], "forecast": 100.0})
    band = bands.widen(months.assign(actual=[100.0, 0.0, -5.0]), np.zeros(3))
    assert (band.held, band.tested) == (1, 3)
    assert bands.widen_total(months.assign(actual=-1.0), 0.0, months=3) == (0.0, np.inf)


def test_a_band_grows_beyond_the_longest_lead_that_was_tried():
    tried = pd.DataFrame({"origin": 1, "month": list("ab"), "lead": [1, 2], "forecast": 100.0})
    tried["actual"] = [110.0, 120.0]
    high = np.log(bands.widen(tried, np.zeros(8)).high)
    assert high[1] == pytest.approx(high[0])
    assert high[7] / high[1] == pytest.approx(2)
    short, long = (np.log(bands.widen_total(tried, 0.0, months=m)[1]) for m in (2, 8))
    assert long / short == pytest.approx(2)


# Past dates.


def test_dates_to_forecast_from():
    def dates(months: int) -> list[str]:
        ends = pd.period_range("2020-01", periods=months, freq="M").end_time.normalize()
        found = rolling_origins.list_origins(pd.DataFrame({"end": ends, "partial": False}))
        return [f"{day:%y-%m}" for day in found]

    assert dates(48) == ["22-12", "23-03", "23-06", "23-09"]
    assert dates(30) == ["21-12", "22-01", "22-03", "22-04"]  # 24 months before the first
    assert dates(12) == ["20-06", "20-07", "20-09", "20-10"]
    assert dates(4) == []
    assert dates(0) == []


def errors_of(**methods: list[float]) -> pd.DataFrame:
    return pd.DataFrame(methods)


def test_which_method_is_used():
    choose, usable = rolling_origins.choose, ["model", "season", "level", "last_year"]
    plain = {"model": [0.1] * 4, "level": [0.2] * 4, "last_year": [0.3] * 4}
    better, two = [0.08, 0.08, 0.08, 0.11], [0.01, 0.01, 0.11, 0.11]
    little = [0.097, 0.097, 0.097, 0.11]
    assert choose(errors_of(**plain, season=better), usable) == "season"
    assert choose(errors_of(**plain, season=two), usable) == "model"
    assert choose(errors_of(**plain, season=little), usable) == "model"
    assert choose(errors_of(**plain), usable) == "model"
    assert choose(errors_of(**{**plain, "level": [0.05] * 4}), usable) == "level"
    assert choose(errors_of(**{**plain, "level": [0.09] * 4}), usable) == "model", "by little only"
    assert choose(errors_of(**plain), ["level", "last_year"]) == "level"
    assert choose(pd.DataFrame(), ["model", "level"]) == "model"
    assert choose(pd.DataFrame(), ["last_year", "level"]) == "last_year"
    assert choose(pd.DataFrame(), []) == ""


def test_a_trend_of_new_customers_must_prove_itself():
    choose, usable = rolling_origins.choose, ["model", "season", "trend", "season_trend"]
    plain, much, little = {"model": [0.1] * 4}, [0.07, 0.07, 0.07, 0.11], [0.09] * 4
    assert choose(errors_of(**plain, trend=much), usable) == "trend"
    assert choose(errors_of(**plain, trend=little), usable) == "model"
    assert choose(errors_of(**plain, trend=[0.01, 0.01, 0.11, 0.11]), usable) == "model"
    assert choose(errors_of(**plain, trend=much), ["model"]) == "model", "not known today"
    both = plain | {"season": [0.08] * 4, "trend": [0.04] * 4, "season_trend": [0.05] * 4}
    assert choose(errors_of(**both), usable) == "season_trend"
    assert choose(errors_of(**both), ["level"]) == "level"


def test_growth_is_of_a_year_and_drawn_to_none_by_chance():
    even, measure = np.array([90.0, 110.0] * 6), acquisition._measure_growth
    grown = np.log(1.5)

    def follow(later: np.ndarray) -> float:
        return measure(np.concatenate([even, later]))

    # 150 less 1.5 times 100, of counts: a variance of 150 + 2.25 * 100; the mean of 12, its 12th.
    drawn = 1 - 375 / 12 / 150**2 / grown**2
    assert follow(1.5 * even) == pytest.approx(grown * drawn)
    # 165 and 135, in the other order, are 30 more and 30 less: a variance of 900 * 12 / 11.
    drawn = 1 - 900 * 12 / 11 / 12 / 150**2 / grown**2
    assert follow(1.5 * even[::-1]) == pytest.approx(grown * drawn)
    season = np.array([100.0] * 9 + [1000.0] * 3)
    assert measure(np.append(season, 1.5 * season)) == pytest.approx(grown, rel=0.01)
    assert follow(even) == 0
    assert follow(1.01 * even) == 0, "no more than chance"
    assert follow(9 * even) == pytest.approx(np.log(2))
    assert np.isnan(measure(np.append(even, 1.5 * even)[1:])), "less than two years"
    assert np.isnan(measure(np.append(np.zeros(12), even)))


def test_a_trend_fades_by_hand():
    won = Acquisition(100.0, None, growth=np.log(2))
    assert won.win(3).tolist() == [100.0] * 4
    half_a_year_and = [0, 1, 1 + 0.9, 1 + 0.9 + 0.81]  # months of the growth of today
    expected = [100 * 2 ** ((6 + n) / 12) for n in half_a_year_and]
    assert won.win(3, trend=True).tolist() == pytest.approx(expected)
    assert won.win(600, trend=True).max() < 100 * 2 ** (16.01 / 12)
    assert np.isnan(Acquisition(100.0, None).win(2, trend=True)).all()


def test_a_trend_is_forecast_and_said_but_not_beside_another_assumption(
    summary, fitted, drawn, history
):
    known = {"history": history, "as_of": AS_OF, "months": 3}
    won = Acquisition(90.0, None, growth=np.log(1.2))
    past = untried(won=won, method="trend")
    flat = forecast.revenue(summary, fitted, drawn, past=untried(won=won), **known)
    rising = forecast.revenue(summary, fitted, drawn, past=past, **known)
    assert rising.won == pytest.approx(won.win(3, trend=True)[1:].mean())
    assert (rising.table["new_revenue"] > flat.table["new_revenue"]).sum() == 3
    text = monthly_revenue.finding(rising, currency="EUR")
    assert "if about 101 are won a month: lately their number rose, and it is taken" in text
    assert "to go on rising, at first by 20% a year, then ever more slowly." in text
    twice = forecast.revenue(summary, fitted, drawn, past=past, acquisition=2.0, **known)
    assert (twice.won, twice.method) == (180, "model")
    assert "2 times as many as lately" in monthly_revenue.finding(twice, currency="EUR")
    past = untried(won=won._replace(growth=np.log(0.8)), method="season_trend")
    falling = forecast.revenue(summary, fitted, drawn, past=past, **known)
    text = monthly_revenue.finding(falling, currency="EUR")
    assert "lately their number fell, and it is taken to go on falling, at first by 20%" in text
    assert "It follows the seasons of the last years." in text


def test_a_forecast_of_a_past_date_knows_no_later_order(log, rolled):
    """What it says of the first date is what it says if all later orders are forgotten."""
    first = rolled.table["origin"].min()
    until = log[log["order_date"] <= first]
    now = forecast.roll(until, as_of=first, model="mbg_nbd", export_begins="opening")
    then = rolled.table[(rolled.table["origin"] == first) & (rolled.table["method"] == "model")]
    assert then["forecast"].tolist() == pytest.approx(now.ahead.total[: len(then)].tolist())
    actual = log.groupby(log["order_date"].dt.strftime("%Y-%m"))["amount"].sum()
    assert then["actual"].tolist() == pytest.approx(actual[then["month"]].tolist())


def test_a_steady_shop_is_forecast_and_its_months_are_held(log, rolled, summary, fitted, drawn):
    assert rolled.method == "model"
    assert rolled.won.a_month == pytest.approx(3 * 30.4375, rel=0.1)
    assert rolled.summary["bias"].tail(2).abs().max() < 0.15
    history = kpis.series(log, as_of=AS_OF)
    ahead = forecast.revenue(summary, fitted, drawn, past=rolled, history=history, as_of=AS_OF)
    assert ahead.band.held >= 0.85 * ahead.band.tested
    assert ahead.low < ahead.total < ahead.high
    text = monthly_revenue.finding(ahead, currency="EUR")
    assert f"on 4 past dates: {ahead.band.held} of {ahead.band.tested} monthly forecasts" in text
    # The same seed, three years later: what the shop went on to do.
    later = a_shop(3, days=731 + 365)
    truth = later.loc[later["order_date"] > AS_OF, "amount"].sum()
    assert ahead.total == pytest.approx(truth, rel=0.15)


# A shop that is older than its export.


def test_no_customers_are_invented_where_an_export_begins_in_the_middle():
    """Of a steady shop the last year is exported; the truth is the year that follows."""
    whole = a_shop(5, before=2500, days=731 + 365)
    as_of = pd.Timestamp("2024-12-31")
    begins = as_of - pd.DateOffset(months=12)
    part = whole[(whole["order_date"] > begins) & (whole["order_date"] <= as_of)]
    after = whole[whole["order_date"] > as_of]
    rolled = forecast.roll(part, as_of=as_of, model="mbg_nbd", export_begins="later")
    assert rolled.won.a_month == pytest.approx(3 * 30.4375, rel=0.15)
    assert rolled.won.known_days < 365 - 60
    assert rolled.ahead.total.sum() == pytest.approx(after["amount"].sum(), rel=0.15)


def test_a_month_of_an_older_shop_tells_no_new_customers():
    whole = a_shop(5, before=2500, days=30)
    found = acquisition.estimate(whole, as_of="2023-01-30")
    assert np.isnan(found.a_month)
    assert found.known_days is None


def test_a_group_that_wins_nobody_gets_no_new_customers():
    lines = simulate(np.random.default_rng(2), won=lambda t: 9.0 * (t < 60), days=500)
    assert acquisition.estimate(lines, as_of="2024-05-14") == Acquisition(0.0, None)


def test_money_is_said_as_exactly_as_it_is_known():
    from ltvkit.display.formats import rough_money

    assert rough_money(24_187_654, spread=4_000_000, currency="JPY") == "24.2 million JPY"
    assert rough_money(24_187_654, spread=40_000_000, currency="£") == "£24 million"
    assert rough_money(1_234_567_890, spread=2e7) == "1.235 billion"
    assert rough_money(-5_432, spread=900, currency="€") == "\N{MINUS SIGN}€5,430"
    assert rough_money(5_432.1, spread=0) == "5,432"


@pytest.mark.parametrize(
    ("missed", "said"),
    [
        ((0.285, 0.08, 0.14), "forecast too high, by 8% to 28%; this one may be, too."),
        ((-0.2, -0.05, -0.1), "forecast too low, by 5% to 20%; this one may be, too."),
        ((0.28, 279.8, 0.1), "forecast too high, up to 281 times what came; this one may be, too."),
        ((0.285, 0.08, -0.14), ""),
        ((0.285, 0.04, 0.14), ""),
        ((0.285, 0.14), ""),
        ((0.285, 0.14, 0.2, 0.001), ""),
        ((0.258, 0.149, 0.043, 0.183), "forecast too high, by 4% to 26%; this one may be, too."),
    ],
)
def test_past_totals_that_all_missed_to_one_side_are_named(missed, said):
    band = bands.Band(np.ones(1), np.ones(1), 9, 9, len(missed), missed)
    assert monthly_revenue._describe_side(band) == (
        f"All of these totals were {said}" if said else ""
    )


@pytest.mark.parametrize(
    ("held", "low", "said"),
    [(3, 90.0, True), (3, 101.0, False), (9, 90.0, False)],
)
def test_no_direction_is_promised_that_the_range_leaves_open(held, low, said):
    """The last month brought 100; the next is expected to bring 120, from `low` to 150."""
    table = pd.DataFrame({"month": ["2024-05", "2024-06"], "actual": [100.0, np.nan]})
    table = table.assign(expected=[np.nan, 120.0], existing_revenue=120.0, new_revenue=0.0)
    band = bands.Band(np.ones(1), np.ones(1), held, 9, 3, (0.1, -0.1, 0.1))
    ahead = monthly_revenue.Revenue(table, 120.0, low, 150.0, 0.0, 1.0, band, "model")
    text = monthly_revenue.finding(ahead, currency="EUR")
    assert ("Whether it will be more or less than before is open." in text) == said
    assert ("Do not rely on the amount." in text) == (held == 3)


def test_a_band_knows_by_how_much_the_totals_of_past_dates_were_missed():
    """10 + 20 of 15 + 10, and a date that brought nothing."""
    dates, table = ["2023-01-31", "2023-01-31", "2023-02-28"], {}
    table |= {"origin": dates, "month": ["2023-02", "2023-03", "2023-03"], "lead": [1, 2, 1]}
    table |= {"forecast": [10.0, 20.0, 5.0], "actual": [15.0, 10.0, 0.0]}
    assert bands.widen(pd.DataFrame(table), np.full(2, 0.1)).missed == pytest.approx((0.2,))
