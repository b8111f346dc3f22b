"""Who is treated: drawn at random within RFM segments, from the target of a hypothesis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ltvkit.core import csv_injection, files
from ltvkit.engines.frames import Frame
from ltvkit.errors import DataError, ParamsError, check_share
from ltvkit.hypotheses.effects import targets
from ltvkit.hypotheses.hypothesis import CONTROL, TREATED, Hypothesis
from ltvkit.hypotheses.registry import ledger, schema, store
from ltvkit.hypotheses.texts import fill
from ltvkit.periods import Day


def draw(
    folder: Path, id: str, lines: Frame, *, seed: int, until: Day | None = None, **cuts: Any
) -> Path:
    """Draw who is treated from the target of a hypothesis, and write the list; returns its path.

    At random within RFM segments, on the selection date; see `assign`. `until` is the
    last day of the orders, `cuts` are those of `candidates`. Raises `ParamsError` where
    the list is there already, as it says who was treated, and where the orders end too early.
    """
    path = store.file_of(folder, id)
    hypothesis, target = schema.read(path, drawn=False), schema.assignment_file(path)
    _refuse_second(target)
    if until and str(until) < str(hypothesis.selected):
        raise ParamsError(fill("ends_early", id=id, selected=hypothesis.selected, until=until))
    drawn = assign(candidates(hypothesis, lines, **cuts), share=hypothesis.treated_share, seed=seed)
    with ledger.locked(folder):
        _refuse_second(target)  # another process may have drawn meanwhile
        with files.replacing(target) as part:
            csv_injection.escape_table(drawn).to_csv(part, index=False)
    schema.read(path)
    return target


def _refuse_second(target: Path) -> None:
    """A list says who was treated, so it is never overwritten."""
    if target.exists():
        raise ParamsError(fill("drawn_already", file=target))


def assign(
    customers: pd.DataFrame, *, share: float = 0.5, seed: int, by: str = "segment"
) -> pd.DataFrame:
    """Customers with `customer_id` and a stratum `by` -> customer_id, group, segment, seed.

    Within each stratum, `share` of the customers are drawn to be "treated"; a number that is not
    whole is rounded at random. The same customers and seed give the same groups, in any order.

    >>> quiet = pd.DataFrame({"customer_id": list("abcd"), "segment": ["lost"] * 4})
    >>> assign(quiet, seed=7)["group"].value_counts().to_dict()
    {'control': 2, 'treated': 2}
    """
    check_share("share", share)
    rng = np.random.default_rng(seed)
    ordered = customers.sort_values("customer_id", ignore_index=True)
    treated = np.zeros(len(ordered), dtype=bool)
    for _stratum, rows in ordered.groupby(by, sort=True, dropna=False):
        exact = share * len(rows)
        n = int(exact) + (rng.random() < exact % 1)
        treated[rng.permutation(rows.index.to_numpy())[:n]] = True
    return pd.DataFrame(
        {
            "customer_id": ordered["customer_id"].astype(str),
            "group": np.where(treated, TREATED, CONTROL),
            "segment": ordered[by].astype(str),
            "seed": seed,
        }
    )


def candidates(hypothesis: Hypothesis, lines: Frame, **cuts: Any) -> pd.DataFrame:
    """The customers of a target on its selection date, with their RFM segment: who to draw from.

    All customers of the shop, never a sample: `customer_id`, `segment`. `cuts` are those of
    `targets.select_all`. Raises `DataError` where the target is empty.
    """
    target = hypothesis.target
    found = targets.select_all(lines, target, on=hypothesis.selected, **cuts)
    if found.empty:
        why = targets.explain_empty(target, targets.channels(lines))
        raise DataError(f"{hypothesis.id}: {why}")
    return found
