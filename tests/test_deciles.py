from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltvkit import deciles
from ltvkit.engines import frames
from ltvkit.errors import ParamsError


def paid(*revenue: float) -> pd.DataFrame:
    ids = [f"c{i:04d}" for i in range(len(revenue))]
    return pd.DataFrame({"customer_id": ids, "revenue": np.array(revenue, float), "orders": 1})


def sizes(frame) -> list[int]:
    return deciles.summarize(deciles.assign(frame))["customers"].tolist()


def test_the_remainder_is_spread_evenly(on):
    frame = on(paid(*range(23)))
    assert sizes(frame) == [3, 2, 2, 3, 2, 2, 3, 2, 2, 2]


def test_ties_are_broken_by_customer_id(on):
    table = frames.table(frames.lazy(deciles.assign(on(paid(*[7.0] * 10)))))
    assert table.sort_values("customer_id")["decile"].tolist() == list(range(1, 11))


def test_summary_by_hand(on):
    table = deciles.summarize(deciles.assign(on(paid(*[10.0] * 9, 110.0))))
    assert table["revenue"].tolist() == [110.0] + [10.0] * 9
    assert table["revenue_share"].tolist() == pytest.approx([0.55] + [0.05] * 9)
    assert table["cumulative_share"].iloc[-1] == pytest.approx(1)
    assert table["revenue_per_customer"].iloc[0] == 110


@pytest.mark.parametrize("n", [1, 3, 9, 10, 11, 99])
def test_any_number_of_customers_has_equal_groups(n):
    found = sizes(paid(*range(n)))
    assert sum(found) == n
    assert len(found) == min(n, 10)
    assert max(found) - min(found) <= 1


def test_gini_of_known_distributions(on):
    assert deciles.gini(on(paid(5, 5, 5, 5))) == pytest.approx(0)
    assert deciles.gini(on(paid(0, 0, 0, 8))) == pytest.approx(0.75)
    # A uniform distribution on (0, 1) has a Gini coefficient of one third.
    assert deciles.gini(on(paid(*(np.arange(1, 2001) / 2000)))) == pytest.approx(1 / 3, abs=1e-3)


def test_gini_is_the_area_of_the_lorenz_curve():
    spent = np.random.default_rng(1).lognormal(size=5000)
    curve = deciles.lorenz(paid(*spent), points=1000)
    area = np.trapezoid(curve["revenue_share"], curve["customers_share"])
    assert deciles.gini(paid(*spent)) == pytest.approx(1 - 2 * area, abs=1e-4)


def test_lorenz_runs_from_nothing_to_all(on):
    curve = deciles.lorenz(on(paid(*range(1, 251))))
    assert len(curve) == 101
    assert curve.iloc[0].tolist() == [0, 0]
    assert curve.iloc[-1].tolist() == pytest.approx([1, 1])
    assert (curve["revenue_share"] <= curve["customers_share"] + 1e-12).all()


def test_top_share_counts_whole_customers(on):
    assert deciles.top_share(on(paid(1, 2, 3, 4, 90))) == pytest.approx(0.9)
    assert deciles.top_share(on(paid(1, 2, 3, 4, 20, 70))) == pytest.approx(0.9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.0, 1.0, 1.5, 10.0, 99.99]), min_size=1, max_size=60))
def test_totals_add_up_and_deciles_never_rise(revenue):
    frame = paid(*revenue)
    table = deciles.summarize(deciles.assign(frame))
    assert table["revenue"].sum() == pytest.approx(sum(revenue))
    assert table["orders"].sum() == len(revenue)
    assert table["revenue_per_customer"].diff().iloc[1:].le(1e-9).all()
    shuffled = frame.sample(frac=1, random_state=3)
    assert deciles.summarize(deciles.assign(shuffled)).equals(table)


def test_the_finding_is_the_tables():
    table = deciles.summarize(deciles.assign(paid(*[10.0] * 9, 110.0)))
    text = deciles.finding(table, top20=0.6)
    assert "55.0%" in text
    assert "60.0%" in text
    assert "25.0%" in text


@pytest.mark.parametrize("revenue", [(0.0, 0.0, 0.0), (-5.0, -1.0, -1.0), (5.0, 0.0, -5.0)])
def test_of_no_revenue_there_are_no_shares_and_no_curve(on, revenue):
    frame = on(paid(*revenue))
    assert np.isnan(deciles.gini(frame))
    assert np.isnan(deciles.top_share(frame))
    curve = deciles.lorenz(frame, points=3)
    assert curve["customers_share"].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert curve["revenue_share"].isna().all()
    table = deciles.summarize(deciles.assign(frame))
    assert table[["revenue_share", "cumulative_share"]].isna().all(axis=None)
    assert table["revenue"].sum() == sum(revenue)
    text = "all revenue together is below zero" if sum(revenue) else "There is no revenue"
    assert text in deciles.finding(table, top20=float("nan"))


def test_who_returned_more_than_they_bought_counts_as_zero(on):
    """Paid by hand: 60 and 40 of 100, and -20 that no share shows: the total is 80."""
    frame = on(paid(60, 40, -20, *[0] * 7))
    table = deciles.summarize(deciles.assign(frame))
    assert table["revenue"].sum() == 80
    assert table["revenue_share"].tolist() == pytest.approx([0.6, 0.4, *[0] * 8])
    assert table["cumulative_share"].max() == pytest.approx(1)
    assert deciles.top_share(frame, share=0.1) == pytest.approx(0.6)
    assert deciles.gini(frame) == pytest.approx(deciles.gini(paid(60, 40, *[0] * 8)))
    assert deciles.lorenz(frame)["revenue_share"].between(0, 1).all()
    assert "bottom half brings in 0.0%" in deciles.finding(table, top20=1.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([-99.0, -1.0, 0.0, 1.5, 10.0]), min_size=1, max_size=40))
def test_no_share_leaves_nothing_to_all(revenue):
    frame = paid(*revenue)
    table = deciles.summarize(deciles.assign(frame))
    curve = deciles.lorenz(frame)["revenue_share"]
    figures = [deciles.gini(frame), deciles.top_share(frame), *curve]
    shares = np.array([*figures, *table["revenue_share"], *table["cumulative_share"]])
    known = sum(revenue) > 0
    assert (np.isfinite(shares) == known).all()
    if known:
        assert ((shares >= -1e-9) & (shares <= 1 + 1e-9)).all()


def test_of_few_customers_there_are_no_tenths():
    table = deciles.summarize(deciles.assign(paid(8, 1, 1)))
    text = deciles.finding(table, top20=0.8)
    assert (
        text
        == "3 customers are too few for tenths; the best one brings in 80.0% of all revenue so far."
    )
    alone = deciles.summarize(deciles.assign(paid(8)))
    assert deciles.finding(alone, top20=1.0).startswith("There is only 1 customer,")


@pytest.mark.parametrize(
    ("share", "customers"),
    [(0.0004, 1), (0.01, 1), (0.07, 7), (0.071, 8), (np.float64(0.29), 29), (0.995, 100), (1, 100)],
)
def test_top_share_takes_as_many_customers_as_the_share_says(on, share, customers):
    revenue = np.arange(100, 0, -1)
    expected = revenue[:customers].sum() / revenue.sum()
    assert deciles.top_share(on(paid(*revenue)), share=share) == pytest.approx(expected)


@pytest.mark.parametrize("share", [0, -0.2, 1.2, 20, float("nan"), float("inf"), "0.2", None, True])
def test_a_top_share_that_is_none_is_refused(share):
    with pytest.raises(ParamsError, match=r"share=.*above 0 and up to 1, as 0\.2 for 20%"):
        deciles.top_share(paid(1, 2), share=share)
