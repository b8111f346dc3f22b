"""From order to order: do 95% intervals hold? `python tests/benchmarks/bench_order_steps.py`.

200 simulated shops, opened up to four years ago, of 40 to 3,000 customers of four channels. In
the first world a customer goes on with the same chance as all of the channel (near 0 in one
channel, near 1 in another), after a time that all share. In the second, customers differ in how
often they buy and in how loyal they are, so those who are quick to come back come back more often.
The truth of each step is known: from the formula, or from a million customers who are never
censored. Not part of the tests, which take a few shops of one size.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ltvkit.ltv import order_steps

SHOPS, WITHIN, STEPS = 200, 365, 3
CHANNELS = ("mail", "search", "shop", "social")
GOES_ON = np.array([[0.02, 0.35, 0.97, 0.15], [0.3, 0.5, 0.99, 0.4], [0.5, 0.6, 0.99, 0.6]])
PARTS = [0.5, 0.3, 0.15, 0.05]  # of the customers, by channel
GAP = 90.0  # days, exponential
BOUND = 0.93, 0.97


def alike(rng: np.random.Generator, channel: np.ndarray) -> np.ndarray:
    """Gaps of customers to the next order, inf where there is none: customers x steps."""
    goes = rng.random((channel.size, STEPS)) < GOES_ON.T[channel]
    return np.where(goes, np.ceil(rng.exponential(GAP, goes.shape)), np.inf)


def unlike(rng: np.random.Generator, channel: np.ndarray) -> np.ndarray:
    """The same, with a rate and a loyalty of each customer."""
    pace = rng.gamma(1.5, 1 / 60.0, channel.size)[:, None]
    loyal = rng.beta(1 + channel, 2.0)[:, None]
    goes = rng.random((channel.size, STEPS)) < loyal
    return np.where(goes, np.ceil(rng.exponential(1 / pace, goes.shape)), np.inf)


def truth(world, channel: int | None) -> np.ndarray:
    """The share who go on within `WITHIN` days at each step, of those who came so far."""
    rng, size = np.random.default_rng(0), 1_000_000
    gaps = world(rng, rng.choice(4, size, p=PARTS) if channel is None else np.full(size, channel))
    came = np.isfinite(gaps).cumprod(axis=1).astype(bool)
    there = np.column_stack([np.ones(len(gaps), bool), came[:, :-1]])
    return np.array([(gaps[there[:, n], n] <= WITHIN).mean() for n in range(STEPS)])


def shop(world, rng: np.random.Generator) -> pd.DataFrame:
    """Order lines of a shop that won customers evenly, up to day `span`."""
    size, span = int(np.exp(rng.uniform(np.log(40), np.log(3000)))), int(rng.integers(500, 1460))
    channel = rng.choice(4, size, p=PARTS)
    born = rng.integers(0, span, size)
    days = np.column_stack([born, born[:, None] + world(rng, channel).cumsum(axis=1)])
    who, number = np.nonzero(days <= span)
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(days[who, number], unit="D")
    lines = pd.DataFrame({"customer_id": who.astype(str), "order_date": dates, "amount": 1.0})
    channels = np.array(CHANNELS)[channel[who]]
    return lines.assign(order_id=np.arange(who.size).astype(str), channel=channels)


def check(world, seed: int) -> pd.DataFrame:
    """channel, number, customers, held: of all intervals of shops ("all") and their channels."""
    true = {name: truth(world, place) for place, name in enumerate(CHANNELS)}
    true["all"] = truth(world, None)
    found = []
    for number in range(SHOPS):
        lines = shop(world, np.random.default_rng([seed, number]))
        rule = {"as_of": lines["order_date"].max(), "within": WITHIN, "steps": STEPS}
        for by in ("channel", ""):
            table = order_steps.rates(lines, **rule, by=by, export_begins="opening")
            found.append(table.assign(channel=table.get("channel", "all")))
    table = pd.concat(found).dropna(subset="next_order_share")
    table["number"] = table["step"].str[1].astype(int)
    rows = zip(table["channel"], table["number"], strict=True)
    table["truth"] = [true[name][number - 1] for name, number in rows]
    table["held"] = table["truth"].between(
        table["lowest_share"] - 1e-9, table["highest_share"] + 1e-9
    )
    return table


def main() -> None:
    for seed, world in enumerate((alike, unlike)):
        table = check(world, seed)
        table["size"] = pd.cut(table["customers"], [0, 10, 30, 100, 1e9], right=False)
        print(f"\nCustomers are {world.__name__}: {len(table):,} intervals, {SHOPS} shops")
        whole = table[table["channel"] == "all"].groupby("number")["held"].mean()
        print("F1 -> F2, F2 -> F3, F3 -> F4 of whole shops:", whole.round(3).tolist())
        for by in ("number", "channel", "size"):
            held = table.groupby(by, observed=True)["held"]
            print(pd.DataFrame({"held": held.mean().round(3), "intervals": held.size()}))
        error = table.groupby("number").apply(
            lambda t: np.average(t["next_order_share"] - t["truth"], weights=t["customers"])
        )
        print("bias by step:", error.round(4).tolist())
        print(f"all: {table['held'].mean():.3f}")
        assert whole[:2].between(*BOUND).all()
        assert BOUND[0] < table.loc[table["customers"] >= 30, "held"].mean() < BOUND[1]
        # Where a group has a few customers, no limits fit exactly: they hold more often.
        assert table.groupby("size", observed=True)["held"].mean().min() > BOUND[0]


if __name__ == "__main__":
    main()
