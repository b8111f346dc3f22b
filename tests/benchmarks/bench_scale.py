"""From prepared Parquet to all summary tables, by size. `python tests/benchmarks/bench_scale.py`.

RFM, deciles, ABC of products and customers, cohorts, and key figures by day, week, month and year,
each concept alone (from the file on) and all of them together, at 100 thousand to 100 million order
lines on two cores: through the kit (also from days that its preparation keeps, and on a Spark
cluster of this machine where `--only` names it), in bare DuckDB SQL (the limit), in Polars, and in
pandas, plain and tuned by hand. Then the BTYD fit. Each measurement is a process of its own;
medians of rounds, interleaved. First all ways must give equal tables.

Fails where they differ, or where a bound does not hold: all tables at 10 million lines within 1.3
times bare SQL and 5 times faster than pandas (plain; the tuned one is told beside it, without a
bound), growth no steeper than lines to the power of 1.05, and a fit on 100 million lines within 3
times that on 1 million.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import lines as made
import pandas as pd
import psutil
import scale_tables
from same_tables import difference, plain
from scale_tables import DAYS, FITS, JUDGED, TASKS
from with_kit import days_of

from ltvkit.ingest import daily


class Way(NamedTuple):
    """A module with `opened` and a function per task, what it is opened with, and up to which size.

    A further engine of the kit is a module that opens the lines in it and has the tasks of
    `with_kit`.
    """

    module: str
    options: dict[str, Any] = {}  # noqa: RUF012
    most: str = ""  # the argument that says it


class Cost(NamedTuple):
    """What a task took. Busy: of all cores, which neighbours on the machine hardly change."""

    seconds: float
    busy: float
    peak: float  # MB


class Measured(NamedTuple):
    way: str
    task: str
    lines: int
    seconds: float
    busy: float
    peak: float
    file: float | None = None  # MB written


WAYS = {
    "kit": Way("with_kit"),
    "kit, days kept": Way("with_kit", {"kept": True}),
    "bare": Way("bare_sql"),
    "polars": Way("good_polars"),
    "pandas": Way("plain_pandas", most="most_pandas"),
    "pandas, tuned": Way("good_pandas", most="most_pandas"),
    "spark, 1 worker": Way("with_spark", {"workers": 1}, most="most_spark"),
    "spark, 2 workers": Way("with_spark", {"workers": 2}, most="most_spark"),
}
USUAL = [way for way in WAYS if not way.startswith("spark")]
CHECKED = 1e5  # lines at which tables are compared


def main() -> None:
    asked = arguments()
    sys.stdout.reconfigure(line_buffering=True)
    if asked.results:
        sys.exit(not shown(scale_tables.read(asked.results)))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    table = scale_tables.read([asked.out] if asked.out else [])
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        home = Path(asked.folder or folder)
        equal, found = checked(home, asked) if asked.check else (True, [])
        for size in map(int, asked.sizes):
            found += measured(home, size, asked)
            table = scale_tables.merged(table, medians(found))
            if asked.out:  # after every size, as the largest takes long
                scale_tables.write(table, asked.out)
    sys.exit(not (shown(table) and equal))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    many = {"nargs": "+"}
    parser.add_argument("--sizes", **many, type=float, default=[1e5, 1e6, 1e7, 1e8], help="lines")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rounds-large", type=int, default=1, help="above 1e7 lines")
    parser.add_argument(
        "--only",
        **many,
        choices=WAYS,
        default=USUAL,
        metavar="WAY",
        help=f"of {', '.join(map(repr, WAYS))}",
    )
    parser.add_argument("--tasks", **many, choices=(*TASKS, *FITS), default=(*TASKS, *FITS))
    parser.add_argument("--memory", default="4GB", help="limit of DuckDB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--most-pandas", type=float, default=1e7, help="lines")
    parser.add_argument("--most-spark", type=float, default=1e7, help="lines")
    parser.add_argument("--folder", help="where lines are made and stay; else they are deleted")
    parser.add_argument("--no-check", dest="check", action="store_false")
    parser.add_argument("--out", help="results as JSON: new ones are added, and replace the same")
    parser.add_argument(
        "--from", **many, dest="results", help="show these results, and measure nothing"
    )
    return parser.parse_args()


def prepared(home: Path, size: int, asked: argparse.Namespace) -> tuple[Path, int]:
    """The file of about `size` lines, made where it is not there yet, and its true count."""
    import pyarrow.parquet as pq

    path = home / f"lines-{size}.parquet"
    if not path.exists():
        start = time.perf_counter()
        part = path.with_name(f"part-{path.name}")
        made.write(part, size, memory=asked.memory, threads=asked.threads)
        part.rename(path)
        print(f"lines of size {size:,} made in {time.perf_counter() - start:.0f} s")
    return path, pq.read_metadata(path).num_rows


def kept_days(path: Path, lines: int, ways: list[str], asked: argparse.Namespace) -> list[Measured]:
    """The file of the days, made where a way needs it and it is not there; what that took."""
    kept, older = days_of(path), (path, Path(daily.__file__))
    fresh = kept.exists() and kept.stat().st_mtime > max(file.stat().st_mtime for file in older)
    if fresh or not any(WAYS[way].options.get("kept") for way in ways):
        return []
    cost, size = once("kit", DAYS, path, asked), kept.stat().st_size / 1e6
    print(f"days of {lines:,} lines made in {cost.seconds:.1f} s, {size:,.1f} MB")
    return [Measured("kit", DAYS, lines, *cost, size)]


def measured(home: Path, size: int, asked: argparse.Namespace) -> list[Measured]:
    """Every task by every way, a process each, round by round."""
    path, lines = prepared(home, size, asked)
    ways = [way for way in asked.only if size <= most(way, asked)]
    for way in (way for way in asked.only if way not in ways):
        print(f"{way} is left out at {lines:,} lines: it is run up to {most(way, asked):,.0f}")
    pairs = [
        (way, task) for task in asked.tasks for way in ways if task not in FITS or way == "kit"
    ]
    rounds = asked.rounds_large if size > JUDGED else asked.rounds
    return kept_days(path, lines, ways, asked) + [
        Measured(way, task, lines, *once(way, task, path, asked))
        for _round in range(rounds)
        for way, task in pairs
    ]


def most(way: str, asked: argparse.Namespace) -> float:
    """The most lines that a way is run with."""
    return getattr(asked, WAYS[way].most) if WAYS[way].most else float("inf")


def once(way: str, task: str, path: Path, asked: argparse.Namespace) -> Cost:
    """One task, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as spill:
        return Cost(*json.loads(child(way, task, path, spill, asked).splitlines()[-1]))


def child(way: str, task: str, path: Path, spill: str, asked: argparse.Namespace) -> str:
    rule = {"memory": asked.memory, "threads": asked.threads, "spill": spill}
    command = [sys.executable, __file__, "child", way, task, str(path), json.dumps(rule)]
    threads = {"POLARS_MAX_THREADS": str(asked.threads)}
    done = subprocess.run(command, env=os.environ | threads, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{way}, {task} failed at {path.name}")
    return done.stdout


def run(way: str, task: str, path: str, rule: str) -> None:
    """In the child: one task against the clock, or all tables into the folder to spill to."""
    module, rules = importlib.import_module(WAYS[way].module), json.loads(rule)
    shop = module.opened(path, as_of=made.AS_OF, **rules, **WAYS[way].options)
    if task == "check":
        keep(module, shop, Path(rules["spill"]))
        return
    if task in FITS:
        shop = module.BEFORE[task](shop)
    start, began = time.perf_counter(), busy()
    getattr(module, task)(shop)
    print(json.dumps(Cost(time.perf_counter() - start, busy() - began, peak())))


def busy() -> float:
    """Seconds of all cores, of this process and those that it started, as those of a cluster."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(t.user + t.system for t in times)


def peak() -> float:
    """The most memory that this process held, and each of those that it started, in MB."""
    others = [child.pid for child in psutil.Process().children(recursive=True)]
    return sum(held(pid) for pid in (os.getpid(), *others))


def held(pid: int) -> float:
    """What a process held at most, in MB; one that has ended holds nothing.

    `getrusage` takes over what the process held that started this one: it is asked elsewhere only.
    """
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    known = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
    return int(known.get("VmHWM", "0 kB").split()[0]) * 1.024 / 1000


def keep(module: object, shop: object, folder: Path) -> None:
    for task in TASKS:
        for name, table in getattr(module, task)(shop).items():
            plain(table).to_pickle(folder / f"{task}-{name}.pickle")


def checked(home: Path, asked: argparse.Namespace) -> tuple[bool, list[Measured]]:
    """Whether all ways give the tables of the first, alone and all together; says what differs.

    And what it took to make the days, where they were not there yet.
    """
    ways = asked.only
    path, lines = prepared(home, int(CHECKED), asked)
    found = kept_days(path, lines, ways, asked)
    tables = {way: kept(way, path, asked) for way in ways}
    first, equal = ways[0], True
    for way in ways[1:]:
        for name, table in tables[way].items():
            text = difference(tables[first][name], table)
            if text:
                print(f"{name}: {way} differs from {first}: {text}")
            equal &= not text
    verdict = "equal" if equal else "NOT equal"
    print(f"{'; '.join(ways)} at {lines:,} lines, {len(tables[first])} tables: {verdict}")
    return equal, found


def kept(way: str, path: Path, asked: argparse.Namespace) -> dict[str, pd.DataFrame]:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        child(way, "check", path, folder, asked)
        return {file.stem: pd.read_pickle(file) for file in sorted(Path(folder).glob("*.pickle"))}


def medians(found: list[Measured]) -> pd.DataFrame:
    """Way, task, lines -> median seconds, busy and not, the highest peak, rounds."""
    rows = pd.DataFrame(found, columns=Measured._fields)
    return rows.groupby(["way", "task", "lines"], sort=False, as_index=False).agg(
        seconds=("seconds", "median"),
        busy=("busy", "median"),
        peak=("peak", "max"),
        rounds=("seconds", "size"),
        file=("file", "max"),
    )


def shown(table: pd.DataFrame) -> bool:
    """All tables and bounds, printed; whether the bounds hold."""
    holds, text = scale_tables.judged(table)
    print(f"\n{scale_tables.markdown(table)}\n\nBounds:\n\n{text}")
    return holds


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        run(*sys.argv[2:6])
    else:
        main()
