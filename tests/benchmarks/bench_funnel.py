"""Does the funnel find what is there, and nothing else? `python tests/benchmarks/bench_funnel.py`.

- `rates`: simulated shops with known rates and days between stages: how many of the 95% intervals
  hold the truth, by channel; and how many intervals of the data cut six and nine months earlier
  hold the estimate of the whole. Fails below 92% (of the truth).
- `null`: the same shops, in which reviewing does nothing: in how many `value_stages` says that
  reviewers bring more or less. Fails above 5%. And in how many the simple comparison does.
- `planted`: reviewers bring more right after day 90: how often that is found, and is in the range.
- `referral`: shops in which each customer brings others at random, with known k: how many of the
  95% intervals of k and of 1 / (1 - k) hold the truth. Fails below 92%.

`--only rates null planted referral` runs some of them, `--shops 20` so many of each.

Events are Polars frames: summaries take a third to a half of the time that pandas takes. `rates`
takes the steps before the first order, whose truth is known, and all steps only where data are cut.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))
from stub_funnel import canonical, canonical_orders, make_events

from ltvkit import funnel
from ltvkit.funnel.stages import SECOND_HALF
from ltvkit.samples import events, shop

SHOPS = {"rates": 60, "null": 200, "planted": 100, "referral": 200}
CUT_EVERY = 5  # shops of `rates`
AS_OF, CUTS = "2024-09-30", ("2024-03-31", "2023-12-31")
KNOWN = {"export_begins": "opening"}
GAIN = 3000.0  # yen, right after day 90
DAYS, WITHIN, DELAY = 900, 365, 120.0  # of the shops in which customers bring others


def simulate(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    orders = shop.simulate(customers=1500, seed=seed, measures=False)
    return canonical_orders(orders), canonical(events.simulate(orders, seed=seed))


def reach(lines, found, as_of=AS_OF):
    lines, found = pl.from_pandas(lines), pl.from_pandas(found)
    joined = funnel.join_visitors(found, lines, as_of=as_of)
    return lines, joined, funnel.reach(lines, joined, as_of=as_of, **KNOWN)


def compare_cut(stages, lines, found, day) -> list[bool]:
    """Whether the interval of each step, of data up to a day, holds the estimate of all data."""
    whole, early = funnel.summarize(stages), reach(lines, found, day)[2]
    held = []
    for days, rows in whole.groupby("horizon_days"):
        part = funnel.summarize(early, within=int(days)).set_index("next_stage")
        part = part.loc[rows["next_stage"]].dropna(subset="next_stage_share")
        share = rows.set_index("next_stage")["next_stage_share"].loc[part.index]
        held += [*share.between(part["lowest_share"], part["highest_share"])]
    return held


def check_rates(shops: int) -> bool:
    truth = events.truth()
    inside, days, cut = [], [], []
    for seed in range(shops):
        lines, found = simulate(seed)
        stages = reach(lines, found)[2]
        first = replace(stages, missing=SECOND_HALF)
        table = funnel.summarize(first, by="channel")
        for row in table.to_dict("records"):
            rate = truth["rates"].get(row["channel"], {}).get(row["next_stage"])
            if rate:
                inside.append(row["lowest_share"] <= rate <= row["highest_share"])
        whole = funnel.summarize(first).dropna(subset="people").set_index("next_stage")
        for stage, mean in truth["mean_days"].items():
            half = np.ceil(mean * np.log(2)) - 1
            days.append(whole["median_days_low"][stage] <= half <= whole["median_days_high"][stage])
        if seed % CUT_EVERY == 0:
            cut += [held for day in CUTS for held in compare_cut(stages, lines, found, day)]
    print(f"rates: {np.mean(inside):.1%} of {len(inside)} intervals hold the true rate,")
    print(f"  {np.mean(days):.1%} of {len(days)} the true days,")
    print(f"  {np.mean(cut):.1%} of {len(cut)} of the data cut the estimate of the whole")
    return bool(np.mean(inside) >= 0.92)


def check_null(shops: int) -> bool:
    false, naive, widths = 0, 0, []
    for seed in range(shops):
        lines, found = simulate(seed)
        lines, _joined, stages = reach(lines, found)
        row = funnel.value_stages(lines, stages).set_index("stage").loc["advocating"]
        false += row["verdict"] in ("more", "less")
        widths.append((row["high"] - row["low"]) / 2)
        naive += funnel.compare_ever(lines, stages).set_index("stage")["low"]["advocating"] > 0
    print(f"null: {false} of {shops} shops credit reviewing ({np.median(widths):,.0f} JPY wide);")
    print(f"  the simple comparison does in {naive}")
    return false <= 0.05 * shops


def check_planted(shops: int) -> bool:
    seen, inside = 0, 0
    for seed in range(shops):
        lines, found = simulate(seed)
        first = lines.groupby("customer_id")["order_date"].min()
        reviews = found[found["stage"] == "advocating"].groupby("customer_id")["event_date"].min()
        early = reviews[(reviews - first.reindex(reviews.index)).dt.days <= 90].index
        day = first[early] + pd.Timedelta(days=91)
        more = pd.DataFrame({"customer_id": early, "order_date": day.to_numpy(), "amount": GAIN})
        more = more.assign(order_id="X" + more["customer_id"], channel="search", margin=0.0)
        lines = pd.concat([lines, more[more["order_date"] <= AS_OF]], ignore_index=True)
        lines, _joined, stages = reach(lines, found)
        table = funnel.value_stages(lines, stages).set_index("stage")
        row = table.loc["advocating"]
        seen += row["verdict"] == "more"
        inside += row["low"] <= GAIN <= row["high"]
    print(f"planted: {GAIN:,.0f} JPY are found in {seen} of {shops} shops,")
    print(f"  and in the range of {inside}")
    return inside >= 0.95 * shops


def bring(rng: np.random.Generator, k: float, seeds: int) -> pd.DataFrame:
    """Customers: first (day), by (who brought them: a place, -1 for nobody)."""
    first, by = [*rng.integers(0, DAYS, seeds)], [-1] * seeds
    place = 0
    while place < len(first):
        for delay in rng.exponential(DELAY, rng.poisson(k)):
            day = int(first[place] + 1 + delay)
            if day < DAYS:
                first.append(day)
                by.append(place)
        place += 1
    return pd.DataFrame({"first": first, "by": by})


def check_referral(shops: int) -> bool:
    inside, multiplied, refused = [], [], 0
    for seed in range(shops):
        rng = np.random.default_rng(seed)
        k = rng.uniform(0.1, 0.5)
        people = bring(rng, k, 500)
        day = pd.Timestamp("2022-01-01") + pd.to_timedelta(people["first"], unit="D")
        ids = "c" + people.index.astype(str)
        again = pd.to_timedelta(rng.integers(1, 200, len(people)), unit="D")
        lines = pd.DataFrame({"customer_id": ids, "order_date": day, "amount": 50.0})
        lines = pd.concat([lines, lines.assign(order_date=day + again)], ignore_index=True)
        lines = lines.assign(order_id=lines.index.astype(str))
        came = people[people["by"] >= 0]
        rows = [
            (
                f"{day[n]:%Y-%m-%d} 12:00",
                "referred",
                "",
                {"customer_id": f"c{n}", "referred_by": f"c{by}"},
            )
            for n, by in came["by"].items()
        ]
        last = day.max()
        rows += [("2022-01-01 12:00", "scroll", "v"), (f"{last:%Y-%m-%d} 12:00", "scroll", "v")]
        lines, joined, stages = reach(lines, make_events(*rows), last)
        found = funnel.measure_referral(lines, joined, stages, within=WITHIN).figures
        # A delay is rounded up by less than a day.
        true = k * (1 - np.exp(-(WITHIN - 0.5) / DELAY))
        inside.append(found["k_low"] <= true <= found["k_high"])
        refused += np.isnan(found["multiplier"])
        multiplied.append(found["multiplier_low"] <= 1 / (1 - true) <= found["multiplier_high"])
    print(f"referral: {np.mean(inside):.1%} of {shops} intervals hold k,")
    print(f"  {np.mean(multiplied):.1%} the multiplier; refused: {refused}")
    return bool(np.mean(inside) >= 0.92)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=SHOPS, default=[*SHOPS])
    parser.add_argument("--shops", type=int, help="of each; without it 60 to 200, as SHOPS says")
    given = parser.parse_args()
    checks = dict(zip(SHOPS, (check_rates, check_null, check_planted, check_referral), strict=True))
    failed = []
    for name in given.only:
        began = time.monotonic()
        failed += [] if checks[name](given.shops or SHOPS[name]) else [name]
        print(f"  ({time.monotonic() - began:,.0f} s)", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
