"""Effects by hand, and as statsmodels and scipy have them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from ltvkit.hypotheses.effects import sequential
from ltvkit.hypotheses.effects.estimates import Term, adjust, contrast, orthogonalize


def side(sign, first, values, per=None):
    """A side of customers `first`, `first` + 1, ..., who have `values` (by `per`: 1 each)."""
    values = np.asarray(values, dtype=float)
    per = np.ones_like(values) if per is None else np.asarray(per, dtype=float)
    return Term(sign, np.arange(first, first + len(values)), np.column_stack([values, per]))


def drawn(seed, *sizes, skew=True):
    rng = np.random.default_rng(seed)
    return [rng.lognormal(1, 1, n) if skew else rng.normal(5, 2, n) for n in sizes]


# --- by hand


def test_a_difference_by_hand():
    """Means 4 and 2; variances 4 of 3 customers and 2 of 2: error sqrt(4 / 3 + 2 / 2)."""
    made = contrast([side(1, 0, [2, 4, 6]), side(-1, 3, [1, 3])])
    assert made.effect == 4 - 2
    assert made.se == pytest.approx(np.sqrt(4 / 3 + 2 / 2))
    welch = (4 / 3 + 1) ** 2 / ((4 / 3) ** 2 / 2 + 1**2 / 1)
    assert made.df == pytest.approx(welch)
    assert made.contributions.tolist() == pytest.approx([2 / 3, 4 / 3, 6 / 3, -1 / 2, -3 / 2])


def test_a_change_of_the_same_customers_by_hand():
    """Changes of 1, 2, 3: mean 2, variance 1, error sqrt(1 / 3), two degrees of freedom."""
    made = contrast([side(1, 0, [11, 22, 33]), side(-1, 0, [10, 20, 30])])
    assert made.effect == pytest.approx(2)
    assert made.se == pytest.approx(np.sqrt(1 / 3))
    assert made.df == 2


def test_a_difference_in_differences_by_hand():
    """Treated change by 3 and 5, control by 1 and 1: 4 - 1 = 3; only the treated vary."""
    sides = [side(1, 0, [13, 15]), side(-1, 0, [10, 10]), side(-1, 2, [6, 8]), side(1, 2, [5, 7])]
    made = contrast(sides)
    assert made.effect == pytest.approx(3)
    assert made.se == pytest.approx(np.sqrt(2 / 2))


def test_a_customer_who_was_matched_twice_stays_in_their_group():
    past = Term(1, np.array([0, 0, 1]), np.array([[3.0, 1.0], [3.0, 1.0], [6.0, 1.0]]))
    made = contrast([past, side(-1, 5, [1, 3])])
    assert made.groups.tolist() == [1, 1, 2, 2]


def test_a_figure_per_order_by_hand():
    """30 of 3 orders against 10 of 2: 10 - 5; who ordered nothing adds nothing."""
    made = contrast([side(1, 0, [10, 20, 0], [1, 2, 0]), side(-1, 3, [10, 0], [2, 0])])
    assert made.effect == pytest.approx(5)
    assert made.se == pytest.approx(0)  # each order is worth the same within its group


def test_who_stands_in_two_years_is_counted_as_one():
    """Somebody who spends 9 in both years moves nothing; two strangers would."""
    now, then = side(1, 0, [9, 3]), side(-1, 0, [9, 1])
    apart = contrast([now, side(-1, 5, [9, 1])])
    assert contrast([now, then]).effect == apart.effect == 1
    assert contrast([now, then]).se < apart.se


def test_the_top_share_by_hand():
    """Of 100 customers a side, one spends 60 more, one 1 more, the others 0.4 more."""
    control = np.full(100, 1.0)
    treated = control + 0.4
    treated[[7, 9]] = 61.0, 2.0
    made = contrast([side(1, 0, treated), side(-1, 100, control)])
    # The 1% of 200 customers are two.
    assert made.top_share == pytest.approx((61 + 2) / 100 / made.effect)
    assert made.contributions.sum() == pytest.approx(made.effect)


def test_of_fewer_than_a_hundred_customers_nobody_is_one_percent():
    treated, control = np.full(49, 1.4), np.full(50, 1.0)
    treated[7] = 61.0
    assert np.isnan(contrast([side(1, 0, treated), side(-1, 100, control)]).top_share)
    treated = np.append(treated, 1.4)
    assert contrast([side(1, 0, treated), side(-1, 100, control)]).top_share > 0.5


@pytest.mark.parametrize("most", [1.0, 2.0])
def test_where_many_bought_most_no_share_of_the_effect_is_theirs(most):
    """A rate is 0 or 1 of everybody: which 1% of the buyers is the top would be arbitrary."""
    treated, control = np.repeat([0.0, most], 50), np.repeat([0.0, most], [80, 20])
    made = contrast([side(1, 0, treated), side(-1, 100, control)])
    assert made.effect == pytest.approx(0.3 * most)
    assert np.isnan(made.top_share)


# --- against libraries


@pytest.mark.parametrize("seed", range(3))
def test_two_groups_are_welch(seed):
    a, b = drawn(seed, 40, 70)
    made = contrast([side(1, 0, a), side(-1, 40, b)])
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert made.effect / made.se == pytest.approx(welch.statistic)
    assert (made.p, made.df) == pytest.approx((welch.pvalue, welch.df))
    design = np.column_stack([np.ones(110), np.repeat([1, 0], [40, 70])])
    assert made.se == pytest.approx(OLS(np.r_[a, b], design).fit(cov_type="HC2").bse[1])


def test_before_and_after_is_the_paired_test():
    before, after = drawn(1, 50, 50)
    made = contrast([side(1, 0, after), side(-1, 0, before)])
    paired = stats.ttest_rel(after, before)
    assert (made.effect / made.se, made.p) == pytest.approx((paired.statistic, paired.pvalue))
    low, high = paired.confidence_interval()
    assert made.interval == pytest.approx((low, high))


def test_difference_in_differences_is_the_regression_of_changes():
    a0, a1, b0, b1 = drawn(2, 30, 30, 45, 45)
    sides = [side(1, 0, a1), side(-1, 0, a0), side(-1, 30, b1), side(1, 30, b0)]
    design = np.column_stack([np.ones(75), np.repeat([1, 0], [30, 45])])
    fitted = OLS(np.r_[a1 - a0, b1 - b0], design).fit(cov_type="HC2", use_t=True)
    made = contrast(sides)
    assert (made.effect, made.se) == pytest.approx((fitted.params[1], fitted.bse[1]))
    welch = stats.ttest_ind(a1 - a0, b1 - b0, equal_var=False)
    assert (made.p, made.df) == pytest.approx((welch.pvalue, welch.df))


def test_the_order_of_customers_is_irrelevant():
    a, b = drawn(3, 60, 60)
    mixed = np.random.default_rng(0).permutation(60)
    one, other = side(1, 0, a), side(-1, 60, b)
    swapped = Term(1, one.who[mixed], one.parts[mixed])
    known = [[a[:, None] ** 0.5], [b[:, None] ** 0.5]]
    same = [[known[0][0][mixed]], known[1]]
    for made, again in (
        (contrast([one, other]), contrast([swapped, other])),
        (adjust(one, other, known), adjust(swapped, other, same)),
    ):
        assert (again.effect, again.se) == pytest.approx((made.effect, made.se))
        np.testing.assert_allclose(again.contributions, made.contributions)


def test_knowing_the_time_before_takes_out_what_it_explains():
    rng = np.random.default_rng(4)
    known, noise = rng.gamma(2, 10, 400), rng.normal(0, 1, 400)
    spent = 3 * known + noise
    treated, control = side(1, 0, spent[:200] + 1), side(-1, 200, spent[200:])
    before = [[known[:200, None]], [known[200:, None]]]
    made = adjust(treated, control, before)
    assert made.effect == pytest.approx(1, abs=3 * made.se)
    assert made.se == pytest.approx(np.sqrt(2 / 200), rel=0.1)
    assert made.variance_saved > 0.99
    assert made.contributions.sum() == pytest.approx(made.effect)
    assert np.sqrt((made.influence**2).sum()) == pytest.approx(made.se)


def test_adjusting_by_nothing_is_the_plain_difference():
    a, b = drawn(5, 50, 50)
    nothing = [[np.ones((50, 1))]] * 2
    made, plain = (
        adjust(side(1, 0, a), side(-1, 50, b), nothing),
        contrast([side(1, 0, a), side(-1, 50, b)]),
    )
    assert made.effect == pytest.approx(plain.effect)
    assert made.se == pytest.approx(plain.se, rel=0.02)  # HC3 is a little wider than HC2


def test_covariates_that_few_customers_cannot_carry_are_left_out():
    """Of 50 customers a group, two slopes can be had, and not five."""
    a, b = drawn(5, 50, 50)
    first, second = np.sqrt(np.r_[a, b])[:, None], np.random.default_rng(1).normal(size=(100, 4))
    both = [[first[:50], second[:50]], [first[50:], second[50:]]]
    alone = [[first[:50]], [first[50:]]]
    sides = side(1, 0, a), side(-1, 50, b)
    assert adjust(*sides, both).se == adjust(*sides, alone).se


@pytest.mark.parametrize("alone", ["one customer", "one group"])
def test_a_covariate_that_one_customer_or_one_group_has_is_left_out(alone):
    """Of such a covariate the groups say nothing, and a regression would say anything."""
    a, b = drawn(6, 60, 60)
    blocks = [[np.sqrt(x)[:, None]] for x in (a, b)]
    odd = np.zeros((60, 1))
    odd[: 1 if alone == "one customer" else 40] = 1
    both = [[*blocks[0], odd], [*blocks[1], np.zeros((60, 1))]]
    sides = side(1, 0, a), side(-1, 60, b)
    made, plain = adjust(*sides, both), adjust(*sides, blocks)
    assert (made.effect, made.se) == pytest.approx((plain.effect, plain.se))


def test_nothing_is_settled_by_few_or_by_what_does_not_vary():
    many, few = np.r_[np.ones(20), np.zeros(40)], np.ones(5)
    assert contrast([side(1, 0, many), side(-1, 60, many)]).sufficient
    assert not contrast([side(1, 0, many), side(-1, 60, few)]).sufficient
    assert not contrast([side(1, 0, np.ones(60)), side(-1, 60, np.ones(60))]).sufficient
    assert not contrast([side(1, 0, np.eye(60)[0]), side(-1, 60, np.zeros(60))]).sufficient


def test_columns_that_say_the_same_are_one():
    x = np.random.default_rng(6).normal(size=(30, 1))
    assert orthogonalize(np.hstack([x, 2 * x, np.ones((30, 1))])).shape == (30, 1)
    assert orthogonalize(np.ones((30, 2))).shape == (30, 0)


@pytest.mark.parametrize("size", [300, 6000])
def test_the_bootstrap_is_that_of_scipy(size):
    """Many customers are drawn in cells, which must not show."""
    (a,) = drawn(7, size)
    made = contrast([side(1, 0, a), side(-1, 0, np.zeros(size))])
    known = stats.bootstrap((a,), np.mean, n_resamples=2000, method="percentile", rng=1)
    width = known.confidence_interval.high - known.confidence_interval.low
    for mine, theirs in zip(made.bootstrap(draws=2000), known.confidence_interval, strict=True):
        assert mine == pytest.approx(theirs, abs=0.06 * width)
    assert made.bootstrap() == made.bootstrap()


# --- looking often


def test_an_interval_for_all_looks_by_hand():
    """At the planned look: (V + r)(log((V + r) / r) - 2 log .05), r = V / 8.23 or so."""
    low, high, p = sequential.confidence_sequence(0.0, 1.0, planned=1.0)
    assert p == 1
    assert sequential.confidence_sequence(high, 1.0, planned=1.0)[2] == pytest.approx(0.05)
    assert -low == high == pytest.approx(3.035, abs=0.005)
    wider = [
        sequential.confidence_sequence(0.0, 1.0, planned=p)[1] for p in (0.2, 0.5, 1.0, 2.0, 5.0)
    ]
    assert min(wider) == wider[2]


def test_a_random_walk_rarely_leaves_the_interval_of_all_looks():
    """Looked at after each of 400 steps, 5% at most; by the usual interval far more."""
    rng = np.random.default_rng(8)
    walks = rng.normal(size=(1000, 400)).cumsum(axis=1)
    errors = np.sqrt(np.arange(1, 401))
    reach = np.array([sequential.confidence_sequence(0.0, e, planned=20.0)[1] for e in errors])
    assert (np.abs(walks) > reach).any(axis=1).mean() <= 0.05
    assert (np.abs(walks) > 1.96 * errors).any(axis=1).mean() > 0.3


def test_without_an_error_there_is_no_interval():
    assert np.isnan(sequential.confidence_sequence(1.0, 0.0, planned=1.0)).all()
    assert np.isnan(sequential.confidence_sequence(1.0, 1.0, planned=np.nan)).all()
