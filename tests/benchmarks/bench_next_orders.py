"""Do intervals of the next order hold? `python tests/benchmarks/bench_next_orders.py`.

Two hundred simulated shops of six kinds, whose customers buy at a pace of their own and leave for
good after some purchase, and the samples CDNOW and shop: each is cut some time before its end, and
of the customers who came back in that time it is counted how many did so within the 80% interval
that was given for just this time. Fails if that is not 75 to 85% over all shops, of each kind and
of the samples.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ltvkit import forecast, orders

SHOPS, KNOWN = 200, 720  # days before the cut
AHEAD = (91, 182, 364)  # days after it, in turn
FIRST = pd.Timestamp("2022-01-01")
MARGIN = (0.75, 0.85)


def regular(rng: np.random.Generator, n: int) -> np.ndarray:
    """Gamma gaps of shape 6, as of what is used up."""
    return rng.gamma(6, 1 / 6, n)


def poisson(rng: np.random.Generator, n: int) -> np.ndarray:
    """At any time."""
    return rng.exponential(size=n)


def bursty(rng: np.random.Generator, n: int) -> np.ndarray:
    """Gamma gaps of shape 0.5: some days apart, then months."""
    return rng.gamma(0.5, 2, n)


def lognormal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Not the model's own form."""
    return np.exp(rng.normal(-0.18, 0.6, n))


def mixed(rng: np.random.Generator, n: int) -> np.ndarray:
    """Each customer regular or random; the model has one regularity for all."""
    shape = rng.choice([1.0, 8.0])
    return rng.gamma(shape, 1 / shape, n)


def monthly(rng: np.random.Generator, n: int) -> np.ndarray:
    """About a tenth of a gap early or late, as deliveries that are put off now and then."""
    return np.maximum(rng.normal(1, 0.1, n), 0.05)


KINDS = (regular, poisson, bursty, lognormal, mixed, monthly)


def shop(kind, rng: np.random.Generator, *, days: int) -> pd.DataFrame:
    """Order lines of a shop: `days` long, 300 to 900 customers, of random pace and loyalty."""
    pace, alike = rng.choice([15, 30, 60, 100]), rng.choice([1.5, 3, 8])
    a, b = rng.choice([0.5, 1, 2]), rng.choice([2, 4, 8])
    rows = []
    for number in range(rng.integers(300, 900)):
        mean = pace if kind is monthly else pace * alike / rng.gamma(alike)
        stays = min(rng.geometric(max(rng.beta(a, b), 1e-9)), 400)
        at = rng.uniform(0, KNOWN) + np.r_[0, (mean * kind(rng, stays - 1)).cumsum()]
        rows += [(number, int(day)) for day in at[at < days]]
    table = pd.DataFrame(rows, columns=["customer_id", "day"]).drop_duplicates()
    dates = FIRST + pd.to_timedelta(table["day"], unit="D")
    lines = table.assign(order_date=dates, amount=1.0, order_id=range(len(table)))
    return lines.astype({"customer_id": str, "order_id": str}).drop(columns="day")


def simulated() -> pd.DataFrame:
    """A row per shop: kind, days (of the test), came_back, coverage."""
    rows = []
    for number in range(SHOPS):
        rng = np.random.default_rng(number)
        kind, days = KINDS[number % len(KINDS)], AHEAD[number // len(KINDS) % len(AHEAD)]
        lines = shop(kind, rng, days=KNOWN + days)
        ends = (FIRST + pd.Timedelta(days=KNOWN - 1 + ahead) for ahead in (0, days))
        rows.append({"kind": kind.__name__, "days": days, **check(lines, *ends)})
    return pd.DataFrame(rows)


def real() -> pd.DataFrame:
    """The samples, cut at three days."""
    rows = []
    for name, policies in (("cdnow", {}), ("shop", {"cancelled_status": ["cancelled"]})):
        book = orders.read(f"demo:{name}", policies=policies)
        as_of = book.as_of("last")
        for days in AHEAD:
            split = as_of - dt.timedelta(days=days)
            rows.append({"kind": name, "days": days, **check(book.days, split, as_of)})
    return pd.DataFrame(rows)


def check(lines, split, as_of) -> dict:
    whole = forecast.check_next_orders(lines, split=split, as_of=as_of).iloc[-1]
    return whole[["came_back", "too_early", "too_late", "coverage"]].to_dict()


def summarize(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Coverage of all customers who came back, and the spread of single shops."""
    grouped = table.groupby(by, sort=False)
    sums = grouped[["came_back", "too_early", "too_late"]].sum()
    missed = sums[["too_early", "too_late"]].div(sums["came_back"], axis=0)
    spread = grouped["coverage"].quantile([0.1, 0.9]).unstack().set_axis(["10%", "90%"], axis=1)
    held = 1 - missed.sum(axis=1)
    return pd.concat(
        [grouped.size().rename("shops"), sums["came_back"], missed, spread], axis=1
    ).assign(coverage=held)


def main() -> None:
    shops, samples = simulated(), real()
    tables = [
        summarize(shops, "kind"),
        summarize(shops, "days"),
        summarize(shops.assign(all="all"), "all"),
    ]
    for table in [*tables, samples.set_index("kind")]:
        print(table.round(3).to_string(), end="\n\n")
    for name, coverage in {**tables[0]["coverage"], **tables[2]["coverage"]}.items():
        assert MARGIN[0] <= coverage <= MARGIN[1], f"{name}: {coverage:.1%}"
    held = samples["coverage"]
    assert held.between(*MARGIN).all(), samples


if __name__ == "__main__":
    main()
