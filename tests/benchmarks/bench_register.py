"""Fifty hypotheses on a million orders. `python tests/benchmarks/bench_register.py`.

A mail-order shop of 430,000 customers over 30 months in one Parquet file, and a register of fifty
hypotheses of all targets and all comparisons that are replayed, with starts and lengths of their
own; from the file to the board, in seconds and megabytes.
"""

from __future__ import annotations

import datetime as dt
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from ltvkit.hypotheses.board import evaluate_all
from ltvkit.hypotheses.hypothesis import Hypothesis, Target
from ltvkit.hypotheses.registry.store import Registry
from ltvkit.samples import shop

CUSTOMERS, HYPOTHESES, BOUND = 430_000, 50, 60
AS_OF = dt.date(2024, 9, 30)
TARGETS = (
    Target("segment", ("at risk", "hibernating")),
    Target("segment", ("champions", "loyal")),
    Target("decile", ("9", "10")),
    Target("abc_class", ("A",)),
    Target("channel", ("social",)),
)
OTHERS = {"control_segment": Target("segment", ("about to sleep", "lost"))}
COMPARISONS = ("control_segment", "same_period_last_year", "before_after")


def hypothesis(n: int, rng: np.random.Generator) -> Hypothesis:
    start = dt.date(2024, 1, 1) + dt.timedelta(int(rng.integers(0, 200)))
    words = dict.fromkeys(("title", "hypothesis", "owner", "department", "measure"), "x")
    comparison = COMPARISONS[n % 3]
    return Hypothesis(
        id=f"h{n}", **words, target=TARGETS[n % 5], selected=start - dt.timedelta(1), start=start,
        end=start + dt.timedelta(int(rng.integers(20, 60))), metric="revenue_per_customer",
        guardrails=("orders_per_customer", "retention_rate"), comparison=comparison,
        smallest_effect=100.0, control=OTHERS.get(comparison),
    )  # fmt: skip


def write(path: Path) -> int:
    """The kept lines of the shop, one per order; returns how many."""
    sales = shop.simulate(customers=CUSTOMERS, measures=False)
    kept = sales[(sales["status"] != "cancelled") & (sales["customer_id"] != "")]
    orders = kept.groupby(["customer_id", "order_id", "order_date", "channel"], as_index=False)
    table = orders[["amount", "margin"]].sum().astype({"amount": float, "margin": float})
    table.assign(order_date=pd.to_datetime(table["order_date"])).to_parquet(path, index=False)
    return len(table)


def main() -> None:
    rng = np.random.default_rng(1)
    tried = tuple(hypothesis(n, rng) for n in range(HYPOTHESES))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.parquet"
        orders = write(path)
        start = time.perf_counter()
        lines = duckdb.connect().read_parquet(str(path))
        board = evaluate_all(Registry(Path(folder), tried), lines, as_of=AS_OF)
        seconds = time.perf_counter() - start
    replays = sum(len(e.natural) for e in board.evaluations)
    print(f"{orders:,} orders, {len(board.evaluations)} hypotheses, {replays} replays")
    print(f"{seconds:.1f} s (bound {BOUND})")
    print(f"memory at its peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    sys.exit(seconds > BOUND or len(board.problems) > 0)


if __name__ == "__main__":
    main()
