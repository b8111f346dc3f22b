"""LTV so far as length x frequency x price: by hand, on every engine, and what must always hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from stub_archetypes import random_customers, table

from ltvkit import archetypes, drivers
from ltvkit.archetypes.factors import ADDED, FACTORS, PARTS
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, TooLittleData
from ltvkit.ingest import daily
from ltvkit.periods import MONTH_DAYS

# b ordered three times in 60 days, so the usual gap is 30 days; a ordered once.
LINES = make_lines(
    ("a", "1", "2024-01-10", 10, 4),
    ("b", "2", "2024-01-01", 20, 8), ("b", "3", "2024-01-31", 40, 16),
    ("b", "4", "2024-03-01", 35, 14), ("b", "R", "2024-03-20", -5, -2),
    ("b", "5", "2024-09-01", 999, 9),  # later
    extra=("margin",),
)  # fmt: skip
AS_OF = "2024-03-31"


@pytest.mark.parametrize("daily_table", [False, True])
def test_two_customers_by_hand(on, daily_table):
    lines = daily.aggregate(on(LINES)) if daily_table else on(LINES)
    customers = archetypes.measure(lines, as_of=AS_OF, export_begins="opening")
    assert table(customers)["margin"].tolist() == [4, 36]
    assert table(customers)["beginning_known"].tolist() == [True, True]
    found = table(archetypes.split(customers))
    month = 30 / MONTH_DAYS
    assert found["relationship_months"].tolist() == pytest.approx([month, 3 * month])
    assert found["orders_per_month"].tolist() == pytest.approx([1 / month] * 2)
    assert found["order_value"].tolist() == pytest.approx([10, 30])
    assert found["ltv_above_mean"].tolist() == [-40, 40]
    assert found["from_length"].tolist() == pytest.approx([-17.5, 27.5])
    assert found["from_frequency"].tolist() == [0, 0]
    assert found["from_price"].tolist() == pytest.approx([-22.5, 12.5])
    by_margin = table(archetypes.split(customers, of="margin"))
    assert by_margin["ltv_above_mean"].tolist() == [-16, 16]


def test_the_mean_customer_by_hand():
    customers = archetypes.measure(LINES, as_of=AS_OF, export_begins="opening")
    means = archetypes.find_means(customers)
    assert (means.customers, means.gap_days, means.ltv, means.order_value) == (2, 30, 50, 25)
    assert means.months * means.orders_per_month * means.order_value == pytest.approx(50)


def test_parts_are_the_shapley_value_and_add_up():
    """As `drivers.attribute` computes it over all orders of the three factors."""
    formula = drivers.Formula("relationship_months * orders_per_month * order_value")
    for seed in range(20):
        customers = random_customers(np.random.default_rng(seed), 300)
        found = archetypes.split(customers)
        means = archetypes.find_means(customers)
        usual = dict(zip(FACTORS, means[2:5], strict=True))
        assert np.prod(list(usual.values())) == pytest.approx(means.ltv)
        expected = drivers.attribute(formula, usual, {n: found[n].to_numpy() for n in FACTORS})
        for factor, part in zip(FACTORS, PARTS, strict=True):
            assert found[part].to_numpy() == pytest.approx(expected[factor], abs=0.01)
        assert (found[list(PARTS)].sum(axis=1) - found["ltv_above_mean"]).abs().max() < 0.5
        assert found["ltv_above_mean"].sum() == pytest.approx(0, abs=0.5)


def test_a_factor_as_in_the_mean_customer_has_no_part():
    customers = random_customers(np.random.default_rng(3), 400)
    found = archetypes.split(customers)
    once = found[found["orders"] == 1]
    assert len(once) > 50
    assert once["from_frequency"].abs().max() < 1e-6
    means = archetypes.find_means(customers)
    same = (found["order_value"] / means.order_value - 1).abs() < 1e-9
    assert (found.loc[same, "from_price"].abs() < 1e-3).all()


def test_the_order_of_rows_is_irrelevant(on):
    customers = random_customers(np.random.default_rng(4), 200)
    mixed = customers.sample(frac=1, random_state=1)
    one, other = (table(archetypes.split(on(c))) for c in (customers, mixed))
    pd.testing.assert_frame_equal(one, other)


def test_without_a_second_day_or_a_column_it_says_so(on):
    once = archetypes.measure(on(LINES[:1]), as_of=AS_OF, export_begins="opening")
    with pytest.raises(TooLittleData, match="nobody ordered on a second day"):
        archetypes.split(once)
    nothing = archetypes.measure(on(LINES), as_of="2020-01-01", export_begins="opening")
    with pytest.raises(TooLittleData, match="nobody ordered"):
        archetypes.find_means(nothing)
    plain = archetypes.measure(on(LINES.drop(columns="margin")), as_of=AS_OF)
    with pytest.raises(ColumnError, match="no column 'margin'"):
        archetypes.split(plain, of="margin")


def test_money_after_a_day_up_to_another(on):
    found = frames.table(archetypes.sum_later(on(LINES), after="2024-03-01", until="2024-09-01"))
    assert found.to_dict("list") == {"customer_id": ["b"], "later": [994]}


NAMES = ("Ltv_So_Far", "_span", "span", "Archetype", "active", "known", "wanted", "later", "Label",
         "group", "from_price", "money", "n", "value", "share", "spent", "Tier")  # fmt: skip


def test_columns_named_like_the_kits_change_nothing(on):
    customers = random_customers(np.random.default_rng(6), 300)
    more = customers.assign(**dict.fromkeys(NAMES, "x"))
    cuts = archetypes.find_cuts(customers)
    assert archetypes.find_cuts(on(more)).equals(cuts)
    one, other = (archetypes.assign(on(c), cuts=cuts) for c in (customers, more))
    added = [*ADDED, "archetype", "active"]
    pd.testing.assert_frame_equal(table(one)[added], table(other)[added])
    pd.testing.assert_frame_equal(archetypes.summarize(one), archetypes.summarize(other))
