"""Is the power that is foreseen the power that comes? `python tests/benchmarks/bench_power.py
[SHOPS [DESIGN ...]]`.

Shops and designs are those of `bench_hypotheses`: real customers of CDNOW, and a measure that makes
some of the treated place one more order, so many that power is neither near nothing nor near one.
In each shop every design is planned with the orders before the start (`hypotheses.power`), and then
evaluated. The script fails where the power that is foreseen on average is more than five points
from the share of shops in which the effect was seen.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
from bench_hypotheses import (  # fmt: skip
    CHANCES,
    CHOSEN,
    DESIGNS,
    LENGTH,
    METRICS,
    START,
    acted,
    day,
    draw,
    hypothesis,
    past,
    shop,
)

from ltvkit.hypotheses.design import power_analysis
from ltvkit.hypotheses.effects import comparisons, customer_days, placebo

SHOPS, FIRST = 1000, 1000  # how many, and the seed of the first
CLOSE = 0.05


def run(seed: int) -> list[dict]:
    """One shop: every design, planned and evaluated by the metric that decides."""
    rng = np.random.default_rng(seed)
    orders, end, metric = shop(rng), day(START + LENGTH - 1), METRICS[0]
    known = customer_days.build(orders, as_of=end)
    assigned, rows = draw(known, seed), []
    for name in DESIGNS:
        treated = comparisons.select_groups(known, hypothesis(name, assigned, 1.0)).treated
        changed, true = acted(rng, orders, known, treated, CHANCES[name])
        if name not in CHOSEN:
            continue
        tried = hypothesis(name, assigned, true[metric])
        plan = power_analysis.power(tried, known, as_of=end, weeks=()).iloc[0]
        after = customer_days.build(changed, as_of=end)
        after._done.known.update(past(known))
        found = comparisons.compare(after, tried)
        made = found.estimate(metric, comparisons.read_strata(after, tried))
        p = made.p
        if name != "randomized":
            natural = placebo.replay(after, tried, [metric], days=found.window)[metric]
            p = natural.subtract(made.effect, made.se)[-1]
        rows.append({"design": name, "foreseen": plan["power"], "seen": p < 0.05})
    return rows


def main() -> None:
    shops = int(sys.argv[1]) if len(sys.argv) > 1 else SHOPS
    with ProcessPoolExecutor(2) as two:
        seeds = range(FIRST, FIRST + shops)
        rows = pd.DataFrame([r for rows in two.map(run, seeds, chunksize=4) for r in rows])
    by = rows.dropna().groupby("design")
    table = pd.DataFrame({"foreseen": by["foreseen"].mean(), "power": by["seen"].mean()})
    table["apart"] = table["foreseen"] - table["power"]
    table["error"] = np.hypot(by["foreseen"].sem(), by["seen"].sem())
    print(f"{shops} shops, in percent:")
    print((100 * table).round(1).to_string())
    far = table[table["apart"].abs() > CLOSE]
    assert far.empty, f"more than five points apart: {', '.join(far.index)}"


if __name__ == "__main__":
    main()
