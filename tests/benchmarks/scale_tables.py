"""Results of bench_scale as Markdown tables, and whether they keep the bounds.

Results are one row per way, task and number of lines: median seconds, median busy seconds (of all
cores), peak in MB, rounds, and the size in MB of a file that was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

NAMES = {
    "kit": "ltvkit",
    "kit, days kept": "ltvkit, days kept",
    "bare": "bare DuckDB SQL",
    "polars": "Polars",
    "pandas": "pandas",
    "pandas, tuned": "pandas, tuned",
    "spark, 1 worker": "ltvkit on Spark, 1 worker",
    "spark, 2 workers": "ltvkit on Spark, 2 workers",
}
CONCEPTS = ("customers", "rfm", "deciles", "abc", "cohorts", "kpis")
TASKS = (*CONCEPTS, "everything")
DAYS = "keep_days"  # of the kit only, once per file
FITS = ("fit", "fit_alone")  # of the kit only
KEY = ["way", "task", "lines"]
JUDGED, FROM = 1e7, 1e6  # lines at which ratios are held to their bounds; from which growth is
OF_BARE, FASTER_THAN_PANDAS, EXPONENT, FIT_GROWTH = 1.3, 5.0, 1.05, 3.0


def read(paths: Iterable[str]) -> pd.DataFrame:
    """Results of several files; of the same thing measured twice, the later file counts."""
    return merged(*(pd.read_json(path) for path in paths if Path(path).exists()))


def merged(*results: pd.DataFrame) -> pd.DataFrame:
    """Results in the order of ways, tasks and lines; a later one replaces an earlier one."""
    if not results:
        return pd.DataFrame(columns=[*KEY, "seconds", "busy", "peak", "rounds", "file"])
    table = pd.concat(results).drop_duplicates(KEY, keep="last")
    places = {"way": [*NAMES], "task": [DAYS, *TASKS, *FITS]}

    def place(column: pd.Series) -> pd.Series:
        known = places.get(column.name)
        return column if known is None else column.map(known.index)

    return table.sort_values(["lines", "task", "way"], key=place, ignore_index=True)


def write(table: pd.DataFrame, path: str) -> None:
    Path(path).write_text(table.to_json(orient="records", indent=1) + "\n", "utf-8")


def markdown(table: pd.DataFrame) -> str:
    """All tables, each with a line that says what it is."""
    concepts = (_concepts(table, *of) for of in (("seconds", "Seconds"), ("busy", "Busy seconds")))
    parts = [_whole(table), *concepts, _growth(table), _days(table), _fits(table)]
    return "\n\n".join(part for part in parts if part)


def _whole(table: pd.DataFrame) -> str:
    """All tables together by size and way."""
    rows = table[table["task"] == "everything"]
    cells = [
        [
            f"{row.lines:,}",
            NAMES[row.way],
            f"{row.seconds:.2f}",
            _number(ratio(row.seconds, seconds(rows, "bare", "everything", row.lines))),
            f"{row.busy:.2f}",
            f"{row.peak:,.0f}",
        ]
        for row in rows.itertuples()
    ]
    head = ["lines", "way", "seconds", "of bare", "busy seconds", "peak MB"]
    return _table("All summary tables together:", head, cells, texts=(1,))


def _concepts(table: pd.DataFrame, column: str, named: str) -> str:
    """Each concept alone by way, where bounds are judged, or at the most lines below."""
    rows = table[table["task"].isin(TASKS) & (table["lines"] < 1.1 * JUDGED)]
    rows = rows[rows["lines"] == rows["lines"].max()]
    if rows.empty:
        return ""
    wide = rows.pivot(index="way", columns="task", values=column)
    tasks = [task for task in TASKS if task in wide]
    cells = [
        [NAMES[way], *(_number(wide.loc[way, task]) for task in tasks)]
        for way in NAMES
        if way in wide.index
    ]
    text = f"{named} of each concept alone, from the file on, at {rows['lines'].iloc[0]:,} lines:"
    return _table(text, ["way", *tasks], cells)


def _growth(table: pd.DataFrame) -> str:
    """The exponent of each task by way, and up to which size it was seen."""
    rows = table[table["task"].isin(TASKS) & (table["lines"] > 0.9 * FROM)]
    groups = rows.groupby(["way", "task"], sort=False)
    slopes = {key: exponent(group) for key, group in groups}
    tasks = [task for task in TASKS if any(slopes.get((way, task)) for way in NAMES)]
    cells = [
        [
            NAMES[way],
            f"{rows.loc[rows['way'] == way, 'lines'].max():,}",
            *(_number(slopes.get((way, task))) for task in tasks),
        ]
        for way in NAMES
        if any(slopes.get((way, task)) for task in tasks)
    ]
    text = f"Growth exponents of seconds from {FROM:,.0f} lines on (1: as many times as the lines):"
    return _table(text, ["way", "up to lines", *tasks], cells)


def _days(table: pd.DataFrame) -> str:
    """What it takes to keep the days."""
    rows = table[table["task"] == DAYS]
    cells = [
        [
            f"{row.lines:,}",
            f"{row.seconds:.2f}",
            f"{row.busy:.2f}",
            f"{row.peak:,.0f}",
            _number(row.file),
        ]
        for row in rows.itertuples()
    ]
    head = ["lines", "seconds", "busy seconds", "peak MB", "file MB"]
    return _table("The days, made and written once per export:", head, cells, texts=())


def _fits(table: pd.DataFrame) -> str:
    rows = table[table["task"].isin(FITS)]
    names = {"fit": "from customers", "fit_alone": "from distinct histories"}
    cells = [
        [
            f"{row.lines:,}",
            names[row.task],
            f"{row.seconds:.2f}",
            f"{row.busy:.2f}",
            f"{row.peak:,.0f}",
        ]
        for row in rows.itertuples()
    ]
    head = ["lines", "fit of BG/NBD", "seconds", "busy seconds", "peak MB"]
    return _table("The BTYD fit, the tables before it made before the clock:", head, cells, (1,))


def _table(
    text: str, head: list[str], cells: list[list[str]], texts: tuple[int, ...] = (0,)
) -> str:
    """A Markdown table below a line of text; columns of `texts` to the left. Empty without rows."""
    if not cells:
        return ""
    lines = ["---" if place in texts else "---:" for place in range(len(head))]
    rows = "\n".join(f"| {' | '.join(row)} |" for row in (head, lines, *cells))
    return f"{text}\n\n{rows}"


def _number(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.2f}"


def exponent(rows: pd.DataFrame) -> float | None:
    """The slope of log seconds on log lines, from `FROM` lines on (within a tenth)."""
    known = rows[rows["lines"] > 0.9 * FROM]
    if len(known) < 2 or known["lines"].min() > 1.1 * FROM:
        return None
    lines, seconds = (np.log(known[name].to_numpy(dtype=float)) for name in ("lines", "seconds"))
    return float(np.polyfit(lines, seconds, 1)[0])


def judged(table: pd.DataFrame) -> tuple[bool, str]:
    """Whether the bounds hold, of those that these sizes and ways can tell, and a line on each.

    What has no bound is told beside those that have one.
    """
    kit = table[(table["way"] == "kit") & (table["task"] == "everything")]
    whole = {way: seconds(table, way, "everything", JUDGED) for way in NAMES}
    bounds = [
        ("kit / bare SQL", ratio(whole["kit"], whole["bare"]), OF_BARE),
        ("kit, days kept / bare SQL", ratio(whole["kit, days kept"], whole["bare"]), None),
        ("kit / pandas", ratio(whole["kit"], whole["pandas"]), 1 / FASTER_THAN_PANDAS),
        ("kit, days kept / pandas", ratio(whole["kit, days kept"], whole["pandas"]), None),
        ("kit / pandas, tuned", ratio(whole["kit"], whole["pandas, tuned"]), None),
        ("growth exponent of the kit", exponent(kit), EXPONENT),
    ]
    for task in FITS:
        small, large = (seconds(table, "kit", task, size) for size in (1e6, 1e8))
        bounds.append((f"{task}, 1e8 / 1e6 lines", ratio(large, small), FIT_GROWTH))
    told = [(name, figure, most) for name, figure, most in bounds if most or figure is not None]
    holds = all(figure is None or most is None or figure <= most for _name, figure, most in told)
    return holds, "\n".join(f"- {_verdict(*bound)}" for bound in told)


def _verdict(name: str, figure: float | None, most: float | None) -> str:
    if figure is None:
        return f"{name}: not measured (at most {most:.2f})"
    if most is None:
        return f"{name}: {figure:.3f} (no bound)"
    verdict = "holds" if figure <= most else "does NOT hold"
    return f"{name}: {figure:.3f}, at most {most:.2f}: {verdict}"


def seconds(table: pd.DataFrame, way: str, task: str, size: float) -> float | None:
    """The median at about so many lines; None where it was not measured."""
    here = (table["way"] == way) & (table["task"] == task)
    near = table[here & table["lines"].between(0.9 * size, 1.1 * size)]
    return None if near.empty else float(near["seconds"].iloc[0])


def ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one / other
