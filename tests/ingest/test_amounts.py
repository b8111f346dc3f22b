"""Amounts are built from the parts of an export, to the smallest unit of money."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import orders
from ltvkit.errors import ColumnError, ParamsError
from ltvkit.ingest import amounts
from ltvkit.ingest.policies import Policies

DAY = "2024-01-05"


def read(rows: list[dict], *, policies: dict | None = None, **mapped: str) -> pd.DataFrame:
    """Rows of orders, with what a column of its own name is mapped to -> the kept lines."""
    frame = pd.DataFrame([{"customer_id": "a", "order_date": DAY} | row for row in rows])
    names = {n: n for n in frame if n in amounts.PARTS or n in ("kind", "paid")}
    book = orders.read(frame, columns=names | mapped, policies=policies or {})
    return book.lines.sort_values("order_id", kind="stable"), book


def paid(rows: list[dict], **how: object) -> list[float]:
    return read(rows, **how)[0]["amount"].tolist()


def reasons(rows: list[dict], **how: object) -> dict[str, int]:
    table = read(rows, **how)[1].quality.query("status == 'quarantined'")
    return dict(zip(table["reason"], table["lines"], strict=True))


def test_a_discount_of_the_order_is_spread_to_the_yen():
    lines = [{"order_id": "1", "amount": 1000, "order_discount": 100} for _ in range(3)]
    assert paid(lines) == [967, 966, 967]  # 966.67, 1933.33 and 2900 as they add up, rounded
    cents = [{"order_id": "1", "amount": 10.5, "order_discount": 1} for _ in range(3)]
    assert paid(cents) == [10.17, 10.16, 10.17]
    dinars = [{"order_id": "1", "amount": 1.255, "order_discount": 0.1} for _ in range(3)]
    assert paid(dinars) == [1.222, 1.221, 1.222]


def test_an_order_number_that_begins_again_is_another_order():
    lines = [
        {"order_id": "1", "order_date": day, "amount": 100, "order_shipping": shipping}
        for day, shipping in (("2023-01-05", 5), ("2024-01-05", 8))
    ]
    assert paid(lines, policies={"order_id_restarts": "year"}) == [95, 92]


def test_a_fee_on_lines_that_cancel_out_is_shared_in_equal_parts():
    lines = [{"order_id": "1", "amount": a, "order_fee": 3} for a in (0.1, 0.2, -0.3)]
    assert paid([{"order_id": "0", "amount": 9}, *lines]) == [9, -1, -1, -1]


@pytest.mark.parametrize("where", [[50, 50], [50, None], [None, 50], [50, 0]])
def test_what_an_order_has_counts_once_wherever_it_stands(where):
    lines = [
        {"order_id": "1", "amount": a, "order_discount": d}
        for a, d in zip([300, 200], where, strict=True)
    ]
    assert paid(lines) == [270, 180]


def test_each_part_has_its_effect():
    line = {"order_id": "1", "amount": 1000}
    effects = {
        "line_discount": 900,
        "line_refund": 900,
        "order_discount": 900,
        "order_refund": 900,
        "order_shipping": 900,
        "order_fee": 900,
        "order_tax": 900,
        "order_points": 1100,
        "order_gift_card": 1100,
        "line_adjustment": 1100,
        "order_adjustment": 1100,
    }
    for part, amount in effects.items():
        assert paid([line | {part: 100}]) == [amount], part
        signed = part.endswith("adjustment")
        assert paid([line | {part: -100}]) == [900 if signed else amount], part
    priced = {"order_id": "1", "quantity": 3, "unit_price": 100, "refunded_quantity": 1}
    assert paid([priced]) == [200]
    totals = {"total_before_refunds": 500, "total_after_refunds": 400}
    assert paid([line | totals]) == [900]
    assert paid([line | totals | {"total_after_refunds": 0}]) == [1000]


def test_an_orders_total_is_spread_by_its_lines_or_in_equal_parts():
    priced = [
        {
            "order_id": "1",
            "quantity": q,
            "unit_price": 100,
            "order_total": 450,
            "order_shipping": 50,
        }
        for q in (1, 3)
    ]
    assert paid(priced) == [100, 300]
    bare = [{"order_id": "1", "order_total": t} for t in (300, None, None)]
    assert paid(bare) == [100, 100, 100]
    for name in ("order_total", "amount"):
        assert paid([{"order_id": "1", name: 110}], policies={"tax_rate": 0.1}) == [100]


def test_policies_leave_parts_as_they_are():
    line = {"order_id": "1", "amount": 1000}
    kept = {
        "order_shipping": {"shipping": "in"},
        "order_tax": {"tax": "in"},
        "order_gift_card": {"gift_cards": "sold"},
        "order_refund": {"refunds": "by_row"},
    }
    for part, policies in kept.items():
        assert paid([line | {part: 100}], policies=policies) == [1000], part


def test_what_was_refunded_in_full_is_no_order():
    rows = [
        {"order_id": "1", "amount": 500, "order_refund": 500},
        {"order_id": "2", "amount": 500, "order_refund": 550},  # with its shipping
        {"order_id": "3", "amount": 500, "order_refund": 499},
    ]
    assert paid(rows) == [1]
    assert reasons(rows) == {"refunded in full": 2}
    lines = [
        {"order_id": "1", "quantity": 2, "unit_price": 5, "refunded_quantity": r} for r in (2, 0)
    ]
    assert paid(lines) == [10]


def test_rows_that_are_no_sale_have_no_share():
    rows = [
        {"order_id": "1", "amount": 1000, "kind": "goods", "order_discount": 100},
        {"order_id": "1", "amount": 500, "kind": "Shipping", "order_discount": 100},
    ]
    policies = {"exclude": {"kind": ["shipping"]}}
    assert paid(rows, policies=policies) == [900]
    assert reasons(rows, policies=policies) == {"left out, by kind": 1}


@pytest.mark.parametrize("returns", ["net", "separate", "drop"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_row_that_is_a_discount_lowers_the_others(sign, returns):
    rows = [{"order_id": "1", "amount": a, "kind": k} for a, k in ((600, "x"), (300, "x"))]
    rows.append({"order_id": "1", "amount": 90 * sign, "kind": "coupon"})
    policies = {"discount_rows": {"kind": ["coupon"]}, "returns": returns}
    assert paid(rows, policies=policies) == [540, 270]
    table = read(rows, policies=policies)[1].quality.set_index("status")["amount"]
    assert table["read"] == table["kept"] == 810


def test_a_refund_is_taken_off_once():
    rows = [
        {"order_id": "1", "amount": 100, "order_refund": 30},
        {"order_id": "2", "amount": -30, "order_refund": 0},
    ]
    wanted = {"": 40, "by_row": 70, "by_column": 70, "by_status": 100}
    assert {r: sum(paid(rows, policies={"refunds": r})) for r in wanted} == wanted


@pytest.mark.parametrize("drop", [False, True])
def test_a_purchase_that_is_taken_back_whole_can_be_left_out(drop):
    rows = [
        {"order_id": "1", "amount": 100},
        {"order_id": "2", "amount": 50},
        {"order_id": "3", "amount": -100, "order_date": "2024-01-09"},  # takes 1 back
        {"order_id": "4", "amount": -50, "customer_id": "b"},  # another customer's
        {"order_id": "5", "amount": 70},
        {"order_id": "5", "amount": -70},
    ]
    kept, book = read(rows, policies={"returned_orders": "drop"} if drop else {})
    assert kept["amount"].sum() == 50
    assert kept.query("amount > 0")["order_id"].tolist() == (["2"] if drop else ["1", "2", "5"])
    assert book.quality.query("status == 'read'")["amount"].sum() == 0


def test_a_return_takes_back_a_purchase_before_it_only():
    days = ["2024-01-02", "2024-01-05", "2024-02-01", "2024-02-01", "2024-03-01", "2024-04-01"]
    amounts = [-10, 10, 10, -10, -10, 10]  # the first is of a sale before the data begin
    rows = [
        {"order_id": str(n), "order_date": day, "amount": amount}
        for n, (day, amount) in enumerate(zip(days, amounts, strict=True))
    ]
    book = read(rows, policies={"returned_orders": "drop"})[1]
    assert book.lines["order_id"].tolist() == ["5"]
    assert reasons(rows, policies={"returned_orders": "drop"}) == {
        "returned in full": 4,
        "return without an earlier purchase in the data": 1,
    }


def test_a_line_without_a_price_is_unreadable_and_takes_nothing():
    rows = [{"order_id": "1", "amount": a, "order_discount": "10"} for a in ("90", "many", "10")]
    assert paid(rows) == [81, 9]
    assert reasons(rows) == {"amount is unreadable": 1}


def test_the_amount_is_described_in_the_headers_of_the_export():
    mapped = {"quantity": "Qty", "unit_price": "Price", "line_discount": "Off"}
    assert amounts.describe(mapped, Policies()) == "Qty x Price - Off"
    total = mapped | {"order_total": "Total", "order_shipping": "Ship"}
    assert amounts.describe(total, Policies()) == (
        "Total - Ship of the order, spread over its lines by Qty x Price - Off"
    )
    alone = {"order_total": "Total", "order_shipping": "Ship"}
    assert amounts.describe(alone, Policies(shipping="in")).startswith("Total of the order")


def test_policies_that_need_a_column_say_so():
    with pytest.raises(ParamsError, match="exclude needs the column paid"):
        read([{"order_id": "1", "amount": 1}], policies={"exclude": {"paid": ["no"]}})
    with pytest.raises(ParamsError, match="discount_rows needs the column order_id"):
        read([{"amount": 1, "kind": "off"}], policies={"discount_rows": {"kind": ["off"]}})
    with pytest.raises(ParamsError, match="amount is read as a number or a day"):
        read([{"order_id": "1", "amount": 1}], policies={"exclude": {"amount": ["1"]}})
    with pytest.raises(ParamsError, match="returned_orders: drop needs the returns"):
        Policies(returns="drop", returned_orders="drop")
    with pytest.raises(ParamsError, match=r"exclude: 'x' must be a mapping to lists"):
        read([{"order_id": "1", "amount": 1}], policies={"exclude": "x"})
    with pytest.raises(ColumnError, match="no column is mapped to amount"):
        read([{"order_id": "1", "order_discount": 1}])


money = st.integers(0, 10**7)


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=30, max_size=30),
    prices=st.lists(money, min_size=180, max_size=180),
    shares=st.lists(st.floats(0, 1), min_size=30, max_size=30),
    cents=st.booleans(),
)
def test_lines_of_any_order_add_up_to_what_was_paid_for_it(sizes, prices, shares, cents):
    unit = 100 if cents else 1
    rows, wanted = [], {}
    for order, (size, share) in enumerate(zip(sizes, shares, strict=True)):
        own = [p / unit for p in prices[order * 6 : order * 6 + size]]
        off = round(sum(own) * share * unit) / unit
        wanted[str(order)] = round(sum(own) - off, 2)
        rows += [{"order_id": str(order), "amount": p, "order_discount": off} for p in own]
    kept = read(rows)[0]
    sums = kept.groupby("order_id")["amount"].sum().round(2)
    assert sums.to_dict() == pytest.approx(wanted, abs=1e-6)
    assert (kept["amount"] >= -1e-9).all()
    exact = (kept["amount"] * unit).round(6) % 1
    assert set(exact.unique()) <= {0.0}


def test_rows_of_returns_count_below_zero_whatever_their_sign():
    rows = pd.DataFrame(
        {
            "customer_id": "a",
            "order_id": "1",
            "order_date": "2024-01-05",
            "amount": [100.0, 30.0, -20.0],
            "kind": ["Sale", "REFUND", "refund"],
        }
    )
    policies = {"return_rows": {"kind": ["refund"]}}
    book = orders.read(rows, columns={"kind": "kind"}, policies=policies)
    assert book.lines["amount"].tolist() == [100, -30, -20]
