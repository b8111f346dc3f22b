"""Two shops, and part of a shop's orders: by hand, on every engine."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import drivers, orders
from ltvkit.cli.compare import find_options
from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.ingest import daily

KNOWN = {"export_begins": "opening"}
# Ours: three customers in February, with four orders for 400. Theirs: two, with two for 100.
OURS = make_lines(
    ("a", "1", "2024-01-05", 50, "web"), ("a", "2", "2024-02-01", 100, "web"),
    ("b", "3", "2024-02-02", 100, "shop"), ("b", "4", "2024-02-09", 100, "web"),
    ("c", "5", "2024-02-20", 100, "shop"),
    extra=("channel",),
)  # fmt: skip
THEIRS = make_lines(
    ("x", "1", "2024-01-31", 9), ("x", "2", "2024-02-03", 60), ("y", "3", "2024-02-04", 40)
)


def compare(on, ours=OURS, theirs=THEIRS):
    ours, theirs = on(ours), on(theirs)
    other = drivers.Other(theirs, daily.aggregate(theirs), "Theirs", "opening")
    rule = {"as_of": "2024-02-29", "lines": ours, "title": "Ours", **KNOWN}
    return drivers.compare(daily.aggregate(ours), other=other, **rule)


def test_two_shops_by_hand(on):
    found = compare(on)
    assert (found.names, found.before, found.after) == (("Theirs", "Ours"), 100, 400)
    table = found.table.set_index("leaf")
    sides = table[["value_before", "value_after"]].T.to_dict("list")
    assert sides["days"] == [29, 29]
    assert sides["new_customers_a_day"] == pytest.approx([1 / 29, 2 / 29])
    assert sides["kept_customers_a_day"] == pytest.approx([1 / 29, 1 / 29])
    assert sides["orders_per_customer"] == pytest.approx([1, 4 / 3])
    assert sides["order_value"] == [50, 100]
    assert table["change_in_revenue"].sum() == pytest.approx(300)
    assert table.loc["days", "change_in_revenue"] == 0
    said = drivers.finding(found, currency="EUR")
    assert said.startswith(
        "In February 2024, revenue of Ours was 300.00 EUR (+300.0%) above that of Theirs: "
        "400.00 EUR. Orders: 4 against 2 (+"
    )
    history = pd.DataFrame({"period": ["2024-02"], "revenue": [400.0]})
    checked = found.reconcile(history)
    assert checked["revenue"].tolist() == pytest.approx([100, 400])
    assert checked["key_figure_revenue"].isna().tolist() == [True, False]
    assert checked["difference_in_revenue"][1] == pytest.approx(0)


WHOLE = KNOWN | {"data_until": "2024-02-29"}
STEPS = ("import drivers", "title: str", "orders.read(", "lapse.find(", "compare(", "split(")
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "07_drivers.ipynb"


@pytest.mark.parametrize(
    ("other", "by"),
    [
        ({}, ["drivers_by_channel"]),
        ({"title": "B", "currency": "JPY", "source": THEIRS, "policies": WHOLE}, []),
    ],
)
def test_between_two_shops_the_page_has_no_change_since_last_month(other, by, capsys):
    """Section 3 would add up to the change of one shop between two months."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    space = {"display": print}
    for step in STEPS:
        exec(next(source for source in sources if step in source), space)
        if step == STEPS[1]:
            space |= {"source": OURS, "month": "2024-02", "engine": "pandas", "other": other}
            space |= {"drivers_by": ["channel"], "policies": WHOLE}
    assert [name for name in space["found"] if name.startswith("drivers_by_")] == by
    assert space["findings"][0] in capsys.readouterr().out


def test_a_shop_that_is_compared_with_itself_has_no_reason(on):
    found = compare(on, theirs=OURS)
    assert (found.table["verdict"] == "unmoved").all()


def test_without_another_shop_it_is_the_change_between_months(on):
    ours = on(OURS)
    rule = {"as_of": "2024-02-29", "lines": ours, **KNOWN}
    plain = drivers.explain(ours, **rule)
    pd.testing.assert_frame_equal(plain.table, drivers.compare(ours, **rule).table)


def test_a_shop_whose_orders_begin_later_is_refused(on):
    late = THEIRS[THEIRS["order_date"] > "2024-02-01"]
    other = drivers.Other(on(late), on(late), "Theirs", "later")
    with pytest.raises(TooLittleData, match="whole of February 2024"):
        drivers.compare(on(OURS), other=other, as_of="2024-02-29", lines=on(OURS), **KNOWN)


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
def test_lines_with_a_value_alone(engine):
    book = orders.read(OURS, engine=engine)
    lines, days = drivers.select(book, where={"channel": "shop"})
    rule = {"as_of": "2024-02-29", "lines": lines, "all_days": book.days, **KNOWN}
    found = drivers.compare(days, **rule)
    assert (found.before, found.after) == (0, 200)
    assert drivers.select(book, where={})[1] is book.days
    for where, error, said in (
        ({"channel": "wep"}, ParamsError, "no order line has channel=wep. Did you mean 'web'?"),
        ({"channel": "tv"}, ParamsError, "There is shop, web."),
        ({"chanel": "web"}, ColumnError, "Did you mean 'channel'?"),
        ({"customer_id": "a"}, ParamsError, "no customer ids"),
        ({"order_id": "3"}, ParamsError, "order_id tells single orders"),
        ({"order_date": "2024-02-01"}, ParamsError, "order_date tells single orders"),
        ({"amount": "100"}, ParamsError, "amount tells single orders"),
    ):
        with pytest.raises(error) as caught:
            drivers.select(book, where=where)
        assert said in str(caught.value)


def test_values_of_a_column_that_may_tell_customers_are_not_listed():
    many = pd.concat([OURS] * 10, ignore_index=True)
    many = many.assign(voucher=[f"voucher-{n}" for n in range(50)])
    book = orders.read(many, columns={"voucher": "voucher"})
    with pytest.raises(ParamsError) as caught:
        drivers.select(book, where={"voucher": "vouchr-7"})
    assert "voucher-" not in str(caught.value)


def test_two_currencies_and_orders_that_end_early_are_refused():
    given = {"source": "demo:shop", "title": "B", "currency": "USD"}
    with pytest.raises(ParamsError, match="B counts in USD, and the other shop in JPY"):
        drivers.read_other(given, where={}, as_of="2024-09-30", currency="JPY")
    same = given | {"currency": "JPY"}
    with pytest.raises(ParamsError, match="outside the data"):
        drivers.read_other(same, where={}, as_of="2024-11-30", currency="JPY")
    early = same | {"policies": {"data_until": "2024-09-20"}}
    with pytest.raises(ParamsError, match="its orders end on 20 September 2024"):
        drivers.read_other(early, where={}, as_of="2024-09-30", currency="JPY")
    assert drivers.read_other({}, where={}, as_of="2024-09-30", currency="JPY") is None
    assert drivers.describe_scope({"channel": "tv"}, None).startswith("Only order lines with chan")


@pytest.mark.parametrize(
    ("names", "month", "where"),
    [
        (["a.yaml"], None, []),
        (["a.yaml", "2024-08"], None, []),
        (["a.yaml", "2024-08", "2024-09"], "2024-09", []),
        (["a.yaml", "b.yaml", "2024-09"], None, []),
        (["a.yaml", "b.yaml", "c.yaml"], None, []),
        (["a.yaml", "b.yaml"], None, ["channel"]),
        (["a.yaml", "b.yaml"], None, ["channel=a", "channel=b"]),
    ],
)
def test_arguments_that_say_no_comparison_are_refused(names, month, where):
    from click import UsageError

    with pytest.raises(UsageError):
        find_options(names, month=month, where=where)
