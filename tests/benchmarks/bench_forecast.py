"""What a 12-month LTV per customer costs: `python tests/benchmarks/bench_forecast.py`.

The orders of a million simulated customers in one Parquet file, once through ltvkit and once
through plain lifetimes, each in a process of its own, side by side in one run. Not part of the
tests. Prints the table of README.md beside it, and fails where a bound does not hold.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

CUSTOMERS, ROUNDS = 1_000_000, 3
TRUTH = {"r": 0.243, "alpha": 30.9, "a": 0.793, "b": 2.426}  # BG/NBD of CDNOW, in days
SPEND = {"p": 6.25, "q": 3.74, "v": 15.44}
FIRST, ACQUIRED, FOLLOWED = np.datetime64("2023-01-01"), 84, 560  # days
AS_OF = str(FIRST + FOLLOWED)
BOUNDS = {"fit": 30, "whole": 10}
ORDERS = ("customer_id", "order_id", "order_date", "amount")


def simulate(path: Path, *, seed: int = 1) -> dict[str, int]:
    """Orders of customers with known parameters, written to `path`."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, ACQUIRED, CUSTOMERS)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], CUSTOMERS)
    last = rng.geometric(np.maximum(rng.beta(TRUTH["a"], TRUTH["b"], CUSTOMERS), 1e-12))
    who = np.repeat(np.arange(CUSTOMERS), rng.poisson(rate * (FOLLOWED - born)))
    day = born[who] + np.ceil(rng.random(who.size) * (FOLLOWED - born[who])).astype(int)
    order = np.lexsort((day, who))
    who, day = who[order], day[order]
    kept = np.arange(who.size) - np.searchsorted(who, who) < last[who]
    who = np.concatenate([np.arange(CUSTOMERS), who[kept]])
    day = np.concatenate([born, day[kept]])
    nu = rng.gamma(SPEND["q"], 1 / SPEND["v"], CUSTOMERS)
    amount = np.round(np.maximum(rng.gamma(SPEND["p"], 1 / nu[who]), 0.01), 2)
    mixed = rng.permutation(who.size)
    columns = {
        "customer_id": np.char.mod("C%07d", who[mixed]),
        "order_id": np.char.mod("%08d", mixed),
        "order_date": (FIRST + day[mixed]).astype("M8[us]"),
        "amount": amount[mixed],
    }
    pd.DataFrame(columns).to_parquet(path, index=False)
    return {"customers": CUSTOMERS, "orders": len(who)}


def ours(path: str) -> dict[str, float]:
    import duckdb

    from ltvkit import customers
    from ltvkit.forecast import fit, predict

    clock = [time.perf_counter()]
    lines = duckdb.read_parquet(path)
    buyers = customers.summarize(lines, as_of=AS_OF)
    clock.append(time.perf_counter())
    fitted = fit(buyers, model="bg_nbd", unit="day")
    clock.append(time.perf_counter())
    predicted = predict(buyers, fitted, months=(12,), discount=0.1)
    total = predicted.aggregate("sum(ltv_12m)").fetchall()[0][0]
    clock.append(time.perf_counter())
    return took(("summary", "fits", "LTV"), clock) | {"total": total}


def theirs(path: str) -> dict[str, float]:
    import lifetimes
    from lifetimes.utils import summary_data_from_transaction_data

    clock = [time.perf_counter()]
    lines = pd.read_parquet(path)
    table = summary_data_from_transaction_data(
        lines, "customer_id", "order_date", "amount", observation_period_end=AS_OF
    )
    clock.append(time.perf_counter())
    buying = lifetimes.BetaGeoFitter().fit(table["frequency"], table["recency"], table["T"])
    again = table[table["frequency"] > 0]
    spend = lifetimes.GammaGammaFitter().fit(again["frequency"], again["monetary_value"])
    clock.append(time.perf_counter())
    history = table["frequency"], table["recency"], table["T"], table["monetary_value"]
    rate = 1.1 ** (1 / 12) - 1
    ltv = spend.customer_lifetime_value(buying, *history, time=12, discount_rate=rate, freq="D")
    clock.append(time.perf_counter())
    return took(("summary", "fits", "LTV"), clock) | {"total": float(ltv.sum())}


def fits(path: str) -> dict[str, float]:
    """BG/NBD alone, on the same million histories; log likelihoods by the same function."""
    import duckdb
    import lifetimes

    from ltvkit import customers, forecast

    buyers = customers.summarize(duckdb.read_parquet(path), as_of=AS_OF).df()
    last = buyers["tenure_days"] - buyers["recency_days"]
    history = [(buyers["purchase_days"] - 1).to_numpy(), last.to_numpy(float)]
    history.append(buyers["tenure_days"].to_numpy(float))
    seconds, found = {"ours": [], "theirs": []}, {}
    for _round in range(ROUNDS):
        for name, fitter in (("ours", forecast.BetaGeoFitter), ("theirs", lifetimes.BetaGeoFitter)):
            start = time.perf_counter()
            found[name] = fitter().fit(*history)
            seconds[name].append(time.perf_counter() - start)
    mine = found["ours"]
    data = {c: mine.data[c].to_numpy() for c in mine.data}
    reached = {n: mine._scores(f.params_.to_numpy(), data)[0] for n, f in found.items()}
    value = {n: float((ll * data["weights"]).sum()) for n, ll in reached.items()}
    return {
        **{f"seconds_{n}": statistics.median(s) for n, s in seconds.items()},
        "ratio": statistics.median(
            t / o for o, t in zip(seconds["ours"], seconds["theirs"], strict=True)
        ),
        **{f"log_likelihood_{n}": v for n, v in value.items()},
        "histories": len(mine.data),
    }


def took(parts: tuple[str, ...], clock: list[float]) -> dict[str, float]:
    spans = dict(zip(parts, np.diff(clock).tolist(), strict=True))
    return spans | {"whole": clock[-1] - clock[0]}


def alone(task: str, path: Path) -> dict[str, float]:
    """A task in a process of its own, with the most memory it held (MB)."""
    done = subprocess.run(
        [sys.executable, __file__, task, str(path)], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{task} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.parquet"
        size = simulate(path)
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        print(f"{size['customers']:,} customers, {size['orders']:,} orders")
        runs = [{t: alone(t, path) for t in ("ours", "theirs")} for _round in range(ROUNDS)]
        fit = alone("fits", path)
    rows = []
    for part in ("summary", "fits", "LTV", "whole", "memory"):
        mine, other = ([run[who][part] for run in runs] for who in ("ours", "theirs"))
        ratio = statistics.median(b / a for a, b in zip(mine, other, strict=True))
        rows.append((part, statistics.median(mine), statistics.median(other), ratio))
    rows.append(("BG/NBD fit alone", fit["seconds_ours"], fit["seconds_theirs"], fit["ratio"]))
    print("\n| part | ltvkit | lifetimes | ratio |\n| --- | ---: | ---: | ---: |")
    for part, mine, other, ratio in rows:
        unit = "MB" if part == "memory" else "s"
        places = 0 if part == "memory" else 2
        print(f"| {part} | {mine:,.{places}f} {unit} | {other:,.{places}f} {unit} | {ratio:.1f} |")
    mine, other = fit["log_likelihood_ours"], fit["log_likelihood_theirs"]
    print(f"\n{fit['histories']:,} distinct histories; log likelihood {mine:,.4f}, {other:,.4f}")
    totals = [run["ours"]["total"] / run["theirs"]["total"] for run in runs]
    print(f"sum of LTV, ltvkit / lifetimes: {totals[0]:.4f}")
    ratios = {name: ratio for name, _mine, _other, ratio in rows}
    failed = [
        ratios["BG/NBD fit alone"] < BOUNDS["fit"],
        ratios["whole"] < BOUNDS["whole"],
        ratios["memory"] < 1,
        mine < other - 1e-3,
    ]
    if any(failed):
        sys.exit(f"a bound does not hold: fit, whole, memory, log likelihood: {failed}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        found = {"ours": ours, "theirs": theirs, "fits": fits}[sys.argv[1]](sys.argv[2])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found | {"memory": peak}))
    else:
        main()
