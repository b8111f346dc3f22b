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


def test_an_item_is_in_the_class_in_which_its_share_begins(on):
    """By hand: shares 50, 15, 11, 9, 8, 7 begin at 0, 50, 65, 76, 85 and 93%."""
    found = classes(on(sold(a=50, b=15, c=11, d=9, e=8, f=7)))
    assert found == {"a": "A", "b": "A", "c": "A", "d": "B", "e": "B", "f": "C"}


def test_an_item_that_begins_at_a_cut_is_in_the_class_after_it(on):
    """Shares 40, 30, 20, 6, 4 begin at 0, 40, 70, 90 and 96%."""
    found = classes(on(sold(a=40, b=30, c=20, d=6, e=4)))
    assert found == {"a": "A", "b": "A", "c": "B", "d": "C", "e": "C"}


def test_the_first_item_is_always_a(on):
    assert classes(on(sold(a=80, b=11, c=4, d=3, e=2)))["a"] == "A"
    assert classes(on(sold(a=96, b=1, c=1, d=1, e=1))) == dict(zip("abcde", "ACCCC", strict=True))


def test_fewer_than_five_items_with_revenue_have_no_class(on):
    frame = on(sold(a=40, b=30, c=20, d=10, e=0, f=-5))
    assert set(classes(frame).values()) == {"none"}
    summary = abc_classes.summarize(abc_classes.classify(frame, by="product_id"))
    assert summary["items"].tolist() == [0, 0, 0, 6]
    assert summary["revenue_share"].sum() == pytest.approx(1)
    text = abc_classes.finding(summary, items="products")
    assert text == ("Fewer than 5 products bring in revenue, too few for classes.")
    assert set(classes(on(sold(a=40, b=30, c=20, d=10, e=1))).values()) == {"A", "B", "C"}


def test_where_returns_leave_no_revenue_nothing_has_a_share(on):
    frame = on(sold(a=10, b=9, c=8, d=7, e=6, f=-99))
    table = frames.table(frames.lazy(abc_classes.classify(frame, by="product_id")))
    assert set(table["class"]) == {"none"}
    assert table[["revenue_share", "cumulative_share"]].isna().all(axis=None)
    summary = abc_classes.summarize(table)
    assert summary["revenue_share"].isna().all()
    assert abc_classes.findings({"product": summary}, by=["product"], months=12) == [
        "No classes of products: more was returned than bought in the last 12 months, so there is "
        "no revenue to share out."
    ]


def test_one_item_is_said_with_its_period(on):
    summary = abc_classes.summarize(abc_classes.classify(on(sold(a=10)), by="product_id"))
    text = abc_classes.finding(summary, items="products", months=12)
    assert text == "All revenue in the last 12 months comes from a single one of the products."


def test_the_period_is_whole_months_up_to_the_day(on):
    days = ["2023-06-30", "2023-07-01", "2024-05-31", "2024-06-30", "2024-07-01"]
    lines = make_lines(*((f"c{n}", f"{n}", day, 10) for n, day in enumerate(days)))
    for as_of, months, kept in (
        ("2024-06-30", 12, [1, 2, 3]),
        ("2024-05-31", 12, [0, 1, 2]),
        ("2024-06-30", 1, [3]),
        ("2024-06-30", 0, [0, 1, 2, 3]),
    ):
        found = abc_classes.recent(on(lines), as_of=as_of, months=months)
        ids = frames.table(frames.lazy(found))["customer_id"]
        assert sorted(ids) == [f"c{n}" for n in kept]
    with pytest.raises(ParamsError, match="months=-1: give a whole number"):
        abc_classes.recent(lines, as_of="2024-06-30", months=-1)


def test_float_sums_do_not_push_an_item_over_the_cut():
    assert 0.96 - 0.06 < 0.9  # by the last bit
    found = classes(sold(a=0.4, b=0.3, c=0.2, d=0.06, e=0.04))
    assert list(found.values()) == ["A", "A", "B", "C", "C"]


def test_zero_and_negative_items_have_no_class_and_no_share(on):
    frame = on(sold(a=70, b=10, b2=10, b3=5, b4=5, c=0, d=-20))
    assert list(classes(frame).values()) == ["A", "B", "B", "C", "C", "none", "none"]
    table = abc_classes.summarize(abc_classes.classify(frame, by="product_id")).set_index("class")
    assert table.loc["none", ["items", "revenue", "revenue_share"]].tolist() == [2, -20, 0]
    assert table["revenue_share"].sum() == pytest.approx(1)
    assert table["revenue"].sum() == 80


def test_items_are_any_column_and_lines_without_one_are_an_item(on):
    frame = pd.DataFrame({"category": ["tea", "tea", None], "amount": [1.0, 2.0, 9.0]})
    table = frames.table(frames.lazy(abc_classes.classify(on(frame), by="category")))
    assert table["category"].tolist() == ["(none)", "tea"]


def test_other_cuts(on):
    frame = on(sold(a=40, b=30, c=20, d=6, e=4))
    assert classes(frame, cuts=(0.4, 0.7)) == dict(zip("abcde", "ABCCC", strict=True))


def test_class_changes_count_each_item_once(on):
    rest = {"y": 2, "z": 1}
    before = abc_classes.classify(on(sold(a=70, b=21, c=6, **rest)), by="product_id")
    after = abc_classes.classify(on(sold(b=90, c=4, d=3, **rest)), by="product_id")
    moves = abc_classes.changes(before, after, by="product_id").set_index("before")
    assert moves.loc["B", "A"] == 1
    assert moves.loc["C", "C"] == 3
    assert moves.loc["A", "gone"] == 1
    assert moves.loc["new", "C"] == 1
    assert moves.to_numpy().sum() == 6


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
    if sum(a > 0 for a in amounts) >= abc_classes.LEAST_ITEMS and sum(amounts) > 0:
        assert found[0] == "A"
    else:
        assert set(found) == {"none"}
    shares = table["cumulative_share"].dropna()
    assert shares.between(-1e-9, 1 + 1e-9).all()


def test_customers_are_classed_from_lines_days_and_customers_alike(on):
    lines = make_lines(
        ("a", "1", "2024-01-01", 60), ("b", "2", "2024-01-01", 6), ("a", "3", "2024-02-01", 25),
        ("c", "4", "2024-01-01", 4), ("d", "5", "2024-01-01", 3), ("e", "6", "2024-01-01", 2),
    )  # fmt: skip
    expected = frames.table(frames.lazy(abc_classes.classify(on(lines), by="customer_id")))
    assert expected["class"].tolist() == ["A", "B", "C", "C", "C"]
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
            {"a": 80, "b": 12, "c": 5, "d": 2, "e": 1},
            "1 of 5 products is class A and brings in 80.0% of revenue; 3 are class C and",
        ),
        (
            {"a": 35, "b": 35, "c": 20, "d": 6, "e": 4},
            "2 of 5 products are class A and bring in 70.0% of revenue; 2 are class C and bring in",
        ),
        (
            dict.fromkeys("abcde", 7),
            "No products stand out: those that bring in the same are in one",
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
    sizes = {"a": 80, "b": 12, "c": 5, "d": 2, "e": 1}
    summary = abc_classes.summarize(abc_classes.classify(sold(**sizes), by="product_id"))
    text = abc_classes.finding(summary, items=abc_classes.name("product"), months=12)
    assert text.startswith(
        "1 of 5 products is class A and brings in 80.0% of revenue of the last 12"
    )


def test_items_of_equal_revenue_are_in_one_class(on):
    """50, then four of 10 whose shares begin at 50%, 60%, 70% and 80%, then two of 5."""
    amounts = dict(zip("abcdefg", [50.0, 10, 10, 10, 10, 5, 5], strict=True))
    lines = pd.DataFrame({"product_id": amounts.keys(), "amount": amounts.values()})
    table = frames.table(frames.lazy(abc_classes.classify(on(lines), by="product_id")))
    assert table["class"].tolist() == ["A"] * 5 + ["C"] * 2
    assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    same = lines.assign(amount=10.0)
    assert set(classes(on(same)).values()) == {"A"}
