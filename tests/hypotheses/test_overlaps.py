"""Two measures on the same customers: found by their lists and dates, and held against both."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stub_hypotheses import assigned, hypothesis, steady

from ltvkit import hypotheses
from ltvkit.hypotheses.hypothesis import Target
from ltvkit.hypotheses.registry.store import Registry

APRIL = dt.date(2024, 4, 30)
LATER = {"selected": dt.date(2024, 4, 1), "start": dt.date(2024, 4, 2), "end": dt.date(2024, 4, 29)}


@pytest.fixture(scope="module")
def lines():
    return steady(customers=600)


def draw(lines, seed):
    mixed = np.random.default_rng(seed).permutation(sorted(lines["customer_id"].unique()))
    return assigned(mixed[::2], mixed[1::2])


def drawn(id, table, **more):
    return hypothesis(id=id, title=id, comparison="randomized", assigned=table, **more)


def judge(lines, *tried):
    found = hypotheses.evaluate_all(Registry(Path("nowhere"), tried), lines, as_of=APRIL)
    assert found.problems.empty
    return {e.hypothesis.id: e for e in found.evaluations}


def others(found):
    checks = found.checks[found.checks["check"] == "other measures"]
    return list(checks[["holds", "found"]].itertuples(index=False, name=None))


def spoiled(lines, table):
    """The treated spend three times as much in March and April."""
    treated = set(table.query("group == 'treated'")["customer_id"])
    hit = lines["customer_id"].isin(treated) & (lines["order_date"] >= "2024-03-01")
    return lines.assign(amount=lines["amount"].where(~hit, lines["amount"] * 3))


def test_the_same_draw_twice_lowers_both_and_neither_is_adopted(lines):
    table = draw(lines, 1)
    found = judge(spoiled(lines, table), drawn("mail", table), drawn("coupon", table))
    assert [e.grade for e in found.values()] == ["C", "C"]
    assert [e.verdict for e in found.values()] == ["inconclusive"] * 2
    assert others(found["mail"]) == [
        (False, "100.0% of the treated were also treated by: coupon; of those they are compared "
         "with, 0.0%")
    ]  # fmt: skip
    assert others(found["coupon"])[0][1].startswith("100.0% of the treated were also treated by")
    text = hypotheses.finding(found["mail"])
    assert "also treated by: coupon. The effect is that of both together" in text
    assert "caused" not in text
    alone = judge(spoiled(lines, table), drawn("mail", table))["mail"]
    assert (alone.grade, alone.verdict) == ("A", "adopt")


def test_two_draws_of_their_own_stand_and_are_named(lines):
    """Half of either group got the other: it does no harm, and is said all the same."""
    found = judge(lines, drawn("mail", draw(lines, 1)), drawn("coupon", draw(lines, 2)))
    for id, other in (("mail", "coupon"), ("coupon", "mail")):
        assert found[id].grade == "A"
        [(holds, text)] = others(found[id])
        assert holds
        assert f"also treated by: {other}" in text
        assert not found[id].mixed


def test_a_measure_on_a_part_of_the_treated_lowers_the_grade_by_one(lines):
    table = draw(lines, 1)
    some = table.loc[table["group"] == "treated", "customer_id"].iloc[:60]
    call = hypothesis(id="call", title="call", target=Target("customers", tuple(some)))
    found = judge(spoiled(lines, table), drawn("mail", table), call)
    assert (found["mail"].grade, found["mail"].verdict) == ("B", "adopt")
    assert "Part of the effect may come from: call" in hypotheses.finding(found["mail"])


def test_a_draw_that_is_used_again_is_known_to_be(lines):
    table = draw(lines, 1)
    found = judge(lines, drawn("mail", table), drawn("coupon", table, **LATER))
    assert [found[id].grade for id in ("mail", "coupon")] == ["A", "C"]
    assert others(found["coupon"])[0][:1] == (False,)
    assert "had been treated by: mail, up to 2024-03-31" in others(found["coupon"])[0][1]
    assert others(found["mail"]) == [
        (True, "100.0% of the treated were treated again by: coupon, from 2024-04-02; of those "
         "they are compared with, 0.0%")
    ]  # fmt: skip


def test_a_new_draw_later_is_no_matter(lines):
    found = judge(lines, drawn("mail", draw(lines, 1)), drawn("coupon", draw(lines, 2), **LATER))
    assert not others(found["mail"])
    assert not others(found["coupon"])
    assert [e.grade for e in found.values()] == ["A", "A"]


def test_of_many_pairs_of_draws_few_are_held_to_be_the_same(lines):
    """The null: 45 pairs of small independent draws, judged at p < 0.001."""
    ids, lowered = sorted(lines["customer_id"].unique()), 0
    rng = np.random.default_rng(4)
    tables = []
    for _n in range(10):
        mixed = rng.permutation(ids)[:200]
        tables.append(assigned(mixed[::2], mixed[1::2]))
    found = judge(lines, *(drawn(f"m{n}", t) for n, t in enumerate(tables)))
    lowered = sum(e.grade != "A" for e in found.values())
    assert lowered <= 1
    assert pd.concat([e.checks for e in found.values()])["check"].eq("other measures").sum() > 10
