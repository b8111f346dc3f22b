"""Run a notebook as a report does, without a kernel; and what no page may say of any shop."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ltvkit.report import results
from ltvkit.report.runner.missing_data import MissingData

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
MOST = 1000  # times all that was ever sold: more than that, no figure means anything
# Columns that are a share of something.
SHARE = re.compile(r"(^|_)(share|rate|within_\d+_days|power|coverage)$")
# A return can make revenue of a part negative, and its share with it.
NO_SHARE = {"revenue_share", "cumulative_share", "margin_rate"}
OPEN = {"above", "up_to"}  # ends of ranges, infinite where there is none
NOUNS = (
    "customers", "orders", "lines", "months", "days", "products", "categories", "checks", "items",
    "hypotheses", "returns", "buyers", "weeks", "years", "times", "dates", "periods",
)  # fmt: skip
FAULTS = {
    "a missing value as text": r"\b(nan|NaN|NaT|inf|None)\b",
    "an error": r"Traceback|\w+Error\b",
    "one of many": rf"(?<![\d.,])1 ({'|'.join(NOUNS)})\b",
    "a fall by more than all": r"(?:down|fell by) (?!100\.0%)[1-9][\d,]*\d{2}\.\d%",
    "a share above 100%": (
        r"(?<!up )(?<!rose by )(?<![\d.,+])(?!100\.0%)[1-9][\d,]*\d{2}\.\d%(?! more| too)"
    ),
    "a share below 0%": r"(?<![\d%] to )−\d[\d,.]*% of",
    "a dash for a figure": r"(^|; |: )– (?!not )",  # a caption says what it means
    "praise for a bad forecast": r"([5-9]\d|\d{3,})\.\d% too (high|low)\b.*(good enough|as well)",
    "a forecast of nothing": r"We expect 0 ",
    "a range of one value": r"\b(\S+ [A-Z]{3})(?: \([^)]*\))? to \1(?![\d.,])",
}


def run(notebook: Path, given: dict) -> None:
    """All code cells of a notebook, with `given` for its parameters, as a report runs them."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    quick = {"InteractiveShell": {"xmode": "Minimal"}, "HistoryManager": {"enabled": False}}
    shell = InteractiveShell(config=Config(quick))
    shell.showtraceback = lambda *_any, **_options: None  # a note stands in its place
    missing = MissingData()
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "exercise" not in cell["metadata"].get("tags", ()):
            source = "".join(cell["source"])
            error = shell.run_cell(source, store_history=True).error_in_exec
            if error:
                note = missing.explain(source, type(error).__name__, str(error))
                assert note, f"{source}\n{error!r}"
                print(note)
        if "parameters" in cell["metadata"].get("tags", ()):
            shell.push(given)
    if missing.reasons:
        results.add_findings(given["out"], missing.reasons, page=notebook.stem)


def find_faults(texts: list[str]) -> Iterator[str]:
    """Sentences -> what is wrong with each, before anybody asks whether it is true."""
    for text in dict.fromkeys(texts):
        for fault, pattern in FAULTS.items():
            if re.search(pattern, text):
                yield f"{fault}: {text}"


def find_table_faults(name: str, table: pd.DataFrame, *, sales: float) -> Iterator[str]:
    """A saved table -> figures that no shop can have; `sales` is all that was ever sold."""
    numbers = table.select_dtypes("number")
    for column in numbers:
        values = numbers[column].dropna()
        if column in OPEN:
            values = values[np.isfinite(values)]
        if np.isinf(values).any() or (values.abs() > MOST * max(sales, 1.0)).any():
            yield f"{name}.{column}: {values.abs().max():.3g} beside sales of {sales:.3g}"
        bounded = SHARE.search(str(column)) and column not in NO_SHARE
        if bounded and not values.between(-1e-9, 1 + 1e-9).all():
            yield f"{name}.{column}: {values.min():.3g} to {values.max():.3g} is no share"
    if {"low", "high"} <= set(numbers) and (numbers["low"] > numbers["high"]).any():
        yield f"{name}: low is above high"
    if {"low", "expected", "high"} <= set(numbers):
        inside = numbers["expected"].between(numbers["low"], numbers["high"])
        if not inside[numbers["low"].notna()].all():
            yield f"{name}: an expected value outside its range"
    yield from _find_odd_rows(name, table)


def _find_odd_rows(name: str, table: pd.DataFrame) -> Iterator[str]:
    """A saved table -> rows whose name or size no manager would believe."""
    if name == "forecast_revenue":
        ahead = table[table["expected"].notna()]
        past = table["actual"].dropna().tail(len(ahead))
        expected, actual = ahead["expected"].sum(), past.sum()
        if len(past) == len(ahead) and not actual / 5 <= expected <= 5 * actual:
            yield f"{name}: {expected:,.0f} is expected, after {actual:,.0f} in as many months"
    if name == "rfm_segments":
        new = table[table["segment"] == "new"]
        if (new["median_recency_days"] > 365).any():
            yield f"{name}: new customers came {new['median_recency_days'].iloc[0]:.0f} days ago"
        if (new["orders"] > 2 * new["customers"]).any():
            yield f"{name}: new customers ordered {new['orders'].sum()} times"


def find_metric_faults(metrics: dict) -> Iterator[str]:
    """Figures of a page -> those that no shop can have."""
    for name in ("gini", "top20_share", "repeat_rate"):
        value = metrics.get(name)
        if value is not None and (value < -1e-9 or value > 1 + 1e-9):
            yield f"{name} is {value:.3g}"
