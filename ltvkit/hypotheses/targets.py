"""Who a rule selects, on the selection date or, for a replay, on any date before it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ltvkit import abc_classes, deciles, formats, periods, rfm
from ltvkit.errors import ParamsError
from ltvkit.hypotheses.histories import Histories, day
from ltvkit.hypotheses.hypothesis import Target

# Rules that can be asked of another date; a list was drawn up once, for reasons unknown here.
REPLAYABLE = ("segment", "decile", "abc_class", "cohort", "channel")


def select(histories: Histories, target: Target, *, on: int, back: int = 0) -> np.ndarray:
    """The places of the customers whom `target` selects by the end of day `on` - `back`.

    A cohort selected `back` days earlier is the customers who began as many days earlier, so that
    they are as old. Raises `ParamsError` for a rule that the orders cannot answer.
    """
    known = histories.known(on - back)
    if known.empty:
        return np.array([], dtype="int64")
    if target.rule == "cohort":
        born = on - back - known["tenure_days"].to_numpy()
        chosen = np.zeros(len(known), dtype=bool)
        for first, last in map(_span, target.values):
            chosen |= (first - back <= born) & (born <= last - back)
    elif target.rule == "customers":
        chosen = np.isin(known["customer_id"], histories.place(target.values))
    elif target.rule == "channel":
        chosen = _of_channel(histories, target.values)[known["customer_id"]]
    else:
        labels = histories.remember((target.rule, on - back), lambda: LABELS[target.rule](known))
        chosen = labels.isin(target.values).reindex(known["customer_id"]).to_numpy()
    return known["customer_id"].to_numpy()[chosen]


def segments(histories: Histories, who: np.ndarray, *, on: int) -> pd.Series:
    """The RFM segment of each of `who` on a day, by place."""
    return _segments(histories.known(on)).reindex(who)


def _segments(known: pd.DataFrame) -> pd.Series:
    return rfm.segment(rfm.score(known)).set_index("customer_id")["segment"]


def _deciles(known: pd.DataFrame) -> pd.Series:
    return deciles.assign(known).set_index("customer_id")["decile"].astype(str)


def _classes(known: pd.DataFrame) -> pd.Series:
    paid = known.rename(columns={"revenue": "amount"})[["customer_id", "amount"]]
    items = abc_classes.classify(paid, by="customer_id").astype({"customer_id": "int64"})
    return items.set_index("customer_id")["class"]


LABELS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "segment": _segments,
    "decile": _deciles,
    "abc_class": _classes,
}


def _span(label: str) -> tuple[int, int]:
    """The first and the last day of a cohort such as 2024-03, 2024-Q1, 2024-W09 or 2024."""
    every = formats.grain([label])
    text = f"{label}-1" if every == "week" else label
    first = (
        pd.to_datetime(text, format="%G-W%V-%u") if every == "week" else pd.Period(label).start_time
    )
    return day(first), day(periods.end(periods.index_of(first, every), every))


def _of_channel(histories: Histories, values: tuple[str, ...]) -> np.ndarray:
    if histories.channels is None:
        raise ParamsError(
            "a target by channel needs the column channel; map it under `columns:` in the params "
            "file."
        )
    return np.isin(histories.channels.astype(str), values)
