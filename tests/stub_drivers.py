"""Two months of a shop, small enough to explain by hand."""

from __future__ import annotations

from conftest import make_lines

# Two customers with an order each; three with four orders, of which 20 came back.
LINES = make_lines(
    ("b", "2", "2024-01-10", 100, 4), ("c", "3", "2024-01-20", 100, 4),
    ("a", "4", "2024-02-01", 300, 5), ("b", "5", "2024-02-02", 50, 1),
    ("b", "6", "2024-02-20", 50, 1), ("b", "R", "2024-02-25", -20, 1),
    ("d", "7", "2024-02-28", 100, 2),
    extra=("quantity",),
)  # fmt: skip
RULE = {"as_of": "2024-02-29", "export_begins": "opening"}
