"""Which events belong to whom: by hand, on every engine, whatever the order of the rows."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import make_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from stub_funnel import make_events

from ltvkit import funnel
from ltvkit.engines import frames
from ltvkit.errors import ColumnError

LINES = make_lines(
    ("a", "1", "2024-03-01", 5), ("a", "2", "2024-03-20", 5), ("b", "3", "2024-03-05", 5),
    ("c", "4", "2024-01-01", 5), ("d", "5", "2024-03-09", 5), ("e", "6", "2024-04-09", 5),
)  # fmt: skip
EVENTS = make_events(
    ("2024-02-01 10:00", "first_visit", "v1"),
    ("2024-03-01 10:00", "purchase", "v1", {"order_id": "1"}),  # a, by the order
    ("2024-03-02 10:00", "view_item", "v2", {"customer_id": "a"}),  # a second device of a
    ("2024-03-01 10:00", "add_to_cart", "v2"),
    ("2024-03-04 10:00", "first_visit", "v3"),  # a device of b and c
    ("2024-03-05 10:00", "purchase", "v3", {"order_id": "3"}),
    ("2024-03-06 10:00", "view_item", "v3", {"customer_id": "c"}),
    ("2024-03-09 10:00", "purchase", "v4"),  # d, but nobody can know
    ("2024-03-10 10:00", "write_review", "", {"customer_id": "d"}),
    ("2024-03-20 10:00", "view_item", "v5"),
    ("2024-04-09 10:00", "purchase", "v6", {"order_id": "6"}),  # after the day asked for
)
AS_OF = "2024-03-31"


def persons(joined) -> dict:
    table = frames.table(frames.lazy(joined.rows))
    keys = zip(table["event_time"].dt.strftime("%m-%d"), table["event"], strict=True)
    return dict(zip(keys, table["person_id"], strict=True))


def test_persons_by_hand(on):
    joined = funnel.join_visitors(on(EVENTS), on(LINES), as_of=AS_OF)
    assert persons(joined) == {
        ("02-01", "first_visit"): "c:a",
        ("03-01", "purchase"): "c:a",
        ("03-02", "view_item"): "c:a",
        ("03-01", "add_to_cart"): "c:a",
        ("03-04", "first_visit"): "v:v3",  # of two customers: nobody's
        ("03-05", "purchase"): "c:b",  # but what names one is that one's
        ("03-06", "view_item"): "c:c",
        ("03-09", "purchase"): "v:v4",
        ("03-10", "write_review"): "c:d",
        ("03-20", "view_item"): "v:v5",
    }
    rows = joined.table.set_index("kind")
    assert rows.loc["visitors_bought", ["people", "joined"]].tolist() == [3, 2]
    # New from 1 February to 20 March: a, b, d. Of d nothing was seen up to the first order.
    # b's purchase event alone is no path to the order; a was seen before.
    assert rows.loc["new_customers", ["people", "joined"]].tolist() == [3, 1]
    assert rows.loc["named_customers", ["people", "joined"]].tolist() == [4, 4]
    assert rows.loc["shared_devices", ["people", "joined"]].tolist() == [1, 0]
    assert rows.loc["visitors_bought", "joined_share"] == pytest.approx(2 / 3)
    assert [str(day.date()) for day in (joined.first, joined.last)] == ["2024-02-01", "2024-03-20"]
    assert type(joined.rows) is type(on(EVENTS))


def test_a_visitor_is_not_a_customer_of_the_same_id(on):
    events = make_events(
        ("2024-03-01", "view_item", "a"), ("2024-03-01", "view_item", "", {"customer_id": "a"})
    )
    joined = funnel.join_visitors(on(events), on(LINES), as_of=AS_OF)
    table = frames.table(frames.lazy(joined.rows))
    assert sorted(table["person_id"]) == ["c:a", "v:a"]


def test_optional_columns_may_be_missing(on):
    few = EVENTS.drop(columns=["channel", "order_id", "referred_by"])
    joined = funnel.join_visitors(on(few), on(LINES), as_of=AS_OF)
    assert persons(joined)["02-01", "first_visit"] == "v:v1"  # no order says whose it is
    with pytest.raises(ColumnError, match="no column 'visitor_id'"):
        funnel.join_visitors(on(EVENTS.drop(columns="visitor_id")), on(LINES), as_of=AS_OF)


def test_no_event_up_to_the_day(on):
    joined = funnel.join_visitors(on(EVENTS), on(LINES), as_of="2024-01-31")
    assert joined.table["people"].tolist() == [0, 0, 0, 0]
    assert joined.table["joined_share"].isna().all()
    assert pd.isna(joined.first)
    assert funnel.describe_match(joined.table) == "Nobody bought while events are recorded."


@settings(deadline=None, max_examples=8)
@given(st.permutations(range(len(EVENTS))))
def test_the_order_of_rows_is_irrelevant(order):
    joined = funnel.join_visitors(EVENTS.iloc[list(order)], LINES, as_of=AS_OF)
    assert persons(joined) == persons(funnel.join_visitors(EVENTS, LINES, as_of=AS_OF))


def test_the_match_in_words(on):
    joined = funnel.join_visitors(on(EVENTS), on(LINES), as_of=AS_OF)
    said = funnel.describe_match(joined.table)
    assert "3 visitors bought; 66.7% of them could be joined to a customer." in said
    assert (
        "Of 3 new customers won while events are recorded, the path to the first order is" in said
    )
    assert "One device was used by several customers" in said


def test_ids_that_are_in_no_order_are_not_joined(on):
    """Ids that lost their zeros join nothing, and that is said."""
    lines = make_lines(("007", "1", "2024-03-02", 5), ("008", "2", "2024-03-02", 5))
    events = make_events(
        ("2024-03-01", "view_item", "v1", {"customer_id": "7"}),
        ("2024-03-02", "purchase", "v1", {"customer_id": "7"}),
        ("2024-03-01", "view_item", "v2", {"customer_id": "008"}),
        ("2024-03-02", "purchase", "v2", {"customer_id": "008"}),
    )
    joined = funnel.join_visitors(on(events), on(lines), as_of=AS_OF)
    rows = joined.table.set_index("kind")
    assert rows.loc["visitors_bought", ["people", "joined"]].tolist() == [2, 1]
    assert rows.loc["named_customers", ["people", "joined"]].tolist() == [2, 1]
    assert "One customer id of the events (of 2) is in no order." in funnel.describe_match(
        joined.table
    )
