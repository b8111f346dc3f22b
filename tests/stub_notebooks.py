"""The notebooks run as scripts, and how many rows each of their steps brings out of the engine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pandas as pd
import pytest

from ltvkit import archetypes
from ltvkit.archetypes import profiles, tiers
from ltvkit.engines import frames, sampling
from ltvkit.engines.spark import lists, ranking
from ltvkit.forecast import estimation, next_orders, uncertainty
from ltvkit.forecast.backtesting import holdout, rolling_origins
from ltvkit.funnel import landmark
from ltvkit.hypotheses.effects import customer_days
from ltvkit.ingest.readers import samples
from ltvkit.ltv import curves, order_steps
from ltvkit.offers import evaluation, gaps, timing
from ltvkit.quality import summary
from ltvkit.report import results
from ltvkit.samples import events, shop
from ltvkit.support import after_purchase, aftermath, causes, routing
from ltvkit.traits import following

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
POLICIES = {"cancelled_status": ["cancelled"], "fold_ids": "case"}
MOST, GROUPS = 300, 5  # customers of a sample, instead of many thousands; groups of the LTV curve
LIMITS = (
    (holdout, "MAX_CUSTOMERS", MOST),
    (rolling_origins, "ORIGINS", 1),
    (estimation, "MAX_CUSTOMERS", MOST),
    (next_orders, "MAX_CUSTOMERS", MOST),
    (customer_days, "MAX_CUSTOMERS", MOST),
    (following, "MAX_CUSTOMERS", MOST),
    (tiers, "MAX_CUSTOMERS", MOST),
    (aftermath, "MOST", 3 * MOST),
    (landmark, "MOST_CUSTOMERS", MOST),
    (summary, "MOST_LINES", 20),
    (results, "CHUNK", 100),
    (lists, "MOST_LISTED", 100),
    (curves, "GROUPS", GROUPS),
)
CHANNELS = 5
# What takes most of the time: how often it is done changes nothing of what crosses.
OFTEN = (
    (uncertainty.parameters, "draws", 5),
    (holdout.backtest, "draws", 5),
    (evaluation.choose, "half_lives", (0, 91)),
)
DAYS, MONTHS, PRODUCTS = 913, 30, 39  # of the sample shop, whatever its size
AGES = MONTHS * (MONTHS + 1) // 2
# Types of customers, active or not; cells of the grid their cuts are chosen from; columns that a
# profile is of, and their first values; ways to choose offers, of each kind.
KINDS, CELLS = 2 * len(archetypes.TYPES), 5**4 * 6
COLUMNS, METHODS = 8, 12
# What grows up to a limit: summaries by the calendar, and what a cluster needs to order rows.
BOUNDED = {
    "ingest.span._find_late": DAYS,
    "ingest.truncation.examine": DAYS,
    "ingest.old_customers.add_up": DAYS,
    "quality.measures._count_days": DAYS,
    "kpis._daily": DAYS,
    "kpis._of_kind": DAYS,
    "forecast.backtesting.weekly_purchases.tracking": DAYS,
    "forecast.seasons._count_by_month": DAYS,
    "cohorts._spent": AGES,
    "ltv.curves._by_group": GROUPS * AGES * CHANNELS,
    "drivers.leaves.count": sampling.GROUPS,
    "drivers.ltv_changes._count": sampling.GROUPS,
    "ltv.lapse._count_gaps": DAYS,
    "ltv.order_steps._count": order_steps.STEPS * len(order_steps.PARTS) * 73 * 2,
    "forecast.payments._sum_gaps": AGES,
    "archetypes.cuts._count_cells": CELLS,
    "archetypes.backtesting._add_up": sampling.GROUPS * KINDS,
    "archetypes.backtesting._learn_cells": 5**3,
    "archetypes.profiles._count": profiles.MOST * KINDS * COLUMNS,
    "archetypes.seasons._add_rates": DAYS,
    "offers.holdout._add_up": sampling.GROUPS * METHODS,
    "offers.gaps.measure_gaps": gaps.MOST * DAYS,
    "offers.reorders._expect": gaps.MOST * DAYS,
    "offers.timing._count": sampling.GROUPS * (timing.MOST + 1) * (gaps.YEAR + 2),
    "funnel.summaries.count_waits": DAYS * (gaps.YEAR + 1),
    "funnel.summaries.count_entered": 8 * DAYS * CHANNELS,
    "funnel.accumulation.count_there": sampling.GROUPS * (gaps.YEAR + 1),
    "funnel.accumulation.count_paid": sampling.GROUPS * (gaps.YEAR + 1),
    "funnel.referral._follow": sampling.GROUPS * (gaps.YEAR + 1),
    "support.after_purchase.measure_days": 2 * DAYS * (after_purchase.LAST + 1),
    "support.after_purchase._add_names": PRODUCTS,
    "engines.spark.ranking._ends": ranking.SAMPLE,
    "engines.spark.ranking._offsets": ranking.BUCKETS,
}
# Of about `MOST` customers: so many more rows there may be, as chance has it who they are.
SAMPLES = {
    "forecast.backtesting.holdout._customers_at": 1.3,
    "forecast.estimation.fit_spending": 1.3,
    "forecast.next_orders.fit_gaps": 1.3,
    "hypotheses.effects.customer_days.build": 1.3,
    "hypotheses.effects.customer_days._first_channels": 1.3,
    "traits.following.follow": 1.3,
    "funnel.landmark._measure": 1.3,
    "archetypes.tiers._compare": 1.3,
    "support.aftermath._read": 1.3,
}
# What has more rows than a small shop has customers, and a limit of its own: the latest enquiries,
# and up to five order days on average of each customer of a sample.
ROWS = {
    "support.routing.read": routing.MOST,
    "support.causes.read": causes.MOST,
    "support.aftermath._read": 5 * 3 * MOST,
}
# What may grow with the customers: distinct histories, and the lines of the one who is explained.
HISTORIES = {"forecast.estimation.histories"}
ONE_CUSTOMER = {"forecast.explanations.explain_customer"}
LISTED = {"support.after_purchase.find_guides"}  # new customers, to be written to by name
SLACK = 10  # rows of rare kinds, as a large shop has a few that a small one has not


def write_orders(path: Path, *, customers: int) -> None:
    """A sample shop with all that is listed, in proportion: duplicates, and ids of two spellings.

    Some lines stand twice, and some customers are written in capitals on half of their lines.
    Beside it, what these customers did before and after their orders (events.parquet).
    """
    orders = shop.simulate(customers=customers)
    events.simulate(orders).to_parquet(path.with_name("events.parquet"), index=False)
    number = pd.to_numeric(orders["customer_id"].str[1:], errors="coerce")
    small = (number % 20 == 0) & (orders.index % 2 == 0)
    orders["customer_id"] = orders["customer_id"].mask(small, orders["customer_id"].str.lower())
    twice = orders[orders.index % 40 == 0]
    pd.concat([orders, twice], ignore_index=True).to_parquet(path, index=False)


def crossings(
    source: Path, *, out: Path, engine: str = "duckdb", spark: dict | None = None
) -> dict[str, int]:
    """All notebooks on the orders of a file -> the most rows that each function brought to pandas.

    A function is named with its module. Samples are small (see `LIMITS`), draws are few (`OFTEN`),
    and nothing is shown.
    """
    given = {"shop": "shop", "source": str(source), "columns": {}, "policies": POLICIES}
    given |= {"engine": engine, "spark": spark or {}}
    folded = {"policies": {"fold_ids": POLICIES["fold_ids"]}}
    given |= {n: {"source": f"demo:{n}"} | folded for n in ("events", "enquiries")}
    with pytest.MonkeyPatch.context() as patch:
        for module, name, limit in LIMITS:
            patch.setattr(module, name, limit)
        for function, name, few in OFTEN:
            patch.setitem(function.__kwdefaults__, name, few)
        # The same orders for the samples that notebooks open by their names, and their events;
        # enquiries as they are.
        files = dict.fromkeys(samples.NAMES, source)
        files["events"] = source.with_name("events.parquet")
        files["enquiries"] = samples.locate("enquiries")
        patch.setattr(samples, "locate", files.__getitem__)
        most = _counted(patch)
        for notebook in NOTEBOOKS:
            run(notebook, given | {"out": str(out / notebook.stem)})
    return most


def grown(few: dict[str, int], many: dict[str, int]) -> dict[str, tuple[int, int]]:
    """The crossings of a small and of a large shop -> those that grow with the customers."""
    return {
        name: (few.get(name, 0), rows)
        for name, rows in many.items()
        if name not in HISTORIES | ONE_CUSTOMER | LISTED
        and rows > BOUNDED.get(name, SAMPLES.get(name, 1) * few.get(name, 0) + SLACK)
    }


def as_long(found: dict[str, int], *, customers: int) -> dict[str, int]:
    """The crossings of a shop of so many customers -> those that have as many rows, or more, but
    for what a limit of its own holds whatever the customers."""
    long = {n: rows for n, rows in found.items() if rows >= customers and n not in HISTORIES}
    return {n: rows for n, rows in long.items() if rows > BOUNDED.get(n, ROWS.get(n, 0))}


def run(notebook: Path, given: dict[str, Any]) -> None:
    """The code of a notebook, with `given` for its parameters, and without its pictures."""
    names: dict[str, Any] = {"display": lambda *_shown: None}
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        exec(compile("".join(cell["source"]), notebook.stem, "exec"), names)
        names |= {name: MagicMock() for name in ("plots", "cards") if name in names}
        if "parameters" in cell["metadata"].get("tags", ()):
            names |= given


def _counted(patch: pytest.MonkeyPatch) -> dict[str, int]:
    """Has both doors to pandas count what passes them, from now on."""
    most: dict[str, int] = {}
    table, chunks = frames.table, frames.chunks

    def note(frame: Any, rows: int, caller: str) -> None:
        if _elsewhere(frame):
            most[caller] = max(most.get(caller, 0), rows)

    def counted_table(result: Any) -> pd.DataFrame:
        found = table(result)
        note(result, len(found), _caller())
        return found

    def counted_chunks(frame: Any, *, rows: int) -> Iterator[pd.DataFrame]:
        return _each(chunks(frame, rows=rows), note, frame, _caller())

    patch.setattr(frames, "table", counted_table)
    patch.setattr(frames, "chunks", counted_chunks)
    return most


def _each(
    parts: Iterator[pd.DataFrame], note: Callable[..., None], frame: Any, caller: str
) -> Iterator[pd.DataFrame]:
    for part in parts:
        note(frame, len(part), caller)
        yield part


def _elsewhere(frame: Any) -> bool:
    """Whether a frame is not in this process's memory as it is."""
    kind = frames.lazy(frame).implementation
    return not (kind.is_pandas() or kind.is_polars())


def _caller() -> str:
    """Which function called the one that asks; one that calls `frames.add_up` is named itself."""
    frame = sys._getframe(2)
    # A comprehension is part of a function.
    while frame.f_code.co_name.startswith("<") or frame.f_code is frames.add_up.__code__:
        frame = frame.f_back
    return f"{frame.f_globals['__name__'].removeprefix('ltvkit.')}.{frame.f_code.co_name}"
