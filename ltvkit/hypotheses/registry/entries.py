"""A line of the ledger: its fields, as they stand there, and what it says."""

import datetime as dt
import json
from typing import Any, NamedTuple

from ltvkit.hypotheses.hypothesis import DECISIONS

# What a line holds beside time, id, by, after and seal.
ACTIONS = {"register": ("content",), "decide": ("decision", "until", "reason")}


class Entry(NamedTuple):
    """One line of the ledger that can be trusted; `until` is None unless it extends."""

    time: dt.datetime
    action: str
    id: str
    by: str = ""
    content: str = ""
    decision: str = ""
    until: dt.date | None = None
    reason: str = ""

    @property
    def day(self) -> dt.date:
        """The day of it, in UTC."""
        return self.time.date()


class Line(NamedTuple):
    """One line: `entry` is None if it is not used, `problem` is "" if it is good.

    `fits` is None where it has no keyed seal, or there is no key to check it.
    """

    number: int
    seal: str = ""
    after: tuple[str, ...] = ()
    keyed: bool = False
    fits: bool | None = None
    entry: Entry | None = None
    problem: str = ""


def parse(text: bytes) -> dict[str, str]:
    """What a line says; raises `ValueError` where it is not a line of a ledger."""
    try:
        fields = json.loads(text, object_pairs_hook=_name_once)
    except _NamedTwice:
        raise ValueError("says a field twice") from None
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error
    action = fields.get("action") if isinstance(fields, dict) else None
    if not isinstance(action, str) or action not in ACTIONS:
        raise ValueError("has no action that is known")
    needs = ("time", "id", "by", "after", "seal", *ACTIONS[action])
    if missing := [name for name in needs if not isinstance(fields.get(name), str)]:
        raise ValueError(f"has no {', '.join(missing)}")
    if not isinstance(fields.get("hmac", ""), str):
        raise ValueError("has no keyed seal that can be read")
    if action == "decide" and fields["decision"] not in DECISIONS:
        raise ValueError(f"has a decision that is not one of {', '.join(DECISIONS)}")
    return fields


class _NamedTwice(ValueError):
    pass


def _name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Of a field that it says twice, JSON takes the last, and so does the seal."""
    if len(found := dict(pairs)) < len(pairs):
        raise _NamedTwice
    return found


def convert(fields: dict[str, str]) -> Entry:
    """A line's fields as values; raises `ValueError` for a time or a date that is none."""
    values = {name: fields[name] for name in Entry._fields if name in fields}
    try:
        time = dt.datetime.fromisoformat(fields["time"])
        until = dt.date.fromisoformat(fields["until"]) if fields.get("until") else None
    except ValueError as error:
        raise ValueError("has a time or a date that is none") from error
    if not time.tzinfo:
        raise ValueError("has a time without a time zone")
    try:
        time = time.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("has a time that is in no calendar") from error
    return Entry(**values | {"time": time, "until": until})
