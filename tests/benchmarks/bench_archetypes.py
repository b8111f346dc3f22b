"""Do types of customers foretell, stay and describe as they should, and are tiers judged rightly?

`python tests/benchmarks/bench_archetypes.py`; `--source FILE --columns JSON --policies JSON --money
CUT` adds an export of your own (a CSV or Parquet file), with the money cut of CPM in its currency.

On the sample shop and on simulated shops of eight kinds: the money of the last months that the best
20% caught, by types and by other groupings; how many keep their type from month to month when
nothing happened, with cuts chosen anew each month, and with the table of the month before handed
in. On shops without any effect: how often a profile finds something, and how often the interval of
a tier leaves out zero; and with a planted effect of a tier, how often that is found.

Fails where fewer than 90% keep their type on average, where a profile finds something in more than
10% of the shops where types are dealt at random, or where more than 10% of the 90% intervals of
tiers leave out zero.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import simulated_shops

from ltvkit import archetypes, orders
from ltvkit.archetypes import tiers
from ltvkit.archetypes.horizons import move_back
from ltvkit.engines import frames
from ltvkit.errors import TooLittleData
from ltvkit.ingest import daily
from ltvkit.samples import shop

END = "2024-12-31"  # of the simulated shops
SEEDS, EXPORT = 3, 36  # shops of each kind; months
DEALT, OWN, SHOPS = 100, 40, 200  # types dealt at random, sample shops, shops with tiers
YOUNG = simulated_shops.Kind(won=200, opened=3)
TIERS = {
    "silver": {"at_least": 12_000, "cost_rate": 0.02},
    "gold": {"at_least": 25_000, "cost_rate": 0.05},
}
POLICIES = {"cancelled_status": ["cancelled"]}


def measure_forecasts(name: str, days, *, as_of, **rule) -> None:
    """Prints what each grouping caught, and the verdict on types beside it."""
    try:
        found = archetypes.backtest(days, as_of=as_of, **rule)
    except TooLittleData as error:
        print(f"{name}: {error}")
        return
    for row in found.table.to_dict("records"):
        caught = "{caught:.3f} ({caught_low:.3f} to {caught_high:.3f})".format(**row)
        explained = "{explained:.3f} ({explained_low:.3f} to {explained_high:.3f})".format(**row)
        less = "{caught_less:+.3f} ({caught_less_low:+.3f} to {caught_less_high:+.3f})".format(
            **row
        )
        line = [f"{name}, {found.months} months", row["method"], str(row["groups"]), caught]
        line += [explained, less if row["verdict"] else "", row["verdict"]]
        print("| " + " | ".join(line) + " |")


def count_verdicts() -> None:
    """All simulated shops: how often types were better or worse, and what was caught on average."""
    verdicts: dict[str, Counter] = {}
    caught = []
    for kind in simulated_shops.KINDS:
        for seed in range(SEEDS):
            lines = simulated_shops.cut(
                simulated_shops.simulate(kind, seed), as_of=pd.Timestamp(END), months=EXPORT
            )
            table = archetypes.backtest(lines, as_of=END, draws=500).table
            for row in table.to_dict("records"):
                verdicts.setdefault(row["method"], Counter())[row["verdict"]] += 1
                caught.append({"kind": kind} | row)
    table = pd.DataFrame(caught)
    wide = table.pivot_table(index="kind", columns="method", values=["caught", "explained"])
    print(wide.round(3).to_string())
    print({name: dict(count) for name, count in verdicts.items()})


def measure_stability(name: str, days, ends: list) -> list[float]:
    """The share of customers to whom nothing happened who keep their type, by month."""
    kept = []
    for handed in (False, True):
        cuts, sides = None, []
        for end in ends:
            before = cuts if handed else None
            cuts = archetypes.choose_cuts(days, as_of=end, before=before)
            sides.append(archetypes.assign(archetypes.measure(days, as_of=end), cuts=cuts))
        tables = [archetypes.measure_stability(*pair).iloc[-1] for pair in pairwise(sides)]
        shares = [float(row["unchanged_kept_share"]) for row in tables]
        way = "table of the month before" if handed else "chosen anew"
        everyone = float(np.mean([row["kept_share"] for row in tables]))
        print(
            f"{name}, {way}: nothing happened: mean {np.mean(shares):.3f}, "
            f"least {min(shares):.3f}; all customers: mean {everyone:.3f}"
        )
        kept.append(float(np.mean(shares)))
    return kept


def list_ends(last, months: int) -> list:
    return [move_back(last, n) for n in range(months, -1, -1)]


def count_found(lines: pd.DataFrame, as_of: str) -> tuple[int, int]:
    """In how many of the shops a profile finds something: types dealt at random; own types."""
    customers = archetypes.measure(lines, as_of=as_of)
    assigned = archetypes.assign(customers, cuts=archetypes.find_cuts(customers))
    dealt = 0
    for seed in range(DEALT):
        mixed = np.random.default_rng(seed).permutation(assigned["archetype"])
        found = archetypes.profile(lines, assigned.assign(archetype=mixed), as_of=as_of)
        dealt += len(found) > 0
    own = Counter()
    for seed in range(OWN):
        raw = shop.simulate(customers=2500, seed=seed, measures=False)
        lines = frames.table(frames.lazy(orders.read(raw, policies=POLICIES).lines))
        customers = archetypes.measure(lines, as_of=as_of)
        assigned = archetypes.assign(customers, cuts=archetypes.find_cuts(customers))
        found = archetypes.profile(lines, assigned, as_of=as_of)
        own.update(set(found["trait"]) or {"nothing"})
    print(f"profile: {dealt} of {DEALT} with types dealt at random; of {OWN} shops: {dict(own)}")
    return dealt, OWN - own["nothing"]


def judge_tiers(*, effect: float, shops: int) -> pd.DataFrame:
    """The rows of `tiers.compare` on shops in which a tier brings `effect` more afterwards."""
    rows = []
    start = move_back(END, 6)
    for seed in range(shops):
        lines = simulated_shops.simulate("", seed, YOUNG)
        if effect:
            held = frames.table(frames.lazy(tiers.assign(lines, as_of=start, tiers=TIERS)))
            tier = held.set_index("customer_id")["tier"].map({"silver": 1, "gold": 2})
            times = lines["customer_id"].map(tier).fillna(0).where(lines["order_date"] > start, 0)
            lines = lines.assign(amount=lines["amount"] * (1 + effect) ** times)
        rows.append(tiers.compare(lines, as_of=END, tiers=TIERS).assign(seed=seed))
    return pd.concat(rows, ignore_index=True)


def show_tiers() -> float:
    """Prints how tiers are judged; the share of intervals that leave out zero without an effect."""
    wrong = np.nan
    for effect, shops in ((0.0, SHOPS), (1.0, SHOPS // 4), (2.0, SHOPS // 4)):
        table = judge_tiers(effect=effect, shops=shops)
        known = table[table["low"].notna()]
        out = (known["low"] > 0) | (known["high"] < 0)
        wrong = float(out.mean()) if not effect else wrong
        print(
            f"tiers, effect {effect:+.0%}: {len(known)} intervals, {out.mean():.1%} without zero; "
            f"{table['grade'].value_counts().to_dict()}; p_crowded up to 5%: "
            f"{(table['p_crowded'] <= 0.05).mean():.1%}; customers within "
            f"{known['just_missed'].median():.0f} and {known['just_reached'].median():.0f}"
        )
    return wrong


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--source", default="")
    options.add_argument("--columns", default="{}")
    options.add_argument("--policies", default="{}")
    options.add_argument("--money", type=float, default=70_000)
    asked = options.parse_args()
    sample = orders.read("demo:shop", policies=POLICIES)
    books = {"shop": (sample, "2024-09-30", archetypes.Cpm())}
    if asked.source:
        read = {name: json.loads(getattr(asked, name)) for name in ("columns", "policies")}
        book = orders.read(asked.source, **read)
        last = frames.table(frames.lazy(book.lines).select("order_date"))["order_date"].max()
        end = move_back(last.replace(day=1), 0) - pd.Timedelta(1, "D")
        books["source"] = (book, end, archetypes.Cpm(money=asked.money))
    kept = []
    for name, (book, end, cpm) in books.items():
        for months in (12, 6, 3):
            measure_forecasts(name, book.days, as_of=end, months=months, cpm=cpm)
        kept += measure_stability(name, book.days, list_ends(end, 6 if name == "source" else 12))
    count_verdicts()
    for kind in simulated_shops.KINDS:
        lines = simulated_shops.simulate(kind, 1)
        lines = simulated_shops.cut(lines, as_of=pd.Timestamp(END), months=EXPORT)
        kept += measure_stability(kind, daily.aggregate(lines), list_ends(END, 4))
    dealt, _own = count_found(frames.table(frames.lazy(sample.lines)), "2024-09-30")
    wrong = show_tiers()
    assert min(kept) >= 0.9, kept
    assert dealt <= 0.1 * DEALT, dealt
    assert wrong <= 0.1, wrong


if __name__ == "__main__":
    main()
