"""The ledger of a register: what was registered and decided, and when, one JSON object a line.

Lines are only added. Each line has a hash of itself (`seal`), and in `after` the seals of the lines
before it that no other line names: usually one, two after a merge of two branches. So a line that
was edited or removed is detected. With a key in the environment a line has a keyed seal, too, which
nobody else can make (see `seals` and `verification`). What is cut off the end, git shows
(`committed`).
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from ltvkit.core import files
from ltvkit.errors import ParamsError, one_of
from ltvkit.hypotheses.registry import seals, times
from ltvkit.hypotheses.registry.entries import ACTIONS, Entry
from ltvkit.hypotheses.registry.seals import canonical, encoded, fingerprint
from ltvkit.hypotheses.registry.verification import Ledger, verify

__all__ = [
    "ACTIONS",
    "NAME",
    "Entry",
    "append",
    "canonical",
    "content",
    "fingerprint",
    "list_ahead",
    "locked",
    "problems",
    "read",
]

NAME = "ledger.jsonl"
WAIT = 60  # seconds for another process to finish its line


def read(folder: Path) -> list[Entry]:
    """A register's folder -> the entries of its ledger, in order, without lines that do not count.

    See `verification` for which do.
    """
    return [line.entry for line in verify(content(folder), seals.key()).lines if line.entry]


def problems(folder: Path) -> list[str]:
    """What is wrong with the ledger, in sentences; see `read` for what is used."""
    return verify(content(folder), seals.key()).problems


def list_ahead(folder: Path, *, now: dt.datetime) -> list[str]:
    """Lines with a time after `now`, a sentence each: a problem for who has the clock alone."""
    lines = verify(content(folder), seals.key()).lines
    return [f"{said}. {times.HELP}" for said in times.list_ahead(lines, now)]


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
    Raises `ParamsError` where the ledger is sealed with a key, and that is not the one set here.
    """
    one_of("action", action, ACTIONS)
    fields = {"action": action, "id": id, **dict.fromkeys((*ACTIONS[action], "by"), ""), **values}
    with locked(folder):
        for left in folder.glob(f".{NAME}-*.part"):
            left.unlink()  # of a process that died
        old, key = content(folder), seals.key()
        before = verify(old, key)
        _refuse_other_key(before, key)
        time = (now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
        fields |= {"time": time.isoformat(timespec="seconds"), "after": " ".join(before.last_seals)}
        end = b"" if old.endswith(b"\n") or not old else b"\n"
        with files.replacing(folder / NAME, sync=True) as part:
            part.write_bytes(old + end + encoded(seals.seal(fields, key)) + b"\n")


def _refuse_other_key(before: Ledger, key: bytes) -> None:
    """Without the ledger's key a line would not be used, so it is not written."""
    keyed = [line for line in before.lines if line.keyed]
    if keyed and not key:
        raise ParamsError(
            f"The ledger is sealed with a key, and {seals.VARIABLE} is not set: nothing was put on "
            "record. Set the key, and run this again."
        )
    if keyed and not any(line.fits for line in keyed):
        raise ParamsError(
            f"{seals.VARIABLE} is not the key that the ledger is sealed with: nothing was put on "
            "record. Set that key, and run this again."
        )


def content(folder: Path) -> bytes:
    """The bytes of a register's ledger; none where there is no ledger."""
    path = folder / NAME
    return path.read_bytes() if path.exists() else b""
