from __future__ import annotations

import pandas as pd
import pytest

from ltvkit import orders, quality

NAMED = "customer_id,order_id,order_date,amount\na,1,2024-01-05,10\n"
NAMELESS = "customer_id,order_date,amount\na,2024-01-05,10\na,2024-01-05,5\n"


@pytest.mark.parametrize(
    ("text", "same_day", "told"),
    [(NAMED, "separate", False), (NAMELESS, "separate", True), (NAMELESS, "one_order", False)],
)
def test_the_page_says_where_each_line_counts_as_an_order(text, same_day, told, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    book = orders.read(str(tmp_path / "a.csv"), policies={"same_day": same_day})
    assert ("each line counts as an order" in quality.origin(book)) is told
    assert len(pd.unique(book.lines.df()["order_id"])) == (2 if told else 1)


@pytest.mark.parametrize(("mapped", "copies"), [({}, [2]), ({"order_total": "total"}, [])])
def test_equal_lines_that_add_up_to_the_total_of_their_order_are_two_sales(mapped, copies):
    rows = [("a", "1", "2024-01-05", 50, 100), ("a", "1", "2024-01-05", 50, 100)]
    rows += [("b", "2", "2024-01-06", 30, 30)]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "amount", "total"])
    book = orders.read(frame, columns=mapped)
    assert book.lines["amount"].sum() == 130
    assert list(quality.list_duplicates(book)["copies"]) == copies
    table = quality.summarize(book, as_of="2024-01-31")
    assert ("of which" in set(table["status"])) is bool(copies)
