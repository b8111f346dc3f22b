"""Offers by hand, the same on every engine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines

from ltvkit import offers
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, ParamsError, TooLittleData
from ltvkit.offers.recommendations import METHODS

AS_OF = "2024-03-31"
# a: tea on three days (one of them two lines), cup once. b: cup on two days, pot. c: pot, tea; e
# returned what it bought on another line. d bought a jug long ago, and a hat after the day.
LINES = make_lines(
    ("a", "1", "2024-01-01", 5, "tea", "drink"), ("a", "1", "2024-01-01", 5, "tea", "drink"),
    ("a", "2", "2024-02-01", 5, "tea", "drink"), ("a", "3", "2024-03-01", 5, "tea", "drink"),
    ("a", "3", "2024-03-01", 9, "cup", "ware"),
    ("b", "4", "2024-01-15", 9, "cup", "ware"), ("b", "5", "2024-03-15", 9, "cup", "ware"),
    ("b", "5", "2024-03-15", 20, "pot", "ware"),
    ("c", "6", "2024-03-20", 20, "pot", "ware"), ("c", "6", "2024-03-20", 5, "tea", "drink"),
    ("c", "R", "2024-03-25", -5, "mug", "ware"),
    ("d", "7", "2023-05-01", 30, "jug", "ware"), ("d", "8", "2024-04-01", 30, "hat", "wear"),
    ("d", "9", "2023-06-01", 1, None, None),
    extra=("product_id", "category"),
)  # fmt: skip
GROUPS = pd.DataFrame({"customer_id": list("abcd"), "segment": ["x", "x", "y", "y"]})


def listed(found, item: str = "product_id") -> dict[str, str]:
    table = frames.table(frames.lazy(found)).sort_values(["customer_id", "rank"])
    return table.groupby("customer_id")[item].agg(" ".join).to_dict()


# Bought by two customers in the last 91 days each: cup, pot, tea (by id); jug by nobody lately.
def test_best_sellers_by_hand(on):
    found = offers.recommend(on(LINES), as_of=AS_OF, kind="any", method="best_sellers", k=2)
    assert listed(found) == dict.fromkeys("abcd", "cup pot")
    new = offers.recommend(on(LINES), as_of=AS_OF, kind="new", method="best_sellers")
    assert listed(new) == {"a": "pot jug", "b": "tea jug", "c": "cup jug", "d": "cup pot tea"}
    again = offers.recommend(on(LINES), as_of=AS_OF, kind="again", method="best_sellers")
    assert listed(again) == {"a": "cup tea", "b": "cup pot", "c": "pot tea", "d": "jug"}


def test_personal_by_hand(on):
    found = offers.recommend(on(LINES), as_of=AS_OF)
    table = frames.table(frames.lazy(found))
    assert table.columns.tolist() == ["customer_id", "rank", "product_id", "days_bought"]
    assert table.to_numpy().tolist() == [
        ["a", 1, "tea", 3], ["a", 2, "cup", 1],
        ["b", 1, "cup", 2], ["b", 2, "pot", 1],
        ["c", 1, "pot", 1], ["c", 2, "tea", 1],
        ["d", 1, "jug", 1],
    ]  # fmt: skip
    filled = offers.recommend(on(LINES), as_of=AS_OF, kind="any", method="personal", k=3)
    assert listed(filled) == {"a": "tea cup pot", "b": "cup pot tea", "c": "pot tea cup",
                              "d": "jug cup pot"}  # fmt: skip


def test_a_half_life_weighs_what_is_recent(on):
    """a bought tea on days 90, 59 and 30 before, cup 30 before: with a half-life of five days only
    the last day counts, and the last days of both are the same but for 2 ** -6."""
    lines = pd.concat([LINES, make_lines(("a", "9", "2024-03-29", 9, "cup", "ware"),
                                         extra=("product_id", "category"))])  # fmt: skip
    assert listed(offers.recommend(on(lines), as_of=AS_OF))["a"] == "tea cup"
    assert listed(offers.recommend(on(lines), as_of=AS_OF, half_life=5))["a"] == "cup tea"
    with pytest.raises(ParamsError, match="half_life=-1"):
        offers.recommend(on(lines), as_of=AS_OF, half_life=-1)


def test_groups_have_best_sellers_of_their_own(on):
    """x: cup by a and b; pot, tea by one each. y: pot and tea by c."""
    rule = {"as_of": AS_OF, "method": "group_best_sellers", "groups": on(GROUPS)}
    assert listed(offers.recommend(on(LINES), kind="any", k=2, **rule)) == {
        "a": "cup pot", "b": "cup pot", "c": "pot tea", "d": "pot tea",
    }  # fmt: skip
    assert listed(offers.recommend(on(LINES), kind="new", k=1, **rule)) == {
        "a": "pot", "b": "tea", "c": "cup", "d": "pot",
    }  # fmt: skip
    again = listed(offers.recommend(on(LINES), kind="again", **rule))
    assert again == {"a": "cup tea", "b": "cup pot", "c": "pot tea", "d": "jug"}


def test_offers_of_a_group_are_those_of_most_of_its_customers(on):
    found = offers.recommend(on(LINES), as_of=AS_OF)
    table = offers.summarize(found, GROUPS, k=2)
    assert table.to_numpy().tolist() == [
        ["x", 1, "cup", 2, 1.0], ["x", 2, "pot", 1, 0.5],
        ["y", 1, "jug", 1, 0.5], ["y", 2, "pot", 1, 0.5],
    ]  # fmt: skip
    assert table.columns.tolist() == ["segment", "rank", "product_id", "customers", "share"]


def test_any_column_is_an_item(on):
    found = offers.recommend(on(LINES), as_of=AS_OF, item="category")
    assert listed(found, "category") == {
        "a": "drink ware",
        "b": "ware",
        "c": "ware drink",
        "d": "ware",
    }


def test_without_the_column_it_says_so(on):
    lines = on(LINES.drop(columns="product_id"))
    for call in (offers.recommend, offers.compare, offers.choose, offers.find_due):
        with pytest.raises(ColumnError, match="no column 'product_id'"):
            call(lines, as_of=AS_OF)
    with pytest.raises(TooLittleData, match="nothing to offer"):
        offers.recommend(on(LINES), as_of="2020-01-01")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "old"}, "kind='old' is not one of"),
        ({"method": "magic"}, "method='magic' is not one of"),
        ({"kind": "new", "method": "personal"}, "is not one of"),
        ({"k": 0}, "k=0: give a number of offers from 1 to 100"),
        ({"method": "group_best_sellers"}, "needs groups"),
        ({"item": "rank"}, "item='rank'"),
    ],
)
def test_wrong_params_are_refused(wrong, said):
    with pytest.raises(ParamsError, match=said):
        offers.recommend(LINES.assign(rank="x"), as_of=AS_OF, **wrong)


def make_shop(rng: np.random.Generator, *, customers: int = 60, items: int = 25) -> pd.DataFrame:
    n = customers * 12
    who = rng.integers(0, customers, n)
    what = np.minimum(rng.geometric(0.12, n) - 1 + (who % 3) * 4, items - 1)
    day = pd.Timestamp("2023-06-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    return pd.DataFrame(
        {
            "customer_id": [f"c{w:03d}" for w in who],
            "order_id": [f"o{w}-{d:%j}" for w, d in zip(who, day, strict=True)],
            "order_date": day,
            "amount": rng.integers(-1, 40, n).astype(float),
            "product_id": [f"p{w:02d}" for w in what],
        }
    )


SHOP = make_shop(np.random.default_rng(1))
SHOPS_GROUPS = pd.DataFrame(
    {"customer_id": [f"c{n:03d}" for n in range(60)], "segment": [f"s{n % 3}" for n in range(60)]}
)


@pytest.mark.parametrize("kind", METHODS)
def test_all_engines_offer_the_same(on, kind):
    for method in METHODS[kind]:
        rule = {"as_of": "2024-02-28", "kind": kind, "method": method, "half_life": 45, "k": 7}
        expected = offers.recommend(SHOP, groups=SHOPS_GROUPS, **rule)
        found = offers.recommend(on(SHOP), groups=SHOPS_GROUPS, **rule)
        pd.testing.assert_frame_equal(frames.table(frames.lazy(found)), expected, check_dtype=False)


@pytest.mark.parametrize("kind", METHODS)
def test_offers_keep_to_their_kind_and_repeat_nothing(kind):
    for method in METHODS[kind]:
        rule = {"as_of": "2024-02-28", "kind": kind, "method": method, "groups": SHOPS_GROUPS}
        found = offers.recommend(SHOP, **rule)
        assert not found.duplicated(["customer_id", "product_id"]).any()
        ranks = found.groupby("customer_id")["rank"].agg(list)
        assert all(row == [*range(1, len(row) + 1)] and len(row) <= 10 for row in ranks)
        bought = found["days_bought"] > 0
        assert bought.all() if kind == "again" else kind == "any" or not bought.any()
        assert kind == "again" or (ranks.map(len) == 10).all()
        shuffled = offers.recommend(SHOP.sample(frac=1, random_state=2), **rule)
        pd.testing.assert_frame_equal(found, shuffled)


def test_a_customer_who_has_bought_nearly_all_still_gets_what_is_left(on):
    rows = [("a", f"{n}", "2024-03-01", 1, f"p{n:02d}") for n in range(38)]
    rows += [("b", f"b{n}", "2024-03-01", 1, f"p{n:02d}") for n in range(40)]
    rows += [("c", "c", "2024-03-02", 1, "p00")]
    lines = make_lines(*rows, extra=("product_id",))
    found = listed(offers.recommend(on(lines), as_of=AS_OF, kind="new", method="best_sellers", k=3))
    assert found == {"a": "p38 p39", "c": "p01 p02 p03"}
