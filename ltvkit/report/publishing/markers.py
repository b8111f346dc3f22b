"""Markers of runs: which reports a run is building, so that one that vanished is noticed.

    reports/.running/<id>.json    the reports that a run still owes, since when, and its process
    reports/.running/<id>.lock    locked while the run lives, whatever ends it

A run that ends, well or not, removes its marker. A marker without a lock is that of a run that was
killed, or whose machine stopped: whoever looks next records its reports as failed.
"""

import datetime as dt
import os
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock

from ltvkit.core import files, paths
from ltvkit.core.i18n import _
from ltvkit.core.slugs import SLUG
from ltvkit.errors import ReportError
from ltvkit.report.publishing import publish
from ltvkit.report.publishing.publish import Place

_MINUTE = 60  # seconds


@dataclass
class Marker:
    """The marker of this run. Where it cannot be written, as on a full disk, there is none."""

    path: Path | None
    since: str
    owed: list[Place] = field(default_factory=list)

    def add(self, *places: Place) -> None:
        """Say that the run builds `places`."""
        self.owed += [place for place in places if place not in self.owed]
        self._write()

    def remove(self, place: Place) -> None:
        """Say that the report of `place` is published, unchanged, or recorded as failed."""
        if place in self.owed:
            self.owed.remove(place)
            self._write()

    def _write(self) -> None:
        if self.path:
            process = {"process": os.getpid(), "machine": socket.gethostname()}
            owed = [vars(place) for place in self.owed]
            with suppress(OSError):
                files.write_json(self.path, process | {"since": self.since, "reports": owed})


@contextmanager
def marked(started: dt.datetime) -> Iterator[Marker]:
    """The marker of a run that started then, while the block runs."""
    path = _folder() / f"{uuid.uuid4().hex}.json"
    lock = filelock.FileLock(path.with_suffix(".lock"), timeout=0)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.parent.is_symlink():  # it could lead out of reports/
            lock.acquire()
    try:
        yield Marker(path if lock.is_locked else None, started.isoformat(timespec="seconds"))
    finally:
        if lock.is_locked:
            _remove(path, lock)


def list_running() -> list[tuple[Place, str]]:
    """The reports that are being built, each with the time since when; also by vanished runs."""
    found = [entry for path in _list("*.json") for entry in _read(path)]
    return sorted(found, key=lambda entry: (entry[0].shop, entry[0].month, entry[1]))


def record_vanished() -> list[Place]:
    """Record as failed what vanished runs still owed, and remove their markers.

    A marker stays while another run builds one of its reports: that may become good.
    """
    recorded: list[Place] = []
    for path in _list("*.json"):
        lock = filelock.FileLock(path.with_suffix(".lock"), timeout=0)
        try:
            lock.acquire()
        except (filelock.Timeout, OSError):
            continue
        busy = False  # or cannot be recorded now
        for place, since in _read(path):
            try:
                _record(place, since)
                recorded.append(place)
            except OSError:  # a folder that cannot be written: the next look tries again
                busy = True
            except ReportError as error:
                busy |= isinstance(error.__cause__, filelock.Timeout)
        if busy:
            lock.release()
        else:
            _remove(path, lock)
    _remove_strays()
    return recorded


def _remove_strays() -> None:
    """Remove what runs left that were killed while they made their marker."""
    for path in _list("*.lock"):
        with suppress(OSError, filelock.Timeout):
            if path.with_suffix(".json").exists() or time.time() - path.stat().st_mtime < _MINUTE:
                continue  # a younger one may be in the making
            with filelock.FileLock(path, timeout=0) as lock:
                _remove(path.with_suffix(".json"), lock)


def show_time(since: str) -> str:
    """The time of a marker for a reader.

    >>> show_time("2026-11-29T16:20:45+00:00")
    '2026-11-29 16:20 UTC'
    """
    return f"{since[:10]} {since[11:16]} UTC"


def _record(place: Place, since: str) -> None:
    """Raises `ReportError` where another run is building the report.

    Nothing is recorded where the report was published since, or has failed for another reason.
    """
    reason = _(
        "The run that began at {since} was killed, or its machine stopped, before this report was "
        "finished. Run it again: it goes on from the notebooks that were finished."
    )
    with place.locked():
        manifest = files.read_json(place.target / publish.MANIFEST) or {}
        failure = files.read_json(place.failed / "failure.json") or {}
        if max(str(manifest.get("started", "")), str(failure.get("when", ""))) < since:
            publish.record_failure(place, reason.format(since=show_time(since)))


def _folder() -> Path:
    return paths.reports() / ".running"


def _list(pattern: str) -> Sequence[Path]:
    return [] if _folder().is_symlink() else sorted(_folder().glob(pattern))


def _read(path: Path) -> list[tuple[Place, str]]:
    """What a marker says; nothing where it is not whole, or names what can be no report."""
    try:
        found = files.read_json(path) or {}
        return [(_parse(entry), str(found["since"])) for entry in found["reports"]]
    except (KeyError, TypeError, ValueError):
        return []


def _parse(entry: dict[str, Any]) -> Place:
    place = Place(**entry)
    if not SLUG.fullmatch(place.shop) or not publish.MONTH.fullmatch(place.month):
        raise ValueError
    return place


def _remove(path: Path, lock: filelock.BaseFileLock) -> None:
    """The file first: who gets the lock from then on finds no marker."""
    parts = path.parent.glob(f".{path.name}-*.part")
    for left in (path, *parts, path.with_suffix(".lock")):
        with suppress(OSError):
            left.unlink(missing_ok=True)
    lock.release()
