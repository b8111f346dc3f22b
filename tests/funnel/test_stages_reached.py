"""Who reached which stage, and when: by hand, on every engine."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import make_lines
from stub_funnel import make_events

from ltvkit import funnel
from ltvkit.engines import frames
from ltvkit.errors import ParamsError
from ltvkit.funnel.stages import SECOND_HALF, list_steps
from ltvkit.ingest import daily

KNOWN = {"export_begins": "opening"}
LINES = make_lines(
    *[("a", str(n), day, 5) for n, day in enumerate(
        ("2024-01-10", "2024-01-10", "2024-02-01", "2024-03-01", "2024-04-01", "2024-12-01")
    )],
    ("b", "7", "2024-01-01", 5), ("b", "8", "2024-01-15", -5), ("c", "9", "2024-12-20", 5),
)  # fmt: skip
EVENTS = make_events(
    ("2024-01-02 10:00", "first_visit", "v1", {"channel": "search"}),
    ("2024-01-05 10:00", "view_item", "v1", {"channel": "mail"}),
    ("2024-01-10 10:00", "purchase", "v1", {"customer_id": "a", "order_id": "0"}),
    ("2024-01-03 10:00", "first_visit", "v2", {"channel": "social"}),
    ("2024-01-04 10:00", "purchase", "v2"),
    ("2024-02-05 10:00", "write_review", "", {"customer_id": "a"}),
    ("2024-02-09 10:00", "write_review", "", {"customer_id": "a"}),
    ("2024-12-20 10:00", "referred", "", {"customer_id": "c", "referred_by": "a"}),
    ("2024-12-21 10:00", "scroll", "v2"),
)
AS_OF = "2024-12-31"


def list_reached(stages) -> dict:
    table = frames.table(frames.lazy(stages.rows))
    assert not table.duplicated(["person_id", "stage"]).any()
    keys = zip(table["person_id"], table["stage"], strict=True)
    return dict(zip(keys, table["reached"].dt.strftime("%Y-%m-%d"), strict=True))


@pytest.mark.parametrize("daily_table", [False, True])
def test_stages_by_hand(on, daily_table):
    joined = funnel.join_visitors(on(EVENTS), on(LINES), as_of=AS_OF)
    lines = daily.aggregate(on(LINES)) if daily_table else on(LINES)
    stages = funnel.reach(lines, joined, as_of=AS_OF, lapse_days=180, **KNOWN)
    assert list_reached(stages) == {
        ("c:a", "attention"): "2024-01-02",
        ("c:a", "interest"): "2024-01-05",
        ("c:a", "purchase"): "2024-01-10",
        ("c:a", "second_order"): "2024-02-01",  # two orders of a day are one
        ("c:a", "third_order"): "2024-03-01",
        ("c:a", "loyal"): "2024-04-01",
        ("c:a", "quiet"): "2024-09-28",  # 180 days after it
        ("c:a", "returned"): "2024-12-01",
        ("c:a", "advocating"): "2024-02-05",
        ("c:a", "introducing"): "2024-12-20",
        ("v:v2", "attention"): "2024-01-03",
        ("v:v2", "purchase"): "2024-01-04",
        ("c:b", "purchase"): "2024-01-01",  # a return is no order
        ("c:b", "quiet"): "2024-06-29",
        ("c:c", "purchase"): "2024-12-20",
    }
    assert type(stages.rows) is type(on(EVENTS))
    assert stages.missing == ("comparison",)
    assert funnel.describe_missing(stages) == "Not recorded, and so not known: Cart."
    table = frames.table(frames.lazy(stages.rows)).set_index(["person_id", "stage"])
    assert set(table.loc["c:a", "channel"]) == {"search"}  # of the first event
    assert table.loc[("c:b", "purchase"), ["channel"]].isna().all()
    assert str(table.loc[("c:a", "interest"), "entered"].date()) == "2024-01-02"
    assert str(table.loc[("c:a", "loyal"), "entered"].date()) == "2024-01-10"
    assert (table["known"] == 1).all()


def test_who_bought_and_is_in_no_order_has_reached_the_first_order(on):
    """By the own purchase event: a visitor, and an id that is written differently in the orders."""
    lines = make_lines(("007", "1", "2024-03-03", 5), ("008", "2", "2024-03-03", 5))
    found = [("2024-03-01", "add_to_cart", "v1", {"customer_id": "7"})]
    found += [("2024-03-02", "purchase", "v1", {"customer_id": "7"})]
    found += [("2024-03-01", "add_to_cart", "v2"), ("2024-03-02", "purchase", "v2")]
    found += [("2024-03-01", "add_to_cart", "v3", {"customer_id": "008"})]
    found += [("2024-03-02", "purchase", "v3", {"customer_id": "008"})]
    found += [("2024-03-01", "add_to_cart", "v4"), ("2024-05-01", "scroll", "v4")]
    joined = funnel.join_visitors(on(make_events(*found)), on(lines), as_of="2024-05-01")
    stages = funnel.reach(on(lines), joined, as_of="2024-05-01", **KNOWN)
    reached = list_reached(stages)
    assert reached["c:7", "purchase"] == reached["v:v2", "purchase"] == "2024-03-02"
    assert reached["c:008", "purchase"] == "2024-03-03"  # of customers the orders decide
    table = funnel.summarize(stages).set_index(["stage", "next_stage"])
    row = table.loc["comparison", "purchase"]
    assert (row["people"], row["next_people"]) == (4, 3)
    assert row["next_stage_share"] == pytest.approx(0.75)
    # Their money is not known: they are in no step from the first order on.
    assert table.loc[("purchase", "second_order"), "people"] == 2
    assert funnel.describe_unjoined(stages).startswith("2 people have a purchase event and are in")


def test_without_events_the_second_half_stands(on):
    stages = funnel.reach(on(LINES), as_of=AS_OF, loyal_orders=5, **KNOWN)
    found = list_reached(stages)
    assert found["c:a", "loyal"] == "2024-12-01"
    assert {stage for _person, stage in found} == {
        "purchase", "second_order", "third_order", "loyal", "quiet", "returned",
    }  # fmt: skip
    assert stages.missing == ("attention", "interest", "comparison", "introducing", "advocating")


def test_a_channel_seen_after_the_first_order_does_not_count(on):
    """Else the channel would be known of those who come again."""
    lines = make_lines(("a", "1", "2024-01-01", 5), ("a", "2", "2024-02-01", 5))
    events = make_events(("2024-02-01", "purchase", "v", {"customer_id": "a", "channel": "mail"}))
    joined = funnel.join_visitors(on(events), on(lines), as_of=AS_OF)
    table = frames.table(frames.lazy(funnel.reach(on(lines), joined, as_of=AS_OF, **KNOWN).rows))
    assert table["channel"].isna().all()
    web = on(lines.assign(channel="web"))
    table = frames.table(frames.lazy(funnel.reach(web, joined, as_of=AS_OF, **KNOWN).rows))
    assert set(table["channel"]) == {"web"}


def test_a_gap_of_just_the_lapse_is_no_return(on):
    lines = make_lines(("a", "1", "2024-01-01", 5), ("a", "2", "2024-01-31", 5))
    quiet = funnel.reach(on(lines), as_of="2024-01-31", lapse_days=30, **KNOWN)
    assert ("c:a", "quiet") not in list_reached(quiet)
    quiet = funnel.reach(on(lines), as_of="2024-01-31", lapse_days=29, **KNOWN)
    assert list_reached(quiet)["c:a", "returned"] == "2024-01-31"


def test_customers_of_whom_nobody_knows_when_they_were_new(on):
    """The export begins later than the shop: who looks new at first may be old."""
    old = [
        (f"x{n}", f"{n}-{k}", pd.Timestamp("2024-01-01") + pd.Timedelta(days=n + 41 * k), 5)
        for n in range(40)
        for k in range(8)
    ]
    new = [(f"y{k}", f"y{k}", f"2024-{k}-01", 5) for k in range(7, 13)]
    stages = funnel.reach(on(make_lines(*old, *new)), as_of=AS_OF, export_begins="later")
    table = frames.table(frames.lazy(stages.rows))
    assert (table["known"] == table["person_id"].str.startswith("c:y")).all()
    counted = funnel.summarize(stages, within=30).set_index("next_stage")
    assert counted.loc["second_order", "people"] == 6


def test_steps_of_the_shops_own_stages():
    steps = list_steps(funnel.name_stages({"page": "seen", "cart": "chosen", "buy": "purchase"}))
    assert [step[:2] for step in steps[:2]] == [("seen", "chosen"), ("chosen", "purchase")]
    assert steps[0].later == ("chosen", "purchase")
    assert [step.next_stage for step in steps[2:]] == list(SECOND_HALF)
    with pytest.raises(ParamsError, match="'purchase' last"):
        list_steps(("seen",))
    with pytest.raises(ParamsError, match="loyal_orders=3"):
        funnel.reach(LINES, as_of=AS_OF, loyal_orders=3)


@pytest.mark.parametrize(
    ("name", "meant"), [("intrest", "interest"), ("Visit", "attention"), ("Interest", "interest")]
)
def test_a_typing_error_does_not_replace_the_kits_stages(name, meant):
    with pytest.raises(ParamsError, match=f"stages: seen: '{name}' is nearly '{meant}'"):
        funnel.name_stages({"seen": name})
    assert funnel.name_stages({"seen": "compared"}) == ("compared", "purchase")
