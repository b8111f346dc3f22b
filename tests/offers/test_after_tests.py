"""Whom measures worked for that were drawn at random: collected by hand, planted, and none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stub_hypotheses import END, assigned, hypothesis, steady

from ltvkit import hypotheses, offers
from ltvkit.hypotheses.board import Board
from ltvkit.hypotheses.effects import customer_days
from ltvkit.offers import after_tests


def make_board(lines: pd.DataFrame, **given) -> Board:
    """One measure on a draw of half of all customers, evaluated a month after its end."""
    ids = sorted(lines["customer_id"].unique())
    drawn = np.random.default_rng(5).permutation(ids)
    half = len(ids) // 2
    plan = hypothesis(
        comparison="randomized",
        assigned=assigned(sorted(drawn[:half]), sorted(drawn[half:])),
        **{"cost": 500.0} | given,
    )
    histories = customer_days.build(lines, as_of="2024-04-30")
    evaluation = hypotheses.evaluate(plan, histories, as_of="2024-04-30")
    problems = pd.DataFrame(columns=["file", "problem"])
    return Board(None, (evaluation,), problems, histories)


def give(lines: pd.DataFrame, board: Board, amount: float, *, channel: str) -> pd.DataFrame:
    """One more order in March of each treated customer who is of a channel."""
    drawn = board.evaluations[0].hypothesis.assigned
    treated = set(drawn.loc[drawn["group"] == "treated", "customer_id"])
    first = lines[lines["customer_id"].isin(treated)].sort_values("order_date")
    first = first.drop_duplicates("customer_id").query("channel == @channel")
    more = first.assign(
        order_date=pd.Timestamp("2024-03-10"),
        amount=amount,
        order_id=[f"more{n}" for n in range(len(first))],
    )
    return pd.concat([lines, more], ignore_index=True)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return steady(customers=600, until="2024-04-30")


def test_customers_are_collected_as_the_lines_say(lines):
    board = make_board(lines)
    found = after_tests.collect_customers(board.histories, board.evaluations[0])
    in_window = lines[lines["order_date"].between("2024-03-01", "2024-03-31")]
    paid = in_window.groupby("customer_id")["amount"].sum()
    expected = paid.reindex(found["customer_id"]).fillna(0.0)
    np.testing.assert_allclose(found["outcome"], expected)
    plan = board.evaluations[0].hypothesis
    assert found["group"].tolist() == plan.assigned["group"].tolist()
    before = lines[lines["order_date"] <= "2024-02-29"].sort_values("order_date")
    known = before.drop_duplicates("customer_id").set_index("customer_id")["channel"]
    assert found["channel"].tolist() == known.reindex(found["customer_id"]).tolist()
    assert found["decile"].isin([str(n) for n in range(1, 11)]).all()
    at_rate = after_tests.collect_customers(board.histories, board.evaluations[0], margin_rate=0.25)
    np.testing.assert_allclose(at_rate["outcome"], found["outcome"] / 4)


def test_a_measure_that_works_in_one_channel_is_found(lines):
    board = make_board(give(lines, make_board(lines), 200.0, channel="web"))
    rules = offers.find_rules(board, currency="JPY")
    [row] = rules.table.to_dict("records")
    assert row["whom"] == "named"
    assert row["rule"] == "Channel: web"
    assert row["effect_in"] == pytest.approx(200, rel=0.2)
    assert row["effect_out"] == pytest.approx(0, abs=15)
    assert row["effect_difference_low"] < row["effect_difference"] < row["effect_difference_high"]
    assert row["qini_low"] < row["qini"] < row["qini_high"]
    assert row["cost"] == pytest.approx(500 / 300)
    assert rules.advice == [*rules.texts]
    assert rules.text == rules.texts[0]
    assert rules.text.startswith("x: Treat these customers (Channel): web")


def test_a_measure_that_costs_less_on_some_is_no_advice(lines):
    fewer = give(lines, make_board(lines), -200.0, channel="web")
    rules = offers.find_rules(make_board(fewer), currency="JPY")
    assert rules.table["rule"].tolist() == ["Channel: shop"]
    assert rules.table["whom"].tolist() == ["named"]
    assert rules.table["effect_in"].iloc[0] < 0
    assert rules.advice == []
    assert "It cost less on these customers (Channel): shop" in rules.text


def test_without_a_difference_nobody_can_tell():
    """Of 40 measures that do nothing, each looked at alone, about one in 20 is named."""
    named = 0
    for seed in range(40):
        lines = steady(customers=300, seed=seed, until="2024-04-30")
        named += (offers.find_rules(make_board(lines)).table["whom"] == "named").sum()
    assert named <= 5  # 1.4% of draws of 40 at 5% have more


def test_several_measures_are_judged_together(lines):
    """The more there are, the smaller the p that names one; a range above zero is not enough."""
    board = make_board(give(lines, make_board(lines), 12.0, channel="web"))
    alone = offers.find_rules(board).table
    many = Board(None, board.evaluations * 8, board.problems, board.histories)
    together = offers.find_rules(many)
    assert len(together.table) == 8
    np.testing.assert_allclose(together.table["q"], np.minimum(alone["q"].item() * 8, 1.0))
    assert alone["effect_difference_low"].item() > 0
    assert alone["whom"].tolist() == ["named"]
    assert together.table["whom"].tolist() == ["cannot_tell"] * 8
    assert "as several measures are looked at, that may be chance" in together.texts[0]
    assert together.advice == []


def test_too_few_customers_are_said_and_others_do_not_count(lines):
    few = lines[lines["customer_id"].isin(sorted(lines["customer_id"].unique())[:60])]
    rules = offers.find_rules(make_board(few))
    assert rules.table["whom"].tolist() == ["cannot_tell"]
    assert rules.table["effect_in"].isna().all()
    assert "A rule takes 30 treated and 30 control customers in each half" in rules.texts[0]
    assert rules.text.startswith("Of one measure that was drawn at random and has ended, nobody")
    plan = hypothesis(comparison="before_after")
    histories = customer_days.build(lines, as_of="2024-04-30")
    evaluation = hypotheses.evaluate(plan, histories, as_of="2024-04-30")
    other = Board(None, (evaluation,), pd.DataFrame(), histories)
    assert offers.find_rules(other).table.empty
    assert offers.find_rules(other).text.startswith("No measure whose customers were drawn")


def test_one_that_runs_is_not_judged(lines):
    assert END.month == 3
    histories = customer_days.build(lines, as_of="2024-03-20")
    plan = make_board(lines).evaluations[0].hypothesis
    evaluation = hypotheses.evaluate(plan, histories, as_of="2024-03-20")
    board = Board(None, (evaluation,), pd.DataFrame(), histories)
    assert offers.find_rules(board).table.empty
