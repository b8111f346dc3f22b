"""Hypotheses judged on a sample of customers: what crosses is bounded, and figures are honest."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ENGINES
from stub_hypotheses import EVERYBODY, assigned, hypothesis, steady

from ltvkit import customers, hypotheses, orders
from ltvkit.engines import frames, sampling
from ltvkit.errors import DataError
from ltvkit.hypotheses.design import assignment, power_analysis
from ltvkit.hypotheses.effects import comparisons, customer_days, targets
from ltvkit.hypotheses.hypothesis import Target
from ltvkit.hypotheses.registry import store
from ltvkit.hypotheses.registry.store import Registry
from ltvkit.periods import number_of
from ltvkit.samples import measures

APRIL = dt.date(2024, 4, 30)
MOST = 400
MEASURES = {m.id: m for m in measures.MEASURES}


@pytest.fixture(scope="module")
def lines():
    return steady(customers=1600)


@pytest.fixture
def few(monkeypatch):
    """Histories of more than 400 customers are a sample."""
    monkeypatch.setattr(customer_days, "MAX_CUSTOMERS", MOST)


@pytest.fixture
def crossed(monkeypatch):
    """How many rows each table had that left its engine."""
    sizes, whole = [], frames.table

    def table(result):
        found = whole(result)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(frames, "table", table)
    return sizes


def half(lines, *more):
    ids = [*sorted(lines["customer_id"].unique()), *more]
    return assigned(ids[::2], ids[1::2])


def register(*tried) -> Registry:
    return Registry(Path("nowhere"), tuple(tried))


# --- who is in it


@pytest.mark.parametrize("kind", ["polars", "duckdb"])
def test_only_the_sample_leaves_the_engine(lines, few, crossed, kind):
    known = customer_days.build(ENGINES[kind](lines), as_of=APRIL)
    ids = sorted(lines["customer_id"].unique())
    assert known.share == MOST / len(ids)
    assert known.ids.tolist() == np.array(ids)[sampling.contains(ids, known.share)].tolist()
    drawn = lines[lines["customer_id"].isin(known.ids)]
    assert max(crossed) == len(drawn.drop_duplicates(["customer_id", "order_date"]))
    assert max(crossed) < 1.3 * known.share * len(lines)


def test_the_sample_is_the_same_on_every_engine(on, lines, few):
    """Figures too, and the list that is cut to it."""
    tried = hypothesis(comparison="randomized", assigned=half(lines))
    told = hypotheses.evaluate(tried, lines, as_of=APRIL)
    again = hypotheses.evaluate(tried, on(lines), as_of=APRIL)
    pd.testing.assert_frame_equal(again.table, told.table, check_exact=False, rtol=1e-9)
    pd.testing.assert_frame_equal(again.checks, told.checks)


def test_up_to_the_most_nothing_is_sampled_and_nothing_said(lines):
    tried = hypothesis(comparison="randomized", assigned=half(lines))
    board = hypotheses.evaluate_all(register(tried), lines, as_of=APRIL)
    assert board.histories.share == 1
    said = " ".join([board.text, hypotheses.finding(board.evaluations[0])])
    assert "Based on a sample" not in said


def test_that_a_sample_was_judged_is_said_once(lines, few):
    tried = hypothesis(comparison="randomized", assigned=half(lines))
    running = hypothesis(
        id="run", comparison="randomized", assigned=half(lines), end=dt.date(2024, 5, 9)
    )
    draft = hypothesis(id="soon", start=dt.date(2024, 6, 1), end=dt.date(2024, 6, 30))
    board = hypotheses.evaluate_all(register(tried, running, draft), lines, as_of=APRIL)
    n = len(board.histories.ids)
    sentence = f"Based on a sample of {n} of 1,600 customers."
    assert board.text.count("Based on a sample") == board.text.count(sentence) == 1
    ended, going, soon = (hypotheses.finding(e) for e in board.evaluations)
    assert ended.endswith(sentence)
    assert going.endswith(sentence)
    assert "Based on a sample" not in soon


# --- what is of the whole shop


def test_totals_are_those_of_all_customers(on, lines, few):
    board = hypotheses.evaluate_all(register(hypothesis()), on(lines), as_of=APRIL)
    told = customers.summarize(lines, as_of=APRIL)
    assert len(board.histories.customers_on(number_of(APRIL))) < 600
    assert customers.reconcile(told, board.totals)["difference"].tolist() == [0, 0, 0]


def test_a_list_counts_as_long_as_it_is(lines, few):
    tried = hypothesis(comparison="randomized", assigned=half(lines), cost=500.0)
    found = hypotheses.evaluate(tried, lines, as_of=APRIL)
    assert (found.extras["treated"], found.extras["control"]) == (800, 800)
    assert sum(map(len, found.groups)) == len(customer_days.build(lines, as_of=APRIL).ids)
    assert found.returns["gain"] == pytest.approx(found.primary["effect"] * 800)
    assert found.returns["net_lowest"] == pytest.approx(found.primary["lowest"] * 800 - 500)
    assert found.checks["found"].iloc[0].startswith("800 treated and 800 control customers;")
    listed = hypothesis(target=Target("customers", tuple(half(lines)["customer_id"][:700])))
    assert hypotheses.evaluate(listed, lines, as_of=APRIL).extras["treated"] == 700


def test_a_rule_is_counted_up_to_all_customers(lines, few):
    """Of a rule that selects everybody, to the head; of others, near enough."""
    known = customer_days.build(lines, as_of=APRIL)
    lowest = Target("decile", ("8", "9", "10"))
    for target, share in [(EVERYBODY, 1), (Target("channel", ("web",)), 0.5), (lowest, 0.3)]:
        who = targets.select(known, target, on=number_of(APRIL))
        n = targets.count(known, target, who)
        error = np.sqrt(share * (1 - share) / MOST)
        assert abs(n - 1600 * share) <= 4 * 1600 * error + 1
    tried = hypothesis(
        comparison="control_segment",
        target=Target("channel", ("web",)),
        control=Target("channel", ("shop",)),
    )
    found = hypotheses.evaluate(tried, known, as_of=APRIL)
    assert found.extras["treated"] + found.extras["control"] == pytest.approx(1600, abs=1)
    assert found.returns["gain"] == pytest.approx(
        found.primary["effect"] * found.extras["treated"], nan_ok=True
    )


# --- lists


def test_of_a_list_only_those_in_the_sample_are_judged(lines, few):
    """Who is outside the sample is not taken for one who never bought; a stranger in it is."""
    strangers = [f"new{n:03d}" for n in range(200)]
    tried = hypothesis(comparison="randomized", assigned=half(lines, *strangers))
    known = customer_days.build(lines, as_of=APRIL)
    found = comparisons.select_groups(known, tried)
    held = sampling.contains(strangers, known.share)
    everyone = np.concatenate(found)
    assert (everyone >= len(known.ids)).sum() == held.sum() > 0
    assert (everyone < len(known.ids)).sum() == len(known.ids)
    assert len(np.unique(everyone)) == len(everyone)
    never = everyone[everyone >= len(known.ids)]
    march = number_of("2024-03-01"), number_of("2024-03-31")
    assert known.parts("revenue_per_customer", never, *march).tolist() == [[0, 1]] * len(never)
    counted = hypotheses.evaluate(tried, known, as_of=APRIL).checks["found"].iloc[0]
    lost = round(held.sum() * 1800 / len(everyone))
    assert f"{lost} of the list are not in the orders" in counted


def test_strata_follow_the_customers_that_were_drawn(lines, few):
    """Strangers have a place of their own, by their order among those who are judged."""
    drawn = half(lines, *[f"new{n:03d}" for n in range(200)])
    drawn["segment"] = drawn["customer_id"].str[-1]
    tried = hypothesis(comparison="randomized", assigned=drawn)
    known = customer_days.build(lines, as_of=APRIL)
    strata, listed = (
        comparisons.read_strata(known, tried),
        comparisons.assigned_customers(known, tried),
    )
    found = comparisons.select_groups(known, tried)
    assert sorted(strata.index) == sorted(np.concatenate(found))
    treated = listed.loc[listed["group"] == "treated", "segment"]
    assert strata.reindex(found.treated).tolist() == treated.tolist()


def test_a_list_for_a_new_measure_is_drawn_from_all(lines, few, on):
    tried = hypothesis(comparison="randomized")
    found = hypotheses.candidates(tried, on(lines))
    assert found["customer_id"].tolist() == sorted(lines["customer_id"].unique())


@pytest.mark.parametrize(
    "target",
    [
        EVERYBODY, Target("segment", ("champions", "lost")), Target("decile", ("1", "10")),
        Target("abc_class", ("B",)), Target("channel", ("web",)),
        Target("cohort", ("2022-02", "2022-Q1")), Target("cohort", ("2022-W08",)),
        Target("customers", ("c0003", "c0001", "stranger")),
    ],
    ids=lambda t: f"{t.rule} {t.values[0]}",
)  # fmt: skip
@pytest.mark.parametrize("cuts", [{}, {"rfm_cuts": {
    "recency_days": [30, 60, 90, 180], "orders": [1, 2, 4, 8], "revenue": [1, 2, 3, 4]
}, "abc_cuts": (0.5, 0.8)}], ids=["quantiles", "fixed"])  # fmt: skip
def test_who_is_drawn_from_is_who_is_judged(on, lines, target, cuts):
    tried = hypothesis(target=target)
    known, date = customer_days.build(lines, as_of=APRIL, **cuts), number_of(tried.selected)
    who = targets.select(known, target, on=date)
    assert len(who) > 1
    found = assignment.candidates(tried, on(lines), **cuts)
    assert found["customer_id"].tolist() == known.ids[who].tolist()
    assert found["segment"].tolist() == targets.read_segments(known, who, on=date).tolist()


def test_an_unknown_channel_is_told_those_there_are(on, lines):
    with pytest.raises(DataError, match="the channels are shop, web: name"):
        assignment.candidates(hypothesis(target=Target("channel", ("fax",))), on(lines))


# --- what can be seen


@pytest.mark.parametrize("comparison", ["randomized", "before_after"])
def test_power_is_that_of_the_sample_and_customers_those_of_the_shop(lines, few, comparison):
    february, past = dt.date(2024, 2, 29), lines[lines["order_date"] <= "2024-02-29"]
    drawn = half(lines) if comparison == "randomized" else None
    tried = hypothesis(comparison=comparison, assigned=drawn)
    plan = hypotheses.power(tried, past, as_of=february, weeks=()).iloc[0]
    assert plan["customers"] == 1600
    known = customer_days.build(past, as_of=february)
    seen = power_analysis.estimate_inputs(known, tried, tried.metric, length=31)
    found = hypotheses.evaluate(tried, lines, as_of=APRIL).primary
    assert plan["error"] >= seen.se
    assert 3.92 * seen.se == pytest.approx(found["highest"] - found["lowest"], rel=0.4)
    if comparison == "randomized":
        worth = hypothesis(smallest_effect=plan["smallest_detectable"], assigned=drawn,
                           comparison=comparison)  # fmt: skip
        least = hypotheses.power(worth, past, as_of=february, weeks=()).iloc[0]
        assert least["customers_needed"] == pytest.approx(1600, rel=0.01)


# --- the sample shop, whose effects are known


AS_OF = dt.date(2024, 9, 30)


@cache
def shop():
    return orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]}).lines


@cache
def boards():
    """The register of the sample shop, on all of its 5,000 customers and on 1,500 of them."""
    tried = store.load(store.folder("shop"))
    whole = hypotheses.evaluate_all(tried, shop(), as_of=AS_OF)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(customer_days, "MAX_CUSTOMERS", 1500)
        return whole, hypotheses.evaluate_all(tried, shop(), as_of=AS_OF)


def test_the_shop_is_judged_the_same_within_what_a_sample_tells():
    whole, part = boards()
    assert part.problems.empty
    pd.testing.assert_frame_equal(part.totals, whole.totals, check_dtype=False)
    pairs = whole.figures.merge(part.figures, on=["id", "metric"], suffixes=("", "_part"))
    pairs = pairs[pairs["lowest_part"].notna() & pairs["lowest"].notna()]
    assert len(pairs) >= 8
    # Half the width is 1.96 errors; the whole is nearly known beside the sample.
    reach = (pairs["highest_part"] - pairs["lowest_part"]) / 2
    assert ((pairs["effect_part"] - pairs["effect"]).abs() < 1.5 * reach).all()
    wider = reach / ((pairs["highest"] - pairs["lowest"]) / 2)
    assert wider.median() == pytest.approx(np.sqrt(5000 / 1500), rel=0.25)


@pytest.mark.parametrize("id", ["summer-coupon", "catalogue-gifts"])
def test_the_planted_effect_lies_in_the_interval_of_a_sample(id):
    found = next(e for e in boards()[1].evaluations if e.hypothesis.id == id)
    assert found.primary["lowest"] <= MEASURES[id].extra <= found.primary["highest"]


def test_people_and_money_of_the_shop_are_those_of_all_of_it():
    whole, part = (b.table.set_index("id") for b in boards())
    listed = ["win-back-letter", "summer-coupon", "parcel-leaflet", "welcome-set"]
    assert part.loc[listed, "customers"].tolist() == whole.loc[listed, "customers"].tolist()
    ruled = ["catalogue-gifts", "low-decile-mail"]
    assert part.loc[ruled, "customers"].tolist() == pytest.approx(
        whole.loc[ruled, "customers"].tolist(), rel=0.15
    )
    low, high = part.loc["summer-coupon", ["net_lowest", "net_highest"]]
    assert low < whole.loc["summer-coupon", "net"] < high


def test_of_the_shop_no_more_than_the_sample_crosses(crossed, monkeypatch):
    monkeypatch.setattr(customer_days, "MAX_CUSTOMERS", 300)
    tried = store.load(store.folder("shop"))
    board = hypotheses.evaluate_all(tried, shop(), as_of=AS_OF)
    n = len(board.histories.ids)
    assert n < 380
    # Days of the sample; days with a purchase or a return, three a customer here.
    assert max(crossed) < 4 * n
