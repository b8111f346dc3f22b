"""From a CSV file to prepared Parquet. `python tests/benchmarks/bench_reading.py`.

Ten million clean order lines, made by DuckDB: through ltvkit (every value read as shops write
them, every line judged, the file's encoding proved, the result reconciled) against a bare DuckDB
`COPY (SELECT ... FROM read_csv(...)) TO ... (FORMAT parquet)`, once with the casts that do for
such a clean file and once with the kit's own; then the same lines in CP932, and with 4% of them
faulty. Each reading is a process of its own; medians of the rounds. `--large` reads ten times as
many within a memory limit of 1 GB instead; `--rounds 3` and `--lines 1000000` make it shorter.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ltvkit import orders

LINES, ROUNDS, LIMIT = 10_000_000, 5, "1GB"
BOUNDS = {"utf-8": 1.5, "cp932": 1.6, "faulty": 4.0}
NAMES = ("order_id", "order_date", "customer_id", "product_id", "product", "quantity", "amount")
MADE = """
    select (1000000 + i // 3)::varchar as order_id,
        strftime(date '2022-01-01' + (hash(i // 3) % 1000)::int, '%Y-%m-%d') as order_date,
        lpad((hash(i // 3 + 7) % 500000)::varchar, 8, '0') as customer_id,
        'P' || lpad((hash(i) % 2000)::varchar, 5, '0') as product_id,
        ['煎茶', 'ほうじ茶', '化粧水', 'Matcha latte', '玄米茶 200g'][1 + (hash(i + 3) % 5)::int]
            as product,
        1 + (hash(i + 1) % 4)::int as quantity, 100 + (hash(i + 2) % 9000)::int as amount
    from range({lines}) t(i)"""
PLAIN = """customer_id, order_id, try_strptime(order_date, '%Y-%m-%d') as order_date,
    try_cast(amount as double) as amount, product_id, product, try_cast(quantity as double) as q"""


def with_kit(path: Path) -> None:

    policies = {"memory_limit": LIMIT} if "--large" in sys.argv else {}
    book = orders.read(str(path), policies=policies)
    print(book.facts["lines_read"], file=sys.stderr)


def bare(path: Path, *, own: bool = False) -> None:
    import duckdb

    from ltvkit.ingest import mapping
    from ltvkit.ingest.policies import Policies
    from ltvkit.ingest.readers import csv_files
    from ltvkit.ingest.readers.part import Part

    sql = csv_files.build_fast_query(path, NAMES, delimiter=",", first=1)
    chosen = PLAIN
    if own:
        part = Part("", sql, dict.fromkeys(NAMES, "VARCHAR"), plain=True)
        mapped = {name: name for name in NAMES}
        sql = mapping.build_query(
            part, mapping.build_columns(part, mapped=mapped, rules=Policies(), zone="Asia/Tokyo")
        )
        chosen = ", ".join(NAMES)
    target = Path(os.environ["LTVKIT_REPORTS"]) / "bare.parquet"
    duckdb.connect().sql(f"copy (select {chosen} from ({sql})) to '{target}' (format parquet)")


READINGS = {
    "bare": bare,
    "bare, the kit's casts": lambda path: bare(path, own=True),
    "ltvkit": with_kit,
}


def once(reading: str, path: Path) -> tuple[float, float]:
    """Seconds and megabytes of one reading, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [sys.executable, __file__, "--reading", reading, str(path), *sys.argv[1:]]
        environment = os.environ | {"LTVKIT_REPORTS": folder}
        done = subprocess.run(
            command, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    return tuple(json.loads(done.stdout))


def child(reading: str, path: str) -> None:
    import duckdb  # what both begin with
    import pyarrow  # noqa: F401

    duckdb.connect()
    start = time.perf_counter()
    READINGS[reading](Path(path))
    taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps([taken, peak]))


def made(folder: Path, lines: int) -> Path:
    import duckdb

    path = folder / "utf-8.csv"
    duckdb.connect().sql(f"copy ({MADE.format(lines=lines)}) to '{path}' (header)")
    return path


def transcoded(path: Path) -> Path:
    target = path.with_name("cp932.csv")
    with path.open(encoding="utf-8", newline="") as old, target.open("wb") as new:
        while block := old.read(1 << 22):
            new.write(block.encode("cp932"))
    return target


def spoilt(path: Path) -> Path:
    """Every 25th line has a field too many, or a quotation mark that is not closed."""
    target = path.with_name("faulty.csv")
    old, new = (
        path.open(encoding="utf-8", newline=""),
        target.open("w", encoding="utf-8", newline=""),
    )
    with old, new:
        for n, line in enumerate(old):
            fault = (line.replace("\n", ",x\n"), f'"{line}')[n // 25 % 2]
            new.write(fault if n % 25 == 7 else line)
    return target


def compared(folder: Path) -> bool:
    """Print the ratios; whether they are within their bounds."""
    clean = made(folder, _asked("--lines", LINES))
    files = {"utf-8": clean, "cp932": transcoded(clean), "faulty": spoilt(clean)}
    runs = {(name, clean): [] for name in READINGS if name != "ltvkit"}
    runs |= {("ltvkit", path): [] for path in files.values()}
    for _round in range(_asked("--rounds", ROUNDS)):
        for (reading, path), found in runs.items():
            found.append(once(reading, path))
    seconds = {key: statistics.median(s for s, _peak in found) for key, found in runs.items()}
    peaks = {key: max(peak for _s, peak in found) for key, found in runs.items()}
    plain, own = seconds["bare", clean], seconds["bare, the kit's casts", clean]
    within = True
    for (reading, path), taken in seconds.items():
        print(
            f"{reading:24} {path.stem:7} {taken:7.2f} s {peaks[reading, path]:6,.0f} MB  "
            f"{taken / plain:5.2f} x bare  {taken / own:5.2f} x bare with the same casts"
        )
        if reading == "ltvkit" and path.stem in BOUNDS:
            within &= taken / own <= BOUNDS[path.stem]
    return within


def _asked(option: str, usual: int) -> int:
    return int(sys.argv[sys.argv.index(option) + 1]) if option in sys.argv else usual


def large(folder: Path) -> bool:
    """Ten times as many lines within a memory limit."""
    path = made(folder, 10 * LINES)
    taken, peak = once("ltvkit", path)
    size = path.stat().st_size / 1e9
    print(f"{size:.2f} GB read in {taken:.0f} s, {peak:,.0f} MB at its peak; limit {LIMIT}")
    return peak < 2000


if __name__ == "__main__":
    if "--reading" in sys.argv:
        child(*sys.argv[2:4])
    else:
        with tempfile.TemporaryDirectory() as home:
            sys.exit(not (large if "--large" in sys.argv else compared)(Path(home)))
