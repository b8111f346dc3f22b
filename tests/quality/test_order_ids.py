"""Order ids that are missing, used again, or carry the total on each line."""

from __future__ import annotations

import pytest
from conftest import make_lines

from ltvkit.engines import frames
from ltvkit.quality import order_ids

BY_ID, BY_LINE = {"orders_from": "order_id"}, {"orders_from": "lines"}


def measure(rows, facts=BY_ID, on=lambda frame: frame, extra=()):
    return order_ids.measure(frames.lazy(on(make_lines(*rows, extra=extra))), facts)


def yearly(customer="{n}", years=(2022, 2023, 2024)):
    """Numbers 1 to 40 each year, of other customers each time."""
    return [
        (customer.format(n=n * year), str(n), f"{year}-{1 + n % 12:02d}-05", 10 + n + year % 7)
        for year in years
        for n in range(1, 41)
    ]


def test_numbers_that_begin_again_each_year(on):
    found = measure(yearly(), on=on)
    assert (found.orders, found.split, found.restart, found.split_orders) == (40, 40, "year", 120)
    found, figure = order_ids.check_restarts(found)
    revenue = sum(row[3] for row in yearly())
    assert found
    assert figure == (
        "40 order ids are of several customers, or of days more than a month apart. As read "
        f"there are 40 orders of {revenue / 40:.2f} on average; if the numbers begin again each "
        f"year, 120 of {revenue / 120:.2f}"
    )


@pytest.mark.parametrize(
    ("others", "amount", "told", "figure"),
    [
        (9, 91.0, True, "one order is 50.3% of all that was bought"),
        (9, 90.0, False, "one order is 50.0% of all that was bought"),
        (8, 1e9, False, "too few orders to tell"),
    ],
)
def test_an_order_worth_more_than_all_others_is_told(others, amount, told, figure, on):
    """Its two lines count together; a return of it does not make it smaller."""
    rows = [(f"c{n}", f"o{n}", "2024-01-05", 10.0) for n in range(others)]
    rows += [("c0", "big", "2024-01-06", amount - 1), ("c0", "big", "2024-01-06", 1.0)]
    rows += [("c0", "back", "2024-01-07", -50.0)]
    assert order_ids.check_largest(measure(rows, on=on)) == (told, figure)


@pytest.mark.parametrize(
    ("restart", "days"),
    [
        ("month", ["2024-01-05", "2024-02-20", "2024-03-25"]),
        ("day", ["2024-01-05", "2024-01-06", "2024-01-07"]),
        ("customer", ["2024-01-05", "2024-01-05", "2024-01-05"]),
    ],
)
def test_the_longest_span_that_tells_the_orders_apart(restart, days):
    rows = [(f"{n}-{k}", str(n), day, n) for k, day in enumerate(days) for n in range(9)]
    found = measure(rows)
    assert (found.restart, found.split_orders) == (restart, 27)


def test_one_order_of_one_customer_within_a_month_is_one():
    rows = [(f"c{n}", str(n), "2024-01-31", n) for n in range(9)]
    rows += [(f"c{n}", str(n), "2024-03-02", n) for n in range(9)]  # 31 days later
    assert not order_ids.check_restarts(measure(rows))[0]
    late = [(f"c{n}", str(n), "2024-03-03", n) for n in range(9)]
    assert order_ids.check_restarts(measure(rows[:9] + late))[0]
    returned = [(f"c{n}", str(n), "2024-06-03", -5) for n in range(9)]
    assert not order_ids.check_restarts(measure(rows + returned))[0]


def test_no_reading_makes_orders_of_ids_without_sense():
    rows = [(f"c{n}", "x", "2024-01-05", 1) for n in range(4)]
    rows += [(f"c{n}", "x", "2024-01-05", 1) for n in range(2)] * 2
    rows += [("c1", "y", f"2024-{m:02d}-05", 1) for m in (1, 4)] + [("c2", "y", "2024-01-05", 3)]
    found = measure(rows)
    assert found.split == 2
    assert "begin again" in order_ids.check_restarts(found)[1] or found.restart == ""


def test_each_line_an_order_is_said_with_both_counts(on):
    rows = [("a", "line 1", "2024-01-05", 10), ("a", "line 2", "2024-01-05", 20)]
    found, figure = order_ids.check_missing(measure(rows, BY_LINE, on))
    assert found
    assert figure == (
        "there are no order ids, so each line counts as an order: 2 orders of 15.00 on average. "
        "If a customer's lines of one day are one order, 1 of 30.00"
    )
    alone = [("a", "line 1", "2024-01-05", 10), ("b", "line 2", "2024-01-05", 20)]
    found, figure = order_ids.check_missing(measure(alone, BY_LINE))
    assert not found
    assert "each line counts as an order" in figure
    assert not order_ids.check_missing(measure(rows, {"orders_from": "days"}))[0]
    assert not order_ids.check_missing(measure(rows, BY_ID))[0]


def test_a_total_on_every_line(on):
    rows = [(f"c{n}", str(n), "2024-01-05", 10 + n) for n in range(5) for _line in range(2)]
    found = measure(rows, on=on)
    assert (found.several, found.same, found.revenue, found.once) == (5, 5, 120, 60)
    found, figure = order_ids.check_totals(found)
    assert found
    assert "100.0% of the orders of several lines" in figure
    assert "revenue is 60.00 instead of 120.00" in figure


def test_a_total_is_not_suspected_where_lines_differ_or_all_cost_the_same():
    own = [(f"c{n}", str(n), "2024-01-05", 10 + n + i) for n in range(5) for i in range(2)]
    assert not order_ids.check_totals(measure(own))[0]
    flat = [(f"c{n}", str(n), "2024-01-05", 980) for n in range(5) for _line in range(2)]
    assert not order_ids.check_totals(measure(flat))[0]
    few = [(f"c{n}", str(n), "2024-01-05", 10 + n) for n in range(2) for _line in range(2)]
    assert not order_ids.check_totals(measure(few))[0]


def test_a_few_exact_copies_are_duplicates_and_no_totals():
    rows = [(f"c{n}", str(n), "2024-01-05", 10 + n) for n in range(40)]
    assert not order_ids.check_totals(measure(rows + rows[:7]))[0]
    assert order_ids.check_totals(measure(rows + rows[:8]))[0]
    named = [(*row, product) for row in rows for product in ("tea", "cup")]
    assert order_ids.check_totals(measure(named[:8] + named[8::2], extra=("product",)))[0]
