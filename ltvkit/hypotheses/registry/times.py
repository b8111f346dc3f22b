"""Times in a ledger that cannot be right: before the line they follow, or in the future.

Such lines are used as they stand, as nobody can tell which of two clocks was wrong.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from ltvkit.hypotheses.registry.entries import Line

SKEW = dt.timedelta(minutes=10)  # by so much the clocks of two machines may differ
HELP = "A clock was wrong, or the date was made up: `git log -p` shows when the line was committed."


def check(lines: Sequence[Line]) -> Iterator[str]:
    """The lines of a ledger -> a sentence for each time that cannot be right."""
    used = {line.seal: line for line in lines if line.entry}
    first = _find_first(used.values())
    for line in used.values():
        time, id = line.entry.time, line.entry.id
        where = f"line {line.number}: is dated {show(time)},"
        follows = max((used[n] for n in line.after if n in used), key=_time, default=None)
        if follows and _time(follows) - time > SKEW:
            yield f"{where} before line {follows.number} ({show(_time(follows))}), which it follows"
        if line.entry.action == "decide" and id in first and first[id] - time > SKEW:
            yield f"{where} and decides about {id}, which was registered later ({show(first[id])})"
        # Where a line is not used, it may be the one that registers it.
        if line.entry.action == "decide" and id not in first and len(used) == len(lines):
            yield f"{where} and decides about {id}, which was never registered"


def list_ahead(lines: Sequence[Line], now: dt.datetime) -> Iterator[str]:
    """A sentence for each used line with a time after `now`."""
    for line in lines:
        if line.entry and line.entry.time - now > SKEW:
            yield f"line {line.number}: is dated {show(line.entry.time)}, in the future"


def show(time: dt.datetime) -> str:
    """A time to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _find_first(lines: Iterable[Line]) -> dict[str, dt.datetime]:
    """When each hypothesis was registered first."""
    found: dict[str, dt.datetime] = {}
    for entry in (line.entry for line in lines if line.entry.action == "register"):
        found[entry.id] = min(entry.time, found.get(entry.id, entry.time))
    return found


def _time(line: Line) -> dt.datetime:
    return line.entry.time
