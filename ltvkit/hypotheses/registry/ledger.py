"""The ledger of a register: what was registered and decided, and when, one JSON object a line.

Lines are only added. Each line has a hash of itself (`seal`), and in `after` the seals of the lines
before it that no other line names: usually one, two after a merge of two branches. So a line that
was edited or removed is detected; the end of the file is protected by git alone.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import filelock

from ltvkit.core import files
from ltvkit.errors import one_of
from ltvkit.hypotheses.hypothesis import DECISIONS

NAME = "ledger.jsonl"
# What a line holds beside time, id, by, after and seal.
ACTIONS = {"register": ("content",), "decide": ("decision", "until", "reason")}
WAIT = 60  # seconds for another process to finish its line


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


class _Line(NamedTuple):
    """One line: `entry` is None if it cannot be used, `problem` is "" if it is good."""

    number: int
    seal: str = ""
    after: tuple[str, ...] = ()
    entry: Entry | None = None
    problem: str = ""


def read(folder: Path) -> list[Entry]:
    """A register's folder -> the entries of its ledger, in order, without broken lines."""
    return [line.entry for line in _lines(_content(folder)) if line.entry]


def problems(folder: Path) -> list[str]:
    """What is wrong with the ledger, a sentence for each line; see `read` for what is used."""
    lines = _lines(_content(folder))
    return [f"line {line.number}: {line.problem}." for line in lines if line.problem]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a register: what is checked inside still holds when it is written.

    Other processes and threads wait for up to `WAIT` seconds; the holder may enter again.
    """
    with filelock.FileLock(folder / ".ledger.lock", timeout=WAIT, is_singleton=True):
        yield


def append(
    folder: Path, action: str, id: str, *, now: dt.datetime | None = None, **values: str
) -> None:
    """Add a line, whole or not at all, and after those of other processes.

    `values` are the fields of the action (see `ACTIONS`) and `by`; `now` defaults to the clock.
    """
    one_of("action", action, ACTIONS)
    fields = {"action": action, "id": id, **dict.fromkeys((*ACTIONS[action], "by"), ""), **values}
    with locked(folder):
        for left in folder.glob(f".{NAME}-*.part"):
            left.unlink()  # of a process that died
        old = _content(folder)
        time = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
        fields |= {"time": time.isoformat(timespec="seconds"), "after": " ".join(_last_seals(old))}
        text = _encoded(fields | {"seal": fingerprint(fields)})
        end = b"" if old.endswith(b"\n") or not old else b"\n"
        with files.replacing(folder / NAME, sync=True) as part:
            part.write_bytes(old + end + text + b"\n")


def canonical(value: Any) -> str:
    """Anything JSON can hold as its one text, whatever the order of keys.

    >>> canonical({"b": [1], "a": "é"})
    '{"a":"é","b":[1]}'
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def fingerprint(value: Any) -> str:
    """The SHA-256 of the canonical text."""
    return hashlib.sha256(_encoded(value)).hexdigest()


def _encoded(value: Any) -> bytes:
    """UTF-8; what a terminal could not decode comes back as it was."""
    return canonical(value).encode("utf-8", "surrogatepass")


def _content(folder: Path) -> bytes:
    path = folder / NAME
    return path.read_bytes() if path.exists() else b""


def _last_seals(content: bytes) -> list[str]:
    """The seals of good lines that no good line names in its `after`."""
    lines = [line for line in _lines(content) if line.entry]
    named = {seal for line in lines for seal in line.after}
    return [line.seal for line in lines if line.seal not in named]


def _lines(content: bytes) -> Iterator[_Line]:
    texts = content.split(b"\n")
    seen: dict[str, _Line] = {}
    for number, text in enumerate(texts[:-1] + texts[-1:] * bool(texts[-1]), 1):
        try:
            line = _verify(number, _parse(text), seen)
        except ValueError as error:
            line = _Line(number, problem=f"{error}; it is not used. Restore it from git")
        if number == len(texts) and not line.problem:
            line = line._replace(problem="does not end with a line break; add one")
        if line.entry or line.seal not in seen:
            seen[line.seal] = line
        yield line


def _verify(number: int, fields: dict[str, str], seen: dict[str, _Line]) -> _Line:
    """Check a readable line against its seal and the lines above it."""
    seal, after = fields["seal"], tuple(fields["after"].split())
    entry, problem = None, ""
    if fingerprint({k: v for k, v in fields.items() if k != "seal"}) != seal:
        problem = "was changed after it was written; it is not used. Restore it from git"
    elif seal in seen and seen[seal].entry:
        problem = f"repeats line {seen[seal].number}; remove it"
    else:
        entry = _entry(fields)
        if any(name not in seen for name in after):
            problem = "a line that stood before it was removed or damaged. Restore it from git"
    return _Line(number, seal, after, entry, problem)


def _parse(text: bytes) -> dict[str, str]:
    """What a line says; raises `ValueError` where it is not a line of a ledger."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("is not JSON") from error
    action = fields.get("action") if isinstance(fields, dict) else None
    if not isinstance(action, str) or action not in ACTIONS:
        raise ValueError("has no action that is known")
    needs = ("time", "id", "by", "after", "seal", *ACTIONS[action])
    if missing := [name for name in needs if not isinstance(fields.get(name), str)]:
        raise ValueError(f"has no {', '.join(missing)}")
    if action == "decide" and fields["decision"] not in DECISIONS:
        raise ValueError(f"has a decision that is not one of {', '.join(DECISIONS)}")
    return fields


def _entry(fields: dict[str, str]) -> Entry:
    """A line's fields as values; raises `ValueError` for a time or a date that is none."""
    values = {name: fields[name] for name in Entry._fields if name in fields}
    time = dt.datetime.fromisoformat(fields["time"]).astimezone(dt.UTC)
    until = dt.date.fromisoformat(fields["until"]) if fields.get("until") else None
    return Entry(**values | {"time": time, "until": until})
