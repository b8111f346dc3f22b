"""Find columns that an export writes on the first line of an order only."""

from collections.abc import Iterator, Mapping
from typing import Any

ONCE = ("customer_id", "order_date", "status", "channel", "currency")


def propose_fill_down(head: Any, columns: Mapping[str, str]) -> list[str]:
    """The head of an export and what is mapped -> the columns to fill down, the order's id too.

    A column is written once where some lines of an order lack it and its first line does not.
    """
    if "order_id" not in columns:
        return []
    filled = {n: is_filled(head[columns[n]]) for n in ("order_id", *ONCE) if n in columns}
    ids = head[columns["order_id"]].where(filled["order_id"])
    if "order_date" in filled and (filled["order_date"] & filled["order_id"]).any():
        lone = ~filled["order_id"] & ~filled["order_date"]  # lines under the order's own
        ids = ids.ffill() if lone.any() and filled["order_id"].iloc[0] else ids
    once = [n for n in ONCE if n in filled and _is_written_once(filled[n], ids)]
    below = ids.notna() & ~filled["order_id"]
    return ["order_id", *once] if once and below.any() else once


def _is_written_once(filled: Any, ids: Any) -> bool:
    by = filled[ids.notna()].groupby(ids[ids.notna()])
    some = by.any() & ~by.all()
    return bool(some.any() and by.first()[some].mean() > 0.9)


def iterate_texts(column: Any) -> Iterator[str]:
    """The values of a column that are more than blank, as texts."""
    return filter(str.strip, map(str, column.dropna()))


def is_filled(column: Any) -> Any:
    """Whether each value of a column is more than blank."""
    written = column.astype("string").str.strip()
    return (written.notna() & (written != "")).astype(bool)
