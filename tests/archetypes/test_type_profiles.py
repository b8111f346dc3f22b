"""What stands out in a type: planted traits are found, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from stub_archetypes import random_lines

from ltvkit import archetypes
from ltvkit.archetypes import profiles, seasons
from ltvkit.engines import frames
from ltvkit.errors import ColumnError, ParamsError

AS_OF = "2023-12-20"


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return random_lines(np.random.default_rng(21), customers=2500)


@pytest.fixture(scope="module")
def assigned(lines) -> pd.DataFrame:
    customers = archetypes.measure(lines, as_of=AS_OF, export_begins="opening")
    return archetypes.assign(customers, cuts=archetypes.find_cuts(customers))


def plant(lines: pd.DataFrame, assigned: pd.DataFrame) -> pd.DataFrame:
    """Those of high price came by the catalogue twice as often, and buy pots."""
    rng = np.random.default_rng(1)
    ids = assigned.loc[assigned["archetype"] == "high_price", "customer_id"]
    of = lines["customer_id"].isin(ids)
    catalogue = set(ids[rng.random(len(ids)) < 0.5])
    channel = lines["channel"].where(~lines["customer_id"].isin(catalogue), "catalogue")
    rest = set(lines.loc[~of, "customer_id"].drop_duplicates()[::4])
    channel = channel.where(~lines["customer_id"].isin(rest), "catalogue")
    pots = of & (rng.random(len(lines)) < 0.5)
    return lines.assign(channel=channel, category=lines["category"].where(~pots, "pots"))


def test_planted_traits_are_found_with_their_lift(on, lines, assigned):
    planted = plant(lines, assigned)
    found = archetypes.profile(on(planted), on(assigned), as_of=AS_OF)
    of = found[found["archetype"] == "high_price"].set_index(["trait", "group"])
    assert {("first_channel", "catalogue"), ("channel", "catalogue"), ("category", "pots")} <= set(
        of.index
    )
    mine = assigned.loc[assigned["archetype"] == "high_price", "customer_id"]
    seen = planted[planted["order_date"] <= AS_OF]
    first = seen.groupby("customer_id")["channel"].first()  # it is the same in all lines
    share = (first[first.index.isin(mine)] == "catalogue").mean()
    others = (first[~first.index.isin(mine)] == "catalogue").mean()
    row = of.loc[("first_channel", "catalogue")]
    assert (row["share"], row["share_of_others"]) == pytest.approx((share, others))
    assert row["lift"] == pytest.approx(share / others)
    assert row["customers"] == round(share * len(mine))
    assert f"First channel catalogue ({100 * share:.1f}%; all others {100 * others:.1f}%)" in (
        archetypes.describe_profile(found, most=5)
    )
    expected = archetypes.profile(planted, assigned, as_of=AS_OF)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


def test_where_types_are_dealt_at_random_hardly_anything_stands_out(lines, assigned):
    hits = 0
    for seed in range(20):
        dealt = np.random.default_rng(seed).permutation(assigned["archetype"])
        found = archetypes.profile(lines, assigned.assign(archetype=dealt), as_of=AS_OF)
        hits += len(found) > 0
    assert hits <= 3


def test_types_themselves_have_no_season_or_category_where_the_shop_has_none():
    hits = 0
    for seed in range(12):
        lines = random_lines(np.random.default_rng(100 + seed), customers=800)
        customers = archetypes.measure(lines, as_of=AS_OF, export_begins="opening")
        assigned = archetypes.assign(customers, cuts=archetypes.find_cuts(customers))
        hits += len(archetypes.profile(lines, assigned, as_of=AS_OF)) > 0
    assert hits <= 2


def test_shares_of_a_customer_by_hand(on):
    rows = make_lines(
        ("a", "1", "2024-01-01", 5, "tea"), ("a", "2", "2024-02-01", 5, "tea"),
        ("a", "2", "2024-02-01", 5, "cup"), ("a", "R", "2024-02-02", -5, "cup"),
        ("b", "3", "2024-02-01", 5, "cup"), extra=("category",),
    )  # fmt: skip
    name, shares = profiles._share(frames.lazy(on(rows)), "category")
    found = frames.table(shares).sort_values(["customer_id", "value"])
    assert name == "category"
    assert found["share"].tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    _name, sent_back = profiles._share_returns(frames.lazy(on(rows)))
    assert frames.table(sent_back).to_dict("list") == {
        "customer_id": ["a"], "value": ["returned"], "share": [0.25],
    }  # fmt: skip


def test_quarters_by_hand(on):
    """One customer with two days between the first and the last: half of them in Q1. The shop's
    purchases within are these two, in 30 days of January at risk, and as many of April."""
    rows = make_lines(
        ("a", "1", "2024-01-01", 5), ("a", "2", "2024-01-11", 5), ("a", "3", "2024-04-11", 5),
        ("a", "4", "2024-05-01", 5), ("b", "5", "2024-02-01", 5),
    )  # fmt: skip
    days = pd.to_datetime(["2024-01-01", "2024-05-01", "2024-02-01", "2024-02-01"])
    people = pd.DataFrame(
        {
            "customer_id": ["a", "b"], "archetype": ["frequent", "others"],
            "first_order": days[[0, 2]], "last_order": days[[1, 3]],
        }
    )  # fmt: skip
    found = seasons.count_quarters(on(rows), on(people), as_of="2024-06-30").set_index("value")
    assert found["n"].tolist() == [1, 1, 1, 1]
    assert found["share"].tolist() == [0.5, 0.5, 0, 0]
    assert found["expected"].tolist() == pytest.approx([0.5, 0.5, 0, 0])
    assert found["customers"].tolist() == [1, 1, 0, 0]


def test_a_season_of_a_type_is_found():
    rng = np.random.default_rng(2)
    lines = random_lines(rng, customers=1500)
    customers = archetypes.measure(lines, as_of=AS_OF, export_begins="opening")
    assigned = archetypes.assign(customers, cuts=archetypes.find_cuts(customers))
    often = assigned.loc[assigned["archetype"] == "frequent", "customer_id"]
    summer = lines["customer_id"].isin(often) & (lines["order_date"].dt.quarter == 3)
    more = pd.concat([lines[summer]] * 3)
    more["order_id"] = [f"more{n}" for n in range(len(more))]
    more["order_date"] += pd.to_timedelta(rng.integers(1, 30, len(more)), unit="D")
    both = pd.concat([lines, more[more["order_date"].dt.quarter == 3]])
    found = archetypes.profile(both, assigned, as_of=AS_OF)
    assert found.loc[found["archetype"] == "frequent", "group"].tolist() == ["Q3"]


def test_columns_of_single_customers_or_none_are_refused(lines, assigned):
    with pytest.raises(ParamsError, match="order_id tells single"):
        archetypes.profile(lines, assigned, as_of=AS_OF, columns=["order_id"])
    with pytest.raises(ColumnError, match="no column 'region'"):
        archetypes.profile(lines, assigned, as_of=AS_OF, columns=["region"])
    plain = lines.drop(columns=["category", "channel"])
    found = archetypes.profile(plain, assigned, as_of=AS_OF)
    assert list(found) == profiles.COLUMNS
    assert archetypes.describe_profile(found.iloc[:0]).startswith("No channel, product, category")
