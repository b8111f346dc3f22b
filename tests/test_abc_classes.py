from __future__ import annotations

import pandas as pd
import pytest
from conftest import make_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import abc_classes, customers
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, ParamsError
from ltvkit.ingest import daily


def sold(**amounts: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"product_id": list(amounts), "amount": [float(a) for a in amounts.values()]}
    )


def classes(frame, **options) -> dict[str, str]:
    table = frames.table(frames.lazy(abc_classes.classify(frame, by="product_id", **options)))
    return dict(zip(table["product_id"], table["class"], strict=True))


def test_an_item_on_the_cut_is_inside(on):
    assert classes(on(sold(a=40, b=30, c=20, d=10))) == {"a": "A", "b": "A", "c": "B", "d": "C"}


def test_the_first_item_is_always_a(on):
    assert classes(on(sold(a=95, b=5))) == {"a": "A", "b": "C"}


def test_float_sums_do_not_push_an_item_over_the_cut():
    # Seven tenths added one by one miss 0.7 by the last bit.
    assert list(classes(sold(**{f"i{k}": 0.1 for k in range(10)})).values()) == ["A"] * 7 + [
        "B"
    ] * 2 + ["C"]


def test_zero_and_negative_items_have_no_class_and_no_share(on):
    frame = on(sold(a=70, b=30, c=0, d=-20))
    assert classes(frame) == {"a": "A", "b": "C", "c": "none", "d": "none"}
    table = abc_classes.summarize(abc_classes.classify(frame, by="product_id")).set_index("class")
    assert table.loc["none", ["items", "revenue", "revenue_share"]].tolist() == [2, -20, 0]
    assert table["revenue_share"].sum() == pytest.approx(1)
    assert table["revenue"].sum() == 80


def test_items_are_any_column_and_lines_without_one_are_an_item(on):
    frame = pd.DataFrame({"category": ["tea", "tea", None], "amount": [1.0, 2.0, 9.0]})
    table = frames.table(frames.lazy(abc_classes.classify(on(frame), by="category")))
    assert table["category"].tolist() == ["(none)", "tea"]


def test_other_cuts(on):
    frame = on(sold(a=40, b=30, c=20, d=10))
    assert classes(frame, cuts=(0.4, 0.7)) == {"a": "A", "b": "B", "c": "C", "d": "C"}


def test_class_changes_count_each_item_once(on):
    before = abc_classes.classify(on(sold(a=60, b=25, c=15)), by="product_id")
    after = abc_classes.classify(on(sold(b=90, c=6, d=4)), by="product_id")
    moves = abc_classes.changes(before, after, by="product_id").set_index("before")
    assert moves.loc["B", "A"] == 1
    assert moves.loc["C", "C"] == 1
    assert moves.loc["A", "gone"] == 1
    assert moves.loc["new", "C"] == 1
    assert moves.to_numpy().sum() == 4


def test_pareto_keeps_both_ends_of_a_long_curve():
    frame = sold(**{f"i{k}": 1000 - k for k in range(1000)})
    classified = abc_classes.classify(frame, by="product_id")
    curve = abc_classes.pareto(classified, points=100)
    assert len(curve) <= 106
    items = curve.groupby("class")["items_share"].max().diff().fillna(curve["items_share"].iloc[0])
    summary = abc_classes.summarize(classified).set_index("class")["items_share"]
    assert items["B"] == pytest.approx(summary["B"])
    assert curve["items_share"].iloc[[0, -1]].tolist() == [0.001, 1]
    assert curve["cumulative_share"].iloc[-1] == pytest.approx(1)


def test_leaders_name_products_and_no_customers(on):
    frame = sold(a=60, b=25, c=15).assign(product=["茶", "皿", "紙"], customer_id=["x", "y", "z"])
    classified = abc_classes.classify(on(frame), by="product_id")
    table = abc_classes.leaders(classified, on(frame), by="product_id", n=2)
    assert table["product"].tolist() == ["茶", "皿"]
    people = abc_classes.classify(on(frame), by="customer_id")
    assert "customer_id" not in abc_classes.leaders(people, on(frame), by="customer_id")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([-5.0, 0.0, 0.1, 1.0, 3.3, 100.0]), min_size=1, max_size=40))
def test_classes_are_in_order_and_totals_add_up(amounts):
    frame = sold(**{f"i{k:02d}": a for k, a in enumerate(amounts)})
    table = abc_classes.classify(frame, by="product_id")
    found = table["class"].tolist()
    assert found == sorted(found, key=list(abc_classes.CLASSES).index)
    assert table["revenue"].sum() == pytest.approx(sum(amounts))
    assert abc_classes.summarize(table)["items"].sum() == len(amounts)
    if max(amounts) > 0:
        assert found[0] == "A"


def test_customers_are_classed_from_lines_days_and_customers_alike(on):
    lines = make_lines(
        ("a", "1", "2024-01-01", 60), ("b", "2", "2024-01-01", 15), ("a", "3", "2024-02-01", 25)
    )
    expected = frames.table(frames.lazy(abc_classes.classify(on(lines), by="customer_id")))
    assert expected["class"].tolist() == ["A", "C"]
    for frame in (daily.aggregate(on(lines)), customers.summarize(on(lines), as_of="2024-03-31")):
        found = frames.table(frames.lazy(abc_classes.classify(frame, by="customer_id")))
        pd.testing.assert_frame_equal(found, expected)


def test_bad_input_is_refused():
    with pytest.raises(ColumnError, match="no column 'product_id'"):
        abc_classes.classify(pd.DataFrame({"amount": [1.0]}), by="product_id")
    for cuts in ((0.9, 0.7), (0.7,), (0, 0.5), (0.7, 1.2)):
        with pytest.raises(ParamsError, match="two rising shares"):
            abc_classes.classify(sold(a=1), by="product_id", cuts=cuts)


def test_of_no_items_there_is_no_curve(on):
    none = pd.DataFrame({"product_id": ["p"], "amount": [1.0]}).iloc[:0]
    assert abc_classes.pareto(abc_classes.classify(on(none), by="product_id")).empty


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        (
            {"a": 90, "b": 10},
            "1 of 2 products is class A and brings in 90.0% of revenue; 1 is class C and",
        ),
        (
            {"a": 35, "b": 35, "c": 20, "d": 6, "e": 4},
            "2 of 5 products are class A and bring in 70.0% of revenue; 2 are class C and bring in",
        ),
        ({"a": 5}, "All revenue comes from a single one of the products."),
        ({"a": 0}, "No products bring in any revenue."),
    ],
)
def test_the_finding_counts_in_words(amounts, text):
    classified = abc_classes.classify(sold(**amounts), by="product_id")
    found = abc_classes.finding(abc_classes.summarize(classified), items="products")
    assert found.startswith(text)


def test_what_is_counted_is_named_in_the_plural():
    named = [abc_classes.name(by) for by in ("product_id", "product", "channel", "rank_of_shop")]
    assert named == ["products", "products", "channels", "values of rank_of_shop"]
    lines = make_lines(("a", "1", "2024-01-05", 9), ("b", "2", "2024-01-06", 1))
    summary = abc_classes.summarize(abc_classes.classify(lines, by="customer_id"))
    text = abc_classes.finding(summary, items=abc_classes.name("product"))
    assert text.startswith("1 of 2 products is class A")
