"""Traits compared, adjusted, combined and afforded: by hand, by other software, and planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from ltvkit import orders, traits
from ltvkit.errors import ParamsError
from ltvkit.traits import adjustment, comparison
from ltvkit.traits.following import Followed

POLICIES = {"cancelled_status": ["cancelled"]}


def make(ltv, *, born=None, amount=10.0, **named) -> Followed:
    """Followed customers with these values of traits."""
    size = len(ltv)
    table = pd.DataFrame({f"first_{name}": values for name, values in named.items()})
    born = np.arange(size) % 12 if born is None else np.asarray(born)
    table = table.assign(
        born=born, first_order=pd.Timestamp("2023-01-01") + pd.to_timedelta(born * 31, "D"),
        amount=amount, ltv=np.asarray(ltv, dtype=float),
    )  # fmt: skip
    return Followed(table, tuple(f"first_{name}" for name in named), 12, "revenue", size)


def draw(seed: int = 1, *, n: int = 1200) -> Followed:
    """Customers of two channels, of whom the web brings 40 more; its customers buy tea more often,
    which changes nothing."""
    rng = np.random.default_rng(seed)
    channel = rng.choice(["shop", "web"], n)
    tea = rng.random(n) < np.where(channel == "web", 0.8, 0.3)
    ltv = 100 + 40 * (channel == "web") + rng.gamma(2, 20, n)
    return make(ltv, channel=channel, category=np.where(tea, "tea", "cups"))


@pytest.fixture(scope="module")
def planted() -> Followed:
    book = orders.read("demo:traits", policies=POLICIES)
    return traits.follow(
        traits.collect(book.lines, as_of="2024-09-30"), book.days, as_of="2024-09-30"
    )


@pytest.fixture(scope="module")
def untouched() -> Followed:
    book = orders.read("demo:untouched", policies=POLICIES)
    return traits.follow(
        traits.collect(book.lines, as_of="2024-09-30"), book.days, as_of="2024-09-30"
    )


# --- compared


def test_a_table_by_hand():
    found = traits.compare(make([10] * 120 + [20] * 80, channel=["a"] * 120 + ["b"] * 80))
    figures = ["trait", "group", "customers", "customers_share", "ltv", "ltv_of_rest"]
    assert found[figures].to_numpy().tolist() == [
        ["channel", "b", 80, 0.4, 20, 10],
        ["channel", "a", 120, 0.6, 10, 20],
    ]
    assert found["verdict"].tolist() == ["better", "worse"]
    assert found["ltv_difference_later"].tolist() == pytest.approx([10, -10])
    assert found["seen_later"].tolist() == ["yes", "yes"]
    error = np.sqrt(4800 / 199 * (1 / 80 + 1 / 120))
    low, high = found.loc[0, ["low", "high"]]
    moved = 10 - found.loc[0, "ltv_difference"]
    assert high - low == pytest.approx(2 * 1.6449 * error + moved, rel=1e-4)
    assert 10 - 0.5 * error <= found.loc[0, "ltv_difference"] <= 10


def test_rows_in_another_order_give_the_same():
    followed = draw()
    shuffled = replace(followed, table=followed.table.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(traits.compare(followed), traits.compare(shuffled))
    pd.testing.assert_frame_equal(traits.combine(followed), traits.combine(shuffled))


def test_all_engines_give_the_same(on, planted):
    book = orders.read("demo:traits", policies=POLICIES, engine="pandas")
    lines = on(book.lines)
    customers = traits.collect(lines, as_of="2024-09-30")
    followed = traits.follow(customers, lines, as_of="2024-09-30")
    pd.testing.assert_frame_equal(traits.compare(followed), traits.compare(planted))


def test_what_turns_round_later_gets_no_verdict():
    """Customers of the web brought far more in the first months, and less in the last."""
    born = np.repeat([0, 1, 2, 3], 150)
    channel = np.tile(["web", "shop", "shop"], 200)
    more = np.where(born < 2, 50.0, -4.0)
    rng = np.random.default_rng(1)
    ltv = 100 + np.where(channel == "web", more, 0) + rng.normal(0, 5, 600)
    found = traits.compare(make(ltv, born=born, channel=channel)).set_index("group")
    assert found.loc["web", "q"] < 0.001
    assert found.loc["web", "low"] > 0
    assert found.loc["web", ["seen_later", "verdict"]].tolist() == ["no", "unclear"]


def test_a_verdict_never_contradicts_its_row(planted):
    for followed in (planted, draw(), draw(2, n=150)):
        for found in (traits.compare(followed), traits.combine(followed)):
            better, worse = (found[found["verdict"] == v] for v in ("better", "worse"))
            assert (better["low"] > 0).all()
            assert (worse["high"] < 0).all()
            clear = pd.concat([better, worse])
            assert (clear["q"] <= 0.05).all()
            assert (clear["seen_later"] != "no").all()
            assert ((found["low"] <= found["ltv_difference"]) | found["low"].isna()).all()


def test_the_planted_traits_are_found_and_their_ranges_hold_the_truth(planted, untouched):
    """The truth: the difference of this shop to the one that is the same without traits."""
    found = traits.compare(planted).set_index(["trait", "group"])
    verdicts = found["verdict"]
    assert verdicts[("channel", "social")] == "better"
    assert (
        verdicts[("channel", "affiliate")]
        == verdicts[("quarter", "October to December")]
        == "worse"
    )
    mean = untouched.table["ltv"].mean()
    share = {False: 1.0, True: 0.8}
    year_end = planted.table["first_quarter"].eq("October to December").map(share)
    worth = year_end.mean()
    social = 0.3 * mean * worth
    assert (
        found.loc[("channel", "social"), "low"] < social < found.loc[("channel", "social"), "high"]
    )


def test_where_ltv_is_shuffled_hardly_anything_is_found(untouched):
    """20 shuffles, and 5 of the combinations; `bench_traits.py` tries 200 of both."""
    rng, single, pairs = np.random.default_rng(3), [], []
    for run in range(20):
        ltv = rng.permutation(untouched.table["ltv"].to_numpy())
        shuffled = replace(untouched, table=untouched.table.assign(ltv=ltv))
        single.append(len(traits.choose(traits.compare(shuffled))) > 0)
        pairs += [len(traits.choose(traits.combine(shuffled))) > 0] if run < 5 else []
    assert sum(single) <= 2
    assert sum(pairs) <= 1


def test_a_planted_trait_is_found(untouched):
    """10 draws of a fifth of the customers, who bring 30% more; `bench_traits.py`: 200 shops."""
    rng, found, held = np.random.default_rng(4), [], []
    table = untouched.table
    for _run in range(10):
        chosen = rng.random(len(table)) < 0.2
        ltv = np.where(chosen, 1.3, 1.0) * rng.permutation(table["ltv"].to_numpy())
        region = np.where(chosen, "north", rng.choice(["east", "south", "west"], len(table)))
        followed = replace(
            untouched,
            table=table.assign(ltv=ltv, first_region=region),
            traits=(*untouched.traits, "first_region"),
        )
        rows = traits.compare(followed).set_index("group")
        found.append(rows.loc["north", "verdict"] == "better")
        held.append(
            rows.loc["north", "low"] <= 0.3 * table["ltv"].mean() <= rows.loc["north", "high"]
        )
    assert sum(found) >= 8
    assert sum(held) >= 7


def test_the_first_amount_does_not_make_the_test_of_other_traits_milder():
    p = pd.Series([0.01, 0.02, 1e-9, np.nan])
    found = comparison.adjust_apart(p, pd.Series([False, False, True, True]))
    assert found.tolist()[:3] == pytest.approx([0.04, 0.04, 2e-9])
    alone = comparison.adjust_apart(p[:2], pd.Series([False, False]))
    assert alone.tolist() == [0.02, 0.02]


# --- adjusted for one another


def test_the_adjusted_difference_is_that_of_statsmodels():
    followed = draw()
    found = adjustment.adjust(followed.table, followed.traits).set_index(["trait", "group"])
    table = followed.table
    x = pd.DataFrame(
        {"web": table["first_channel"] == "web", "tea": table["first_category"] == "tea"}
    )
    x = x.astype(float).join(pd.get_dummies(table["born"], prefix="m", dtype=float).iloc[:, 1:])
    fitted = sm.OLS(table["ltv"], sm.add_constant(x)).fit(cov_type="HC1")
    row = found.loc[("first_channel", "web")]
    assert row["ltv_adjusted"] == pytest.approx(fitted.params["web"])
    width = (row["ltv_adjusted_high"] - row["ltv_adjusted"]) / 1.6448536
    assert width == pytest.approx(fitted.bse["web"], rel=1e-6)
    tea = found.loc[("first_category", "tea")]
    assert tea["ltv_adjusted"] == pytest.approx(fitted.params["tea"])


def test_what_only_goes_along_with_another_trait_is_adjusted_away():
    found = traits.compare(draw()).set_index("group")
    assert found.loc["tea", "verdict"] == "better"  # by itself
    assert found.loc["tea", "ltv_difference"] > 12
    assert found.loc["tea", "ltv_adjusted_low"] < 0 < found.loc["tea", "ltv_adjusted_high"]
    assert found.loc["web", "ltv_adjusted_low"] > 30


def test_a_product_is_not_adjusted_for_its_category():
    rng = np.random.default_rng(5)
    product = rng.choice(["green", "black", "mug", "bowl"], 800)
    category = np.where(np.isin(product, ["green", "black"]), "tea", "cups")
    channel = rng.choice(["web", "shop"], 800)
    ltv = 100.0 + 20 * (product == "green") + rng.normal(0, 5, 800)
    found = traits.compare(make(ltv, product=product, category=category, channel=channel))
    assert found["ltv_adjusted"].notna().all()
    row = found.set_index("group").loc["green"]
    assert row["ltv_adjusted"] == pytest.approx(20, abs=1.5)


def test_where_the_other_traits_tell_who_has_a_value_it_is_not_adjusted():
    """New are who came by post, or by web from the north: both together tell it."""
    rng = np.random.default_rng(6)
    way = rng.choice(["post", "web"], 900)
    region = np.where((way == "web") & (rng.random(900) < 0.5), "north", "south")
    kind = np.where((way == "post") | (region == "north"), "new", "old")
    found = traits.compare(make(rng.gamma(2, 50, 900), way=way, region=region, kind=kind))
    rows = found.set_index("trait").loc["kind"]
    assert rows["ltv_adjusted"].isna().all()
    assert rows["ltv_difference"].notna().all()


# --- combined


def test_a_combination_that_is_more_than_both_is_found():
    rng = np.random.default_rng(7)
    channel, region = rng.choice(["web", "shop"], 2000), rng.choice(["north", "south"], 2000)
    both = (channel == "web") & (region == "north")
    ltv = rng.gamma(4, 25, 2000) + 60 * both
    found = traits.combine(make(ltv, channel=channel, region=region)).iloc[0]
    assert found[["group", "group_2", "verdict", "more_than_both"]].tolist() == [
        "web", "north", "better", "yes",
    ]  # fmt: skip
    assert found["customers"] == both.sum()
    means = ltv[channel == "web"].mean() + ltv[region == "north"].mean() - ltv.mean()
    assert found["ltv_expected"] == pytest.approx(means)
    assert found["worth"] == pytest.approx(found["ltv_difference"] * both.sum())


def test_two_traits_that_add_up_are_no_more_than_both():
    rng = np.random.default_rng(8)
    channel, region = rng.choice(["web", "shop"], 2000), rng.choice(["north", "south"], 2000)
    ltv = rng.gamma(4, 25, 2000) + 40 * (channel == "web") + 40 * (region == "north")
    found = traits.combine(make(ltv, channel=channel, region=region))
    assert found["more_than_both"].eq("cannot_tell").all()
    assert found["verdict"].iloc[0] == "better"
    assert traits.describe_pairs(found).startswith("4 combinations of two traits were tried. Where")


def test_the_planted_combination_is_found(planted):
    pairs = traits.combine(planted)
    own = pairs[pairs["more_than_both"] == "yes"]
    assert own[["group", "group_2"]].to_numpy().tolist() == [["affiliate", "October to December"]]
    assert not {"basket", "amount_band"} & set(pairs["trait"]) | set(pairs["trait_2"]) & {"basket"}
    said = traits.describe_pairs(pairs, currency="JPY")
    assert "less than both traits alone say" in said
    assert f"{len(pairs)} combinations were tried." in said


def test_without_two_traits_there_are_no_pairs():
    found = traits.combine(make(np.arange(100.0), channel=["a", "b"] * 50))
    assert found.empty
    assert traits.describe_pairs(found).startswith("The orders hold no two traits")


# --- what they may cost


def test_affordable_cost_by_hand():
    channel = ["a"] * 50 + ["b"] * 50 + ["c"] * 20
    region = (["n"] * 25 + ["s"] * 25) * 2 + ["n"] * 20
    ltv = [100.0, 120.0] * 25 + [50.0, 70.0] * 25 + [10.0] * 20
    followed = make(ltv, channel=channel, region=region)
    found = traits.afford(followed, acquisition_cost={"a": 30, "b": 90, "all": 5})
    assert found["trait"].tolist() == ["all_customers"] + ["channel"] * 3 + ["region"] * 2
    whole = found.iloc[0]
    assert whole[["customers", "ltv"]].tolist() == [120, pytest.approx(np.mean(ltv))]
    assert whole["acquisition_cost"] == pytest.approx((50 * 30 + 50 * 90 + 20 * 5) / 120)
    rows = found[1:].set_index("group")
    assert rows["ltv"].iloc[:3].to_dict() == pytest.approx({"a": 110, "b": 60, "c": 10})
    assert rows["acquisition_cost"].to_dict() == pytest.approx(
        {"a": 30, "b": 90, "c": 5, "n": (25 * 30 + 25 * 90 + 20 * 5) / 70, "s": 60}
    )
    verdicts = rows["verdict"].iloc[:3].to_dict()
    assert verdicts == {"a": "room", "b": "too_dear", "c": "unclear"}
    assert np.isnan(rows.loc["c", "affordable_cost"])  # of 20 customers
    known = rows.drop(index="c")
    assert (known["low"] < known["ltv"]).all()
    assert (known["headroom"] == known["affordable_cost"] - known["acquisition_cost"]).all()
    with pytest.raises(ParamsError, match="acquisition_cost: a=-3"):
        traits.afford(followed, acquisition_cost={"a": -3})


def test_without_costs_there_is_no_headroom():
    found = traits.afford(draw(), acquisition_cost={})
    assert found["headroom"].isna().all()
    assert found["verdict"].eq("unclear").all()
    assert found["affordable_cost"].notna().all()
    assert traits.describe_costs(found, months=12).startswith(
        "What winning a customer costs is not"
    )


def test_costs_of_combinations():
    followed = draw()
    found = traits.afford(followed, acquisition_cost={"web": 10, "shop": 30}, pairs=True)
    assert len(found) == 4
    assert set(found["acquisition_cost"]) == {10, 30}
    assert found["affordable_cost"].is_monotonic_decreasing


def test_what_is_better_and_worse_with_its_costs(planted):
    costs = {"social": 1000, "affiliate": 9000, "all": 2000}
    afforded = traits.afford(planted, acquisition_cost=costs, pairs=True)
    found = traits.choose(traits.combine(planted), costs=afforded)
    assert set(found["verdict"]) == {"better", "worse"}
    row = found[found["group"].eq("affiliate") & found["group_2"].eq("October to December")].iloc[0]
    assert row["acquisition_cost"] == 9000
    assert row["headroom"] == row["affordable_cost"] - 9000 < 0
    assert found["headroom"].notna().all()
    singles = traits.afford(planted, acquisition_cost=costs)
    alone = traits.choose(traits.compare(planted), costs=singles).set_index("group")
    assert alone.loc["social", "acquisition_cost"] == 1000
    assert np.isnan(alone.loc["several products", "acquisition_cost"])  # a part of LTV


def test_customers_who_bring_less_than_nothing_may_cost_nothing():
    rng = np.random.default_rng(9)
    followed = make(rng.normal(-20, 5, 200), channel=["a", "b"] * 100)
    found = traits.afford(followed, acquisition_cost={"all": 1})
    assert found["affordable_cost"].tolist() == [0, 0, 0]
    assert found["verdict"].tolist() == ["too_dear"] * 3


def test_without_channels_the_cost_of_all_customers_is_said():
    rng = np.random.default_rng(9)
    followed = make(rng.gamma(4, 25, 200), region=["a", "b"] * 100)
    found = traits.afford(followed, acquisition_cost={"all": 20})
    said = traits.describe_costs(found, months=12, currency="USD")
    assert said.startswith("Within 12 months these bring back more than they cost to win")
    assert ": all customers, 20.00 USD paid and " in said


# --- in sentences


def test_the_finding_says_what_the_table_says(planted):
    table = traits.compare(planted)
    said = traits.finding(table, planted, currency="JPY")
    assert said.startswith("Customers won from April 2022 to October 2023 (2,748) brought ")
    assert "more than the rest: channel social, " in said
    for row in table[table["verdict"] != "unclear"].itertuples():
        if row.trait not in ("basket", "amount_band"):
            assert row.group in said
    assert "no proof that the trait causes it" in said


def test_where_nothing_is_clear_the_finding_says_so(untouched):
    said = traits.finding(traits.compare(untouched), untouched, currency="JPY")
    assert "Of the 34 values of traits that were compared, no one shows a difference" in said
    assert "than the rest: " not in said
    assert "LTV begins with this order" in said


def test_where_there_is_no_trait_the_finding_says_so():
    followed = make(np.arange(100.0))
    assert traits.finding(traits.compare(followed), followed).endswith(
        "The orders hold no trait that enough customers share."
    )
