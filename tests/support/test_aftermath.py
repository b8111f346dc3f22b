"""What comes after an enquiry, and what it costs: by hand, by the truth, and by the null."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from stub_enquiries import AS_OF, make_enquiries, read_orders, read_sample

from ltvkit import support
from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.hypotheses.registry import store
from ltvkit.support import aftermath

GIVEN = {"measure": "A letter, and a new bottle", "owner": "A. Sato", "department": "Support"}


@pytest.fixture(scope="module")
def after():
    return support.compare_after(read_sample(), read_orders().days, as_of=AS_OF)


@pytest.fixture(scope="module")
def causes():
    named = support.name_products(read_sample(), read_orders().lines)
    return support.find_causes(named, as_of=AS_OF)


def pick(table, case, against="no_enquiry"):
    return table[(table["case"] == case) & (table["against"] == against)].iloc[0]


def make_shop(*, back: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """100 customers who bought on the same day; 40 of them asked three days later. Of these `back`
    order again 30 days later, of the others half."""
    rows = [(f"c{n:03d}", f"o{n}", "2024-01-01", 10) for n in range(100)]
    asks = [n for n in range(100) if n < 40]
    rows += [(f"c{n:03d}", f"p{n}", "2024-02-03", 20) for n in asks[:back]]
    rows += [(f"c{n:03d}", f"p{n}", "2024-02-03", 20) for n in range(40, 70)]
    asked = make_enquiries(*[(f"c{n:03d}", "2024-01-04", "x") for n in asks])
    return asked, make_lines(*rows)


def test_a_shop_by_hand(on):
    """30 of the 60 others come back, with 20 each; the nearest of equal ones are a part of them."""
    asked, lines = make_shop(back=10)
    found = support.compare_after(on(asked), on(lines), as_of="2024-06-30")
    row = pick(found, "all_enquiries")
    assert (row["customers"], row["retention"], row["value"]) == (40, 0.25, 5.0)
    assert row["gap"] == pytest.approx(0)
    assert row["grade"] == "C"
    assert row["retention_difference"] == pytest.approx(
        row["retention"] - row["retention_of_others"]
    )
    assert 0 <= row["retention_of_others"] <= 1


def test_what_comes_before_the_landmark_does_not_count():
    asked, lines = make_shop(back=40)
    found = support.compare_after(asked, lines, as_of="2024-06-30", settled=31)
    assert pick(found, "all_enquiries")["retention"] == 0


def test_an_enquiry_solved_after_the_landmark_is_not_solved_yet():
    asked, lines = make_shop(back=10)
    rule = {"as_of": "2024-06-30"}
    day = 24 * 60.0
    timed = asked.assign(solved=True, answer_minutes=[60.0] * 4 + [15 * day] * 33 + [None] * 3)
    found = support.compare_after(timed, lines, **rule)
    assert found.loc[found["by"] == "outcome", "case"].tolist() == ["not_solved"]
    assert pick(found, "not_solved")["customers"] == 33
    assert pick(found, "not_solved")["grade"] == "C"
    undated = support.compare_after(asked.assign(solved=True), lines, **rule)
    assert pick(undated, "solved")["customers"] == 40
    assert pick(undated, "solved")["grade"] == "D"
    assert pick(undated, "all_enquiries")["grade"] == "C"


def test_days_that_are_not_over_do_not_count():
    asked, lines = make_shop(back=10)
    assert len(support.compare_after(asked, lines, as_of="2024-04-17")) == 1
    with pytest.raises(TooLittleData, match="takes 30 customers whose days after it are over"):
        support.compare_after(asked, lines, as_of="2024-04-16")


def test_the_truth_of_the_sample(after):
    """Enquiries and waiting change nothing; the outcome goes with staying."""
    assert (after.loc[after["by"] == "waiting", "verdict"] == "unclear").all()
    assert (after.loc[after["by"] == "waiting", "value_verdict"] == "unclear").all()
    assert pick(after, "all_enquiries")["verdict"] == "unclear"
    assert pick(after, "not_solved")["verdict"] == "lower"
    row = pick(after, "not_solved", "solved")
    assert row["verdict"] == row["value_verdict"] == "lower"
    stay = pick(after, "all_enquiries")["retention"]
    solved = 0.93 * stay / (0.93 * stay + 0.79 * (1 - stay))
    not_solved = 0.07 * stay / (0.07 * stay + 0.21 * (1 - stay))
    assert row["retention_difference_low"] < not_solved - solved
    assert not_solved - solved < row["retention_difference_high"]
    assert (after["gap"] < 0.1).all()
    assert (after["grade"] == "C").all()


def test_a_verdict_never_contradicts_its_row(after):
    for name, prefix in aftermath.OUTCOMES.items():
        for verdict, end, sign in (("lower", "high", -1), ("higher", "low", 1)):
            rows = after[after[f"{prefix}verdict"] == verdict]
            assert (sign * rows[f"{name}_difference_{end}"] > 0).all()
            assert (rows[f"{prefix}q"] <= 0.05).all()


@pytest.fixture(scope="module")
def early():
    return support.compare_after(read_sample(), read_orders().days, as_of="2023-03-31")


def test_all_engines_and_any_order_of_rows_give_the_same(on, early):
    shuffled = read_sample().sample(frac=1, random_state=3).reset_index(drop=True)
    found = support.compare_after(on(shuffled), on(read_orders().days), as_of="2023-03-31")
    pd.testing.assert_frame_equal(found, early)
    assert len(early) >= 3


def test_of_outcomes_dealt_at_random_hardly_any_makes_a_difference():
    """20 deals of outcome and waiting time among the same enquiries."""
    histories, events = aftermath._read(
        read_sample(), read_orders().days, as_of=AS_OF, of="revenue"
    )
    pairs = aftermath._match(histories, events, over=19_890, settled=14, within=90)
    rng, hits = np.random.default_rng(1), 0
    for _run in range(20):
        order = rng.permutation(len(pairs.events))
        dealt = pairs.events.copy()
        for name in ("solved", "answer_minutes"):
            dealt[name] = pairs.events[name].array.take(order)
        groups = aftermath._list_groups(dealt, settled=14)
        rows = [aftermath._compare_one(pairs, *group) for group in groups]
        table = aftermath._judge(pd.DataFrame(rows))
        hits += ((table["verdict"] != "unclear") | (table["value_verdict"] != "unclear")).any()
    assert hits <= 2


# --- costs


def test_costs_of_a_cause_by_hand(after, causes):
    table = support.weigh_causes(causes.table, after, minute_cost=40)
    first, cause = table.iloc[0], causes.table.iloc[0]
    assert first["minutes_a_year"] == pytest.approx(cause["extra_a_year"] * cause["minutes_each"])
    assert first["work_a_year"] == pytest.approx(40 * first["minutes_a_year"])
    each = -pick(after, "not_solved")["value_difference"]
    assert first["lost_value_a_year"] == pytest.approx(
        cause["extra_a_year"] * cause["not_solved_share"] * each
    )
    assert (table["lost_value_a_year_low"] < table["lost_value_a_year_high"]).all()
    nothing = support.weigh_causes(causes.table, None)
    assert nothing[["work_a_year", "lost_value_a_year"]].isna().all(axis=None)
    with pytest.raises(ParamsError, match="minute_cost=-1"):
        support.weigh_causes(causes.table, after, minute_cost=-1)


def test_the_leaf_by_hand(on):
    """2 orders, an enquiry each, of 10 minutes; then 4 orders, 2 enquiries of 20 minutes."""
    lines = make_lines(*[("a", f"o{n}", "2023-06-01" if n < 2 else "2024-06-01", 1)
                         for n in range(6)], ("a", "o9", "2022-12-31", 1))  # fmt: skip
    asked = make_enquiries(
        ("a", "2022-12-31", "x", 99.0),
        ("a", "2023-06-02", "x", 10.0), ("a", "2023-06-03", "x", 10.0),
        ("a", "2024-06-02", "x", 20.0), ("a", "2024-06-03", "x", 20.0),
        columns=("handling_minutes",),
    )  # fmt: skip
    found = support.measure_leaf(on(asked), on(lines), as_of="2024-12-30", minute_cost=2)
    rows = found.set_index("leaf")
    assert rows["before"].tolist() == [2, 1, 10, 20]
    assert rows["after"].tolist() == [4, 0.5, 20, 40]
    parts = rows["minutes_changed"]  # of orders: 20/3 + 10/6 + 40/6 + 20/3
    assert parts[:-1].sum() == pytest.approx(parts["minutes"]) == pytest.approx(20)
    assert parts["orders"] == parts["minutes_each"] == pytest.approx(65 / 3)
    assert rows["money_changed"].tolist() == pytest.approx((2 * parts).tolist())
    alone = support.measure_leaf(asked, lines, as_of="2023-12-30").set_index("leaf")
    assert alone[["before", "minutes_changed"]].isna().all(axis=None)  # no full year before
    assert alone.loc["orders", "after"] == 3
    with pytest.raises(TooLittleData, match="two periods of 365 days"):
        support.measure_leaf(asked, lines, as_of="2022-06-30")
    with pytest.raises(ColumnError, match="handling_minutes"):
        support.measure_leaf(asked.drop(columns="handling_minutes"), lines, as_of="2024-12-30")


# --- drafts


def test_a_draft_is_a_hypothesis_that_can_be_planned(causes, tmp_path):
    drafts = support.list_drafts(causes.table)
    assert drafts["id"].tolist() == ["cause-1", "cause-2", "cause-3"]
    who = causes.enquiries.loc[causes.enquiries["cause"] == 1, "customer_id"]
    rule = {"given": GIVEN, "selected": dt.date(2024, 9, 30), "start": dt.date(2024, 10, 7)}
    row = causes.table.iloc[0].to_dict()
    support.draft_hypothesis(tmp_path, "late-parcels", row, who, **rule)
    read = store.read_plan(tmp_path, "late-parcels")
    assert read.title == drafts["title"][0]
    assert read.metric == "retention_rate"
    assert read.comparison == "randomized"
    assert list(read.target.values) == sorted(who.dropna().unique())
    with pytest.raises(ParamsError, match="is there already"):
        support.draft_hypothesis(tmp_path, "late-parcels", row, who, **rule)
    with pytest.raises(TooLittleData, match="takes 40 customers"):
        support.draft_hypothesis(tmp_path, "few", row, who[:10], **rule)
    early = rule | {"start": dt.date(2024, 9, 30)}
    with pytest.raises(ParamsError, match="is not after the last day of the orders"):
        support.draft_hypothesis(tmp_path, "early", row, who, **early)
    assert not (tmp_path / "few.yaml").exists()
    assert not (tmp_path / "early.yaml").exists()
