"""Do intervals hold what they promise? `python tests/benchmarks/bench_coverage.py`.

A hundred simulated shops of known parameters: how many of the 95% intervals of the parameters
hold the truth, and how many of those of the revenue of the next 180 days, and of each 30 of them,
hold what then came. Not part of the tests, which check the parameters on shops of their own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit import forecast
from ltvkit.forecast import estimation, uncertainty

SHOPS, CUSTOMERS, KNOWN, AHEAD = 100, 4000, 730, 180  # days
MONTHS = np.arange(30.0, AHEAD + 1, 30)
BUYING = {"r": 0.4, "alpha": 98.0, "a": 0.6, "b": 2.6}
SPEND = {"p": 5.0, "q": 4.0, "v": 3600.0}


def shop(rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers as known after `KNOWN` days, and their revenue in each 30 days after."""
    born = rng.integers(0, KNOWN - 1, CUSTOMERS)
    rate = rng.gamma(BUYING["r"], 1 / BUYING["alpha"], CUSTOMERS)
    last = rng.geometric(np.maximum(rng.beta(BUYING["a"], BUYING["b"], CUSTOMERS), 1e-12))
    who = np.repeat(np.arange(CUSTOMERS), rng.poisson(rate * (KNOWN + AHEAD - born)))
    at = born[who] + rng.random(who.size) * (KNOWN + AHEAD - born[who])
    order = np.lexsort((at, who))
    who, at = who[order], at[order]
    kept = np.arange(who.size) - np.searchsorted(who, who) < last[who]
    who, at = np.r_[np.arange(CUSTOMERS), who[kept]], np.r_[born, at[kept]]
    nu = rng.gamma(SPEND["q"], 1 / SPEND["v"], CUSTOMERS)
    amount = rng.gamma(SPEND["p"], 1 / nu[who])
    past = pd.DataFrame({"who": who, "at": at, "revenue": amount})[at < KNOWN]
    table = past.groupby("who").agg(
        first=("at", "min"), last=("at", "max"), revenue=("revenue", "sum")
    )
    table["purchase_days"] = past.groupby("who").size()
    table["tenure_days"] = KNOWN - table["first"]
    table["recency_days"] = KNOWN - table["last"]
    customers = table.rename_axis("customer_id").reset_index()
    ahead = at >= KNOWN
    came = np.histogram(at[ahead] - KNOWN, bins=[0, *MONTHS], weights=amount[ahead])[0]
    return customers.astype({"customer_id": str}), came


def interval(histories, fitted, drawn, days, rng) -> tuple[np.ndarray, np.ndarray]:
    """The 95% interval of the revenue of known customers in the spans that end after `days`."""
    expected = uncertainty.expected_revenue(histories, fitted, days).sum(axis=0)
    factor = uncertainty.parameter_factors(histories, fitted, days, drawn, rng=rng)
    return uncertainty.total_interval(
        expected, factor, uncertainty.simulate_deviations(histories, fitted, days, rng=rng)
    )


def main() -> None:
    truth = pd.Series({**BUYING, **SPEND})
    held, totals = pd.Series(0, index=truth.index), 0
    monthly = 0
    for number in range(SHOPS):
        rng = np.random.default_rng(number)
        customers, actual = shop(rng)
        fitted = forecast.fit(customers, unit="day")
        rows = fitted.table.set_index("parameter")
        held += rows["lowest"].le(truth) & truth.le(rows["highest"])
        drawn = forecast.parameters(fitted, draws=100, seed=number)
        histories = estimation.histories(customers)
        low, high = interval(histories, fitted, drawn, MONTHS, rng)
        monthly += ((low <= actual) & (actual <= high)).mean()
        (low,), (high,) = interval(histories, fitted, drawn, MONTHS[-1:], rng)
        totals += low <= actual.sum() <= high
    print(f"{SHOPS} shops of {CUSTOMERS:,} customers; 95% intervals that held the truth, of 100:")
    print(", ".join(f"{name} {100 * n / SHOPS:.0f}" for name, n in held.items()))
    print(f"revenue of the next {AHEAD} days: {100 * totals / SHOPS:.0f}")
    print(f"of each 30 days of them: {100 * monthly / SHOPS:.1f}")


if __name__ == "__main__":
    main()
