"""From order lines to an effect: windows, groups, replays, figures, verdicts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from scipy import stats
from stub_hypotheses import assigned, hypothesis, steady

from ltvkit import customers, hypotheses
from ltvkit.errors import DataError, ParamsError
from ltvkit.hypotheses import figures, verdicts
from ltvkit.hypotheses.effects import (
    comparisons,
    customer_days,
    estimates,
    placebo,
    targets,
    validity,
)
from ltvkit.hypotheses.effects.estimates import Estimate
from ltvkit.hypotheses.hypothesis import Decision, Record, Target
from ltvkit.periods import number_of

APRIL = dt.date(2024, 4, 30)
SCORES = ("customer_id", "r_score", "f_score")  # measures select by scores alone


def row(found, metric=None):
    table = found.table.set_index("metric")
    return table.iloc[0] if metric is None else table.loc[metric]


# --- histories: the same as the customer table


@pytest.fixture(scope="module")
def lines():
    return steady()


def returned(lines):
    """Some lines come back three days later, and some orders are split over two days."""
    back = lines.iloc[5::17].assign(amount=-lines["amount"] / 2)
    back = back.assign(order_date=back["order_date"] + pd.Timedelta(days=3))
    split = lines.iloc[3::19].assign(order_date=lines["order_date"] + pd.Timedelta(days=1))
    return pd.concat([lines, back, split], ignore_index=True)


@pytest.mark.parametrize("as_of", ["2022-02-01", "2022-12-31", "2024-03-31"])
def test_what_is_known_of_a_day_is_what_customers_say(on, lines, as_of):
    changed = returned(lines)
    known = customer_days.build(on(changed), as_of="2024-04-10").customers_on(number_of(as_of))
    told = customers.summarize(changed, as_of=as_of)
    ids = customer_days.build(changed, as_of="2024-04-10").ids
    named = known.assign(customer_id=ids[known["customer_id"]])
    pd.testing.assert_frame_equal(named, told[list(named)], check_dtype=False)


def test_a_window_counts_what_happened_in_it():
    bought = make_lines(
        ("a", "1", "2024-02-20", 10), ("a", "2", "2024-03-01", 20), ("a", "2", "2024-03-02", 5),
        ("a", "3", "2024-03-31", 7), ("a", "4", "2024-04-01", 90), ("a", "3", "2024-03-31", -2),
        ("b", "5", "2024-01-05", 4),
    )  # fmt: skip
    known = customer_days.build(bought, as_of=APRIL)
    march = np.array([0, 1]), number_of("2024-03-01"), number_of("2024-03-31")
    expected = {
        "revenue": [30, 0], "active": [1, 0], "once": [1, 1], "second": [1, 0], "customers": [1, 1],
        "orders": [2, 0],  # order 2 counts once, on its first day
    }  # fmt: skip
    assert {name: known.column(name, *march).tolist() for name in expected} == expected


def test_money_adds_up_exactly_in_any_order(lines):
    again = lines.sample(frac=1, random_state=3)
    whole = [
        customer_days.build(x, as_of=APRIL).customers_on(number_of(APRIL))["revenue"]
        for x in (lines, again)
    ]
    assert whole[0].tolist() == whole[1].tolist()


# --- who


def test_targets_are_those_of_the_kits_own_tables(lines):
    from ltvkit import abc_classes, deciles, rfm

    on_day, known = "2024-02-29", customer_days.build(lines, as_of=APRIL)
    told = customers.summarize(lines, as_of=on_day)
    seen = lines[lines["order_date"] <= on_day]
    expected = {
        Target("segment", ("champions", "lost")): rfm.segment(rfm.score(told)[list(SCORES)]).query(
            "segment in ['champions', 'lost']"
        ),
        Target("decile", ("1", "10")): deciles.assign(told).query("decile in [1, 10]"),
        Target("abc_class", ("B",)): abc_classes.classify(seen, by="customer_id").query(
            "`class` == 'B'"
        ),
        Target("channel", ("web",)): lines[lines["channel"] == "web"],
        Target("cohort", ("2022-01", "2022-Q2")): told[
            told["first_order"].between("2022-01-01", "2022-01-31")
            | told["first_order"].between("2022-04-01", "2022-06-30")
        ],
        Target("customers", ("c0003", "c0001", "stranger")): lines[
            lines["customer_id"].isin(["c0001", "c0003"])
        ],
    }
    for target, rows in expected.items():
        who = targets.select(known, target, on=number_of(on_day))
        assert set(known.ids[who]) == set(rows["customer_id"]), target


def test_segments_and_classes_follow_the_edges_of_the_params(lines):
    cuts = {"recency_days": [30, 60, 90, 180], "orders": [1, 2, 4, 8], "revenue": [1, 2, 3, 4]}
    told = customers.summarize(lines, as_of="2024-02-29")
    fixed = customer_days.build(lines, as_of=APRIL, rfm_cuts=cuts, abc_cuts=(0.5, 0.8))
    from ltvkit import abc_classes, rfm

    expected = {
        Target("segment", ("champions",)): rfm.segment(
            rfm.score(told, cuts=cuts)[list(SCORES)]
        ).query("segment == 'champions'"),
        Target("abc_class", ("A",)): abc_classes.classify(
            lines[lines["order_date"] <= "2024-02-29"], by="customer_id", cuts=(0.5, 0.8)
        ).query("`class` == 'A'"),
    }
    for target, rows in expected.items():
        who = targets.select(fixed, target, on=number_of("2024-02-29"))
        assert set(fixed.ids[who]) == set(rows["customer_id"])
        assert len(who)


def test_a_cohort_of_a_replay_is_as_old(lines):
    known = customer_days.build(lines, as_of=APRIL)
    target = Target("cohort", ("2022-02",))
    who = targets.select(known, target, on=number_of("2024-02-29"), back=31)
    told = customers.summarize(lines, as_of="2024-03-31").set_index("customer_id")
    assert told.loc[known.ids[who], "first_order"].between("2022-01-01", "2022-01-29").all()
    assert len(who)


# --- the comparisons, by hand


PAIRS = make_lines(
    # before (January 30 to February 29) and after (March), by customer
    ("t1", "1", "2024-02-10", 10), ("t1", "2", "2024-03-10", 40),
    ("t2", "3", "2024-02-11", 20), ("t2", "4", "2024-03-11", 30),
    ("c1", "5", "2024-02-12", 10), ("c1", "6", "2024-03-12", 15),
    ("c2", "7", "2024-02-13", 10), ("c2", "8", "2024-03-31", 25), ("c2", "9", "2024-04-01", 99),
    ("old", "0", "2023-01-01", 1),
)  # fmt: skip
BOTH = {"target": Target("customers", ("t1", "t2")), "control": Target("customers", ("c1", "c2"))}


def test_difference_in_differences_from_the_orders():
    """Treated: 15 to 35; control: 10 to 20; so 20 - 10 = 10."""
    found = hypotheses.evaluate(
        hypothesis(comparison="control_segment", **BOTH), PAIRS, as_of=APRIL
    )
    told = row(found)
    assert told[["before", "after", "control_before", "control_after"]].tolist() == [15, 35, 10, 20]
    assert told["raw_effect"] == pytest.approx(10)
    # Treated changed by 30 and 10, control by 5 and 15: variances 200 and 50.
    reach = (told["raw_highest"] - told["raw_lowest"]) / 2
    assert reach == pytest.approx(
        np.sqrt(200 / 2 + 50 / 2) * stats.t.ppf(0.975, 125**2 / (100**2 + 25**2))
    )


def test_before_and_after_from_the_orders():
    found = hypotheses.evaluate(hypothesis(target=BOTH["target"]), PAIRS, as_of=APRIL)
    assert row(found)["raw_effect"] == pytest.approx(20)
    assert (found.grade, found.verdict) == ("D", "inconclusive")
    assert np.isnan(row(found)[["effect", "lowest", "p"]].tolist()).all()


def test_the_same_period_last_year_is_52_weeks_before():
    """2023-03-03 is 364 days before 2024-03-01, and a Friday like it; the end is 2023-04-02."""
    last = make_lines(
        ("t1", "a", "2023-03-03", 7), ("t1", "b", "2023-03-02", 50), ("t2", "c", "2023-04-02", 9),
        ("t2", "d", "2023-04-03", 50), ("t2", "e", "2022-12-01", 1),
    )  # fmt: skip
    tried = hypothesis(comparison="same_period_last_year", target=BOTH["target"])
    both = pd.concat([PAIRS, last])
    told = row(hypotheses.evaluate(tried, both, as_of=APRIL))
    # t1 was not known by 2023-03-02 but for that very order: both are in both groups.
    assert (told["after"], told["control_after"]) == (35, 8)
    assert told["raw_effect"] == pytest.approx(27)


def test_a_randomized_effect_is_that_of_the_groups():
    tried = hypothesis(comparison="randomized", assigned=assigned(["t1", "t2"], ["c1", "c2"]))
    told = row(hypotheses.evaluate(tried, PAIRS.assign(amount=PAIRS["amount"] * 1.0), as_of=APRIL))
    assert (told["after"], told["control_after"]) == (35, 20)


def test_who_is_in_both_segments_is_treated(lines):
    known = customer_days.build(lines, as_of=APRIL)
    tried = hypothesis(
        comparison="control_segment",
        target=Target("segment", ("champions", "loyal")),
        control=Target("channel", ("web",)),
    )
    found = comparisons.select_groups(known, tried)
    assert not set(found.treated) & set(found.control)


@pytest.mark.parametrize("engine_", ["pandas", "polars", "duckdb"])
def test_engines_and_the_order_of_lines_are_irrelevant(lines, engine_):
    from conftest import ENGINES

    half = sorted(lines["customer_id"].unique())
    tried = hypothesis(
        comparison="randomized",
        assigned=assigned(half[::2], half[1::2]),
        guardrails=("orders_per_customer", "retention_rate", "average_order_value"),
    )
    told = hypotheses.evaluate(tried, lines, as_of=APRIL).table
    mixed = ENGINES[engine_](lines.sample(frac=1, random_state=5))
    again = hypotheses.evaluate(tried, mixed, as_of=APRIL).table
    pd.testing.assert_frame_equal(again, told, check_exact=False, rtol=1e-9)


# --- replays


def test_replays_are_the_same_comparison_on_past_dates(lines):
    tried = hypothesis()
    known = customer_days.build(lines, as_of=tried.end)
    days = comparisons.observed_window(tried, known)
    found = placebo.replay(known, tried, ["orders_per_customer"], days=days)
    table = found["orders_per_customer"].table
    assert table["back"].tolist() == [35 * k for k in range(1, 13)]
    assert (days.start - table["back"]).tolist() == table["start"].tolist()
    for back, change in table[["back", "change"]].head(3).to_numpy():
        moved = replace(
            tried,
            selected=tried.selected - dt.timedelta(back),
            start=tried.start - dt.timedelta(back),
            end=tried.end - dt.timedelta(back),
            metric="orders_per_customer",
        )
        alone = hypotheses.evaluate(moved, lines, as_of=moved.end)
        assert row(alone)["raw_effect"] == pytest.approx(change)


def test_replays_stay_out_of_the_time_of_other_measures(lines):
    tried = hypothesis()
    known = customer_days.build(lines, as_of=tried.end)
    days = comparisons.observed_window(tried, known)
    busy = [days.back(40)]
    left = placebo.replay(known, tried, [tried.metric], days=days, busy=busy)[tried.metric]
    # Of 35 and 70 days back, the window, or the days before it, meet that time.
    assert left.table["back"].tolist() == [35 * k for k in range(3, 13)]


def test_what_is_natural_is_taken_out_by_a_line_over_one_by_days_known():
    """Changes of 2 + 300 / known at 100, 150, 200, 300, 400, 600 days lead to 2.5 at 600."""
    known = np.array([100, 150, 200, 300, 400, 500])
    rows = [(600 - k, 0, 50, 2 + 300 / k, 1.0, False) for k in known]
    natural = placebo._fit(rows, known=600)
    assert natural.change == pytest.approx(2.5)
    assert natural.spread == pytest.approx(0, abs=1e-12)
    effect, _low, _high, _p = natural.subtract(4.0, 1.0)
    assert effect == pytest.approx(1.5)


def test_what_is_left_is_the_prediction_interval_of_statsmodels():
    from statsmodels.regression.linear_model import WLS

    rng = np.random.default_rng(2)
    known = np.arange(200, 1000, 80)
    rows = [(1000 - k, 0, 50, 5 + 100 / k + rng.normal(), 0.5 + k / 1000, False) for k in known]
    natural = placebo._fit(rows, known=1000)
    line = np.column_stack([np.ones(len(known)), 1 / known - 1 / 1000])
    table = natural.table
    fitted = WLS(table["change"], line, weights=table["se"] ** -2).fit()
    there = fitted.get_prediction(np.array([[1.0, 0.0]]), weights=1 / 0.8**2)
    low, high = there.conf_int(obs=True, alpha=0.05)[0]
    effect, lowest, highest, _p = natural.subtract(6.0, 0.8)
    assert (lowest, highest) == pytest.approx((6 - high, 6 - low))
    assert effect == pytest.approx(6 - there.predicted_mean[0])


def test_too_few_replays_say_nothing():
    natural = placebo._fit([(30 * k, 0, 50, 1.0, 1.0, False) for k in range(1, 6)], known=500)
    assert not natural.enough
    assert np.isnan([natural.change, natural.trend_p]).all()


def test_a_trend_that_fails_makes_a_control_segment_c(lines):
    """Orders of the treated channel rise by themselves, month after month."""
    rising = lines[(lines["channel"] == "web")].copy()
    months = (rising["order_date"].dt.year - 2022) * 12 + rising["order_date"].dt.month
    rising["amount"] = rising["amount"] * 1.1**months
    both = pd.concat([rising, lines[lines["channel"] == "shop"]])
    tried = hypothesis(
        comparison="control_segment",
        target=Target("channel", ("web",)),
        control=Target("channel", ("shop",)),
    )
    steady_, drifting = (hypotheses.evaluate(tried, x, as_of=APRIL) for x in (lines, both))
    assert (steady_.grade, drifting.grade) == ("B", "C")
    assert abs(row(steady_)["natural_change"]) < row(drifting)["natural_change"]


# --- status, looks, grades


@pytest.mark.parametrize(
    ("as_of", "decisions", "status"),
    [
        ("2024-02-29", (), "draft"),
        ("2024-03-01", (), "running"),
        ("2024-03-30", (), "running"),
        ("2024-03-31", (), "ended"),
        ("2024-03-31", (("adopt", "2024-04-05"),), "ended"),  # the decision is yet to come
        ("2024-04-05", (("adopt", "2024-04-05"),), "decided"),
        ("2024-03-29", (("extend", "2024-03-30"),), "running"),
        ("2024-04-10", (("drop", "2024-03-10"), ("extend", "2024-03-12")), "running"),
        ("2024-03-20", (("drop", "2024-03-15"),), "decided"),
        ("2024-03-20", (("adopt", "2024-04-05"),), "running"),
        ("2024-03-14", (("drop", "2024-03-15"),), "running"),
        ("2024-02-20", (("drop", "2024-02-25"),), "draft"),
        ("2024-03-20", (("drop", "2024-02-25"),), "decided"),
        ("2024-04-10", (("extend", "2024-03-30"),), "running"),
    ],
)
def test_status(lines, as_of, decisions, status):
    until = {"extend": dt.date(2024, 4, 20)}
    made = tuple(
        Decision(what, dt.date.fromisoformat(when), "why", until=until.get(what))
        for what, when in decisions
    )
    tried = hypothesis(record=Record(decisions=made))
    assert hypotheses.evaluate(tried, lines, as_of=as_of).status == status


def randomized(lines, **more):
    half = sorted(lines["customer_id"].unique())
    return hypothesis(comparison="randomized", assigned=assigned(half[::2], half[1::2]), **more)


def test_a_running_one_has_a_wider_interval_and_no_verdict(lines):
    tried = randomized(lines)
    found = hypotheses.evaluate(tried, lines, as_of="2024-03-20")
    told = row(found)
    assert (found.verdict, found.always_valid) == ("still running", True)
    assert told["lowest"] < told["raw_lowest"] < told["raw_highest"] < told["highest"]
    # Inside the wider interval lies all that its p does not exclude.
    assert (told["p"] > 0.05) == (told["lowest"] < 0 < told["highest"])
    alone = hypotheses.evaluate(hypothesis(), lines, as_of="2024-03-20")
    assert np.isnan(row(alone)[["lowest", "highest"]].tolist()).all()


def test_an_extended_one_keeps_the_interval_of_all_looks(lines):
    longer = Decision("extend", dt.date(2024, 3, 30), "too few", until=dt.date(2024, 4, 15))
    tried = randomized(lines, record=Record(decisions=(longer,)))
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    assert (found.status, found.always_valid) == ("ended", True)
    assert found.window.end == number_of("2024-04-15")


def test_one_that_was_stopped_early_counts_up_to_that_day(lines):
    """Who looks and stops has looked: the interval is the one of all looks."""
    early = Decision("drop", dt.date(2024, 3, 15), "it hurts")
    found = hypotheses.evaluate(
        randomized(lines, record=Record(decisions=(early,))), lines, as_of=APRIL
    )
    assert (found.status, found.always_valid) == ("decided", True)
    assert found.window.end == number_of("2024-03-15")
    assert row(found)["lowest"] < row(found)["raw_lowest"]


def test_one_that_was_dropped_before_it_began_has_no_figures(lines):
    early = Decision("drop", dt.date(2024, 2, 25), "no budget")
    tried = hypothesis(record=Record(decisions=(early,)))
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    assert (found.status, found.verdict) == ("decided", "not started")
    assert found.table.empty


def test_ids_that_are_written_otherwise_are_no_drawing(lines):
    """Who was picked by what they bought must be in the orders."""
    ids = [c.removeprefix("c") for c in sorted(lines["customer_id"].unique())]
    tried = hypothesis(comparison="randomized", assigned=assigned(ids[::2], ids[1::2]))
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    assert (found.grade, found.verdict) == ("C", "inconclusive")
    assert "400 of the list are not in the orders" in found.checks["found"].iloc[0]


def test_customers_of_a_list_that_never_ordered_are_told(lines):
    ids = sorted(lines["customer_id"].unique())
    tried = hypothesis(
        comparison="randomized", assigned=assigned([*ids[::2], "who", "else"], ids[1::2])
    )
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    assert "2 of the list are not in the orders" in found.checks["found"].iloc[0]


def test_prospects_count_whether_they_came_or_not(lines):
    """Of 300 strangers a group, 60 treated and 30 others come in March: 20% against 10%."""
    treated, control = ([f"{g}{n:03d}" for n in range(300)] for g in "tc")
    came = [*treated[:60], *control[:30]]
    first = make_lines(
        *((who, f"p{n}", f"2024-03-{1 + n % 30:02d}", 20, "web") for n, who in enumerate(came)),
        extra=("channel",),
    )
    tried = hypothesis(
        comparison="randomized",
        metric="retention_rate",
        target=Target("customers", (*treated, *control)),
        assigned=assigned(treated, control),
    )
    found = hypotheses.evaluate(tried, pd.concat([lines, first]), as_of=APRIL)
    assert row(found)[["after", "control_after"]].tolist() == pytest.approx([0.2, 0.1])
    assert row(found)["effect"] == pytest.approx(0.1)
    assert found.checks["holds"].iloc[:2].tolist() == [True, True]
    assert "510 of the list are not in the orders" in found.checks["found"].iloc[0]


def test_too_few_conclude_nothing(lines):
    ids = sorted(lines["customer_id"].unique())
    tried = hypothesis(comparison="randomized", assigned=assigned(ids[:20], ids[20:40]))
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    assert found.verdict == "inconclusive"
    assert np.isnan(row(found)["effect"])
    assert not np.isnan(row(found)["raw_effect"])
    assert "too little" in hypotheses.finding(found)
    [size] = found.checks.query("check == 'size'")["found"]
    assert size.startswith("40 customers, ")
    assert " of them with a figure above zero; 30 of a group and 10 " in size  # not: bought


def test_where_nobody_bought_nothing_rose_by_zero(lines):
    ids = sorted(lines["customer_id"].unique())
    tried = hypothesis(comparison="randomized", assigned=assigned(ids[:20], ids[20:40]))
    found = hypotheses.evaluate(tried, lines.assign(amount=0.0), as_of=APRIL)
    assert "Revenue per customer did not change. That is too little" in hypotheses.finding(found)


def test_a_window_of_more_than_a_year_cannot_be_compared_with_last_year(lines):
    tried = hypothesis(
        comparison="same_period_last_year",
        selected=dt.date(2023, 2, 28),
        start=dt.date(2023, 3, 1),
    )
    with pytest.raises(DataError, match="overlap: shorten"):
        hypotheses.evaluate(tried, lines, as_of=APRIL)


def test_histories_of_another_day_are_refused(lines):
    known = customer_days.build(lines, as_of="2024-03-31")
    with pytest.raises(ParamsError, match="another day"):
        hypotheses.evaluate(hypothesis(), known, as_of=APRIL)


def test_a_drawing_that_went_wrong_is_no_longer_a(lines):
    ids = sorted(lines["customer_id"].unique())
    tried = hypothesis(comparison="randomized", assigned=assigned(ids[:300], ids[300:]))
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    assert (found.grade, found.verdict) == ("C", "inconclusive")
    assert not found.checks.set_index("check").loc["sample ratio", "holds"]
    assert np.isnan(row(found)["effect"])


def test_groups_that_differed_before_are_no_longer_a(lines):
    spent = lines.groupby("customer_id")["amount"].sum().sort_values().index
    tried = hypothesis(comparison="randomized", assigned=assigned(spent[:200], spent[200:]))
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    assert found.grade == "C"
    assert not found.checks.set_index("check").loc["balance", "holds"]


# --- what cannot be answered


def test_nobody_is_an_error_that_names_the_hypothesis(lines):
    tried = hypothesis(target=Target("channel", ("fax",)))
    ids = sorted(lines["customer_id"].unique())
    one = hypothesis(comparison="randomized", assigned=assigned(ids[:1], ids[1:40]))
    with pytest.raises(DataError, match="1 treated customer is in the orders"):
        hypotheses.evaluate(one, lines, as_of=APRIL)
    with pytest.raises(DataError, match="mail: 0 treated.*widen the target"):
        hypotheses.evaluate(tried, lines, as_of=APRIL)


def test_orders_that_begin_too_late_are_an_error(lines):
    young = lines[lines["order_date"] >= "2024-02-20"]
    with pytest.raises(
        DataError, match="with the time before looks 31 days back.*shorten the window"
    ):
        hypotheses.evaluate(hypothesis(), young, as_of=APRIL)


def test_a_metric_without_its_column_is_an_error(lines):
    with pytest.raises(ParamsError, match="no margin; map it"):
        hypotheses.evaluate(hypothesis(metric="margin_per_customer"), lines, as_of=APRIL)
    with pytest.raises(ParamsError, match="channel; map it"):
        hypotheses.evaluate(hypothesis(), lines.drop(columns="channel"), as_of=APRIL)


# --- verdicts


@pytest.mark.parametrize(
    ("rule", "low", "high", "verdict"),
    [
        ("superiority", 0.1, 5.0, "adopt"),
        ("superiority", -0.1, 5.0, "inconclusive"),
        ("superiority", -3.0, 0.9, "drop"),
        ("superiority", 0.1, 0.9, "drop"),
        ("superiority_by_margin", 0.1, 5.0, "inconclusive"),
        ("superiority_by_margin", 1.1, 5.0, "adopt"),
        ("superiority_by_margin", -1.0, 0.9, "drop"),
        ("non_inferiority", -0.9, 5.0, "adopt"),
        ("non_inferiority", -1.1, 5.0, "inconclusive"),
        ("non_inferiority", -5.0, -0.1, "drop"),
        ("superiority", np.nan, np.nan, "inconclusive"),
    ],
)
def test_the_registered_rule_decides(rule, low, high, verdict):
    tried = hypothesis(decision_rule=rule)  # the smallest effect is 1
    table = pd.DataFrame({"lowest": [low], "highest": [high], "outcome": [""]})
    assert verdicts.reach_verdict(tried, table) == verdict
    if verdict == "adopt" and rule != "non_inferiority":
        assert verdicts.reach_verdict(tried, table, q=0.06) == "inconclusive"
    if not np.isnan(low):
        harmed = pd.concat([table, table.assign(outcome="harmed")])
        assert verdicts.reach_verdict(tried, harmed) == "drop"


@pytest.mark.parametrize(
    ("cost", "gain", "net", "verdict"),
    [
        (50.0, 60.0, 10.0, "adopt"),
        (50.0, 60.0, -1.0, "drop"),  # all of the interval of the net result is a loss
        (None, 60.0, np.nan, "adopt"),  # before costs it is none
        (None, -1.0, np.nan, "drop"),
        (0.0, np.nan, np.nan, "adopt"),  # nothing is known of the money
    ],
)
def test_what_clearly_loses_money_is_not_adopted(cost, gain, net, verdict):
    table = pd.DataFrame({"lowest": [0.1], "highest": [5.0], "outcome": [""]})
    returns = {"cost": cost, "gain_highest": gain, "net_highest": net}
    assert verdicts.reach_verdict(hypothesis(), table, returns=returns) == verdict
    assert verdicts.apply_rule(hypothesis(), table) == "adopt"


def test_what_is_shared_with_another_measure_is_not_adopted():
    table = pd.DataFrame({"lowest": [0.1], "highest": [5.0], "outcome": [""]})
    reach = verdicts.reach_verdict
    assert [reach(hypothesis(), table, shared=x) for x in (0.0, 0.4, 0.5)] == [
        "adopt", "adopt", "inconclusive",
    ]  # fmt: skip
    assert reach(hypothesis(), table.assign(highest=0.5), shared=1.0) == "drop"


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (-9, -1, "harmed"), (-4, -1, "held"), (-9, 1, "unclear"), (-4, 1, "held"), (2, 3, "held"),
        (np.nan, np.nan, "unclear"),
    ],
)  # fmt: skip
def test_a_guardrail_may_lose_a_twentieth_of_a_hundred(low, high, outcome):
    assert verdicts.rate_guardrail(low, high, 5.0) == outcome


def test_the_return_is_effect_by_customers_less_cost(lines):
    tried = randomized(lines, cost=500.0)
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    told, known = row(found), found.returns
    assert known["of"] == "revenue"
    assert known["gain"] == pytest.approx(told["effect"] * found.extras["treated"])
    assert known["net_lowest"] == pytest.approx(told["lowest"] * 200 - 500)
    assert known["roi"] == pytest.approx((known["gain"] - 500) / 500)
    margin = hypotheses.evaluate(tried, lines.assign(margin=lines["amount"] * 0.4), as_of=APRIL)
    assert margin.returns["gain"] == pytest.approx(0.4 * known["gain"])
    loss = hypotheses.evaluate(tried, lines.assign(margin=lines["amount"] * -0.3), as_of=APRIL)
    assert loss.returns["gain"] == pytest.approx(-0.3 * known["gain"])
    at_rate = hypotheses.evaluate(tried, lines, as_of=APRIL, margin_rate=0.4).returns
    assert at_rate["gain"] == pytest.approx(0.4 * known["gain"])
    assert (at_rate["of"], margin.returns["of"]) == ("margin at a rate", "margin")


def test_a_cost_that_was_not_declared_is_not_zero(lines):
    unknown, free = (
        hypotheses.evaluate(randomized(lines, cost=cost), lines, as_of=APRIL).returns
        for cost in (None, 0.0)
    )
    assert unknown["gain"] == free["gain"] == free["net"]
    assert np.isnan([unknown["net"], unknown["net_lowest"], unknown["roi"]]).all()


# --- what is said of both intervals, and of a base that is too small


def change_by(effects) -> Estimate:
    """Customers whose own changes are these; twice as many as needed."""
    bought = np.column_stack([effects, np.ones(len(effects))])
    return estimates.contrast([estimates.Term(1, np.arange(len(effects)), bought)])


def test_a_change_without_a_sign_is_not_called_stable():
    even = np.tile([-1.0, 1.0], 50)
    made = [change_by(even + up) for up in (0, 9)]
    checks = [validity.check_robustness(one, "orders_per_customer") for one in made]
    assert [check.holds for check in checks] == [None, True]
    assert ["both ranges hold zero" in check.found for check in checks] == [True, False]


@pytest.mark.parametrize(("base", "relative"), [(10.0, 0.1), (0.5, np.nan), (0.0, np.nan)])
def test_an_effect_is_not_relative_to_next_to_nothing(monkeypatch, base, relative):
    """Of 1, with an interval from -1 to 3: to a base of 0.5 that is -200% to +600%."""
    levels = {"before": 0.0, "after": base + 1.0, "control_before": 0.0, "control_after": base}
    monkeypatch.setattr(figures, "_levels", lambda *_given: levels)
    estimate = SimpleNamespace(sufficient=True, effect=1.0, interval=(-1.0, 3.0), p=0.3)
    compared, natural = SimpleNamespace(kind="randomized"), SimpleNamespace(enough=False)
    row = figures.measure(compared, None, "revenue_per_customer", estimate, natural, "as observed")
    assert row["relative_effect"] == pytest.approx(relative, nan_ok=True)
