"""Lines dated with a day that means none: left out with their money, and no reason to stop."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from ltvkit import orders, quality
from ltvkit.errors import DataError
from ltvkit.ingest.book import Orders
from ltvkit.ingest.parse.placeholder_days import is_placeholder, names_placeholder
from ltvkit.ingest.validation import NO_DATE, PLACEHOLDER

pytestmark = pytest.mark.usefixtures("one_thread")

MEAN_NONE = [
    "9999-12-31", "9999/12/31 23:59:59", "31/12/9999", "12/31/9999", "31-DEC-9999", "99991231",
    "9999年12月31日", "0001-01-01", "0001-01-01T00:00:00Z", "1/1/0001 12:00:00 AM", "01-JAN-0001",
    "0000-00-00", "0000-00-00 00:00:00", "00000000", "-0001-11-30 00:00:00", "November 30, -0001",
    "1900-01-01", "1/1/1900", "1/0/1900", "1899-12-30", "12/30/1899", "18991230",
    "1970-01-01", "Thu, 01 Jan 1970 00:00:00 GMT", "1753-01-01", "2262-04-11 23:47:16.854775807",
    "infinity", "-infinity", "Infinity", "0", "0.0", "2958465", " 9999-12-31 ",
]  # fmt: skip
FAULTS = ["", "soon", "n/a", "2024-02-30", "2024-13-01", "9999", "12024-01-05", "31/12/1999", "10"]


def read(*days: str) -> Orders:
    rows = [(f"C{n}", f"{n}", day, "100") for n, day in enumerate(days)]
    columns = ["customer_id", "order_id", "order_date", "amount"]
    return orders.read(pd.DataFrame(rows, columns=columns))


def check(book: Orders) -> pd.DataFrame:
    return quality.check(book, as_of="2024-02-29").set_index("check")


def test_they_are_known_in_whatever_form_they_are_written():
    written = ", ".join(f"('{day}')" for day in [*MEAN_NONE, *FAULTS])
    rows = duckdb.sql(f"select d, {is_placeholder('d')} from (values {written}) v(d)")
    assert [d for d, means_none in rows.fetchall() if means_none] == MEAN_NONE
    assert [d for d in [*MEAN_NONE, *FAULTS] if names_placeholder(d)] == MEAN_NONE


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "1899-12-30", "infinity"])
def test_they_are_left_out_with_their_money_and_warned_about(day):
    book = read("2024-01-05", "2024-02-05", day)
    table = book.quality.set_index("reason")
    assert table.loc[PLACEHOLDER, ["status", "lines", "amount"]].tolist() == ["quarantined", 1, 100]
    assert table.loc["all lines", ["lines", "amount"]].tolist() == [3, 300]
    found = check(book)
    assert found.loc["unusable_lines", "result"] == "ok"
    assert found.loc["placeholder_dates", "result"] == "warn"
    said = "1 of 3 lines is dated with a day that means none, such as 9999-12-31 (amount: 100.00)"
    assert found.loc["placeholder_dates", "figure"] == said


def test_where_they_are_most_of_the_lines_another_column_may_hold_the_day_and_it_stops():
    half, most = (read(*["2024-01-05"] * 2, *["9999-12-31"] * n) for n in (2, 3))
    assert check(half).loc["unusable_lines", "result"] == "ok"
    found = check(most)
    assert found.loc["unusable_lines", "result"] == "stop"
    assert found.loc["unusable_lines", "figure"] == (
        "3 of 5 lines (60.0%) cannot be used, with about 60.0% of the money, and the limit is "
        f"1.0%: {PLACEHOLDER} (3)"
    )


def test_where_they_hold_most_of_the_money_it_stops():
    rows = [("A", "1", "2024-01-05", 100), ("B", "2", "2024-01-06", 100), ("C", "3", "0", 201)]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "amount"])
    assert check(orders.read(frame)).loc["unusable_lines", "result"] == "stop"


def test_a_date_that_is_a_fault_still_counts_as_one():
    found = check(read(*["2024-01-05"] * 3, "9999-12-31", "soon"))
    assert found.loc["unusable_lines", "figure"].endswith(f"{NO_DATE} (1)")
    assert found.loc["unusable_lines", "figure"].startswith("1 of 5 lines (20.0%)")


def test_where_every_line_has_one_the_message_says_what_to_do():
    with pytest.raises(DataError, match=r"map that under columns: order_date"):
        read("9999-12-31", "0001-01-01")
