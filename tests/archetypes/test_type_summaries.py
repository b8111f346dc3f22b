"""Types in numbers and sentences, and how many keep theirs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from stub_archetypes import random_customers, random_lines

from ltvkit import archetypes
from ltvkit.archetypes import types
from ltvkit.errors import ColumnError

AS_OF = "2023-12-20"


@pytest.fixture(scope="module")
def assigned() -> pd.DataFrame:
    customers = random_customers(np.random.default_rng(7), 1500)
    return archetypes.assign(customers, cuts=archetypes.find_cuts(customers))


def test_totals_are_those_of_the_customers(on, assigned):
    table = archetypes.summarize(on(assigned))
    assert table["customers"].sum() == len(assigned)
    assert table["customers_share"].sum() == pytest.approx(1)
    assert table["ltv_share"].sum() == pytest.approx(1)
    whole = (table["ltv_so_far"] * table["customers"]).sum()
    assert whole == pytest.approx(assigned["revenue"].sum())
    above = (table["ltv_above_mean"] * table["customers"]).sum()
    assert above == pytest.approx(0, abs=1)
    parts = table[["from_length", "from_frequency", "from_price"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(table["ltv_above_mean"].to_numpy(), abs=0.5)
    assert table["archetype"].tolist() == [n for n in types.NAMES if n in set(table["archetype"])]
    assert table["expected_ltv"].isna().all()


def test_a_row_by_hand(on, assigned):
    rows = assigned.assign(ltv_12m=100.0)
    table = archetypes.summarize(on(rows), expected="ltv_12m").set_index("archetype")
    of = rows[rows["archetype"] == "high_price"]
    row = table.loc["high_price"]
    assert row["customers"] == len(of)
    assert row["expected_ltv"] == 100
    assert row["order_value"] == pytest.approx(of["revenue"].sum() / of["orders"].sum())
    years = of["relationship_months"].sum() / 12
    assert row["orders_per_year"] == pytest.approx(of["orders"].sum() / years)
    assert row["tenure_months"] == pytest.approx(of["tenure_days"].mean() / 30.4375)
    assert row["active_share"] == pytest.approx(of["active"].mean())
    assert row["known_share"] == pytest.approx(of["beginning_known"].mean())
    with pytest.raises(ColumnError, match="no column 'ltv_6m'"):
        archetypes.summarize(on(rows), expected="ltv_6m")


def test_stability_by_hand(on):
    names = ["customer_id", "archetype", "orders", "ltv_so_far"]
    before = pd.DataFrame(
        [("a", "frequent", 3, 9.0), ("b", "others", 1, 1.0), ("c", "others", 1, 1.0),
         ("d", "others", 1, 1.0), ("gone", "others", 1, 1.0)], columns=names,
    )  # fmt: skip
    after = pd.DataFrame(
        [("a", "frequent", 3, 9.0), ("b", "high_price", 1, 1.0), ("c", "frequent", 2, 3.0),
         ("d", "others", 1, 0.5), ("new", "others", 1, 1.0)], columns=names,
    )  # fmt: skip
    table = archetypes.measure_stability(on(before), on(after)).set_index("archetype")
    assert table["customers"].to_dict() == {"frequent": 1, "others": 3, "all": 4}
    assert table["unchanged"].to_dict() == {"frequent": 1, "others": 1, "all": 2}
    assert table["unchanged_kept_share"].to_dict() == {"frequent": 1, "others": 0, "all": 0.5}
    assert table.loc["all", "kept_share"] == 0.5


def test_with_the_same_cuts_a_type_changes_by_orders_and_returns_alone(on):
    """Time passes, and nobody changes the type but by what they do."""
    lines = random_lines(np.random.default_rng(3), customers=600)
    cuts = archetypes.find_cuts(archetypes.measure(lines, as_of="2023-11-20"))
    sides = [
        archetypes.assign(archetypes.measure(on(lines), as_of=day), cuts=cuts)
        for day in ("2023-11-20", AS_OF)
    ]
    table = archetypes.measure_stability(*sides).set_index("archetype")
    assert table.loc["all", "unchanged"] > 300
    assert table.loc["all", "unchanged_kept_share"] == 1


def test_with_new_cuts_every_month_nine_of_ten_keep_their_type():
    """Among those to whom nothing happened, in six months of two shops; all, where the table of the
    month before is handed in."""
    known = {"export_begins": "opening"}
    for seed, least, handed in ((1, 0.9, False), (2, 0.9, False), (2, 1, True)):
        lines = random_lines(np.random.default_rng(seed), customers=1500)
        cuts, sides = None, []
        for day in [f"2023-{month:02d}-20" for month in (7, 8, 9, 10, 11, 12)]:
            before = cuts if handed else None
            cuts = archetypes.choose_cuts(lines, as_of=day, before=before, **known)
            customers = archetypes.measure(lines, as_of=day, **known)
            sides.append(archetypes.assign(customers, cuts=cuts))
        tables = [archetypes.measure_stability(*pair) for pair in pairwise(sides)]
        kept = [t["unchanged_kept_share"].iloc[-1] for t in tables]
        assert min(kept) >= least, kept


def test_the_finding_names_the_types_that_offers_are_made_to(assigned):
    table = archetypes.summarize(assigned)
    said = archetypes.finding(table, currency="JPY")
    row = table.set_index("archetype").loc["high_price"]
    start = f"{row['customers']:.0f} customers ({100 * row['customers_share']:.1f}%) have a high "
    assert start + "price per order and high LTV: " in said
    assert "no single reason" not in said
    unknown = 1 - np.average(table["known_share"], weights=table["customers"])
    assert f"{100 * unknown:.1f}% of the customers may have bought before" in said
    few = table[table["archetype"] == "high_price"].assign(customers=1, known_share=1.0)
    assert archetypes.finding(few) == (
        "One customer has a high price per order and high LTV: too few to say more."
    )
    nobody = table[table["archetype"] == "others"].assign(known_share=1.0)
    assert archetypes.finding(nobody) == (
        "No customers stand out by a long relationship, a high price per order or frequent orders."
    )


def test_several_types_of_few_customers_are_told_once(assigned):
    table = archetypes.summarize(assigned).assign(known_share=1.0)
    few = table.assign(customers=table["customers"].where(table["archetype"] == "others", 9))
    said = archetypes.finding(few)
    n = int(
        table["archetype"]
        .isin(["all_round_best", "long_relationship", "high_price", "frequent"])
        .sum()
    )
    assert said == f"{n} types have fewer than 30 customers, too few to say more; see the table."
