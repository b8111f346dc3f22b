"""What a run of the report has opened, so that all its notebooks see one state of it.

Each run has a folder of notes: which preparation it opened for a source (a pin), and how the files
of each folder looked when their content was checked (a stamp). The notebooks open what is pinned.
The runner compares all of it after each notebook, and before it publishes a report.
"""

import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from ltvkit.core import cache_folder, checksums, files, locks, notices, paths
from ltvkit.core.i18n import _

RUN = "LTVKIT_RUN"  # names a run of the report, for its notebooks
FOLDER = "notes"
_KEY = re.compile("[0-9a-f]{16}")
_written: dict[Path, str] = {}  # notes of this process, and what they say
_held: list[locks.Hold] = []


@contextmanager
def named_run() -> Iterator[None]:
    """Name the run in the environment; its name and its notes end with it."""
    name = uuid.uuid4().hex
    notes = cache_folder.locate(FOLDER, name)
    os.environ[RUN] = name
    try:
        cache_folder.sweep(notes.parent)
        with suppress(OSError):  # a disk that is full, or cannot be written, is told of later
            _held.append(locks.make_held(notes))
        yield
    finally:
        for held in _held:
            held.release()
        _held.clear()
        _written.clear()
        shutil.rmtree(notes, ignore_errors=True)
        del os.environ[RUN]


def in_notebook() -> bool:
    """Whether this process is a notebook of a report."""
    return bool(os.environ.get(RUN) and os.environ.get(notices.QUIET))


def pin(name: str, key: str) -> str:
    """Note that what is named `name` is `key` in this run; returns the key that was noted first."""
    if (notes := _notes()) is None:
        return key
    path = notes / f"{name}.pin"
    _write_once(path, key)
    first = pinned(name) or key
    _written.setdefault(path, first)
    return first


def _write_once(path: Path, text: str) -> None:
    """Write a note, unless it is there: at once, as another notebook may be reading it."""
    draft = path.with_name(f".{uuid.uuid4().hex}")
    try:
        draft.write_text(text, "utf-8")
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:  # a full disk, or one that knows no links
        with suppress(OSError), path.open("x", encoding="utf-8") as file:
            file.write(text)
    finally:
        draft.unlink(missing_ok=True)


def pinned(name: str) -> str | None:
    """What was pinned as `name` in this run; None if nothing was."""
    if (notes := _notes()) is None:
        return None
    path = notes / f"{name}.pin"
    found = _written.get(path) or _read(path)
    return found if _KEY.fullmatch(found) else None


def check(folder: Path) -> str:
    """`checksums.find_fault`, once in a run for as long as the files look the same."""
    if (notes := _notes()) is None:
        return checksums.find_fault(folder)
    note, now = notes / f"{'-'.join(_name(folder).parts)}.stamp", _describe(folder)
    known = _read(note)
    if known == now:
        return ""
    if fault := checksums.find_fault(folder):
        return fault
    if not known or not in_notebook():  # the first stamp counts for all notebooks
        with suppress(OSError):
            files.write(note, now)
        _written[note] = now
    if not in_notebook():
        _held.append(locks.hold(folder))  # no other process drops it for its age
    return ""


def read_notes() -> dict[str, str]:
    """The notes of this run: name, text. Those that are being written begin with a dot."""
    notes = _notes()
    found = {p.name: _read(p) for p in notes.glob("[!.]*")} if notes and notes.is_dir() else {}
    return found | _list_written(notes)


def _list_written(notes: Path | None) -> dict[str, str]:
    return {path.name: text for path, text in _written.items() if path.parent == notes}


def find_change(before: Mapping[str, str] = MappingProxyType({})) -> str:
    """What was changed in the cache of all that this run has opened, in a sentence; "" if nothing.

    `before`: the notes of the run when a notebook began to use them.
    """
    notes = _notes() or paths.cache() / FOLDER
    for name, text in {**before, **_list_written(notes)}.items():
        if _read(notes / name) != text:
            return describe_damage(notes, f"{name} is damaged")
    for name, text in read_notes().items():
        if name.endswith(".stamp") and (fault := _find_fault(text)):
            return fault
    return ""


def _find_fault(stamp: str) -> str:
    """What has become of a folder since its `stamp`; links to its files and rights may differ."""
    try:
        name, known = json.loads(stamp)
        folder = paths.cache() / name
        was = {file: _leave_out_rights(mark) for file, mark in known.items()}
    except (ValueError, TypeError, AttributeError):
        return describe_damage(paths.cache() / FOLDER, "a note is damaged")
    try:
        now = checksums.stamp(folder)
    except OSError:
        return describe_damage(folder, "it is missing")
    if now == known:
        return ""
    fault = checksums.find_fault(folder)
    if not fault and {file: _leave_out_rights(mark) for file, mark in now.items()} != was:
        fault = "it was replaced"
    return describe_damage(folder, fault) if fault else ""


def _leave_out_rights(mark: Sequence[int]) -> tuple[int, int, int]:
    size, written, _entry, number = mark
    return size, written, number


def describe_damage(folder: Path, fault: str) -> str:
    """A sentence on what was changed in the cache while a report was built."""
    text = _("{folder}: {fault}, while the report was built; run it again.")
    return text.format(folder=paths.shorten(folder), fault=fault)


def _notes() -> Path | None:
    run = os.environ.get(RUN)
    return paths.cache() / FOLDER / run if run else None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _describe(folder: Path) -> str:
    return json.dumps([_name(folder).as_posix(), checksums.stamp(folder)])


def _name(folder: Path) -> Path:
    return folder.relative_to(paths.cache())
