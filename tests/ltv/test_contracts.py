from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import make_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ltvkit.errors import ColumnError, DataError, ParamsError
from ltvkit.ltv import contracts, survival

# Twelve years of two customer segments: Fader & Hardie (2007), in percent of those acquired.
REGULAR = [100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3]
HIGH_END = [100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4]

# Judged on 2024-03-31 (90 days before as_of), in periods of 30 days.
LINES = make_lines(
    ("once", "1", "2024-01-01", 10),  # left in period 1
    ("a month", "2", "2024-01-01", 10),
    ("a month", "3", "2024-01-31", 10),  # day 30: left in period 2
    ("a month", "R", "2024-05-15", -5),  # a return keeps nobody
    ("stays", "4", "2024-01-01", 10),
    ("stays", "5", "2024-04-01", 0),  # given away, and a purchase all the same
    ("younger", "6", "2024-02-02", 10),
    ("younger", "7", "2024-06-01", 10),  # 58 days by the cut-off: one period is over
    ("in it", "8", "2024-02-15", 10),
    ("in it", "9", "2024-03-20", 10),  # left in a period that is not over: censored after one
    ("new", "A", "2024-03-15", 10),  # no period is over
    ("later", "B", "2024-05-01", 10),
)


def observed(lines, **changes) -> pd.DataFrame:
    return survival.survivors(
        lines, **{"as_of": "2024-06-29", "lapse_days": 90, "period_days": 30} | changes
    )


def simulated(customers: int, months_to_live: np.ndarray, seed: int = 4) -> pd.DataFrame:
    """Customers won over two years who order every 15 days while they live."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, 730, customers)
    steps = np.ceil(months_to_live * 2).astype(int)  # orders at day 0, 15, ... of their life
    days = np.concatenate([b + 15 * np.arange(n) for b, n in zip(born, steps, strict=True)])
    return pd.DataFrame(
        {
            "customer_id": np.repeat([f"c{i:05d}" for i in range(customers)], steps),
            "order_id": np.arange(len(days)).astype(str),
            "order_date": pd.Timestamp("2022-01-01") + pd.to_timedelta(days, "D"),
            "amount": 1.0,
        }
    )


def test_survivors_by_hand(on):
    table = observed(on(LINES))
    assert table["period"].tolist() == [1, 2, 3]
    assert table["tenure_days"].tolist() == [30, 60, 90]
    assert table["at_risk"].tolist() == [5, 2, 1]
    assert table["lost"].tolist() == [1, 1, 0]
    assert table["hazard"].tolist() == [0.2, 0.5, 0]
    assert table["survival"].tolist() == pytest.approx([0.8, 0.4, 0.4])
    exact = stats.binomtest(4, 5).proportion_ci(method="exact")  # Clopper & Pearson
    limits = table.loc[0, ["survival_low", "survival_high"]].tolist()
    assert limits == pytest.approx([exact.low, exact.high])


def test_the_day_of_the_cut_off_is_observed_and_a_purchase_on_it_is_a_last_one(on):
    # Two periods of 30 days are days 0 to 59, and day 59 is the cut-off.
    lines = on(make_lines(("edge", "1", "2024-02-01", 10), ("edge", "2", "2024-03-31", 10)))
    assert observed(lines)[["at_risk", "lost"]].to_numpy().tolist() == [[1, 0], [1, 1]]


def test_the_order_of_rows_is_irrelevant_and_so_is_a_split_line():
    doubled = pd.concat([LINES, LINES[LINES["amount"] >= 0]]).sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(observed(doubled), observed(LINES))


def test_known_lifetimes_are_found_whoever_is_still_young(on):
    # A third each live 2, 6 and 18 months of 30 days; many are censored, and none may bias it.
    lives = np.random.default_rng(8).choice([2.0, 6.0, 18.0], 6000)
    table = observed(on(simulated(6000, lives)), as_of="2024-03-30", lapse_days=89)
    found = table.set_index("period")["survival"]
    truth = pd.Series({1: 1, 2: 2 / 3, 5: 2 / 3, 6: 1 / 3, 17: 1 / 3, 18: 0})
    assert (found[truth.index] - truth).abs().max() < 0.025
    assert table["survival_low"].le(table["survival"]).all()
    assert table["survival_high"].ge(table["survival"]).all()
    assert table["at_risk"].iloc[-1] < 0.3 * table["at_risk"].iloc[0]


@pytest.mark.parametrize("period_days", [30, 100])
def test_who_leaves_early_in_the_period_of_the_cut_off_counts_no_more_than_who_stays(period_days):
    # One in three leaves on the first day. Counting those lost in a period that is not over, but
    # not those still in it, would find more.
    lives = np.random.default_rng(2).choice([0.5, 60.0, 60.0], 6000)
    lines = simulated(6000, lives)
    table = observed(lines, as_of="2024-03-30", lapse_days=89, period_days=period_days)
    assert table["survival"].to_numpy() == pytest.approx(2 / 3, abs=0.02)


def test_nobody_observed_for_a_period_is_said_with_the_remedy():
    with pytest.raises(DataError, match=r"period of 30 days by 170 days .* gone sooner"):
        observed(LINES, lapse_days=170)
    with pytest.raises(ColumnError, match="no column 'customer_id'"):
        observed(LINES.drop(columns="customer_id"))
    with pytest.raises(ParamsError, match="lapse_days=0"):
        observed(LINES, lapse_days=0)


def test_the_finding_is_the_tables():
    lines = pd.concat(
        [LINES.assign(customer_id=LINES["customer_id"] + name) for name in "abcdefghijklmno"]
    )
    left = survival.finding(observed(lines), lapse_days=90)
    assert (
        "Half of customers have stopped ordering 30 to 60 days after their first order (no order "
        "for 90 days counts as gone)." in left
    )
    assert "highest from day 30 to 60: 50.0% of those left leave" in left
    stay = survival.finding(observed(lines).head(1), lapse_days=90)
    assert (
        "After 30 days 80.0% of customers still order (no order for 90 days counts as gone)."
        in stay
    )
    assert (
        "20.0% place no more orders after their first 30 days (seen for 90 days or more since)."
        in stay
    )
    most = survival.finding(survival.from_curve([1000, 437, 400]), lapse_days=180)
    assert most == (
        "56.3% of customers place no more orders after their first 30 days (no order for 180 days "
        "counts as gone)."
    )
    later = survival.finding(survival.from_curve([1000, 437, 100]), lapse_days=180)
    assert later.startswith("56.3% of customers place no more orders after their first 30 days (no")
    assert later.endswith("The risk is highest from day 30 to 61: 77.1% of those left leave.")
    few = survival.finding(observed(LINES), lapse_days=90)
    assert few == "5 customers are too few to say how long customers stay."
    curve = survival.from_curve([1000, 900, 700, 20, 1, 0])  # the last hazards are of 20, and of 1
    assert "from day 61 to 91: 97.1%" in survival.finding(curve, lapse_days=90)


def test_a_curve_becomes_the_same_table():
    curve = survival.from_curve(HIGH_END)
    assert list(curve) == list(observed(LINES))
    assert curve["survival"].tolist() == pytest.approx(np.array(HIGH_END[1:]) / 100)
    assert curve["lost"].sum() == pytest.approx(100 - 39.4)
    for wrong in ([100], [100, 110], [100, np.nan], [0, 0], [100, -1]):
        with pytest.raises(DataError, match="survivor curve"):
            survival.from_curve(wrong)


@pytest.mark.parametrize(
    ("curve", "model", "published"),
    [
        (REGULAR[:8], "sbg", [0.704, 1.182]),
        (HIGH_END[:8], "sbg", [0.668, 3.806]),
        (HIGH_END[:5], "bdw", [0.25934, 1.72256, 1.58435]),
    ],
)
def test_published_parameters(curve, model, published):
    found = contracts.fit(survival.from_curve(curve), model=model)
    decimals = 5 if model == "bdw" else 3
    assert found.params.to_numpy() == pytest.approx(published, abs=2 * 10**-decimals)
    assert found.params.index.tolist() == ["alpha", "beta", "c"][: len(published)]


def test_published_projections():
    found = contracts.fit(survival.from_curve(HIGH_END[:5]), model="bdw")
    assert 100 * found.survival([5, 6, 7]) == pytest.approx([54.6611, 51.0369, 48.1045], abs=2e-4)
    assert found.survival([0, 1]) == pytest.approx([1, 1 - found.hazard(1)])
    with pytest.raises(ParamsError, match="number 1"):
        found.hazard([0, 1])


def test_the_log_likelihood_is_that_of_each_customers_fate():
    table = pd.DataFrame({"at_risk": [100, 60, 20], "lost": [30, 20, 5]})
    found = contracts.fit(table, model="sbg")
    alpha, beta = found.params
    stayed = np.array([(beta + j) / (alpha + beta + j) for j in range(3)])
    assert found.hazard([1, 2, 3]) == pytest.approx(1 - stayed)
    lost, kept = np.array([30, 20, 5]), np.array([70, 40, 15])
    by_hand = (lost * np.log(1 - stayed) + kept * np.log(stayed)).sum()
    assert found.log_likelihood == pytest.approx(by_hand)


logs = st.floats(-3, 4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=3, max_size=12), logs, logs, st.floats(-1, 1))
def test_the_gradient_is_that_of_finite_differences(lost, alpha, beta, c):
    lost = np.array(lost, dtype=float)
    counts = lost[::-1].cumsum()[::-1] + 10 * np.arange(len(lost), 0, -1), lost
    for at in (np.array([alpha, beta]), np.array([alpha, beta, c])):
        found = contracts._cost(at, *counts)[1]
        steps = 1e-5 * np.eye(len(at))
        slopes = [
            (contracts._cost(at + s, *counts)[0] - contracts._cost(at - s, *counts)[0]) / 2e-5
            for s in steps
        ]
        assert found == pytest.approx(slopes, rel=1e-4, abs=1e-6)


def test_simulated_contracts_give_their_parameters_back_through_censoring():
    rng = np.random.default_rng(6)
    lifetime = rng.geometric(rng.beta(0.7, 3.8, 10_000))  # lost at this renewal
    seen = rng.integers(1, 13, 10_000)  # renewals that each has come to by now
    table = pd.DataFrame(
        [((np.minimum(lifetime, seen) >= t).sum(), ((lifetime == t) & (seen >= t)).sum())
         for t in range(1, 13)], columns=["at_risk", "lost"],
    )  # fmt: skip
    assert contracts.fit(table, model="sbg").params.to_numpy() == pytest.approx([0.7, 3.8], rel=0.1)
    assert contracts.fit(table, model="bdw").params["c"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("curve", "model", "said"),
    [
        ([100, 80], "sbg", "2 parameters, and customers were at risk in only 1"),
        ([100, 80, 70], "bdw", "3 parameters"),
        ([100, 100, 100], "sbg", "nobody has left"),
        ([100, 0], "sbg", "everybody left in the first"),
        (100 * 0.8 ** np.arange(9), "sbg", "reached its limit .*all alike"),
        (100 * 0.8 ** np.arange(9), "bdw", "reached its limit"),
        ([100, 50, 50, 50], "sbg", "reached its limit .0.001"),
    ],
)
def test_what_cannot_be_told_is_refused(curve, model, said):
    with pytest.raises(DataError, match=said):
        contracts.fit(survival.from_curve(curve), model=model)


def test_tables_that_are_none_are_refused():
    at_once = pd.DataFrame({"at_risk": [100, 5, 5], "lost": [100, 1, 1]})
    with pytest.raises(DataError, match="everybody left in the first"):
        contracts.fit(at_once, model="sbg")
    for lost in (-1, 101, np.nan):
        with pytest.raises(DataError, match="between 0 and at_risk"):
            contracts.fit(at_once.assign(lost=[50, lost, 1]), model="sbg")
    with pytest.raises(ColumnError, match="no column 'lost'"):
        contracts.fit(at_once[["at_risk"]], model="sbg")
    with pytest.raises(ParamsError, match="Did you mean 'sbg'"):
        contracts.fit(at_once, model="sbgs")


def contract(model: str = "sbg", **params: float) -> contracts.Contract:
    return contracts.Contract(model, pd.Series(params), float("nan"))


@pytest.mark.parametrize(
    "known",
    [
        contract(alpha=1.8, beta=3.0),
        contract(alpha=0.7, beta=1.2),
        contract("bdw", alpha=0.26, beta=1.7, c=1.6),
    ],
)
def test_what_remains_within_a_horizon_is_the_plain_sum(known):
    table = contracts.remaining(known, price=50, discount=0.1, period_days=365.25, horizon=7)
    assert table["renewals"].tolist() == list(range(25))
    for n in (0, 3, 24):
        stay = [(known.survival(n + k) / known.survival(n)) for k in range(1, 8)]
        assert table["expected_periods"][n] == pytest.approx(sum(stay))
        paid = sum(50 * s / 1.1**k for k, s in enumerate(stay, start=1))
        assert table["value"][n] == pytest.approx(paid)


@pytest.mark.parametrize("beta", [0.01, 2.0, 900.0])
@pytest.mark.parametrize("alpha", [0.02, 0.7, 5.0, 900.0])
@pytest.mark.parametrize(("discount", "period_days"), [(0.1, 365.25), (0.05, 30.4375), (2.0, 7)])
def test_the_closed_form_is_the_sum_over_all_time(alpha, beta, discount, period_days):
    how = {"price": 1, "discount": discount, "period_days": period_days}
    table = contracts.remaining(contract(alpha=alpha, beta=beta), **how)
    summed = contracts.remaining(contract(alpha=alpha, beta=beta), horizon=10_000, **how)
    assert table["value"].to_numpy() == pytest.approx(summed["value"].to_numpy(), rel=1e-8)
    assert np.isinf(table["expected_periods"]).all() == (alpha <= 1)


def test_the_mean_lifetime_is_the_betas():
    table = contracts.remaining(contract(alpha=3.0, beta=4.0), price=10, discount=0)
    assert table["expected_periods"].head(3).tolist() == pytest.approx([2, 2.5, 3])
    assert table["value"].head(3).tolist() == pytest.approx([20, 25, 30])


def test_an_infinite_sum_asks_for_a_horizon():
    with pytest.raises(DataError, match=r"alpha is 0.7: .*Give a horizon"):
        contracts.remaining(contract(alpha=0.7, beta=1.0), price=1, discount=0)
    with pytest.raises(DataError, match=r"bdw: .*Give a horizon"):
        contracts.remaining(contract("bdw", alpha=2.0, beta=1, c=1), price=1, discount=0.1)
    for wrong in ({"discount": -0.1}, {"discount": 0.1, "horizon": 0}):
        with pytest.raises(ParamsError, match="0 or more"):
            contracts.remaining(contract(alpha=0.7, beta=1.0), price=1, **wrong)
