"""Types by the cuts of the shop: one rule fits each customer; cuts can be handed in again."""

from __future__ import annotations

import io
from itertools import product

import numpy as np
import pandas as pd
import pytest
from stub_archetypes import random_customers, table

from ltvkit import archetypes
from ltvkit.archetypes import cuts, types
from ltvkit.archetypes.types import ACTIVE, GAP, HIGH
from ltvkit.engines import frames
from ltvkit.errors import ParamsError

CUTS = {
    "ltv_so_far": 100, "relationship_months": 6, "order_value": 50, "orders_per_month": 0.5,
    ACTIVE: 90, GAP: 30,
}  # fmt: skip
MONTH = 30.4375


def customer(months: float, orders: int, value: float, silent: int = 0) -> dict:
    span = round(months * MONTH - 30)
    return {
        "orders": orders, "revenue": orders * value, "tenure_days": span + silent,
        "recency_days": silent,
    }  # fmt: skip


SHOP = pd.DataFrame(
    [
        customer(12, 10, 80), customer(12, 10, 20, silent=91), customer(4, 2, 80),
        customer(4, 6, 20, silent=90), customer(5, 2, 50.0), customer(5, 2, 50.5),
        customer(12, 2, 50),
    ]
).assign(customer_id=list("abcdefg"))  # fmt: skip


def test_every_customer_fits_exactly_one_rule():
    for high in product((True, False), repeat=len(HIGH)):
        named = dict(zip(HIGH, high, strict=True))
        fits = [
            rule["name"]
            for rule in types.TYPES
            if all(rule[n] in ("any", "high" if named[n] else "low") for n in HIGH)
        ]
        assert len(fits) == 1, named
    assert len(set(types.NAMES)) == len(types.TYPES)


def test_types_by_hand_and_a_value_on_a_cut_is_low(on):
    found = table(archetypes.assign(on(SHOP), cuts=CUTS)).set_index("customer_id")
    assert found["archetype"].to_dict() == {
        "a": "all_round_best",
        "b": "long_relationship",
        "c": "high_price",
        "d": "frequent",
        "e": "others",  # LTV on its cut
        "f": "high_price",
        "g": "others",
    }
    assert found.index[~found["active"].astype(bool)].tolist() == ["b"]


def test_high_ltv_without_a_reason_is_balanced():
    found = archetypes.assign(SHOP, cuts={**CUTS, "ltv_so_far": 99})
    assert found.set_index("customer_id").loc["e", "archetype"] == "balanced"


def test_the_rules_and_their_codes_are_the_same():
    customers = random_customers(np.random.default_rng(1), 500)
    found = archetypes.find_cuts(customers)
    assigned = archetypes.assign(customers, cuts=found)
    known = types.read_cuts(found)
    above = {n: (assigned[n] > known[n]).to_numpy() for n in HIGH}
    names = np.array(types.NAMES)[cuts.find_type(above)]
    assert names.tolist() == assigned["archetype"].tolist()


def test_cuts_are_values_that_occur_and_can_be_handed_in_again(on):
    customers = random_customers(np.random.default_rng(2), 400)
    found = archetypes.find_cuts(on(customers), quantiles={"ltv_so_far": 0.7})
    by_name = found.set_index("measure")
    assert by_name.loc["ltv_so_far", "quantile"] == 0.7
    assert by_name.loc["order_value", "quantile"] == 0.8
    measured = archetypes.split(customers)
    cut = by_name.loc["ltv_so_far", "cut"]
    assert (measured["ltv_so_far"] <= cut).mean() >= 0.7 > (measured["ltv_so_far"] < cut).mean()
    again = pd.read_csv(io.StringIO(found.to_csv(index=False)))
    one, other = (table(archetypes.assign(on(customers), cuts=c)) for c in (found, again))
    assert one["archetype"].tolist() == other["archetype"].tolist()


def test_cuts_of_an_earlier_date_are_kept_while_they_are_about_their_quantile(on):
    customers = random_customers(np.random.default_rng(8), 1000)
    old = archetypes.find_cuts(customers)
    more = random_customers(np.random.default_rng(9), 1000)
    both = pd.concat([customers, more.assign(customer_id="n" + more["customer_id"])])
    found = archetypes.find_cuts(on(both), before=old)
    assert found.equals(old)
    assert not archetypes.find_cuts(both).equals(old)
    dearer = both.assign(revenue=3 * both["revenue"])
    moved = archetypes.find_cuts(on(dearer), before=old).set_index("measure")["cut"]
    assert moved["order_value"] > 2 * old.set_index("measure").loc["order_value", "cut"]
    assert moved["recency_days"] == old.set_index("measure").loc["recency_days", "cut"]
    assert moved["usual_gap_days"] == old.set_index("measure").loc["usual_gap_days", "cut"]
    other = archetypes.find_cuts(on(both), before=old, quantiles={"order_value": 0.6})
    assert other.set_index("measure").loc["order_value", "quantile"] == 0.6
    with pytest.raises(ParamsError, match="no quantile for ltv_so_far"):
        archetypes.find_cuts(both, before=old.assign(quantile=np.nan))


def test_wrong_cuts_and_quantiles_are_refused():
    with pytest.raises(ParamsError, match="no number for usual_gap_days"):
        archetypes.assign(SHOP, cuts={n: v for n, v in CUTS.items() if n != GAP})
    with pytest.raises(ParamsError, match="quantiles"):
        archetypes.find_cuts(SHOP, quantiles={"revenue": 0.5})
    with pytest.raises(ParamsError, match="above 0 and below 1"):
        archetypes.find_cuts(SHOP, quantiles={"order_value": 1.0})


def test_gini_between_groups_by_hand():
    assert cuts.measure_gini(np.array([10, 10]), np.array([5.0, 5.0])) == pytest.approx(0)
    assert cuts.measure_gini(np.array([90, 0, 10]), np.array([0.0, 0.0, 7.0])) == pytest.approx(0.9)
    pairs = [(0, 0), (0, 3), (3, 0), (3, 3)]
    whole = sum(abs(a - b) for a, b in pairs) / (2 * 4 * 1.5)  # mean difference over twice the mean
    assert cuts.measure_gini(np.array([1, 1]), np.array([0.0, 3.0])) == pytest.approx(whole)


def test_quantiles_stay_as_usual_unless_others_are_clearly_better(on):
    """Money later depends on the price alone, for the best tenth: then the cut of price moves."""
    rng = np.random.default_rng(5)
    customers = random_customers(rng, 4000)
    noise = pd.DataFrame(
        {"customer_id": customers["customer_id"], "later": rng.gamma(0.5, 100, 4000)}
    )
    usual = cuts.choose_quantiles(on(customers), frames.lazy(on(noise)))
    moved = [n for n, share in usual.items() if share != types.QUANTILES[n]]
    assert len(moved) <= 2, usual
    price = customers["revenue"] / customers["orders"]
    later = noise.assign(later=np.where(price > price.quantile(0.9), 1000.0, 1.0))
    chosen = cuts.choose_quantiles(on(customers), frames.lazy(on(later)))
    assert chosen["order_value"] == 0.9
