"""From prepared Parquet to all summary tables, by size. `python tests/benchmarks/bench_scale.py`.

RFM, deciles, ABC of products and customers, cohorts, and key figures by day, week, month and year,
each concept alone (from the file on) and all of them together, at 100 thousand to 100 million order
lines on two cores: through the kit, in bare DuckDB SQL (the limit), in Polars and in pandas. Then
the BTYD fit. Each measurement is a process of its own; medians of rounds, interleaved. First all
ways must give equal tables. Fails where they differ, or where a bound does not hold.
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
from typing import NamedTuple

import lines as made
import numpy as np
import pandas as pd


class Way(NamedTuple):
    """A module with `opened` and a function per task, and the environment it runs in.

    A further engine of the kit is a module that opens the lines in it and has the tasks of
    `with_kit`.
    """

    module: str
    environment: dict[str, str] = {}  # noqa: RUF012


class Measured(NamedTuple):
    way: str
    task: str
    lines: int
    seconds: float
    busy: float  # seconds of all cores, which neighbours on the machine hardly change
    peak: float  # MB


WAYS = {
    "kit": Way("with_kit"),
    "bare": Way("bare_sql"),
    "polars": Way("good_polars"),
    "pandas": Way("good_pandas"),
}
TASKS = ("customers", "rfm", "deciles", "abc", "cohorts", "kpis", "everything")
FITS = ("fit", "fit_alone")  # of the kit only
CHECKED, JUDGED = 1e5, 1e7  # lines at which tables are compared, and ratios held to their bounds
OF_BARE, FASTER_THAN_PANDAS, EXPONENT, FIT_GROWTH = 1.3, 5.0, 1.05, 3.0
KEYS = ("customer_id", "measure", "score", "segment", "decile", "class", "cohort", "age", "start")


def main() -> None:
    asked = arguments()
    sizes = [int(float(size)) for size in asked.sizes.split(",")]
    ways = asked.only.split(",")
    sys.stdout.reconfigure(line_buffering=True)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        home = Path(asked.folder or folder)
        equal = not asked.check or checked(home, ways, asked)
        found = []
        for size in sizes:
            found += measured(home, size, ways, asked)
            table = medians(found)
            if asked.out:  # after every size, as the largest takes long
                Path(asked.out).write_text(table.to_json(orient="records", indent=1), "utf-8")
    shown(table)
    sys.exit(not (equal and judged(table)))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1e5,1e6,1e7,1e8", help="order lines")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rounds-large", type=int, default=1, help="above 1e7 lines")
    parser.add_argument("--only", default=",".join(WAYS), help="ways, as in kit,bare")
    parser.add_argument("--tasks", default=",".join((*TASKS, *FITS)))
    parser.add_argument("--memory", default="4GB", help="limit of DuckDB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--most-pandas", type=float, default=1e7, help="lines")
    parser.add_argument("--folder", help="where lines are made and stay; else they are deleted")
    parser.add_argument("--no-check", dest="check", action="store_false")
    parser.add_argument("--out", help="results as JSON, for growth_chart.py")
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


def measured(home: Path, size: int, ways: list[str], asked: argparse.Namespace) -> list[Measured]:
    """Every task by every way, a process each, round by round."""
    path, lines = prepared(home, size, asked)
    if size > asked.most_pandas and "pandas" in ways:
        print(f"pandas is left out at {lines:,} lines: it is run up to {asked.most_pandas:,.0f}")
        ways = [way for way in ways if way != "pandas"]
    tasks = asked.tasks.split(",")
    pairs = [(way, task) for task in tasks for way in ways if task not in FITS or way == "kit"]
    rounds = asked.rounds_large if size > JUDGED else asked.rounds
    return [
        Measured(way, task, lines, *once(way, task, path, asked))
        for _round in range(rounds)
        for way, task in pairs
    ]


def once(way: str, task: str, path: Path, asked: argparse.Namespace) -> tuple[float, ...]:
    """Seconds, busy seconds and megabytes of one task, in a process of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as spill:
        return tuple(json.loads(child(way, task, path, spill, asked).splitlines()[-1]))


def child(way: str, task: str, path: Path, spill: str, asked: argparse.Namespace) -> str:
    rule = {"memory": asked.memory, "threads": asked.threads, "spill": spill}
    command = [sys.executable, __file__, "child", way, task, str(path), json.dumps(rule)]
    threads = {"POLARS_MAX_THREADS": str(asked.threads)}
    done = subprocess.run(
        command,
        env=os.environ | threads | WAYS[way].environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{way}, {task} failed at {path.name}")
    return done.stdout


def run(way: str, task: str, path: str, rule: str) -> None:
    """In the child: one task against the clock, or all tables into the folder to spill to."""
    module, rules = importlib.import_module(WAYS[way].module), json.loads(rule)
    shop = module.opened(path, as_of=made.AS_OF, **rules)
    if task == "check":
        keep(module, shop, Path(rules["spill"]))
        return
    if task in FITS:
        shop = module.BEFORE[task](shop)
    start, began = time.perf_counter(), time.process_time()
    getattr(module, task)(shop)
    taken, busy = time.perf_counter() - start, time.process_time() - began
    print(json.dumps([taken, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000]))


def keep(module: object, shop: object, folder: Path) -> None:
    for task in TASKS:
        for name, table in getattr(module, task)(shop).items():
            plain(table).to_pickle(folder / f"{task}-{name}.pickle")


def plain(table: object) -> pd.DataFrame:
    for way in ("df", "to_pandas", "toPandas"):
        if hasattr(table, way):
            return getattr(table, way)()
    return table


def checked(home: Path, ways: list[str], asked: argparse.Namespace) -> bool:
    """Whether all ways give the tables of the first, alone and all together; says what differs."""
    path, lines = prepared(home, int(CHECKED), asked)
    tables = {way: kept(way, path, asked) for way in ways}
    first, equal = ways[0], True
    for way in ways[1:]:
        for name, table in tables[way].items():
            text = difference(tables[first][name], table)
            if text:
                print(f"{name}: {way} differs from {first}: {text}")
            equal &= not text
    verdict = "equal" if equal else "NOT equal"
    print(f"{', '.join(ways)} at {lines:,} lines, {len(tables[first])} tables: {verdict}")
    return equal


def kept(way: str, path: Path, asked: argparse.Namespace) -> dict[str, pd.DataFrame]:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        child(way, "check", path, folder, asked)
        return {file.stem: pd.read_pickle(file) for file in sorted(Path(folder).glob("*.pickle"))}


def difference(table: pd.DataFrame, other: pd.DataFrame) -> str:
    """What tells two tables of the same facts apart; empty where they are equal.

    Rows that are all zero say nothing, and neither do columns that only one has, as they follow
    from the others.
    """
    columns = [c for c in other if c in table]
    if (set(other) - set(table)) or len(columns) < 2:
        return f"columns {list(other)} and {list(table)}"
    keys = [c for c in columns if c in KEYS]
    one, two = (_settled(t[columns], keys) for t in (table, other))
    if len(one) != len(two):
        return f"{len(one)} rows and {len(two)}"
    for column in columns:
        if not _alike(one[column], two[column]):
            return f"{column}: {list(one[column])[:5]} and {list(two[column])[:5]}"
    return ""


def _settled(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    figures = table.drop(columns=keys).select_dtypes("number")
    said = table[(figures != 0).any(axis=1)]
    return said.astype({k: str for k in keys if k not in ("score", "age")}).sort_values(
        keys, ignore_index=True
    )


def _alike(one: pd.Series, two: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(one):
        # Counts are below 1e9 here, where this tells any two whole numbers apart.
        return bool(np.allclose(one.astype(float), two.astype(float), rtol=1e-9, atol=1e-6))
    return list(one.astype(str)) == list(two.astype(str))


def medians(found: list[Measured]) -> pd.DataFrame:
    """Way, task, lines -> median seconds, busy and not, the highest peak, rounds."""
    rows = pd.DataFrame(found, columns=Measured._fields)
    return rows.groupby(["way", "task", "lines"], sort=False, as_index=False).agg(
        seconds=("seconds", "median"),
        busy=("busy", "median"),
        peak=("peak", "max"),
        rounds=("seconds", "size"),
    )


def shown(table: pd.DataFrame) -> None:
    print("\n| lines | task | way | seconds | of bare | of kit | busy | memory |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |")
    seconds = table.set_index(["lines", "task", "way"])["seconds"]
    for row in table.sort_values("lines", kind="stable").itertuples():
        ratios = [
            f"{row.seconds / seconds[row.lines, row.task, way]:.2f}"
            if (row.lines, row.task, way) in seconds.index
            else ""
            for way in ("bare", "kit")
        ]
        print(
            f"| {row.lines:,} | {row.task} | {row.way} | {row.seconds:.3f} | {ratios[0]} | "
            f"{ratios[1]} | {row.busy:.2f} | {row.peak:,.0f} MB |"
        )
    print()
    for (way, task), rows in table.groupby(["way", "task"], sort=False):
        spans = [(low, exponent(rows, low)) for low in (1e6, 1e5)]
        texts = [f"{slope:.3f} from {low:.0e}" for low, slope in spans if slope is not None]
        if texts:
            print(f"growth exponent of {way}, {task}: {', '.join(texts)}")


def exponent(rows: pd.DataFrame, low: float) -> float | None:
    """The slope of log seconds on log lines, from `low` lines on (within a tenth)."""
    known = rows[rows["lines"] > 0.9 * low]
    if len(known) < 2 or known["lines"].min() > 1.1 * low:
        return None
    return float(np.polyfit(np.log(known["lines"]), np.log(known["seconds"]), 1)[0])


def judged(table: pd.DataFrame) -> bool:
    """Whether the bounds hold, of those that these sizes and ways can tell; says each."""
    kit = table[(table["way"] == "kit") & (table["task"] == "everything")]
    whole = {way: seconds(table, way, "everything", JUDGED) for way in WAYS}
    bounds = [
        ("kit / bare SQL", ratio(whole["kit"], whole["bare"]), OF_BARE),
        ("kit / pandas", ratio(whole["kit"], whole["pandas"]), 1 / FASTER_THAN_PANDAS),
        ("growth exponent of the kit", exponent(kit, 1e6), EXPONENT),
    ]
    for task in FITS:
        small, large = (seconds(table, "kit", task, size) for size in (1e6, 1e8))
        bounds.append((f"{task}, 1e8 / 1e6 lines", ratio(large, small), FIT_GROWTH))
    print()
    for name, figure, most in bounds:
        if figure is None:
            print(f"{name}: not measured (at most {most:.2f})")
        else:
            verdict = "holds" if figure <= most else "does NOT hold"
            print(f"{name}: {figure:.3f}, at most {most:.2f}: {verdict}")
    return all(figure is None or figure <= most for _name, figure, most in bounds)


def seconds(table: pd.DataFrame, way: str, task: str, size: float) -> float | None:
    """The median at about so many lines; None where it was not measured."""
    here = (table["way"] == way) & (table["task"] == task)
    near = table[here & table["lines"].between(0.9 * size, 1.1 * size)]
    return None if near.empty else float(near["seconds"].iloc[0])


def ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one / other


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        run(*sys.argv[2:6])
    else:
        main()
