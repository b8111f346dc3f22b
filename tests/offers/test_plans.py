"""From a type of customers to a registered test: what is written, and that it can be read."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from ltvkit import hypotheses, orders
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.offers import plans

GIVEN = {"measure": "A refill at 15% less", "owner": "A. Sato", "department": "CRM"}
START = dt.date(2024, 10, 7)


@pytest.fixture(scope="module")
def book():
    return orders.read("demo:shop", policies={"cancelled_status": ["cancelled"]})


@pytest.fixture(scope="module")
def planned(book, tmp_path_factory):
    folder = tmp_path_factory.mktemp("register")
    rule = {"archetype": "long_relationship", "given": GIVEN, "start": START, "currency": "JPY"}
    return folder, plans.plan_test(folder, "spring-offer", book, **rule)


def test_a_plan_is_a_hypothesis_that_can_be_registered(book, planned):
    folder, _plan = planned
    read = hypotheses.register(folder, "spring-offer", by="A. Sato")
    assert read.record.registered
    assert read.metric == "revenue_per_customer"
    assert read.guardrails == ("margin_per_customer",)
    assert (read.selected, read.start, read.end) == (
        dt.date(2024, 9, 30), START, dt.date(2024, 12, 1),
    )  # fmt: skip
    assert read.measure == GIVEN["measure"]


def test_all_active_customers_of_the_type_are_drawn_and_half_are_held_out(book, planned):
    _folder, plan = planned
    ids = plans.list_customers(book, archetype="long_relationship", of="revenue")
    drawn = pd.read_csv(plan.list, dtype=str)
    assert sorted(drawn["customer_id"]) == ids
    assert len(
        plans.list_customers(book, archetype="long_relationship", active=False, of="revenue")
    ) > len(ids)
    counts = drawn.groupby("segment")["group"].value_counts().unstack(fill_value=0)
    assert (counts["treated"] - counts["control"]).abs().max() <= 1  # within each segment
    assert f"{len(ids)} active customers have a long relationship" in plan.text


def test_the_smallest_effect_is_what_the_test_finds_with_a_power_of_80_percent(book, planned):
    folder, _plan = planned
    from ltvkit.hypotheses.design import power_analysis

    read = hypotheses.load(folder).hypotheses[0]
    row = power_analysis.power(read, book.lines, as_of="2024-09-30", weeks=()).iloc[0]
    assert 0.8 <= row["power"] < 0.86
    assert read.smallest_effect >= row["smallest_detectable"] * 0.99


def test_what_cannot_be_planned_is_refused_before_anything_is_written(book, planned, tmp_path):
    folder, _plan = planned
    rule = {"given": GIVEN, "start": START}
    with pytest.raises(ParamsError, match="is there already"):
        plans.plan_test(folder, "spring-offer", book, archetype="high_price", **rule)
    early = {"given": GIVEN, "start": dt.date(2024, 9, 1)}
    with pytest.raises(ParamsError, match="begins on a later day"):
        plans.plan_test(tmp_path, "x", book, archetype="high_price", **early)
    with pytest.raises(TooLittleData, match="have a long|20 customers in each group"):
        plans.plan_test(tmp_path, "x", book, archetype="high_price", share=0.99, **rule)
    with pytest.raises(ParamsError, match="'long_relationships' is not one of"):
        plans.plan_test(tmp_path, "x", book, archetype="long_relationships", **rule)
    few = orders.read(pd.DataFrame({
        "customer_id": [f"c{n % 30}" for n in range(400)], "order_id": range(400), "amount": 9.0,
        "order_date": pd.date_range("2022-01-01", periods=400, freq="2D"),
    }))  # fmt: skip
    with pytest.raises(
        TooLittleData, match="20 customers in each group; 0 of this type are active"
    ):
        plans.plan_test(tmp_path, "x", few, archetype="frequent", **rule)
    assert not list(tmp_path.rglob("*"))
