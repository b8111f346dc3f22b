"""Sentences about enquiries: each says what its table says, and nothing is said twice."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from scipy import stats
from stub_enquiries import AS_OF, draw_texts, read_orders, read_sample

from ltvkit import support
from ltvkit.support.after_purchase import Guides
from ltvkit.support.causes import Causes


@pytest.fixture(scope="module")
def router():
    return support.train(read_sample())


@pytest.fixture(scope="module")
def named():
    return support.name_products(read_sample(), read_orders().lines)


def test_the_promise_is_told_with_its_test(router):
    said = support.finding(router)
    automatic = router.table[router.table["verdict"] == "automatic"]
    for name in automatic["intent"]:
        assert name.replace("_", " ") in said.split(".")[0]
    assert "At least 95% of the answers to each are right" in said
    assert f"in {automatic['tested'].sum()} enquiries of 2024-02-05 to 2024-09-30" in said
    hours = round(automatic["minutes_saved"].sum() / 60)
    assert f"{hours} hours of work" in said
    assert "costs" not in said
    money = support.finding(router, minute_cost=60.0, currency="JPY")
    assert f"costs {60 * automatic['minutes_saved'].sum():,.0f} JPY a year" in money


def test_what_other_intents_lack(router):
    said = support.describe_labels(router)
    more = router.table[router.table["verdict"] == "needs_labels"]
    assert f"{int(more['more_labels'].min())} more of its enquiries" in said
    assert "return request, cancel order" in said


def test_where_nothing_is_automatic_it_says_so():
    said = support.finding(support.train(draw_texts(400, seed=2, noise=0.3)))
    assert said.startswith("No intent may be answered automatically yet")
    assert "95%" in said


def test_what_waits_is_told_with_all_reasons(router):
    waiting = support.summarize_waiting(support.route(read_sample(), router))
    said = support.describe_waiting(waiting)
    people = waiting[waiting["reason"] != "automatic"]
    assert said.startswith(f"{waiting['enquiries'].sum()} enquiries wait for an answer")
    assert f"people must answer {people['enquiries'].sum()} of them" in said
    counts = [int(n) for n in re.findall(r"\((\d+)\)", said)]
    assert counts == people["enquiries"].tolist()
    assert support.describe_waiting(waiting.iloc[:0]) == "No enquiry waits for an answer."


def test_each_cause_is_told_once(named):
    causes, rising = (f(named, as_of=AS_OF) for f in (support.find_causes, support.find_rising))
    said = support.describe_causes(causes, rising)
    for phrases in causes.table["phrases"]:
        assert said.count(phrases) == 1
    assert "New since 2024-09-08" in said
    none, nothing = (Causes(c.table.iloc[:0], c.enquiries.iloc[:0]) for c in (causes, rising))
    assert support.describe_causes(none, nothing).startswith("No phrase comes up")


def test_a_sentence_never_contradicts_its_verdict():
    row = {"case": "longer", "against": "within_a_day", "customers": 50, "retention": 0.1,
           "retention_of_others": 0.3, "retention_difference": -0.15,
           "retention_difference_low": -0.3,
           "retention_difference_high": -0.1, "verdict": "lower", "grade": "C"}  # fmt: skip
    lower = support.describe_after(pd.DataFrame([row]))
    assert "evidence C, as both sides were alike in what orders tell but not drawn at" in lower
    assert "10.0% ordered again within 90 days, and 30.0% of those answered within a day" in lower
    unclear = support.describe_after(pd.DataFrame([row | {"verdict": "unclear"}]))
    assert unclear == (
        "Whether customers who waited for more than 3 days (against those answered within a day) "
        "order again less often cannot be told from chance."
    )
    assert "Compared with alike customers, the difference is \N{MINUS SIGN}15.0 pp" in lower
    other = row | {"case": "not_solved", "against": "solved"}
    both = pd.DataFrame([row, other]).assign(verdict="unclear")
    assert support.describe_after(both).startswith("Of 2 groups it cannot be told from chance")
    assert support.describe_after(both).count(".") == 1
    mixed = support.describe_after(pd.DataFrame([row | {"verdict": "unclear"}, other]))
    assert mixed.startswith("Of 50 customers whose enquiry was not solved, 10.0%")
    assert mixed.endswith(unclear)
    nothing = support.describe_after(pd.DataFrame([row]).iloc[:0])
    assert "is not known" in nothing
    for said in (lower, unclear, nothing):
        assert not re.search(r"\b(because|caus|due to|effect|leads?)", said)


def test_guides_and_work_in_sentences(named):
    guides = support.find_guides(named, read_orders().lines, as_of=AS_OF)
    said = support.describe_guides(guides)
    assert said.startswith("Consider a guide for a first order of Collagen")
    assert f"{len(guides.customers)} customers are on the list" in said
    row = guides.table.iloc[0]
    low = stats.beta.ppf(0.025, row["asked"], row["first_orders"] - row["asked"] + 1)
    assert f"{100 * row['asked_share']:.1f}%, 95%: {100 * low:.1f}% to" in said
    none = Guides(guides.table.assign(verdict="as_usual"), guides.customers.iloc[:0])
    assert "none brings more questions" in support.describe_guides(none)
    leaf = support.measure_leaf(named, read_orders().lines, as_of=AS_OF)
    whole = leaf.set_index("leaf").loc["minutes"]
    assert f"took {round(whole['after'] / 60)} hours" in support.describe_leaf(leaf)


def test_the_part_named_has_the_direction_of_the_change():
    leaf = pd.DataFrame({"leaf": ["orders", "minutes_each", "minutes"], "before": 6000.0})
    leaf = leaf.assign(after=7200.0, minutes_changed=[-3000.0, 4200.0, 1200.0])
    assert "minutes each (+70 hours)" in support.describe_leaf(leaf)
    down = leaf.assign(minutes_changed=[-2400.0, 1200.0, -1200.0], after=4800.0)
    assert "orders (\N{MINUS SIGN}40 hours)" in support.describe_leaf(down)
    same = support.describe_leaf(leaf.assign(after=6030.0, minutes_changed=[-970.0, 1000.0, 30.0]))
    assert "about the same" in same
    alone = support.describe_leaf(leaf.assign(before=float("nan")))
    assert "no full 365 days before" in alone
