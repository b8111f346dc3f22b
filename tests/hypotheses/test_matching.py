"""Lists that were not drawn: who resembled them in the past, and what is said where nobody did."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from stub_hypotheses import hypothesis, steady

from ltvkit import hypotheses
from ltvkit.hypotheses.effects import customer_days, matching
from ltvkit.hypotheses.hypothesis import Target
from ltvkit.periods import number_of

APRIL = dt.date(2024, 4, 30)
SHOPS = 6


def listed(ids, **more):
    return hypothesis(target=Target("customers", tuple(ids)), **more)


def best_lately(lines, n=100):
    """Who spent most in the month before: whatever is done, they will spend less."""
    late = lines[lines["order_date"].between("2024-01-31", "2024-02-29")]
    return late.groupby("customer_id")["amount"].sum().nlargest(n).index


@pytest.fixture(scope="module")
def lines():
    return steady(customers=600)


def test_the_nearest_of_a_past_date_is_found():
    """On 2024-02-29 a has bought once, 10 days ago, for 100. A month before that was b, not c."""
    bought = make_lines(
        ("a", "1", "2024-02-19", 100), ("b", "2", "2024-01-20", 100), ("c", "3", "2023-06-01", 9),
        ("c", "4", "2023-07-01", 9), ("b", "5", "2024-02-25", 40),
    )  # fmt: skip
    known = customer_days.build(bought, as_of=APRIL)
    given = {"on": number_of("2024-02-29"), "back": 30, "length": 31}
    found = matching.match(known, Target("customers", ("a",)), **given)
    assert known.ids[found.who].tolist() == ["b"]
    assert found.gap == pytest.approx(0)
    apart = matching.match(known, Target("customers", ("c",)), **{**given, "back": 250})
    assert not apart.alike  # then c had bought once


def test_what_they_do_anyway_is_taken_out():
    """Nothing is done. Before and after alone calls the fall an effect in every shop."""
    seen, naive, known = 0, 0, 0
    for seed in range(SHOPS):
        lines = steady(customers=400, seed=seed)
        row = hypotheses.evaluate(listed(best_lately(lines)), lines, as_of=APRIL).primary
        naive += row["raw_highest"] < 0
        known += pd.notna(row["p"])
        seen += row["p"] < 0.05
    assert naive == SHOPS
    assert known >= SHOPS - 2
    assert seen <= 1


def test_an_effect_on_a_list_is_found(lines):
    """The treated spend 60 more each in March."""
    ids = best_lately(lines)
    more = pd.DataFrame(
        {
            "customer_id": ids, "order_id": [f"m{n}" for n in range(len(ids))], "amount": 60.0,
            "order_date": pd.Timestamp("2024-03-15"), "channel": "web",
        }
    )  # fmt: skip
    found = hypotheses.evaluate(listed(ids), pd.concat([lines, more]), as_of=APRIL)
    assert found.primary["lowest"] < 60 < found.primary["highest"]
    assert (found.grade, found.verdict) == ("D", "adopt")
    text = hypotheses.finding(found)
    assert "on customers like those of the list. Why else they were put on the list" in text
    check = found.checks.set_index("check").loc["natural change"]
    assert check["holds"]
    assert "past dates other customers resembled the list, within 0." in check["found"]


def test_where_nobody_resembled_them_no_history_helps(lines):
    """The best of a shop that grows older: nobody had bought so much before."""
    ids = lines.groupby("customer_id")["amount"].sum().nlargest(40).index
    found = hypotheses.evaluate(listed(ids), lines, as_of=APRIL)
    assert (found.grade, found.verdict) == ("D", "inconclusive")
    assert np.isnan(found.primary["effect"])
    text = hypotheses.finding(found)
    assert "No history will help, so nothing can be concluded: on " in text
    assert "they differ most in" in text
    assert "leave out some of the list at random" in text
    assert "What it changed is not known" in hypotheses.findings.headline(found)


def test_too_few_past_dates_are_said(lines):
    young = lines[lines["order_date"] >= "2023-12-01"]
    found = hypotheses.evaluate(listed(best_lately(young)), young, as_of=APRIL)
    assert "the orders reach back to 0 past dates; 6 are needed" in hypotheses.finding(found)


def test_a_segment_beside_a_list_is_c_at_best(lines):
    """Why they are on the list is not known, so a control may differ by it."""
    ids = sorted(lines["customer_id"].unique())
    web = {"target": Target("channel", ("web",)), "control": Target("channel", ("shop",))}
    both = {"target": Target("customers", tuple(ids[1::2]))}
    both |= {"control": Target("customers", tuple(ids[::2]))}
    ruled, named = (
        hypotheses.evaluate(hypothesis(comparison="control_segment", **t), lines, as_of=APRIL)
        for t in (web, both)
    )
    assert (ruled.grade, named.grade) == ("B", "C")
    assert named.primary["raw_effect"] == pytest.approx(ruled.primary["raw_effect"])
    assert {"parallel trend", "natural change"} <= set(named.checks["check"])


def test_what_a_list_can_show_is_foreseen(lines):
    past = lines[lines["order_date"] <= "2024-02-29"]
    tried = listed(best_lately(lines), smallest_effect=30.0)
    plan = hypotheses.power(tried, past, as_of=dt.date(2024, 2, 29), weeks=()).iloc[0]
    row = hypotheses.evaluate(tried, lines, as_of=APRIL).primary
    assert plan["customers"] == 100
    assert 4.5 * plan["error"] == pytest.approx(row["highest"] - row["lowest"], rel=0.5)
