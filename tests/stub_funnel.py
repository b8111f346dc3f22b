"""Tiny events, and the sample's events as `read_events` gives them."""

from __future__ import annotations

import functools

import pandas as pd

from ltvkit.samples import events, shop

STAGES = {name: stage for stage, name in events.NAMES.items()}
STAGES |= {"write_review": "advocating", "referred": "introducing"}
COLUMNS = ["event_time", "event", "visitor_id", "customer_id", "channel", "order_id", "referred_by"]


def make_events(*rows: dict | tuple) -> pd.DataFrame:
    """Canonical events from (time, event, visitor_id, more) rows; of `more` any other column."""
    table = pd.DataFrame(
        [dict(zip(COLUMNS, row[:3], strict=False)) | (row[3] if row[3:] else {}) for row in rows],
        columns=COLUMNS,
    )
    return canonical(table.astype(object).where(table.notna(), ""))


def canonical(export: pd.DataFrame) -> pd.DataFrame:
    """The export of `events.simulate` -> canonical events."""
    time = pd.to_datetime(export["event_time"])
    texts = export[COLUMNS[1:]].astype(object).where(export[COLUMNS[1:]] != "", None)
    stage = export["event"].map(STAGES).astype(object)
    return texts.assign(
        event_time=time, event_date=time.dt.normalize(), stage=stage.where(stage.notna(), None)
    )


def canonical_orders(export: pd.DataFrame) -> pd.DataFrame:
    """The export of `shop.simulate` -> order lines, without cancelled and guests' orders."""
    kept = export[(export["status"] != "cancelled") & (export["customer_id"] != "")]
    day = pd.to_datetime(kept["order_date"])
    columns = ["customer_id", "order_id", "channel"]
    money = {name: kept[name].astype(float) for name in ("amount", "margin")}
    return kept[columns].assign(order_date=day, **money).reset_index(drop=True)


@functools.cache
def sample() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Order lines and events of the sample shop."""
    export = shop.simulate()
    return canonical_orders(export), canonical(events.simulate(export))
