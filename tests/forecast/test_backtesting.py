"""Backtest, rivals, scores, the months to come: by hand, without leaks, in a known world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import customers, forecast
from ltvkit.engines import frames, sampling
from ltvkit.errors import DataError, ParamsError, TooLittleData
from ltvkit.forecast import estimation
from ltvkit.forecast.backtesting import baselines, holdout, model_forecasts, scores
from ltvkit.forecast.clock import Clock

TRUTH = {"r": 0.7, "alpha": 8.0, "a": 0.6, "b": 2.6, "p": 5.0, "q": 4.0, "v": 60.0}
FIRST, AS_OF = pd.Timestamp("2022-01-01"), "2023-12-31"


def a_log(seed: int = 1, *, size: int = 1200, days: int = 730) -> pd.DataFrame:
    """Order lines of a BG/NBD and Gamma-Gamma world, customers won evenly over `days`."""
    t, rng = TRUTH, np.random.default_rng(seed)
    born = rng.integers(0, days, size)
    left = (days - 1 - born).astype(float)
    bought = rng.poisson(rng.gamma(t["r"], 1 / t["alpha"], size) * left / 7)
    leaves = rng.geometric(rng.beta(t["a"], t["b"], size))
    level = 1 / rng.gamma(t["q"], 1 / t["v"], size)
    repeats = np.repeat(np.arange(size), bought)
    times = pd.DataFrame(
        {"who": repeats, "after": np.ceil(rng.random(repeats.size) * left[repeats])}
    )
    times = times.sort_values(["who", "after"])
    times = times[times.groupby("who").cumcount() < leaves[times["who"]]]
    both = pd.concat([pd.DataFrame({"who": range(size), "after": 0.0}), times])
    who = both["who"].to_numpy()
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in who],
            "order_id": [f"o{i:06d}" for i in range(len(both))],
            "order_date": FIRST + pd.to_timedelta(born[who] + both["after"].to_numpy(), unit="D"),
            "amount": (rng.gamma(t["p"], size=len(both)) * level[who]).round(2),
        }
    )


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return a_log()


@pytest.fixture(scope="module")
def tested(log) -> forecast.Backtest:
    return forecast.backtest(log, as_of=AS_OF, months=6, draws=20)


@pytest.fixture(scope="module")
def summary(log) -> pd.DataFrame:
    return customers.summarize(log, as_of=AS_OF)


@pytest.fixture(scope="module")
def fitted(summary) -> forecast.Fitted:
    return forecast.fit(summary)


@pytest.fixture(scope="module")
def drawn(fitted) -> pd.DataFrame:
    return forecast.parameters(fitted, draws=20)


# Scores.


def test_scores_by_hand():
    actual, predicted = np.array([0.0, 0, 10, 30]), np.array([5.0, 5, 20, 10])
    found = scores.score(actual, predicted)
    assert found["mae"] == 10
    assert found["bias"] == 0
    # Ranks of the actual 1.5 1.5 3 4, of the forecast 1.5 1.5 4 3.
    assert found["rank_correlation"] == pytest.approx(3.5 / 4.5)
    # Cumulated shares by forecast 1/4 1 1 1, by actual 3/4 1 1 1, each less 2.5.
    assert found["gini"] == pytest.approx(0.75 / 1.25)


def test_tweedie_deviance_by_hand():
    # 2 (y^.5 / (-.25) + y / .5 mean^.5 + 2 mean^.5), power 1.5.
    found = scores.deviance(np.array([0.0, 4, 4]), np.array([1.0, 4, 1]))
    assert found.tolist() == pytest.approx([4, 0, 4])
    from sklearn.metrics import mean_tweedie_deviance

    y, mean = np.random.default_rng(1).gamma(0.5, size=(2, 50)) + 0.3
    theirs = mean_tweedie_deviance(y, mean, power=1.5)
    assert scores.deviance(y, mean).mean() == pytest.approx(theirs)


def test_the_same_for_everybody_has_no_skill_and_no_order():
    actual = np.array([0.0, 3, 0, 9, 8])
    found = scores.score(actual, np.full(5, 4.0))
    assert found["skill"] == pytest.approx(0)
    assert found["gini"] == pytest.approx(0)
    assert found["bias"] == pytest.approx(0)


def test_a_perfect_forecast_is_perfect():
    actual = np.array([1.0, 3, 2, 9, 8])
    found = scores.score(actual, actual)
    assert found["mae"] == 0
    assert [found[k] for k in ("skill", "gini", "rank_correlation")] == pytest.approx([1, 1, 1])


def test_the_reversed_order_has_a_gini_of_minus_one():
    actual = np.arange(6.0)
    assert scores.gini(actual, -actual) == pytest.approx(-1)


def test_nobody_bought_has_no_score():
    found = scores.score(np.zeros(3), np.array([1.0, 2, 3]))
    assert np.isnan([found["bias"], found["gini"], found["skill"]]).all()


def test_a_net_return_does_not_break_the_scores():
    found = scores.score(np.array([-5.0, 10, 20]), np.array([0.0, 10, 20]))
    assert np.isfinite(list(found.values())).all()


def test_calibration_adds_up_and_keeps_equals_together():
    predicted = np.array([9.0, 1, 1, 1, 1, 1, 1, 8, 7, 1])
    actual = np.arange(10.0)
    table = scores.calibration(actual, predicted)
    assert table["customers"].tolist() == [1, 1, 1, 7]
    assert table["decile"].is_monotonic_increasing
    for column, whole in (("actual", actual), ("predicted", predicted)):
        assert (table[column] * table["customers"]).sum() == pytest.approx(whole.sum())


# Rivals.

TABLE = make_lines(
    ("a", "1", "2023-01-01", 10),
    ("a", "2", "2023-01-20", 20),
    ("a", "3", "2023-03-01", 30),
    ("b", "4", "2023-02-01", 40),
    ("c", "5", "2021-06-01", 50),
    ("a", "6", "2023-04-10", 60),
    ("a", "7", "2023-04-10", 5),
    ("b", "8", "2023-04-11", -8),
    ("c", "9", "2023-07-01", 90),
)
SPLIT = "2023-04-01"


@pytest.fixture(scope="module")
def hand() -> tuple[pd.DataFrame, pd.DataFrame]:
    return customers.summarize(TABLE, as_of=SPLIT), TABLE[TABLE["order_date"] <= SPLIT]


def test_the_outcome_by_hand(hand):
    known, _past = hand
    found = baselines.outcome(known, TABLE, split=SPLIT, days=30)
    # Two orders of a day are one purchase; a return is none, and lowers revenue.
    assert found.loc["a"].tolist() == [1, 65]
    assert found.loc["b"].tolist() == [0, -8]
    assert found.loc["c"].tolist() == [0, 0]


def test_the_run_rate_by_hand(hand):
    known, past = hand
    found = baselines.run_rate(known, past, split=SPLIT, days=73)
    # a has been a customer for 90 days, b for 59, which counts as 90.
    assert found.loc["a"].tolist() == pytest.approx([3 / 90 * 73, 60 / 90 * 73])
    assert found.loc["b"].tolist() == pytest.approx([1 / 90 * 73, 40 / 90 * 73])
    assert found.loc["c"].tolist() == [0, 0]


def test_the_run_rate_counts_the_days_since_the_first_purchase_within_bounds():
    lines = make_lines(
        ("old", "1", "2021-01-01", 7),
        ("old", "2", "2022-06-01", 73),
        ("year", "3", "2022-04-01", 50),  # 365 days before the split: its first day is not counted
        ("year", "4", "2022-04-02", 365),
        ("half", "5", "2022-10-03", 10),  # 180 days before
        ("half", "6", "2022-12-12", 20),
        ("today", "7", "2023-04-01", 60),
    )
    known = customers.summarize(lines, as_of=SPLIT)
    found = baselines.run_rate(known, lines, split=SPLIT, days=60)
    assert found.loc["old"].tolist() == pytest.approx([60 / 365, 73 * 60 / 365])
    assert found.loc["year"].tolist() == pytest.approx([60 / 365, 60])
    assert found.loc["half"].tolist() == pytest.approx([2 * 60 / 180, 30 * 60 / 180])
    # Won on the last day: as if 90 days had passed.
    assert found.loc["today"].tolist() == pytest.approx([60 / 90, 60 * 60 / 90])


def test_the_cohort_curve_by_hand():
    # Ages at the split: a 90 days, b 60, c 0. Two have lived through days 1-30 and 31-60, one
    # through days 61-90. Repeats: a on days 10 (5.0) and 70 (9.0), b on day 30 (3.0).
    lines = make_lines(
        ("a", "1", "2023-01-01", 1),
        ("a", "2", "2023-01-11", 5),
        ("a", "3", "2023-03-12", 9),
        ("b", "4", "2023-01-31", 1),
        ("b", "5", "2023-03-02", 3),
        ("c", "6", "2023-04-01", 1),
    )
    known = customers.summarize(lines, as_of=SPLIT)
    assert known["tenure_days"].tolist() == [90, 60, 0]
    found = baselines.cohort_curve(known, lines, split=SPLIT, days=60)
    orders, revenue = [1, 0, 1], [4, 0, 9.0]
    # Beyond the oldest: the mean of the last three spans.
    tail = np.mean(orders), np.mean(revenue)
    assert found.loc["a"].tolist() == pytest.approx([2 * tail[0], 2 * tail[1]])
    assert found.loc["b"].tolist() == pytest.approx([1 + tail[0], 9 + tail[1]])
    assert found.loc["c"].tolist() == pytest.approx([1, 4])


def test_the_rfm_cell_is_the_mean_of_its_like(log):
    split, days = pd.Timestamp("2023-06-30"), 184
    known = customers.summarize(log, as_of=split)
    past = log[log["order_date"] <= split]
    found = baselines.rfm_cell(known, past, split=split, days=days)
    assert found.index.tolist() == known["customer_id"].tolist()
    assert found.notna().all(axis=None)
    # Everybody of a cell gets the same, so there are no more values than cells.
    assert len(found.round(9).drop_duplicates()) <= 125


def test_months_that_end_early_count_by_the_share_of_their_days(log):
    split = pd.Timestamp("2023-08-31")
    known = customers.summarize(log, as_of=split)
    past = log[log["order_date"] <= split]
    spent = estimation.fit_spending(known)

    def total(days: int) -> float:
        rule = {"split": split, "days": days, "spent": spent}
        return model_forecasts.forecast_by_months(known, past, **rule)["orders"].sum()

    month, two = total(30), total(30 + 31)
    assert month > 0
    assert total(10) == pytest.approx(month * 10 / 30)
    assert total(30 + 10) == pytest.approx(month + (two - month) * 10 / 31)


# The backtest.


def test_models_of_the_true_world_are_hardly_biased(tested):
    rows = tested.table.set_index("method")
    assert rows.loc[["bg_nbd", "mbg_nbd", "pareto_nbd"], "bias"].abs().max() < 0.1
    assert abs(rows.loc["bg_nbd", "orders_bias"]) < 0.08
    assert rows.loc["bg_nbd", "skill"] > rows.loc["run_rate", "skill"]
    assert 0.9 < rows.loc["bg_nbd", "coverage"] <= 1


def test_calibration_adds_up_to_the_totals(log, tested):
    split = pd.Timestamp(tested.split)
    known = customers.summarize(log, as_of=split)
    assert split == pd.Timestamp("2023-06-30")
    assert tested.days == 184
    after = log[(log["order_date"] > split) & log["customer_id"].isin(known["customer_id"])]
    groups = tested.calibration.groupby("method")
    assert set(groups.groups) == set(tested.table["method"])
    for name, group in groups:
        assert group["customers"].sum() == len(known)
        actual = (group["customers"] * group["actual"]).sum()
        assert actual == pytest.approx(after["amount"].sum())
        bias = tested.table.set_index("method").loc[name, "bias"]
        assert (group["customers"] * group["predicted"]).sum() == pytest.approx(actual * (1 + bias))


def test_the_winner_is_the_first_of_the_table(tested):
    table = tested.table
    assert table["skill"].is_monotonic_decreasing
    assert tested.best == table["method"].iloc[0]
    assert tested.best_model == table.loc[table["method"].isin(tested.fitted), "method"].iloc[0]
    kinds = table.set_index("method")["kind"]
    assert kinds[["bg_bb", "nbd", "bg_nbd"]].tolist() == ["model"] * 3
    assert set(tested.fitted) <= set(estimation.BUYING)  # NBD and BG/BB never make a list
    assert "renewal_rates" not in kinds  # nobody pays in a regular rhythm here
    assert tested.simple == table.loc[table["kind"] == "simple", "method"].iloc[0]
    share = f"{100 * abs(table['bias'].iloc[0]):.1f}%"
    assert tested.text.startswith("Tested on the last 6 months, ")
    assert f"the best forecast was {share} too" in tested.text


def test_what_comes_after_the_split_changes_no_forecast(log, tested):
    later = log["order_date"] > pd.Timestamp(tested.split)
    changed = log.assign(amount=log["amount"].where(~later, log["amount"] * 3 + 100))
    gone = later & (np.arange(len(log)) % 2 == 0)
    stranger = make_lines(("new", "x", "2023-09-09", 5000))
    changed = pd.concat([changed[~gone], stranger]).sample(frac=1, random_state=3)
    other = forecast.backtest(changed, as_of=AS_OF, months=6, draws=20)
    columns = ["method", "decile", "customers", "predicted"]
    sort = ["method", "decile"]
    one, two = (t.calibration.sort_values(sort, ignore_index=True) for t in (tested, other))
    pd.testing.assert_frame_equal(one[columns], two[columns])
    assert (one["actual"] != two["actual"]).any()
    for name, fitted in tested.fitted.items():
        assert fitted.buying.params_.equals(other.fitted[name].buying.params_)
        assert fitted.spend.params_.equals(other.fitted[name].spend.params_)


def test_tracking_counts_what_was_bought(log, tested):
    table = forecast.tracking(log, tested, as_of=AS_OF)
    known = customers.summarize(log, as_of=tested.split)["customer_id"]
    mine = log[log["customer_id"].isin(known)]
    days = mine.drop_duplicates(["customer_id", "order_date"])
    assert table["actual"].iloc[-1] == len(days) - len(known)
    assert table["actual"].is_monotonic_increasing
    assert table["bg_nbd"].is_monotonic_increasing
    assert table["bg_nbd"].iloc[-1] == pytest.approx(table["actual"].iloc[-1], rel=0.06)


def test_too_little_to_backtest_is_refused(log):
    with pytest.raises(ParamsError, match="months=0"):
        forecast.backtest(log, as_of=AS_OF, months=0)
    with pytest.raises(TooLittleData, match="the orders begin after 2021-12-31, so they are"):
        forecast.backtest(log, as_of=AS_OF, months=24)


@pytest.mark.parametrize(
    ("customers", "early", "why"),
    [
        (99, 99, "there are only 99 customers, and a test of forecasts needs 100."),
        (1, 1, "there is only 1 customer, and a test of forecasts needs 100."),
        (100, 1, "only 1 customer had bought by 2023-06-30, 6 months before the end of the data"),
        (100, 0, "the orders begin after 2023-06-30"),
    ],
)
def test_a_test_that_cannot_be_made_says_why(customers, early, why):
    days = ["2023-06-01" if n < early else "2023-12-01" for n in range(customers)]
    lines = make_lines(*((f"c{n}", f"{n}", day, 1.0) for n, day in enumerate(days)))
    with pytest.raises(TooLittleData, match=why):
        forecast.backtest(lines, as_of=AS_OF, months=6)


@pytest.mark.parametrize(
    ("amounts", "why"),
    [((), "bought anything in the 184 days"), ((9, -9), "sent back as much as they bought")],
)
def test_a_half_year_without_revenue_says_whether_anything_was_bought(amounts, why):
    ids = [f"c{n}" for n in range(100)]
    rows = [(c, c, "2023-01-01", 5.0) for c in ids]
    rows += [(c, f"{c} {a}", "2023-09-01", a) for c in ids for a in amounts]
    with pytest.raises(TooLittleData, match=why):
        forecast.backtest(make_lines(*rows), as_of=AS_OF, months=6)


@pytest.mark.parametrize(
    ("bias", "said"), [(0.15, "did about as well"), (0.604, "both are too far off to plan with")]
)
def test_a_simple_method_is_not_praised_where_both_are_far_off(tested, bias, said):
    rows = tested.table.assign(bias=bias, skill=0.1)
    found = replace(tested, table=rows, best="bg_nbd", simple="run_rate", close=True)
    assert said in found.text


def test_a_model_that_is_used_below_and_ranks_nobody_is_told(tested):
    """The sentence before it is of the best method, which may be far better."""
    rows = tested.table.set_index("method").assign(bias=-0.16, skill=0.3)
    rows.loc[tested.best_model, ["bias", "skill"]] = [322.408, -1.156]
    found = replace(tested, table=rows.reset_index(), best="boosting", simple="run_rate")
    assert "the best forecast was 16.0% too low" in found.text
    assert "is used below. That one was 323 times the true total, and no better than" in found.text
    fine = replace(tested, table=rows.assign(skill=0.1).reset_index(), best="boosting")
    assert "That one" not in fine.text


def test_a_model_that_is_used_below_and_missed_the_total_is_told(tested):
    """Also where another method, which only serves to compare, or a simple one, was better, and
    where none was better than one number for all."""
    rows = tested.table.copy()
    rows.loc[rows["method"] == tested.best_model, "total_in_interval"] = False
    for best in ("boosting", "run_rate", tested.best_model):
        for table in (rows, rows.assign(skill=-0.1)):
            found = replace(tested, table=table, best=best, simple="run_rate")
            assert "lay outside the range of the model that is used below" in found.text
        assert "outside" not in replace(tested, best=best, simple="run_rate").text


def test_the_model_of_lists_is_in_use_too(tested):
    rows = tested.table.assign(total_in_interval=True).astype({"total_in_interval": object})
    other = next(m for m in tested.models if m != tested.best_model)
    rows.loc[rows["method"] == tested.list_model, "total_in_interval"] = False
    assert "outside" in replace(tested, table=rows, best_model=other).text


def test_where_renewals_make_the_lists_no_other_model_is_warned_about(tested):
    rows = tested.table.assign(total_in_interval=True).astype({"total_in_interval": object})
    rows.loc[rows["method"] == tested.best_model, "total_in_interval"] = False
    rows["method"] = rows["method"].replace("boosting", holdout.RENEWALS)
    rows.loc[rows["method"] == holdout.RENEWALS, "skill"] = 0.99
    rows = rows.sort_values("skill", ascending=False)
    found = replace(tested, table=rows, best=holdout.RENEWALS)
    assert found.list_model == holdout.RENEWALS
    assert "outside" not in found.text
    rows.loc[rows["method"] == holdout.RENEWALS, "total_in_interval"] = False
    assert "outside" in replace(found, table=rows).text


def test_a_note_on_several_methods_is_one_line(tested):
    rows = tested.table.assign(note="")
    rows.loc[rows["method"].isin(["bg_nbd", "mbg_nbd"]), "note"] = "it is not."
    rows.loc[rows["method"] == "rfm_cell", "note"] = "nor is it."
    found = replace(tested, table=rows).notes.splitlines()
    assert len(found) == 2
    assert {"RFM cell mean: nor is it."} < set(found)
    assert sorted(found)[0].endswith("NBD: it is not.")


def test_customers_who_got_all_back_are_not_said_to_have_paid_nothing():
    shop = pd.DataFrame({"customer_id": ["a", "b"], "purchase_days": 2, "revenue": [0.0, -5.0]})
    with pytest.raises(TooLittleData, match="no customer has paid more than was sent back"):
        estimation.fit_spending(shop)


def test_amounts_that_are_all_alike_are_said_in_words():
    ids = [f"c{n}" for n in range(200)]
    shop = pd.DataFrame({"customer_id": ids, "purchase_days": 2, "revenue": 20.0})
    (note,) = estimation.fit_spending(shop).notes
    assert note == (
        "Spend: every customer gets the average, as their amounts are too alike, or too few, to "
        "tell customers apart by them."
    )


# A sample of very many customers.


@pytest.fixture(scope="module")
def sampled(log) -> forecast.Backtest:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holdout, "MAX_CUSTOMERS", 400)
        return forecast.backtest(log, as_of=AS_OF, months=6, draws=20)


def test_a_sample_is_drawn_by_the_ids(log, on, monkeypatch):
    monkeypatch.setattr(holdout, "MAX_CUSTOMERS", 400)
    sizes, whole = [], frames.table
    monkeypatch.setattr(frames, "table", lambda r: sizes.append(len(f := whole(r))) or f)
    monkeypatch.setattr(holdout, "CHALLENGERS", {})
    told = forecast.backtest(on(log), as_of=AS_OF, months=6, draws=20)
    known = customers.summarize(log, as_of=told.split)["customer_id"]
    held = known[sampling.contains(known, 400 / len(known))]
    assert told.calibration.groupby("method")["customers"].sum().eq(len(held)).all()
    assert max(sizes) == log["customer_id"].isin(held).sum() < 0.5 * len(log)
    judged = f"Based on a sample of {len(held)} of {len(known)} customers."
    assert told.notes == f"{judged} Totals are scaled up to all customers."


def test_totals_of_a_sample_are_raised_to_those_of_the_shop(log, tested, sampled):
    whole, part = (t.table.set_index("method") for t in (tested, sampled))
    assert part["actual"].tolist() == pytest.approx(len(part) * [whole["actual"].iloc[0]])
    assert (part["predicted"] / part["actual"] - 1 - part["bias"]).abs().max() < 1e-9
    models = part.loc[["bg_nbd", "mbg_nbd", "pareto_nbd"]]
    held = models["actual"].between(models["low"], models["high"])
    assert held.tolist() == models["total_in_interval"].tolist() == [True] * 3
    # As wide as for so many customers: by the root of how many times fewer they are.
    widths = [(t["high"] - t["low"])["bg_nbd"] for t in (part, whole)]
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(whole_of(tested) / 400), rel=0.25)
    # What the whole forecast says lies within what a sample leaves open.
    assert abs(part.loc["bg_nbd", "bias"] - whole.loc["bg_nbd", "bias"]) < 0.25
    assert not tested.notes


def whole_of(tested) -> int:
    return tested.calibration.groupby("method")["customers"].sum().iloc[0]


# Looking into a forecast.


def test_an_unknown_customer_is_refused(log, fitted):
    with pytest.raises(DataError, match="this customer has no purchase"):
        forecast.explain_customer(log, fitted, "nobody", as_of=AS_OF)
    born_later = log.loc[log["order_date"].idxmax(), "customer_id"]
    with pytest.raises(DataError, match="no purchase by 2021-12-31"):
        forecast.explain_customer(log, fitted, born_later, as_of="2021-12-31")


def test_one_customer_as_all_customers_are_predicted(log, summary, fitted):
    customer = summary.loc[summary["purchase_days"].idxmax(), "customer_id"]
    found = forecast.explain_customer(log, fitted, customer, as_of=AS_OF)
    told = found.table.iloc[0]
    predicted = forecast.predict(summary, fitted, months=(12,)).set_index("customer_id")
    for column in ("purchase_days", "revenue", "p_alive", "orders_12m", "ltv_12m"):
        assert told[column] == pytest.approx(predicted.loc[customer, column])
    assert told["low"] < told["ltv_12m"] < told["high"]
    assert found.history["p_alive"].iloc[-1] == pytest.approx(told["p_alive"])
    bought = log.loc[log["customer_id"] == customer, "order_date"].nunique()
    assert found.history["ordered"].sum() == bought
    assert (found.history.loc[found.history["ordered"], "p_alive"] > 0.5).all()


def test_the_span_covers_what_such_customers_bring(log, summary, fitted):
    twice = summary[(summary["purchase_days"] == 2) & (summary["recency_days"] > 0)]
    one = twice.sort_values("recency_days").head(1)
    customer = one["customer_id"].iloc[0]
    told = forecast.explain_customer(log, fitted, customer, as_of=AS_OF).table.iloc[0]
    x, t_x, age = Clock("week").history(forecast.histories(one))
    rng, n = np.random.default_rng(9), 4000
    rows = [np.repeat(v, n) for v in (x, t_x, age)]
    counts = fitted.buying.simulate(np.array([12 * 30.4375 / 7]), *rows, rng=rng)[:, 0]
    p, q, v = fitted.spend.params_
    level = (v + one["revenue"].iloc[0]) / rng.gamma(q + p * (x[0] + 1), size=n)
    paid = np.where(counts > 0, level * rng.gamma(np.maximum(p * counts, 1e-9)), 0)
    # 4,000 draws on either side know a share of 2.5% to 0.35 points. Nothing is below zero, so
    # where more than that bring nothing, the lower end leaves nobody out.
    assert (paid > told["high"]).mean() == pytest.approx(0.025, abs=0.012)
    assert (paid < told["low"]).mean() < 0.037
    assert (paid <= told["low"]).mean() > 0.013


def test_the_matrix_holds_what_the_model_says(summary, fitted):
    alive = forecast.matrix(fitted, summary, of="p_alive")
    oldest = summary["tenure_days"].max()
    row, week = alive.iloc[3], alive.columns[5]
    direct = fitted.buying.conditional_probability_alive(row["orders"], week, oldest / 7)
    assert row[week] == pytest.approx(direct[0])
    assert alive[0].notna().tolist() == (alive["orders"] == 0).tolist()
    ahead = forecast.matrix(fitted, summary, of="expected_orders", months=6)
    orders = fitted.buying.predict(6 * 30.4375 / 7, row["orders"], week, oldest / 7)
    assert ahead.loc[3, week] == pytest.approx(orders[0])


def test_the_spread_of_ltv_holds_everybody(on, summary, fitted):
    predicted = forecast.predict(summary, fitted, months=(12,))
    table = forecast.distribution(on(predicted))
    assert table["customers"].sum() == len(summary)
    assert table["customers_share"].sum() == pytest.approx(1)
    assert table["value_share"].sum() == pytest.approx(1)
    for row in table.iloc[[0, 3, -1]].itertuples():
        held = predicted["ltv_12m"].between(row.above, row.up_to, inclusive="left")
        assert row.customers == held.sum()


def test_a_customer_who_is_gone_for_sure_is_explained_in_numbers(log, fitted):
    days = pd.date_range("2013-01-01", periods=400).strftime("%Y-%m-%d")
    gone = make_lines(*(("gone", f"g{i}", day, 5) for i, day in enumerate(days)))
    found = forecast.explain_customer(gone, fitted, "gone", as_of=AS_OF)
    assert found.table["p_alive"].iloc[0] == 0
    assert found.table[["low", "high"]].iloc[0].tolist() == [0, 0]
    assert "95 bring 0." in found.text  # not: 0 to 0
    assert "nan" not in found.text.lower()


def test_a_hundredth_of_a_unit_is_no_spread_to_show(on):
    shop = pd.DataFrame({"customer_id": ["a", "b"], "ltv_12m": [0.001, 0.004]})
    with pytest.raises(TooLittleData, match="nearly all customers"):
        forecast.distribution(on(shop))


def test_a_saved_model_keeps_no_histories_that_it_was_not_asked_to_keep(summary, tmp_path):
    fitter = forecast.fit(summary, model="bg_nbd").buying
    fitter.save_model(tmp_path / "whole.pkl")
    fitter.save_model(tmp_path / "model.pkl", save_data=False, save_generate_data_method=False)
    small, large = ((tmp_path / f"{n}.pkl").stat().st_size for n in ("model", "whole"))
    assert small < 10_000 < large
