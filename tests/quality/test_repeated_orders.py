"""Orders in several files, and lines that stand again with another status."""

from __future__ import annotations

from conftest import make_lines

from ltvkit.engines import frames
from ltvkit.quality import repeated_orders

FACTS = {"orders_from": "order_id"}
TWICE = [
    ("a", "1", "2024-01-05", 10, "paid"),
    ("a", "1", "2024-01-05", 10, "shipped"),
    ("b", "2", "2024-01-05", 7, "paid"),
    ("b", "2", "2024-01-05", 7, "paid"),
]


def test_a_line_again_with_another_status(on):
    lines = frames.lazy(on(make_lines(*TWICE, extra=("status",))))
    found = repeated_orders.measure(lines, FACTS)
    assert found == (1, 10)
    assert repeated_orders.check_repeated(found, FACTS) == (
        True,
        "1 line (10.00) stands again in the same order with another status, and counts each time",
    )
    assert repeated_orders.measure(lines, {"orders_from": "lines"}) == (0, 0)
    assert repeated_orders.measure(lines.drop("status"), FACTS) == (0, 0)


def test_orders_in_several_files_are_said_with_what_is_at_stake():
    later = {"in_later_file": {"orders": 29, "lines": 30, "amount": 4205.0}}
    apart = {"in_several_files": {"orders": 1, "lines": 2, "amount": 9.0}}
    found, figure = repeated_orders.check_repeated(repeated_orders.Repeated(), later | apart)
    assert found
    assert figure == (
        "29 orders stand in several files and count once, as in the later file: 30 lines (4,205) "
        "of earlier files are left out; 1 order has lines in several files, none of them in both: "
        "all 2 lines (9.00) count"
    )
    assert not repeated_orders.check_repeated(repeated_orders.Repeated(), {})[0]


def test_a_total_that_counts_in_each_file_is_said():
    apart = {"in_several_files": {"orders": 1, "lines": 2, "amount": 60.0}, "totals_known": True}
    figure = repeated_orders.check_repeated(repeated_orders.Repeated(), apart)[1]
    assert figure.endswith("(60.00) count, and the total of an order counts in each file")
