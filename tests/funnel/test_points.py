"""What a point is worth: by hand, whose it is, and the sample in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from stub_funnel import make_events, sample

from ltvkit import funnel
from ltvkit.drivers import kpi_params
from ltvkit.funnel import points

KNOWN = {"export_begins": "opening"}
# Of 40 visitors of one day 20 look at a product, 10 buy on the next day (for 100), five of these
# order again ten days later (for 50).
LINES = make_lines(
    *[(f"c{n}", f"{n}a", "2024-01-02", 100) for n in range(10)],
    *[(f"c{n}", f"{n}b", "2024-01-12", 50) for n in range(5)],
)
EVENTS = make_events(
    *[("2024-01-01 08:00", "first_visit", f"v{n}") for n in range(40)],
    *[("2024-01-01 09:00", "view_item", f"v{n}") for n in range(20)],
    *[("2024-01-02 09:00", "purchase", f"v{n}", {"order_id": f"{n}a"}) for n in range(10)],
    ("2024-12-30 08:00", "scroll", "w"),
)
AS_OF = "2024-12-30"


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(points, "FEWEST", 5)


def reach(lines, events, as_of):
    joined = funnel.join_visitors(events, lines, as_of=as_of)
    return joined, funnel.reach(lines, joined, as_of=as_of, lapse_days=900, **KNOWN)


def test_points_by_hand(on, few):
    _joined, stages = reach(on(LINES), on(EVENTS), AS_OF)
    table = funnel.value_points(on(LINES), stages).set_index("next_stage")
    assert table["value_days"].eq(180).all()

    row = table.loc["interest"]
    assert row["people_a_year"] == pytest.approx(40)
    assert row["next_stage_share"] == pytest.approx(0.5)
    assert row["onward_share"] == pytest.approx(0.5)
    assert row["value_each"] == pytest.approx(125)
    assert row["worth_a_year"] == pytest.approx(0.4 * 0.5 * 125)
    assert row["low"] < row["worth_a_year"] < row["high"]
    row = table.loc["purchase"]
    assert row[["people_a_year", "onward_share", "worth_a_year"]].tolist() == pytest.approx(
        [20, 1, 25]
    )
    row = table.loc["second_order"]  # the order of that day and all that follow
    people = 10 * 365 / 364  # first orders were seen from 2 January on
    found = row[["people_a_year", "value_each", "worth_a_year"]].tolist()
    assert found == pytest.approx([people, 50, people / 2])
    assert np.isnan(table.loc["third_order", "worth_a_year"])  # nobody has one


def test_owners_are_those_of_the_kpi_tree(on, few):
    leaves = {"new_customers_a_day": {"owner": "M. Ito", "department": "Media"}}
    tree = kpi_params.read_tree({"leaves": leaves})
    _joined, stages = reach(on(LINES), on(EVENTS), AS_OF)
    table = funnel.value_points(on(LINES), stages, tree=tree).set_index("next_stage")
    assert table.loc["purchase", ["owner", "department"]].tolist() == ["M. Ito", "Media"]
    assert table.loc["second_order", "owner"] == ""
    assert table.loc["second_order", "department"] == "customer relations"
    said = funnel.describe_points(table.reset_index(), currency="JPY")
    assert "M. Ito" in said


def test_the_sample_in_words():
    lines, events = sample()
    joined, stages = reach(lines, events, "2024-09-30")
    landmark = funnel.value_stages(lines, stages)
    found = funnel.measure_referral(lines, joined, stages)
    table = funnel.value_points(lines, stages, landmark=landmark, referral=found)
    rows = table.set_index("next_stage")
    gap = landmark.set_index("stage").loc["advocating", "ltv_difference"]
    assert rows.loc["advocating", "value_each"] == pytest.approx(gap)
    assert rows.loc["advocating", "low"] < 0 < rows.loc["advocating", "high"]
    each = found.figures["brought"] / found.figures["codes"] * found.figures["ltv"]
    assert rows.loc["introducing", "value_each"] == pytest.approx(each)
    # Each value with the days in which it was counted: 180 after day 90, 180 of codes, or a year.
    assert landmark["horizon_days"].eq(180).all()
    assert found.figures["horizon_days"] == 180
    days = rows.loc[["advocating", "introducing", "purchase"], "value_days"]
    assert days.tolist() == [180, 180, 365]
    said = funnel.describe_points(table, currency="JPY")
    best = table.sort_values("worth_a_year", ascending=False).iloc[0]
    assert best["next_stage"] == "purchase"
    assert said.startswith(
        "If one more of 100 people who put something in the cart went on to place a"
    )
    assert funnel.describe_points(table.iloc[:0]).startswith("What one point more")


def test_the_finding_names_the_lowest_step_of_each_half():
    lines, events = sample()
    _joined, stages = reach(lines, events, "2024-09-30")
    table = funnel.summarize(stages)
    said = funnel.finding(table)
    rows = table.set_index("next_stage")
    assert rows["next_stage_share"][["interest", "comparison", "purchase"]].idxmin() == "purchase"
    assert "put something in the cart (6,426 people), 43.8%" in said
    assert "placed a first order (5,000 people), 47.4%" in said


def test_names_without_a_stage_are_told():
    names = [["view_item", "interest", 6, 1], ["scroll", None, 3, 1], ["zoom", None, 1, 1]]
    counted = pd.DataFrame(names, columns=["event", "stage", "events", "names"])
    text = "2 names of events have no stage (40.0% of events): scroll, zoom."
    assert funnel.describe_unmapped(counted) == text
    assert funnel.describe_unmapped(counted.iloc[:1]) == "All names of events have a stage."
    own = pd.DataFrame({"event": ["a", "b", "c"], "stage": ["seen", "interest", "advocating"]})
    own["names"] = 1
    said = funnel.describe_unmapped(own.assign(events=[5, 3, 2]), first_half=("seen", "purchase"))
    assert said.startswith("All names of events have a stage. 3 events have a stage that this")
    assert "shop's own: b. Name" in said


def test_names_that_are_not_told_count_as_many_as_they_are():
    names = [["(other names)", None, 9, 7], ["spin", None, 5, 1], ["view_item", "interest", 6, 1]]
    counted = pd.DataFrame(names, columns=["event", "stage", "events", "names"])
    text = "8 names of events have no stage (70.0% of events): spin. And 7 more."
    assert funnel.describe_unmapped(counted) == text
    alone = "7 names of events have no stage (60.0% of events): (other names)."
    assert funnel.describe_unmapped(counted.drop(index=1)) == alone


def test_people_a_year_are_those_of_the_funnel(on):
    """Older customers who visit are not won again; and three days are no year."""
    old = [(f"z{n}", f"z{n}", "2022-01-01", 10) for n in range(50)]
    visits = [("2024-03-01", "first_visit", "", {"customer_id": f"z{n}"}) for n in range(50)]
    lines = pd.concat([LINES, make_lines(*old)], ignore_index=True)
    events = pd.concat([EVENTS, make_events(*visits)], ignore_index=True)
    _joined, stages = reach(on(lines), on(events), AS_OF)
    table = funnel.value_points(on(lines), stages).set_index("next_stage")
    whole = funnel.summarize(stages).set_index("next_stage")
    assert table.loc["interest", "people_a_year"] == whole.loc["interest", "people"] == 40
    _joined, stages = reach(on(LINES), on(EVENTS[:70]), "2024-01-03")
    table = funnel.value_points(on(LINES), stages).set_index("next_stage")
    assert (
        table.loc[["interest", "purchase"], ["people_a_year", "worth_a_year"]].isna().all(axis=None)
    )
