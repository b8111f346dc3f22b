"""Differences against the rest: their tests, their adjustment, and how far they are shrunk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats import multitest

from ltvkit.traits import differences


def draw(seed: int, *, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((n, 3)) < [0.1, 0.3, 0.5], rng.lognormal(3, 1, n)


def test_both_tests_are_those_of_scipy():
    members, values = draw(1)
    rng = np.random.default_rng(2)
    for n, p in enumerate(differences.find_p(members, values)):
        sides = values[members[:, n]], values[~members[:, n]]
        welch = stats.ttest_ind(*sides, equal_var=False).pvalue
        shuffled = np.array(
            [rng.permutation(values)[: len(sides[0])].sum() for _draw in range(20_000)]
        )
        total = sides[0].sum()
        tails = (shuffled >= total).mean(), (shuffled <= total).mean()
        assert p == pytest.approx(max(welch, 2 * min(tails)), abs=0.015)


def test_the_tail_is_that_of_pearsons_type_iii():
    z = np.linspace(-4, 6, 11)
    for skew in (-1.2, -1e-6, 0.0, 0.3, 2.0):
        found = differences._find_tail(z, np.full(11, skew))
        assert found == pytest.approx(stats.pearson3.sf(z, skew), abs=1e-9)


def test_p_are_adjusted_as_statsmodels_does_and_one_that_is_not_known_blanks_no_other():
    p = np.array([0.001, 0.2, 0.03, 0.5, 0.04])
    expected = multitest.multipletests(p, method="fdr_bh")[1]
    assert differences.adjust(p) == pytest.approx(expected)
    found = differences.adjust(np.insert(p, 2, np.nan))
    assert np.isnan(found[2])
    assert np.delete(found, 2) == pytest.approx(expected)
    assert np.isnan(differences.adjust(np.full(3, np.nan))).all()


def test_too_few_on_a_side_have_no_difference():
    members = np.zeros((100, 3), dtype=bool)
    members[:29, 0] = members[:30, 1] = members[:71, 2] = True
    found = differences.measure(members, np.arange(100.0))
    assert found["ltv_difference"].notna().tolist() == [False, True, False]
    assert found["ltv"].tolist() == [14, 14.5, 35]
    assert found["ltv_difference"].iloc[1] == 14.5 - 64.5
    assert found["error"].isna().tolist() == found["p"].isna().tolist() == [True, False, True]


def test_of_equal_values_nothing_is_found():
    members = np.arange(100)[:, None] < [40, 50]
    found = differences.measure(members, np.full(100, 7.0))
    assert found["ltv_difference"].tolist() == [0, 0]
    assert not (found["p"] < 0.5).any()


def test_money_in_large_units_changes_nothing():
    members, values = draw(3)
    small, large = (differences.measure(members, values * unit) for unit in (1, 1e9))
    assert large["p"].to_numpy() == pytest.approx(small["p"].to_numpy(), nan_ok=True)
    assert large["error"].to_numpy() == pytest.approx(1e9 * small["error"].to_numpy(), nan_ok=True)
    shifted = differences.measure(members, values + 1e9)
    assert shifted["p"].to_numpy() == pytest.approx(small["p"].to_numpy(), rel=1e-3, nan_ok=True)


def test_nothing_is_shrunk_by_more_than_half_an_error_or_past_zero():
    rng = np.random.default_rng(4)
    difference, error = rng.normal(0, 3, 60), rng.uniform(0.5, 4, 60)
    kinds = [f"t{n % 7}" for n in range(60)]
    shrunk, low, high = differences.shrink(difference, error, kinds)
    moved = np.abs(difference - shrunk)
    assert (moved <= 0.5 * error + 1e-12).all()
    assert (shrunk * difference >= 0).all()
    assert high - low == pytest.approx(2 * differences.WIDTH * error + moved)
    assert (low <= difference - differences.WIDTH * error + 1e-12).all()
    assert (high >= difference + differences.WIDTH * error - 1e-12).all()


def test_ranges_hold_the_truth_in_90_of_100_whatever_it_is():
    """20,000 values each: none differs, one in 20 does, all do."""
    rng = np.random.default_rng(5)
    for share, least in ((0.0, 0.95), (0.05, 0.95), (1.0, 0.9)):
        truth = np.where(rng.random(20_000) < share, rng.choice([-3.0, 3.0], 20_000), 0.0)
        seen = truth + rng.normal(size=20_000)
        kinds = [f"t{n // 10}" for n in range(20_000)]
        _shrunk, low, high = differences.shrink(seen, np.ones(20_000), kinds)
        held = (low <= truth) & (truth <= high)
        assert held.mean() >= least - 0.01, share
        if 0 < share < 1:
            assert held[truth != 0].mean() >= 0.89


def test_shrunk_values_are_nearer_to_the_truth():
    rng = np.random.default_rng(6)
    truth = rng.normal(0, 0.5, 500)
    seen = truth + rng.normal(size=500)
    shrunk, _low, _high = differences.shrink(seen, np.ones(500), ["t"] * 500)
    assert ((shrunk - truth) ** 2).mean() < 0.7 * ((seen - truth) ** 2).mean()


def test_the_level_holds_where_ltv_is_heavy_tailed_and_sides_are_small():
    """Groups of 30 and more of 1,000 customers whose LTV is very skewed: 5% of p are below .05, and
    not much more than 0.1% are below .001."""
    rng, p = np.random.default_rng(7), []
    sizes = np.array([30, 50, 100, 300])
    for _run in range(300):
        ltv = rng.lognormal(0, 1.5, 1000)
        members = np.column_stack([rng.permutation(1000) < size for size in sizes])
        p.append(differences.measure(members, ltv)["p"])
    p = pd.concat(p)
    assert 0.02 < (p < 0.05).mean() < 0.06
    assert (p < 0.001).mean() < 0.004
