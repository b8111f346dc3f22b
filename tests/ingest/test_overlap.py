"""Orders that an export holds several times."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import pandas as pd
import pytest

from ltvkit.engines import frames
from ltvkit.ingest import overlap

COLUMNS = ["_file", "_line", "customer_id", "order_id", "order_date", "amount", "status", "reason"]
FIRST, SECOND = "2024-01.csv", "2024-02.csv"


def lines(*rows: tuple) -> pd.DataFrame:
    """Validated lines of (file, customer, order, day, amount, status[, reason])."""
    numbered = [(row[0], n, *row[1:], *[None] * (7 - len(row) - 0)) for n, row in enumerate(rows)]
    frame = pd.DataFrame([row[:8] for row in numbered], columns=COLUMNS)
    return frame.assign(
        order_date=pd.to_datetime(frame["order_date"]),
        amount=frame["amount"].astype(float),
        reason=frame["reason"].astype("string"),
        customer_id=frame["customer_id"].astype("string"),
    )


def reasons(frame, on=lambda frame: frame, *, choice="later_file") -> list[str | None]:
    """The reason of each line, in the order of the lines."""
    opened = frames.lazy(on(frame))
    if not overlap.has_repeats(opened, choice=choice):
        return [None] * len(frame)
    found = frames.table(overlap.leave_out(opened, choice=choice).sort("_line"))
    assert sorted(found.columns) == sorted(frame.columns)
    return [None if pd.isna(reason) else reason for reason in found["reason"]]


LATER = overlap.IN_LATER_FILE


def test_the_rows_of_the_later_file_count(on):
    both = lines(
        (FIRST, "a", "1", "2024-01-05", 10, "paid"),
        (FIRST, "b", "2", "2024-01-31", 5, "paid"),
        (FIRST, "b", "2", "2024-01-31", 7, "paid"),
        (SECOND, "b", "2", "2024-01-31", 5, "sent"),
        (SECOND, "c", "3", "2024-02-05", 9, "paid"),
    )
    assert reasons(both, on) == [None, LATER, LATER, None, None]
    assert reasons(both, choice="keep") == [None] * 5


def test_the_later_file_is_the_one_that_reaches_further_whatever_its_name():
    rows = [("z.csv", "b", "2", "2024-01-31", 5, "paid"), ("a.csv", "b", "2", "2024-01-31", 5, "x")]
    rows += [("a.csv", "c", "3", "2024-02-05", 9, "paid")]
    assert reasons(lines(*rows)) == [LATER, None, None]
    assert reasons(lines(*rows[:2])) == [None, LATER]  # both end on one day


def test_a_cancellation_in_the_later_file_counts():
    both = lines(
        (FIRST, "b", "2", "2024-01-31", 5, "paid"),
        (SECOND, "b", "2", "2024-01-31", 5, "cancelled", "cancelled, by status"),
        (SECOND, "c", "3", "2024-02-05", 9, "paid"),
    )
    assert reasons(both) == [LATER, "cancelled, by status", None]


@pytest.mark.parametrize(
    "other",
    [
        (SECOND, "other", "2", "2024-01-31", 5, "paid"),  # numbers begin again
        (SECOND, "b", "2", "2024-02-28", 5, "paid"),
        (SECOND, "b", "2", "2024-01-31", 6, "paid"),  # another line of an order that was cut
    ],
)
def test_other_orders_of_the_same_number_count(on, other):
    both = lines((FIRST, "b", "2", "2024-01-31", 5, "paid"), other)
    assert reasons(both, on) == [None, None]
    cut = {"in_several_files": {"orders": 1, "lines": 2, "amount": 11}}
    found = overlap.describe(frames.lazy(on(both)))
    assert found == (cut if other[4] == 6 else {})


def test_guests_have_orders_too():
    both = lines(
        (FIRST, None, "2", "2024-01-31", 5, "x"), (SECOND, None, "2", "2024-01-31", 5, "x")
    )
    assert reasons(both) == [LATER, None]


def test_a_line_again_with_another_status_counts_once_if_asked(on):
    rows = lines(
        (FIRST, "a", "1", "2024-01-05", 10, "paid"),
        (FIRST, "a", "1", "2024-01-05", 10, "sent"),
        (FIRST, "b", "2", "2024-01-05", 10, "paid"),
        (FIRST, "b", "2", "2024-01-05", 10, "paid"),
    )
    assert reasons(rows, on) == [None] * 4
    again = overlap.IN_LATER_LINE
    assert reasons(rows, on, choice="later_line") == [again, None, None, None]
    assert reasons(rows.drop(columns="_file"), on, choice="later_line")[0] == again


def test_a_line_again_has_columns_that_are_empty(on):
    rows = lines(*((FIRST, "a", "1", "2024-01-05", 10, status) for status in ("paid", "sent")))
    rows = rows.assign(product=pd.Series([None, None], dtype="string"))
    assert reasons(rows, on, choice="later_line") == [overlap.IN_LATER_LINE, None]


def test_where_a_day_is_an_order_the_numbers_that_are_written_tell_orders_apart(on):
    both = lines(
        (FIRST, "a", "a 2024-01-31", "2024-01-31", 5, "paid"),
        (SECOND, "a", "a 2024-01-31", "2024-01-31", 5, "paid"),
    )
    assert reasons(both.assign(written_order_id=["1", "2"]), on) == [None, None]
    assert reasons(both.assign(written_order_id=["1", "1"]), on) == [LATER, None]


def test_what_was_left_out_is_said_in_orders_lines_and_money(on):
    both = lines(
        (FIRST, "b", "2", "2024-01-31", 5, "paid"),
        (FIRST, "b", "2", "2024-01-31", 7, "paid"),
        (SECOND, "b", "2", "2024-01-31", 5, "sent"),
    )
    left = overlap.leave_out(frames.lazy(on(both)), choice="later_file")
    assert overlap.describe(left) == {"in_later_file": {"orders": 1, "lines": 2, "amount": 12}}
    assert overlap.describe(nw.from_native(both.drop(columns="_file")).lazy()) == {}
