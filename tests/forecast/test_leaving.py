"""Who is leaving: who is overdue, who will be, what is at stake, and which model says it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from scipy import stats
from test_predictions import a_shop

from ltvkit import customers, forecast
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, TooLittleData
from ltvkit.forecast import leaving, predictions
from ltvkit.forecast.backtesting.holdout import Backtest
from ltvkit.forecast.models.gaps import GapModel

GAPS = GapModel(k=2.0, r=1.5, alpha=60.0, a=0.8, b=2.0, mean_gap=50.0)


@pytest.fixture(scope="module")
def fitted() -> forecast.Fitted:
    return forecast.fit(a_shop(), model="mbg_nbd")


@pytest.fixture(scope="module")
def predicted(fitted) -> pd.DataFrame:
    return forecast.predict_next_orders(
        forecast.predict(a_shop(), fitted), GAPS, as_of="2024-09-30"
    )


def waiting(*recency: int, after: int = 60) -> pd.DataFrame:
    """Customers who are overdue after 60 days, by their silence; worth 100, 101, ..."""
    ids = [f"c{n}" for n in range(len(recency))]
    known = {"customer_id": ids, "purchase_days": 3, "recency_days": recency, "tenure_days": 500}
    ahead = {"usual_gap_days": 20.0, "overdue_after_days": after, "p_alive": 0.5}
    worth = [100.0 + n for n in range(len(recency))]
    return pd.DataFrame({**known, "revenue": 90.0, **ahead, "ltv_12m": worth})


def test_overdue_is_whoever_is_silent_for_longer_than_nine_of_ten_gaps(on):
    found = forecast.overdue(on(waiting(59, 60, 61, 200)))
    table = frames.table(frames.lazy(found))
    assert table["customer_id"].tolist() == ["c3", "c2"]  # the most LTV first
    assert table["days_overdue"].tolist() == [140, 1]


def test_the_coming_month_holds_those_whose_silence_crosses_their_limit_in_it(on, fitted):
    """October has 31 days: after 30 days of silence somebody is overdue on day 61, the 31st."""
    shop = on(waiting(29, 30, 59, 60, 61))
    found = forecast.entering_risk(shop, fitted, as_of="2024-09-30")
    assert type(found) is type(shop)
    left = frames.table(frames.lazy(found)).set_index("customer_id")["days_left"]
    assert left.to_dict() == {"c1": 31, "c2": 2, "c3": 1}


def test_whoever_ordered_lately_is_not_at_risk(fitted):
    """All are overdue after 30 days, so by the end of October; half of the gaps are 20 days."""
    found = forecast.entering_risk(waiting(1, 20, 21, after=30), fitted, as_of="2024-09-30")
    assert found["customer_id"].tolist() == ["c2"]


@pytest.mark.parametrize("known_days", [None, 350])
@pytest.mark.parametrize("model", predictions.LIST_MODELS)
def test_nobody_may_be_about_to_leave(model, known_days, on):
    listed = forecast.fit(a_shop(), model=model, known_days=known_days)
    found = forecast.entering_risk(on(waiting(1, 2)), listed, as_of="2024-09-30")
    table = frames.table(frames.lazy(found))
    assert table.empty
    assert "ltv_at_stake" in table


def test_with_time_customers_of_the_coming_month_are_overdue(predicted, fitted):
    """Both lists by another way: the same customers a month later, had they not bought."""
    days = 31
    later = predicted.assign(recency_days=predicted["recency_days"] + days)
    then = set(forecast.overdue(later)["customer_id"])
    now = set(forecast.overdue(predicted)["customer_id"])
    soon = forecast.entering_risk(predicted, fitted, as_of="2024-09-30")
    waiting = predicted["recency_days"] > predicted["usual_gap_days"]
    assert set(soon["customer_id"]) == (then - now) & set(predicted["customer_id"][waiting])
    assert len(soon) > 0
    assert now < then


def test_at_stake_is_what_a_silent_month_takes_from_the_forecast(predicted, fitted):
    rule = {"discount": 0.1, "margin_rate": 0.4}
    shop = forecast.predict_next_orders(
        forecast.predict(a_shop(), fitted, **rule), GAPS, as_of="2024-09-30"
    )
    soon = forecast.entering_risk(shop, fitted, as_of="2024-09-30", **rule).set_index("customer_id")
    aged = a_shop()
    aged[["recency_days", "tenure_days"]] += 31
    then = forecast.predict(aged, fitted, **rule).set_index("customer_id")["ltv_12m"]
    assert soon["ltv_at_stake"].to_dict() == pytest.approx(
        (soon["ltv_12m"] - then.loc[soon.index]).to_dict()
    )
    assert (soon["ltv_at_stake"] > 0).all()
    assert soon["ltv_at_stake"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("as_of", "end"),
    [("2024-09-30", "2024-10-31"), ("2024-01-15", "2024-02-29"), ("2024-12-31", "2025-01-31")],
)
def test_next_month_is_a_calendar_month(as_of, end):
    assert leaving.next_month_end(as_of) == dt.date.fromisoformat(end)


def test_the_summary_counts_each_customer_once(on, fitted):
    shop = on(waiting(20, 50, 61, 90, 91, 150, 151, 425, 426, 900))
    late = forecast.overdue(shop)
    soon = forecast.entering_risk(shop, fitted, as_of="2024-09-30")
    table = forecast.summarize_leaving(late, soon).set_index("status")
    assert table["customers"].to_dict() == {
        "overdue_soon": 1,
        "overdue_30": 2,
        "overdue_90": 2,
        "overdue_year": 2,
        "overdue_longer": 2,
    }
    assert table["ltv_12m"].tolist() == [101, 205, 209, 213, 217]
    assert table["p_alive"].tolist() == pytest.approx([0.5] * 5)
    assert table["ltv_at_stake"].tolist()[1:] == table["ltv_12m"].tolist()[1:]


def test_a_stage_without_customers_has_none(fitted):
    shop = waiting(1, 2)
    late, soon = forecast.overdue(shop), forecast.entering_risk(shop, fitted, as_of="2024-09-30")
    table = forecast.summarize_leaving(late, soon)
    assert table["customers"].eq(0).all()
    assert table["p_alive"].isna().all()
    text = forecast.describe_leaving(table, as_of="2024-09-30", currency="JPY")
    assert text == (
        "No customer is overdue, and none who has waited longer than usual will be by 31 October "
        "2024."
    )


def make_stages(people: list[int], ltv: list[float], *, at_stake: float) -> pd.DataFrame:
    """The summary of customers about to be overdue, of whom `at_stake`, and of those who are."""
    columns = {"customers": people, "ltv_12m": ltv, "ltv_at_stake": [at_stake, *ltv[1:]]}
    return pd.DataFrame({"status": ["overdue_soon", *leaving.STAGES], **columns})


def test_the_sentence_says_the_table():
    table = make_stages(
        [194, 233, 353, 973, 577],
        [734_000.0, 760_000.0, 966_000.0, 1_733_000.0, 529_000.0],
        at_stake=84_841.0,
    )
    assert forecast.describe_leaving(table, as_of="2024-09-30", currency="JPY") == (
        "194 customers have waited longer than usual and will be overdue by 31 October 2024 if "
        "they do not order: their expected value falls by 85,000 JPY. 2,136 customers "
        "are overdue already, 233 of them for up to 30 days; these 233 are still worth 760,000 JPY "
        "in the next 12 months."
    )


def test_what_a_year_brings_is_not_named_after_a_month_of_orders():
    table = make_stages([93, 20, 0, 0, 0], [857_885.0, 90_000.0, 0, 0, 0], at_stake=365_521.0)
    assert forecast.describe_leaving(table, as_of="2024-09-30", sure=False) == (
        "93 customers have waited longer than usual and will be overdue by 31 October 2024 without "
        "an order. 20 customers are overdue already. What they are worth in a year cannot be known "
        "yet."
    )
    short, long = (pd.DataFrame({"tenure_days": [5, days]}) for days in (72, 73))
    assert (forecast.reach(short), forecast.reach(long)) == (False, True)  # 2.4 months


def test_no_table_names_what_a_year_brings_before_that(fitted):
    shop = waiting(1, 2)
    late, soon = forecast.overdue(shop), forecast.entering_risk(shop, fitted, as_of="2024-09-30")
    table = forecast.summarize_leaving(late, soon, sure=False)
    assert table[["ltv_12m", "ltv_at_stake"]].isna().all(axis=None)
    assert table["customers"].notna().all()


@pytest.mark.parametrize(
    ("days", "months"), [(10, 3), (35, 3), (36, 6), (72, 6), (73, 12), (3000, 12)]
)
def test_single_customers_are_shown_as_far_ahead_as_orders_span(days, months):
    """A fifth of 6 and of 12 months are 36.5 and 73.1 days; the day of the first order counts."""
    assert forecast.choose_horizon(pd.DataFrame({"tenure_days": [3, days]})) == months


def test_where_payments_are_regular_the_renewals_tell_who_will_not_pay():
    table = make_stages([0, 0, 0, 0, 3], [0, 0, 0, 0, 1000.0], at_stake=0)
    said = forecast.describe_leaving(table, as_of="2024-09-30", regular=True)
    assert said.startswith("Nobody is late with a payment now. How many will not pay the next one")


def test_nobody_is_the_best_of_customers_who_bring_nothing(on):
    shop = pd.DataFrame({"customer_id": ["a", "b"], "ltv_12m": [-5.0, 0.0]})
    with pytest.raises(TooLittleData, match="no customer is expected to bring anything"):
        forecast.best(on(shop), of="ltv_12m")
    assert forecast.best(on(shop.assign(ltv_12m=[1.0, 3.0])), of="ltv_12m") == "b"


@pytest.mark.parametrize("margin", [0.3, -0.3])
def test_customers_at_a_loss_are_not_to_be_won_back(fitted, margin):
    rule = {"margin_rate": margin}
    shop = waiting(50, 61, 70)
    shop = forecast.predict(shop, fitted, **rule).assign(usual_gap_days=20.0, overdue_after_days=60)
    soon = forecast.entering_risk(shop, fitted, as_of="2024-09-30", **rule)
    table = forecast.summarize_leaving(forecast.overdue(shop), soon)
    text = forecast.describe_leaving(table, as_of="2024-09-30", currency="JPY")
    assert ("nothing is at stake" in text) == (margin < 0)
    assert text.startswith("3 customers are overdue, or will be by 31 October") == (margin < 0)
    assert "still worth" in text or margin < 0


def test_who_pays_as_usual_alarms_nobody():
    """Members pay on the day of joining, or on the next: two have stopped three months ago."""
    rows = []
    for n in range(60):
        months = pd.date_range("2023-01-01", periods=15 if n < 2 else 18, freq="MS")
        days = months + pd.to_timedelta(n % 28 + (np.arange(len(months)) + n) % 2, unit="D")
        rows += [(f"m{n}", f"{n} {day}", day, 980.0) for day in days]
    lines = make_lines(*rows)
    gaps = forecast.fit_gaps(lines, as_of="2024-06-30")
    shop = customers.summarize(lines, as_of="2024-06-30")
    fitted = forecast.fit_for_lists(shop, None, model="mbg_nbd")
    told = forecast.predict_next_orders(forecast.predict(shop, fitted), gaps, as_of="2024-06-30")
    assert set(forecast.overdue(told)["customer_id"]) == {"m0", "m1"}
    soon = forecast.entering_risk(told, fitted, as_of="2024-06-30")
    assert soon.empty


def test_the_steps_name_the_column_that_is_missing():
    with pytest.raises(ColumnError, match="overdue_after_days"):
        forecast.overdue(waiting(1).drop(columns="overdue_after_days"))


# Which model lists use.


def a_backtest(*methods: str) -> Backtest:
    fitted = dict.fromkeys({"bg_nbd", "mbg_nbd", "pareto_nbd"} & set(methods))
    facts = {"best": methods[0], "best_model": "bg_nbd", "simple": "run_rate", "close": False}
    facts |= {"split": dt.date(2024, 3, 31), "days": 183, "fitted": fitted}
    return Backtest(table=pd.DataFrame({"method": methods}), calibration=pd.DataFrame(), **facts)


def test_lists_take_the_best_model_that_can_say_who_left():
    assert a_backtest("bg_nbd", "boosting", "pareto_nbd", "mbg_nbd").list_model == "pareto_nbd"
    assert a_backtest("rfm_cell", "mbg_nbd", "bg_nbd", "pareto_nbd").list_model == "mbg_nbd"
    assert a_backtest("bg_nbd", "rfm_cell").list_model == "mbg_nbd"


def test_nobody_who_bought_once_is_active_for_sure():
    shop = a_shop(2, size=1500)
    totals = forecast.fit(shop)
    once = shop["purchase_days"] == 1
    assert (forecast.predict(shop, totals)["p_alive"][once] == 1).all()
    for model in predictions.LIST_MODELS:
        listed = forecast.fit_for_lists(shop, totals, model=model)
        assert listed.model == model
        assert (forecast.predict(shop, listed)["p_alive"][once] < 1).all()
        assert "cannot say who has left" in forecast.explain_lists(totals, listed)
        assert forecast.fit_for_lists(shop, listed, model="mbg_nbd") is listed
        assert "same model" in forecast.explain_lists(listed, listed)


def test_lists_keep_the_clock_and_the_groups_of_the_totals():
    shop = a_shop(2, size=1500)
    totals = forecast.fit(shop, unit="month", known_days=350)
    listed = forecast.fit_for_lists(shop, totals)
    assert listed.clock == totals.clock
    assert listed.buying.known == totals.buying.known == pytest.approx(350 / 30.4375)


def test_where_the_model_cannot_be_fitted_the_other_one_is(monkeypatch):
    def fail(customers, *, model, **options):
        if model == "mbg_nbd":
            raise TooLittleData("no optimum")
        return replace(totals, model=model)

    totals = forecast.fit(a_shop())
    monkeypatch.setattr(predictions.estimation, "fit", fail)
    for of_totals in (totals, None):
        found = forecast.fit_for_lists(a_shop(), of_totals, model="mbg_nbd")
        assert found.model == "pareto_nbd"


def test_a_silent_month_keeps_the_season_and_the_groups_of_the_model(fitted):
    """The model is moved with the day: its clock, and who was first seen early."""
    from ltvkit.forecast.clock import Clock
    from ltvkit.forecast.models.left_truncated import LeftTruncatedFitter

    passed = np.cumsum(1 + 0.5 * np.sin(np.arange(1500) / 58))
    clock = Clock("week", passed=passed, today=900)
    groups = LeftTruncatedFitter(fitted.buying, fitted.buying, float(clock.between(400, 0)))
    moved = leaving._move(replace(fitted, clock=clock, buying=groups), 31)
    history = pd.DataFrame({"frequency": [2], "t_x_days": [100], "T_days": [500]})
    later = history.assign(T_days=531)
    before, after = (np.array(c.history(t)) for c, t in ((clock, history), (moved.clock, later)))
    assert after[1] == pytest.approx(before[1])
    assert after[2] - before[2] == pytest.approx(clock.ahead(31))
    assert moved.buying.known == pytest.approx(moved.clock.between(431, 0))


def test_one_customer_is_told_when_the_next_order_comes(fitted):
    days = [pd.Timestamp("2024-05-01"), pd.Timestamp("2024-06-20"), pd.Timestamp("2024-09-16")]
    ids = {"customer_id": "a", "order_id": ["1", "2", "3"], "order_date": days, "amount": 10.0}
    lines = pd.DataFrame(ids)
    plain, told = (
        forecast.explain_customer(lines, fitted, "a", as_of="2024-09-30", gaps=gaps)
        for gaps in (None, GAPS)
    )
    # After two gaps of 138 days in all: the pace is Gamma(1.5 + 2 x 2, 60 + 138).
    gap = stats.betaprime(2.0, 5.5, scale=198)

    def day(share: float, silence: int) -> float:
        now, end = gap.sf([silence + 0.5, silence + 365.5])
        return gap.isf(now - share * (now - end))

    low, high = np.ceil(day(0.1, 14)) - 14, np.floor(day(0.9, 14)) - 14
    ends = [f"{pd.Timestamp('2024-09-30') + pd.Timedelta(days=n):%-d %B %Y}" for n in (low, high)]
    assert told.text == f"{plain.text} " + (
        f"Half of the gaps between their orders are {day(0.5, 0):.0f} days at most. Of 100 such "
        f"customers who order again within a year, 80 do so from {ends[0]} to {ends[1]}."
    )
    assert told.table.equals(plain.table)


def test_one_customer_who_decides_what_is_at_stake_is_named():
    """Of ten overdue, one has 910 of 1,000; of four who will be, each a quarter of 40."""
    ltv = pd.DataFrame(
        {"customer_id": [f"c{n}" for n in range(10)], "ltv_12m": [910.0, *[10.0] * 9]}
    )
    late = ltv.assign(days_overdue=5, p_alive=0.5)
    soon = late.head(4).assign(ltv_12m=20.0, ltv_at_stake=10.0)
    table = leaving.summarize_leaving(late, soon)
    assert table["largest_share"].tolist()[:2] == pytest.approx([0.25, 0.91])
    assert table["largest_share"].tolist()[2:] == pytest.approx([np.nan] * 3, nan_ok=True)
    said = leaving.describe_leaving(table, as_of="2024-09-30", currency="JPY")
    assert said.endswith("in the next 12 months. 91.0% of that hangs on one customer.")
    assert said.count("hangs") == 1
    alike = leaving.summarize_leaving(late.assign(ltv_12m=100.0), soon)
    assert "hangs" not in leaving.describe_leaving(alike, as_of="2024-09-30")


def test_lists_say_which_horizons_nobody_has_seen(fitted):
    weeks = a_shop().assign(tenure_days=40)
    said = forecast.explain_lists(fitted, fitted, customers=weeks)
    assert "span 1.3 months" in said
    assert "for 12 months or more" in said
    assert said.endswith("look at 6 months only.")
    years = weeks.assign(tenure_days=400)
    assert forecast.explain_lists(fitted, fitted, customers=years) == forecast.explain_lists(
        fitted, fitted
    )


@pytest.mark.parametrize(("alive", "told"), [(0.0, True), (0.3, False)])
def test_who_missed_a_payment_lately_is_told_first(alive, told):
    """Where late payments still come, nobody counts as gone yet."""
    table = make_stages([0, 5, 0, 0, 3], [0, 0, 0, 0, 0.0], at_stake=0).assign(p_alive=alive)
    said = forecast.describe_leaving(table, as_of="2024-09-30", regular=True)
    late = "5 customers have been later than payments come here for up to 30 days, and"
    assert said.startswith(late) == told
    assert "Nobody is late" not in said
    assert "8 customers are overdue already" in said
