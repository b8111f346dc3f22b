"""What is said of a hypothesis: money, guardrails, and figures that rounding does not turn."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stub_hypotheses import assigned, hypothesis, steady

from ltvkit import hypotheses
from ltvkit.display import formats
from ltvkit.hypotheses import card_tables, findings, precision
from ltvkit.hypotheses.evaluation import Evaluation
from ltvkit.hypotheses.figures import COLUMNS, compute_return
from ltvkit.hypotheses.hypothesis import Record

APRIL = dt.date(2024, 4, 30)
METRICS = ("revenue_per_customer", "retention_rate", "orders_per_customer", "average_order_value")
KNOWN = Record(registered=dt.date(2024, 2, 1))


def row(metric="retention_rate", *, role="primary", low=0.02, high=0.07, outcome="", **more):
    middle = (low + high) / 2
    known = {
        "metric": metric, "role": role, "before": 0.1, "after": 0.1 + middle, "raw_effect": middle,
        "control_before": 0.1, "control_after": 0.1, "raw_lowest": low, "raw_highest": high,
        "effect": middle, "lowest": low, "highest": high, "relative_effect": middle / 0.1,
        "natural_change": math.nan, "p": 0.01, "outcome": outcome,
    }  # fmt: skip
    return known | more


def evaluation(*rows, gain=(10.0, 1.0, 19.0), cost=None, of="margin", n=100, **given) -> Evaluation:
    """An evaluation whose figures are given; `gain` per customer, with its interval."""
    about = hypothesis(
        comparison="randomized", metric="retention_rate", smallest_effect=0.02, cost=cost,
        title="Win-back letter", owner="A. Sato", record=KNOWN,
    )  # fmt: skip
    money = dict(zip(("effect", "lowest", "highest"), gain, strict=True))
    known = {
        "hypothesis": about, "as_of": APRIL, "status": "decided", "grade": "A", "verdict": "adopt",
        "table": pd.DataFrame(rows or [row()], columns=COLUMNS),
        "returns": compute_return(money, of=of, treated=n, cost=cost),
        "extras": {"top_share": math.nan},
    }  # fmt: skip
    return Evaluation(**known | given)


# --- money


@pytest.mark.parametrize(
    ("cost", "gain", "said"),
    [
        (500.0, (10.0, 6.0, 14.0), ", and a net gain of 500 JPY (likely range 100 JPY to 900 JPY)"),
        (1500.0, (10.0, 1.0, 19.0),
         ", but a net loss of 500 JPY (likely range −1,400 JPY to 400 JPY)"),
        (0.0, (10.0, 1.0, 19.0),
         ", and a gain of 1,000 JPY at no cost (likely range 100 JPY to 1,900 JPY)"),
        (None, (10.0, 1.0, 19.0),
         ", and 1,000 JPY more margin before costs (likely range 100 JPY to 1,900 JPY)"),
        (None, (-10.0, -19.0, -1.0),
         ", but 1,000 JPY less margin before costs (likely range −1,900 JPY to −100 JPY)"),
    ],
)  # fmt: skip
def test_money_is_in_every_headline_and_opposite_signs_are_a_but(cost, gain, said):
    text = findings.headline(evaluation(cost=cost, gain=gain), currency="JPY")
    assert text.startswith("Win-back letter: adopt. Retention +4.5 pp (likely range +2.0 pp to")
    assert f"{said}. Evidence: A. (A. Sato)" in text


@pytest.mark.parametrize(
    ("cost", "gain", "said"),
    [
        (500.0, (10.0, 6.0, 14.0), "After its cost of 500 JPY: a net gain of 500 JPY of margin"),
        (
            1500.0,
            (10.0, 6.0, 14.0),
            "The money rose too, but by less than the cost. After its cost",
        ),
        (1500.0, (-10.0, -19.0, -1.0), "The figure rose, but the money fell. After its cost of"),
        (1500.0, (10.0, 1.0, 19.0), "Whether it pays is not clear."),
        (None, (10.0, 1.0, 19.0), "What it cost was not declared, so whether it pays is not known"),
        (None, (-10.0, -19.0, -1.0), "was not declared, and comes on top."),
        (70.0, (math.nan,) * 3, "It cost 70 JPY; what it brought in money is not known."),
    ],
)
def test_money_is_in_every_finding(cost, gain, said):
    assert said in findings.finding(evaluation(cost=cost, gain=gain), currency="JPY")


@pytest.mark.parametrize(
    ("cost", "gain"),
    [(1500.0, (10.0, 1.0, 19.0)), (5000.0, (10.0, -1.0, 21.0)), (None, (-10.0, -21.0, 1.0))],
)
def test_where_the_money_went_is_not_said_while_it_is_not_clear(cost, gain):
    text = findings.finding(evaluation(cost=cost, gain=gain), currency="JPY")
    assert "money rose" not in text
    assert "money did not" not in text


@pytest.mark.parametrize("of", ["margin", "margin at a rate", "revenue"])
def test_it_is_said_what_money_it_is(of):
    said = {"margin": "of margin (", "revenue": "of revenue (goods not yet paid)"}
    said |= {"margin at a rate": "of margin (at 100.0% of revenue)"}
    assert said[of] in findings.finding(evaluation(cost=1.0, of=of))


def test_a_figure_that_did_not_clearly_move_has_no_but():
    text = findings.headline(evaluation(row(low=-0.01), cost=1e5), currency="JPY")
    assert ", and a net loss of" in text


def test_while_it_runs_the_whole_cost_does_not_stand_against_a_part_of_the_effect():
    running = evaluation(status="running", verdict="still running", cost=1e6)
    text = findings.finding(running, currency="JPY")
    assert "So far, before costs: 1,000 JPY more margin" in text
    assert "net" not in text
    assert "net loss" not in findings.headline(running, currency="JPY")


# --- what stands against the rule


def test_an_unclear_guardrail_is_said_and_does_not_hinder():
    guard = row("orders_per_customer", role="guardrail", low=-0.05, high=0.03, outcome="unclear")
    found = evaluation(row(), guard)
    text = findings.finding(found)
    assert "Not proven safe: orders per customer, −0.010 (likely range −0.050 to +0.030)" in text
    assert "so a loss of more than 0.005 cannot be ruled out" in text  # 5% of 0.1
    assert "Not proven safe: orders per customer. Evidence" in findings.headline(found)
    assert findings.finding(replace(found, status="running")).count("Not proven") == 0


def test_what_overrules_the_rule_is_said():
    guard = row("orders_per_customer", role="guardrail", low=-0.05, high=-0.03, outcome="harmed")
    harmed = findings.finding(evaluation(row(), guard, verdict="drop"))
    assert "alone would say: adopt. But a guardrail is harmed, so the verdict is: drop" in harmed
    lost = evaluation(cost=5000.0, verdict="drop")
    assert "But it clearly loses money, so the verdict is: drop" in findings.finding(lost)
    shared = evaluation(mixed={"Other mail": 1.0}, verdict="inconclusive")
    text = findings.finding(shared)
    assert "also treated by: Other mail. The effect is that of both together" in text
    assert "But another measure ran on the same customers, so the verdict is: inconc" in text


def test_a_rate_is_not_due_to_the_one_percent_who_bought_most():
    lines = steady(customers=200)
    ids = sorted(lines["customer_id"].unique())
    tried = hypothesis(comparison="randomized", assigned=assigned(ids[::2], ids[1::2]))
    for metric, known in [("retention_rate", False), ("revenue_per_customer", True)]:
        found = hypotheses.evaluate(replace(tried, metric=metric), lines, as_of=APRIL)
        assert np.isfinite(found.extras["top_share"]) == known
        stable = found.checks.set_index("check").loc["robustness", "found"]
        if not known:
            assert "1% who bought most" not in stable


# --- rounding

SIZES = st.floats(-6, 4).map(lambda power: 10.0**power)
SIGNED = st.tuples(SIZES, st.sampled_from([-1.0, 1.0])).map(math.prod)


def number_in(text: str) -> float:
    return float(re.sub(r"[^\d.\-]", "", text.replace(formats.MINUS, "-")))


@settings(max_examples=150, deadline=None)
@given(
    metric=st.sampled_from(METRICS), ends=st.tuples(SIGNED, SIGNED).map(sorted), worth=SIZES,
    level=SIZES, rule=st.sampled_from(["superiority", "superiority_by_margin", "non_inferiority"]),
    currency=st.sampled_from(["JPY", "USD"]),
)  # fmt: skip
def test_rounding_never_moves_a_figure_across_what_it_is_compared_with(
    metric, ends, worth, level, rule, currency
):
    low, high = ends
    tried = hypothesis(metric=metric, smallest_effect=worth, decision_rule=rule)
    figures = row(metric, low=low, high=high, before=level, after=level, control_after=level)
    shown = precision.of_row(figures, precision.find_marks(figures, tried), currency=currency)
    scale = 100 if formats.kind(metric) == "share" else 1
    for mark in precision.find_marks(figures, tried):
        at = number_in(shown.change(mark))
        for end in ends:
            if not math.isclose(end, mark, rel_tol=2e-9, abs_tol=1e-9 / scale):
                assert np.sign(number_in(shown.change(end)) - at) == np.sign(end - mark)
    for end in (*ends, figures["effect"]):
        assert abs(number_in(shown.change(end)) - scale * end) <= 0.501 * 10.0**-shown.decimals


@settings(max_examples=40, deadline=None)
@given(metric=st.sampled_from(METRICS), ends=st.tuples(SIGNED, SIGNED).map(sorted))
def test_words_and_table_show_the_same_figures(metric, ends):
    low, high = ends
    tried = hypothesis(metric=metric, smallest_effect=1e-3, comparison="randomized")
    figures = row(metric, low=low, high=high)
    found = SimpleNamespace(hypothesis=tried)
    words = findings._words(found, pd.Series(figures), "")
    [cells] = card_tables.show_figures(pd.DataFrame([figures]), tried, "").body
    _name, _role, effect, interval, *_levels = cells
    assert effect.startswith(f"{words['effect']} (")
    assert words["range"] == f"likely range {interval}"


@pytest.mark.parametrize(("p", "said"), [(0.0496, "0.0496"), (0.2, "0.200"), (0.05001, "0.05001")])
def test_a_p_is_on_the_side_of_five_percent_that_it_is_on(p, said):
    from ltvkit.hypotheses.effects import validity

    assert validity._describe_p(p) == f"p = {said}"
