"""LTV by stage from one age on: by hand, planted, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from stub_funnel import canonical, canonical_orders, make_events, sample

from ltvkit import funnel
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.funnel import landmark
from ltvkit.samples import events, shop

KNOWN = {"export_begins": "opening"}


def reach(lines, found, as_of):
    joined = funnel.join_visitors(found, lines, as_of=as_of)
    return funnel.reach(lines, joined, as_of=as_of, **KNOWN)


def make_customers(*, n: int, reviewed: int):
    """Customers with one order of 10 each; those of the first `reviewed` wrote a review on day 5
    and bring 7 more on day 20, all others 4 more; the last one too late."""
    rows, found = [], []
    for k in range(n):
        rows += [(f"c{k}", f"{k}a", "2024-01-01", 10)]
        rows += [(f"c{k}", f"{k}b", "2024-01-21", 7 if k < reviewed else 4)]
        if k < reviewed:
            found += [("2024-01-06 10:00", "write_review", "", {"customer_id": f"c{k}"})]
    found += [("2024-01-15 10:00", "write_review", "", {"customer_id": f"c{n - 1}"})]
    found += [("2024-01-01 10:00", "scroll", "v"), ("2024-03-01 10:00", "scroll", "v")]
    return make_lines(*rows), make_events(*found)


def test_a_landmark_by_hand(on):
    lines, found = make_customers(n=70, reviewed=30)
    stages = reach(on(lines), on(found), "2024-03-31")
    table = funnel.value_stages(on(lines), stages, at=10, follow=20).set_index("stage")
    row = table.loc["advocating"]
    # Who wrote a review after day 10 had not by then.
    assert row[["customers", "other_customers"]].tolist() == [30, 40]
    assert row[["ltv_later", "ltv_of_similar", "ltv_difference"]].tolist() == pytest.approx(
        [7, 4, 3]
    )
    assert (row["grade"], row["verdict"]) == ("C", "more")
    row = table.loc["second_order"]  # nobody has one by day 10
    assert (row["customers"], row["verdict"], row["grade"]) == (0, "too_few", "D")
    assert np.isnan(row["ltv_difference"])
    ever = funnel.compare_ever(on(lines), stages).set_index("stage").loc["advocating"]
    assert ever[["customers", "other_customers"]].tolist() == [31, 39]
    assert ever["ltv_so_far"] == pytest.approx(10 + (30 * 7 + 4) / 31)
    assert ever["ltv_of_rest"] == 14


def test_only_customers_who_were_seen_for_so_long(on):
    lines, found = make_customers(n=70, reviewed=30)
    stages = reach(on(lines), on(found), "2024-01-31")
    assert funnel.value_stages(on(lines), stages, at=10, follow=20)["customers"].max() == 30
    with pytest.raises(TooLittleData, match="has been seen for 31 days yet"):
        funnel.value_stages(on(lines), stages, at=10, follow=21)
    with pytest.raises(ParamsError, match="at=0"):
        funnel.value_stages(on(lines), stages, at=0)


@pytest.fixture(scope="module")
def compared():
    lines, found = sample()
    stages = reach(lines, found, "2024-09-30")
    table = funnel.value_stages(lines, stages)
    return table.set_index("stage"), funnel.compare_ever(lines, stages).set_index("stage")


def test_reviewing_does_nothing_in_the_sample_and_the_naive_table_credits_it(compared):
    table, ever = compared
    row = table.loc["advocating"]
    assert row["low"] < 0 < row["high"]
    assert row["verdict"] == "unclear"
    assert ever.loc["advocating", "low"] > 5000  # it says that reviewers are worth far more
    said = funnel.describe_value(table.reset_index(), ever=ever.reset_index(), currency="JPY")
    assert said.count("cannot be told from chance") == 1
    assert "Of 2 stages it cannot be told" in said
    assert "had been alike: introduced somebody, wrote a review or a post. (To compare" in said
    assert "whoever ever wrote a review or a post with the rest shows +9,480 JPY each" in said
    one = table.drop(index="introducing").reset_index()
    said = funnel.describe_value(one, ever=ever.reset_index(), currency="JPY")
    assert "Whether customers who wrote a review or a post by day 90 bring more in the 180" in said
    assert table.loc["second_order", "verdict"] == "more"  # who orders again differs


def test_totals_of_the_naive_table(compared):
    lines, _found = sample()
    for _stage, row in compared[1].iterrows():
        whole = row["customers"] * row["ltv_so_far"] + row["other_customers"] * row["ltv_of_rest"]
        assert whole == pytest.approx(lines["amount"].sum())


@pytest.fixture(scope="module")
def shops():
    """Six small shops in which reviewing does nothing (benchmarks have 200)."""
    found = []
    for seed in range(6):
        orders = shop.simulate(customers=1500, seed=seed, measures=False)
        lines = canonical_orders(orders)
        found.append((lines, canonical(events.simulate(orders, seed=seed))))
    return found


def test_where_there_is_nothing_nothing_is_found(shops):
    verdicts, naive = [], []
    for lines, found in shops:
        stages = reach(lines, found, "2024-09-30")
        table = funnel.value_stages(lines, stages).set_index("stage")
        verdicts.append(table.loc["advocating", "verdict"])
        naive.append(funnel.compare_ever(lines, stages).set_index("stage")["low"]["advocating"] > 0)
    assert verdicts.count("unclear") >= 5
    assert sum(naive) >= 5


def test_what_is_planted_is_found(shops):
    """Who has written a review by day 90 brings 6,000 more right after it."""
    lines, found = shops[0]
    first = lines.groupby("customer_id")["order_date"].min()
    reviews = found[found["stage"] == "advocating"].groupby("customer_id")["event_date"].min()
    early = reviews[(reviews - first.reindex(reviews.index)).dt.days <= landmark.AT].index
    day = first[early] + pd.Timedelta(days=landmark.AT + 30)
    more = pd.DataFrame({"customer_id": early, "order_date": day.to_numpy(), "amount": 6000.0})
    more = more.assign(order_id="X" + more["customer_id"], channel="search", margin=0.0)
    lines = pd.concat([lines, more[more["order_date"] <= "2024-09-30"]], ignore_index=True)
    row = funnel.value_stages(lines, reach(lines, found, "2024-09-30")).set_index("stage")
    assert row.loc["advocating", "verdict"] == "more"
    assert row.loc["advocating", "low"] < 6000 < row.loc["advocating", "high"]


def test_what_a_second_order_goes_with_has_its_range_and_grade():
    lines, found = sample()
    stages = reach(lines, found, "2024-09-30")
    table = funnel.value_stages(lines, stages)
    said = funnel.describe_value(table, ever=funnel.compare_ever(lines, stages))
    assert said.startswith("Customers with a second order by day 90")  # what is sure comes first
    assert "range of the difference" in said
    assert "Evidence: D, as the two sides may differ in much else." in said
