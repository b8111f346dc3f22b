"""The sample shop did six things whose effects are known: the page must read them all rightly."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from ltvkit import hypotheses, orders
from ltvkit.hypotheses.design import assignment
from ltvkit.hypotheses.registry import store
from ltvkit.samples import measures, shop

AS_OF = dt.date(2024, 9, 30)
POLICIES = {"cancelled_status": ["cancelled"]}
MEASURES = {m.id: m for m in measures.MEASURES}


@cache
def lines():
    return orders.read("demo:shop", policies=POLICIES).lines


@cache
def board():
    return hypotheses.evaluate_all(store.load(store.folder("shop")), lines(), as_of=AS_OF)


def found(id):
    return next(e for e in board().evaluations if e.hypothesis.id == id)


def figure(id, metric=None):
    table = found(id).table.set_index("metric")
    return table.iloc[0] if metric is None else table.loc[metric]


def said(id):
    return hypotheses.finding(found(id), currency="JPY")


# --- the register is in order


def test_the_register_of_the_sample_is_whole():
    register = store.load(store.folder("shop"))
    assert register.problems.empty
    assert set(MEASURES) | {"spring-mail"} == {h.id for h in register.hypotheses}
    for tried in register.hypotheses:
        record = tried.record
        assert tried.id == "spring-mail" or record.registered < tried.start
        assert [record.late, record.edited] == [False, False]


@pytest.mark.parametrize("id", [m.id for m in measures.MEASURES])
def test_the_register_says_what_was_done(id):
    tried, measure = store.read(store.folder("shop"), id), MEASURES[id]
    assert (str(tried.start), str(tried.end)) == (measure.start, measure.end)
    assert (tried.target.rule, set(tried.target.values)) == (measure.rule, set(measure.values))
    assert (tried.assigned is not None) == (measure.seed is not None)


@pytest.mark.parametrize("id", [m.id for m in measures.MEASURES if m.seed is not None])
def test_its_lists_are_those_that_the_kit_draws(id):
    """When this fails after an upgrade, numpy changed a stream: draw the lists again."""
    tried = store.read(store.folder("shop"), id)
    drawn = assignment.assign(assignment.candidates(tried, lines()), seed=MEASURES[id].seed)
    pd.testing.assert_frame_equal(tried.assigned, drawn[list(tried.assigned)], check_dtype=False)


# --- the six cases


def test_a_drawn_measure_that_works_is_adopted():
    """Planted: 6 of 100 treated place an order more, of whom few would have ordered anyway."""
    row, idle = figure("win-back-letter"), 1 - figure("win-back-letter")["control_after"]
    assert (found("win-back-letter").grade, found("win-back-letter").verdict) == ("A", "adopt")
    assert row["lowest"] <= MEASURES["win-back-letter"].extra * idle <= row["highest"]
    assert row["lowest"] > 0
    assert "caused" in said("win-back-letter")


def test_a_drawn_measure_without_effect_is_not():
    row = figure("parcel-leaflet")
    assert found("parcel-leaflet").verdict in ("inconclusive", "drop")
    assert row["lowest"] <= 0 <= row["highest"]
    assert "No clear effect on second-order rate" in said("parcel-leaflet")
    assert "caused" not in said("parcel-leaflet")


def test_regression_to_the_mean_is_not_taken_for_an_effect():
    """Nothing was planted, and the lowest deciles pay far more per order than before."""
    row = figure("low-decile-mail")
    assert row["raw_lowest"] > 0  # before and after alone would call it a success
    assert row["after"] > 1.5 * row["before"]
    assert row["natural_change"] > 0.5 * row["raw_effect"]
    assert row["lowest"] <= 0 <= row["highest"]
    assert (found("low-decile-mail").grade, found("low-decile-mail").verdict) == (
        "D",
        "inconclusive",
    )
    assert "is no clear effect" in said("low-decile-mail")
    assert "caused" not in said("low-decile-mail")


def test_more_orders_with_less_revenue_are_dropped():
    orders, revenue = figure("summer-coupon"), figure("summer-coupon", "revenue_per_customer")
    assert orders["lowest"] <= MEASURES["summer-coupon"].extra <= orders["highest"]
    assert orders["lowest"] > 0 > revenue["highest"]
    assert revenue["outcome"] == "harmed"
    assert found("summer-coupon").verdict == "drop"
    assert "Harmed: revenue per customer" in said("summer-coupon")
    assert found("summer-coupon").returns["net_highest"] < 0


def test_a_season_is_not_taken_for_an_effect():
    """Planted: .15 orders more for the treated; and all order now what they would order later."""
    row, extra = figure("catalogue-gifts"), MEASURES["catalogue-gifts"].extra
    assert row["lowest"] <= extra <= row["highest"]
    tried = found("catalogue-gifts").hypothesis
    alone = replace(tried, comparison="before_after", control=None)
    naive = hypotheses.evaluate(alone, board().histories, as_of=AS_OF).primary
    assert naive["lowest"] > 0  # before and after would count the season in
    assert naive["effect"] > row["effect"] + 0.03
    assert (found("catalogue-gifts").grade, found("catalogue-gifts").verdict) == ("B", "adopt")
    assert "points to" in said("catalogue-gifts")
    assert "caused" not in said("catalogue-gifts")


def test_one_that_still_runs_has_no_verdict():
    running = found("welcome-set")
    assert (running.status, running.verdict) == ("running", "still running")
    row = figure("welcome-set")
    assert row["lowest"] < row["raw_lowest"] < row["raw_highest"] < row["highest"]
    assert "Running until 2024-11-30" in said("welcome-set")
    assert "adopt" not in said("welcome-set")


def test_one_that_has_not_begun_has_no_figures():
    draft = found("spring-mail")
    assert (draft.status, draft.verdict) == ("draft", "not started")
    assert draft.table.empty


# --- the measures in the orders


def test_without_measures_the_shop_is_as_it_was():
    plain, acted = shop.simulate(customers=800, measures=False), shop.simulate(customers=800)
    first = measures.MEASURES[0].start
    for frame in (plain, acted):
        assert (frame["order_date"] < first).any()
    before = [f[f["order_date"] < first] for f in (plain, acted)]
    true = [f[(f["status"] == "shipped") & (f["customer_id"] != "")] for f in before]
    keys = ["customer_id", "order_date"]
    orders = [f.drop_duplicates("order_id")[keys].sort_values(keys) for f in true]
    assert orders[0].to_numpy().tolist() == orders[1].to_numpy().tolist()
    assert len(acted) > len(plain)


def test_a_season_moves_orders_and_makes_none():
    sales = pd.DataFrame({"customer_id": ["a", "a", "b", "new"], "at": [1.0, 25.0, 31.0, 26.0]})
    known = sales[sales["at"] < 10]
    moved = measures._move_into_season(np.random.default_rng(1), sales, known, (10, 20), 1.0)
    assert moved["at"].between(10, 20).tolist() == [False, True, False, False]
    assert moved["at"][[0, 2, 3]].tolist() == [1.0, 31.0, 26.0]


def test_a_shop_of_few_customers_does_nothing():
    assert shop.simulate(customers=40).equals(shop.simulate(customers=40, measures=False))


def test_one_order_more_is_like_an_earlier_one_of_the_same_customer():
    known = pd.DataFrame(
        {"customer_id": ["a", "a", "b"], "at": [1.0, 2.0, 3.0], "value": [100, 200, 50]}
    )
    rng = np.random.default_rng(1)
    made = measures._extra_orders(rng, known, pd.Series(["a", "b"]), (10, 20), 1.0, 0.5)
    assert made["customer_id"].tolist() == ["a", "b"]
    assert made["value"].tolist()[0] in (50, 100)
    assert made["value"].tolist()[1] == 25
    assert made["at"].between(10, 20).all()
