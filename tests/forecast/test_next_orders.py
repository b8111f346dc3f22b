"""Next orders: the model of gaps by brute force, dates by hand, and intervals that hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from ltvkit import customers, forecast
from ltvkit.engines import frames
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.forecast import next_orders
from ltvkit.forecast.models import gaps
from ltvkit.forecast.models.gaps import GapModel

FIRST = pd.Timestamp("2023-01-01")
MODEL = GapModel(k=2.5, r=1.4, alpha=40.0, a=0.8, b=2.0, mean_gap=50.0)


def lines_of(days: dict[str, list[int]]) -> pd.DataFrame:
    """Order lines of customers who buy on these days."""
    rows = [(c, f"{c}-{d}", FIRST + pd.Timedelta(days=d), 10.0) for c in days for d in days[c]]
    return pd.DataFrame(rows, columns=["customer_id", "order_id", "order_date", "amount"])


def simulate(k: float, *, seed: int, size: int = 400, days: int = 800, pace: float = 40.0) -> dict:
    """Customers with gamma gaps of shape k, who leave after a purchase with chance 0.15 or so."""
    rng = np.random.default_rng(seed)
    bought = {}
    for number, start in enumerate(rng.uniform(0, days, size)):
        mean, leave = pace * 3 / rng.gamma(4), rng.beta(1, 6)
        stays = int(rng.geometric(leave))
        each = start + np.r_[0, rng.gamma(k, mean / k, min(stays, 2000) - 1).cumsum()]
        bought[f"c{number:04d}"] = sorted({int(day) for day in each})
    return bought


def known_until(bought: dict, day: int) -> pd.DataFrame:
    return lines_of({c: [d for d in days if d <= day] for c, days in bought.items()})


# The model, against integrals over what it does not know.


def test_the_next_gap_averages_over_the_pace_of_the_customer():
    shape, scale = MODEL.r + MODEL.k * 3, MODEL.alpha + 90

    def longer(pace: float, days: float) -> float:
        density = stats.gamma.pdf(pace, shape, scale=1 / scale)
        return density * stats.gamma.sf(days, MODEL.k, scale=1 / pace)

    for days in (1.0, 30.0, 200.0):
        by_hand = integrate.quad(longer, 0, 2, args=(days,), points=[0.05])[0]
        assert MODEL.chance_longer(days, 3, 90) == pytest.approx(by_hand, rel=1e-7)


@pytest.mark.parametrize(("own", "silence"), [([20, 35], 60), ([12], 0), ([], 100)])
def test_the_likelihood_averages_over_pace_and_chance_to_leave(own, silence):
    # Gauss-Legendre on powers of p and of the pace, whose densities have poles at 0.
    nodes, weights = np.polynomial.legendre.leggauss(60)
    nodes, weights = (nodes + 1) / 2, weights / 2
    leave, pace = nodes[:, None] ** 5, 0.6 * nodes**2
    density = stats.beta.pdf(leave, MODEL.a, MODEL.b) * stats.gamma.pdf(
        pace, MODEL.r, scale=1 / MODEL.alpha
    )
    for gap in own:
        density = density * (1 - leave) * stats.gamma.pdf(gap, MODEL.k, scale=1 / pace)
    still = stats.gamma.sf(silence + 0.5, MODEL.k, scale=1 / pace)
    each = density * (leave + (1 - leave) * still)
    by_hand = (weights * 5 * nodes**4) @ each @ (weights * 1.2 * nodes)
    found = gaps._log_likelihood(MODEL, len(own), float(sum(own)), float(silence))
    found += (MODEL.k - 1) * np.log(own).sum()
    assert found == pytest.approx(np.log(by_hand), rel=1e-5)


def test_quantiles_divide_those_who_come_back_in_time():
    x, span, silence = (
        np.array([0, 1, 5, 40]),
        np.array([0, 31, 160, 700]),
        np.array([3, 90, 0, 14]),
    )
    history = {"frequency": x, "span": span}
    now, end = (MODEL.chance_longer(silence + 0.5 + d, **history) for d in (0, 365))
    for q in (0.1, 0.5, 0.9):
        day = MODEL.quantile(q, **history, silence=silence, within=365)
        later = MODEL.chance_longer(day, **history)
        assert (now - later) / (now - end) == pytest.approx(q)
        assert ((day > silence) & (day < silence + 366)).all()


def test_far_in_the_tail_quantiles_follow_its_power_law():
    """Where a chance is too small for a float, the next order is near: 40 gaps of 18 days, silent
    for years, has an exponent of 100."""
    silence = np.array([1e3, 1e4, 1e5])
    day = MODEL.quantile(0.5, 40, 700, silence=silence, within=1e9)
    shape, scale = MODEL.r + 40 * MODEL.k, MODEL.alpha + 700
    law = (silence + 0.5 + scale) * 2 ** (1 / shape) - scale
    assert MODEL.chance_longer(1e5, 40, 700) < gaps.FADED < MODEL.chance_longer(1e4, 40, 700)
    assert day[2] == pytest.approx(law[2])
    assert day[1] == pytest.approx(law[1], rel=1e-5)
    assert day[0] != pytest.approx(law[0], rel=1e-5)


def test_a_poisson_shop_of_one_pace_forgets_its_silence():
    alike = GapModel(k=1.0, r=1e7, alpha=30e7, a=1.0, b=1.0, mean_gap=30.0)
    for silence in (0, 17, 80):
        day = alike.quantile(0.5, 0, 0, silence=silence, within=10_000)
        assert day - silence - 0.5 == pytest.approx(30 * np.log(2), rel=1e-4)


@pytest.mark.parametrize("k", [1.0, 4.0])
def test_the_regularity_of_a_simulated_shop_is_found(k):
    bought = simulate(k, seed=3, size=400, days=3000, pace=150)
    found = forecast.fit_gaps(known_until(bought, 3000), as_of=FIRST + pd.Timedelta(days=3000))
    assert found.k == pytest.approx(k, rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(1 / 7, abs=0.04)
    usual = found.quantile(0.5, 0, 0, silence=0, within=20_000)
    rng = np.random.default_rng(1)
    pace, gap = rng.gamma(4, size=20_000), rng.gamma(k, size=20_000)
    assert usual == pytest.approx(np.median(150 * 3 / pace * gap / k), rel=0.15)


def test_open_gaps_and_customers_who_left_are_reckoned_with():
    """Gaps of 200 days in a history of 400: the mean of those that are over is 140 or so."""
    bought = simulate(4.0, seed=5, size=400, days=400, pace=200)
    found = forecast.fit_gaps(known_until(bought, 400), as_of=FIRST + pd.Timedelta(days=400))
    whole = forecast.fit_gaps(lines_of(bought), as_of=FIRST + pd.Timedelta(days=4000))
    assert found.mean_gap < 0.75 * whole.mean_gap
    usual = [m.quantile(0.5, 0, 0, silence=0, within=5000) for m in (found, whole)]
    assert usual[0] == pytest.approx(usual[1], rel=0.15)


# The steps on frames.


def test_engines_and_row_orders_agree(on):
    lines = known_until(simulate(2.0, seed=2, size=120), 500)
    as_of = "2024-05-15"
    known = customers.summarize(lines, as_of=as_of)
    expected = forecast.predict_next_orders(
        known, forecast.fit_gaps(lines, as_of=as_of), as_of=as_of
    )
    given = on(lines.sample(frac=1, random_state=1).reset_index(drop=True))
    model = forecast.fit_gaps(given, as_of=as_of)
    found = forecast.predict_next_orders(
        customers.summarize(given, as_of=as_of), model, as_of=as_of
    )
    assert type(found) is type(given)
    table = frames.table(frames.lazy(found).sort("customer_id"))
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, rtol=1e-6)


def test_lines_returns_and_days_do_not_change_the_gaps():
    """Several orders a day are one purchase; a return is none; what is after as_of is not known."""
    lines = known_until(simulate(2.0, seed=2, size=120), 500)
    again = lines.assign(order_id=lines["order_id"] + "b", amount=1.0)
    back = lines.iloc[::3].assign(order_id="r", amount=-5.0)
    back["order_date"] += pd.Timedelta(days=2)
    later = lines.assign(order_date=lines["order_date"] + pd.Timedelta(days=600))
    as_of = FIRST + pd.Timedelta(days=500)
    more = forecast.fit_gaps(pd.concat([lines, again, back, later]), as_of=as_of)
    assert more == forecast.fit_gaps(lines, as_of=as_of)


def test_where_all_buy_every_30_days_the_next_order_is_on_the_30th():
    lines = lines_of({f"c{n:02d}": list(range(n, 300, 30)) for n in range(20)})
    as_of = FIRST + pd.Timedelta(days=299)
    known = customers.summarize(lines, as_of=as_of)
    found = forecast.predict_next_orders(known, forecast.fit_gaps(lines, as_of=as_of), as_of=as_of)
    assert found["usual_gap_days"].round().unique() == [30]
    assert found["overdue_after_days"].between(31, 34).all()
    # Two days before the day, the interval holds the day; the silence so far is known.
    due = known["last_order"] + pd.Timedelta(days=30)
    assert (found["next_order"] - due).abs().max() <= pd.Timedelta(days=3)
    assert ((found["next_order_low"] <= due) & (due <= found["next_order_high"])).all()
    assert (found["next_order_high"] - found["next_order_low"]).max() <= pd.Timedelta(days=5)


def test_the_next_order_is_after_today_and_in_time():
    lines = known_until(simulate(0.6, seed=8, size=300), 800)
    as_of = FIRST + pd.Timedelta(days=800)
    model = forecast.fit_gaps(lines, as_of=as_of)
    known = customers.summarize(lines, as_of=as_of)
    found = forecast.predict_next_orders(known, model, as_of=as_of)
    low, middle, high = (found[name] for name in next_orders.DATES)
    assert (low > as_of).all()
    assert ((low <= middle) & (middle <= high)).all()
    assert (high <= as_of + pd.Timedelta(days=model.within_days)).all()
    assert (found["usual_gap_days"] <= found["overdue_after_days"] + 1).all()
    short = forecast.predict_next_orders(known, model, as_of=as_of, within_days=30)
    assert (short["next_order_high"] <= as_of + pd.Timedelta(days=30)).all()
    assert found.drop(columns=[*next_orders.ADDED, *next_orders.DATES]).equals(known)
    pd.testing.assert_frame_equal(
        forecast.predict_next_orders(found, model, as_of=as_of), found
    )  # its own columns are replaced


def test_one_gap_tells_little_and_ten_tell_more():
    """The usual gap lies between the customer's own and the shop's, nearer to the own with more."""
    rows = {"purchase_days": [1, 2, 11], "recency_days": 0, "tenure_days": [0, 7, 70]}
    known = pd.DataFrame({"customer_id": list("abc"), **rows, "revenue": 1.0})
    shop, one, ten = forecast.predict_next_orders(known, MODEL, as_of=FIRST)["usual_gap_days"]
    own = 7 * stats.gamma.median(MODEL.k) / MODEL.k
    assert own < ten < one < shop
    assert ten - own < 0.25 * (one - own)


def test_a_year_is_waited_for_and_longer_where_gaps_are_long():
    years = {gap: GapModel(1, 1, 1, 1, 1, gap).within_days / 365 for gap in (20, 180, 365, 700)}
    assert years == {20: 1, 180: 1, 365: 2, 700: 4}


# Whether the intervals hold.


@pytest.mark.parametrize("k", [0.6, 1.0, 5.0])
def test_of_customers_who_come_back_80_of_100_do_so_in_their_interval(k):
    bought = simulate(k, seed=11, size=700)
    split, as_of = (FIRST + pd.Timedelta(days=d) for d in (800, 1000))
    checked = forecast.check_next_orders(known_until(bought, 1000), split=split, as_of=as_of)
    whole = checked.set_index("kind").loc[next_orders.ALL]
    margin = 3 * np.sqrt(0.8 * 0.2 / whole["came_back"])
    assert whole["came_back"] > 150
    assert abs(whole["coverage"] - 0.8) < margin
    assert (
        checked.iloc[:-1].drop(columns=["kind", "coverage"]).sum() == checked.iloc[-1, 1:-1]
    ).all()


def test_the_check_counts_by_hand(on):
    """Twenty customers who buy every 30 days; then one comes on time, one early, one late."""
    usual = {f"c{n:02d}": list(range(n, 300, 30)) for n in range(20)}
    once = {"z": [150]}
    later = {"c00": [270, 300], "c01": [275], "c02": [360]}
    lines = lines_of({**usual, **once})
    lines = lines[lines["order_date"] <= FIRST + pd.Timedelta(days=272)]
    both = pd.concat([lines, lines_of(later)]).drop_duplicates()
    split, as_of = (FIRST + pd.Timedelta(days=d) for d in (272, 400))
    found = forecast.check_next_orders(on(both), split=split, as_of=as_of).set_index("kind")
    assert found.loc["bought_more_days"].tolist() == [20, 3, 1, 1, pytest.approx(1 / 3)]
    assert found.loc["bought_once"].tolist()[:4] == [1, 0, 0, 0]
    assert np.isnan(found.loc["bought_once", "coverage"])
    assert found.loc[next_orders.ALL, "customers"] == 21
    text = forecast.describe_check(found.reset_index(), days=128)
    assert (
        text == "Only 3 customers came back in the last 128 days, too few to judge the ranges by."
    )


def test_the_test_is_said_and_a_miss_with_a_warning():
    row = {"kind": [next_orders.ALL], "customers": 900, "came_back": 400}
    good, bad = (pd.DataFrame({**row, "coverage": share}) for share in (0.805, 0.62))
    assert forecast.describe_check(good, days=183) == (
        "Tested on the last 183 days: of 400 customers who came back, 80.5% did so within their "
        "own range (planned: 80%)."
    )
    assert forecast.describe_check(bad, days=183).endswith("Take the days as a rough guide.")


# Too little to say anything.

NEVER = {
    "one purchase each": {f"c{n}": [n] for n in range(50)},
    "all on one day": {f"c{n}": [5] for n in range(50)},
    "one customer": {"c": [1, 30, 60]},
}


@pytest.mark.parametrize("shop", NEVER)
def test_too_few_second_orders_say_so(on, shop):
    with pytest.raises(TooLittleData, match=r"bought on a second day, and 10 or more are needed"):
        forecast.fit_gaps(on(lines_of(NEVER[shop])), as_of="2023-06-30")


def test_returns_alone_are_no_orders():
    lines = lines_of({f"c{n}": [n, n + 30] for n in range(50)}).assign(amount=-1.0)
    with pytest.raises(TooLittleData, match="0 customers bought on a second day"):
        forecast.fit_gaps(lines, as_of="2023-06-30")


def test_days_that_make_no_sense_are_refused():
    known = customers.summarize(lines_of({"a": [1]}), as_of="2023-01-31")
    with pytest.raises(ParamsError, match="within_days"):
        forecast.predict_next_orders(known, MODEL, as_of="2023-01-31", within_days=-1)
    with pytest.raises(ParamsError, match="a day before"):
        forecast.check_next_orders(lines_of({"a": [1]}), split="2023-01-31", as_of="2023-01-31")
