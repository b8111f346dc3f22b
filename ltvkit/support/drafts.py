"""From a cause of enquiries to a draft of a hypothesis, which people fill in, draw and register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ltvkit.core import csv_injection, files
from ltvkit.errors import ParamsError, TooLittleData
from ltvkit.hypotheses.registry import lists, store
from ltvkit.support.texts import fill

FEWEST = 40  # customers: of fewer no test says anything
METRIC = "retention_rate"


def list_drafts(causes: pd.DataFrame, *, most: int = 3) -> pd.DataFrame:
    """The table of `find_causes` -> a draft for each of the first causes: id, title, hypothesis,
    metric, comparison."""
    rows = [
        {"id": f"cause-{n}", **_describe(row), "metric": METRIC, "comparison": "randomized"}
        for n, row in enumerate(causes.head(most).to_dict("records"), start=1)
    ]
    return pd.DataFrame(rows, columns=["id", "title", "hypothesis", "metric", "comparison"])


def draft_hypothesis(
    folder: Path,
    id: str,
    cause: Mapping[str, object],
    customers: pd.Series,
    *,
    given: Mapping[str, str],
    selected: dt.date,
    start: dt.date,
    days: int = 90,
) -> Path:
    """A row of `find_causes`, and customers who met the cause -> the file of a hypothesis in a
    register's `folder`, with lists/<id>-customers.csv; half of them are to be drawn (`ltvkit
    hypothesis assign`).

    `given`: measure (what these customers get), owner, department. `selected`: the last day of the
    orders. Raises `ParamsError` for a start that is not after it, or a file that is there already,
    and `TooLittleData` for fewer than 40 customers; then nothing is written.
    """
    ids = sorted(customers.dropna().astype(str).unique())
    if len(ids) < FEWEST:
        raise TooLittleData(fill("few_to_test", n=len(ids), least=FEWEST))
    if start <= selected:
        raise ParamsError(fill("starts_too_early", start=start, until=selected))
    if store.file_of(folder, id).exists():
        raise ParamsError(f"{store.file_of(folder, id)} is there already; choose another id.")
    listed = folder / lists.FOLDER / f"{id}-customers.csv"
    listed.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(listed) as part:
        table = csv_injection.escape_table(pd.DataFrame({"customer_id": ids}))
        table.to_csv(part, index=False)
    end = start + dt.timedelta(days=days - 1)
    fields: dict[str, Any] = {
        **_describe(cause),
        **given,
        "metric": METRIC,
        "comparison": "randomized",
    }
    fields |= {"target": {"customers": f"{lists.FOLDER}/{listed.name}"}, "smallest_effect": 0.05}
    fields |= {"selected": str(selected), "start": str(start), "end": str(end)}
    return store.new(folder, id, **fields)


def _describe(cause: Mapping[str, object]) -> dict[str, str]:
    named = {"phrases": cause["phrases"], "group": cause["group"]}
    return {
        "title": fill("draft_title", **named),
        "hypothesis": fill("draft_hypothesis", **named),
    }
