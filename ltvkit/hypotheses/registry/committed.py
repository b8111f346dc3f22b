"""A register held against the last commit of the repository that holds it.

Git keeps what the seals of a ledger cannot show: lines that were cut off its end, and lines that
were changed or inserted with seals of their own. Lines added at the end are fine, and so is a
merge. What is said here is about this working copy, so no report shows it.
"""

import datetime as dt
import difflib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ltvkit.core import git, strict_yaml
from ltvkit.core.i18n import n_
from ltvkit.errors import ParamsError
from ltvkit.hypotheses.registry import ledger, lists, times, verification


class Comparison(NamedTuple):
    """`problems`: (file, sentence) of what must not be; `notes`: sentences to know."""

    problems: list[tuple[str, str]]
    notes: list[str]


class _Commit(NamedTuple):
    """The last commit, as `name`, and the register's files in it: path below it -> git's id."""

    folder: Path
    name: str
    files: dict[str, str]

    def read(self, path: str) -> bytes:
        return git.run(_existing(self.folder), "cat-file", "blob", self.files[path])

    def how_to_see(self, path: str) -> str:
        return f"`git diff HEAD -- {os.path.relpath(self.folder / path)}`"


def compare(folder: Path) -> Comparison:
    """A register's folder -> what was changed since the last commit; nothing outside git."""
    present = ledger.content(folder)
    if not git.holds(folder):
        return Comparison([], [])
    try:
        commit = _read_commit(folder)
        if ledger.NAME not in commit.files:
            return Comparison([], [_NEVER.format(file=ledger.NAME)] if present else [])
        problems = [(ledger.NAME, said) for said in _compare_ledger(commit, present)]
        notes = [*_list_backdated(commit, present), *_list_edited(commit)]
    except git.GitError as error:
        return Comparison([], [f"Nothing was compared with the last commit: {error}."])
    return Comparison(problems, notes)


_NEVER = (
    "{file} was never committed, so nobody can tell whether lines of it were changed or cut off. "
    "Commit it."
)


def _read_commit(folder: Path) -> _Commit:
    here = _existing(folder)
    try:
        name = git.run(here, "rev-parse", "--verify", "--short", "HEAD").decode().strip()
    except git.GitError as error:
        if "single revision" in str(error):
            return _Commit(folder, "", {})  # no commit yet
        raise
    below = folder.resolve().relative_to(here).as_posix()
    listed = git.run(here, "ls-tree", "-r", "-z", "HEAD", "--", f"{below}/").split(b"\0")
    files = {}
    for line in filter(None, listed):
        about, path = os.fsdecode(line).split("\t", 1)
        if about.startswith("100"):  # a file, no link
            files[Path(path).relative_to(below).as_posix()] = about.split()[2]
    return _Commit(folder, name, files)


def _existing(folder: Path) -> Path:
    """A folder, or the nearest above it that is there."""
    here = folder.resolve()
    return next(place for place in (here, *here.parents) if place.is_dir())


def _compare_ledger(commit: _Commit, present: bytes) -> Iterator[str]:
    """A sentence for each place where lines of the last commit are not as they were."""
    before, after = _split(commit.read(ledger.NAME)), _split(present)
    see = f"Put it back as it was committed: {commit.how_to_see(ledger.NAME)} shows it."
    since = f"since the last commit ({commit.name})"
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for _tag, i, i_end, j, j_end in matcher.get_opcodes():
        if before[i:i_end] == after[j:j_end]:
            continue
        both = min(i_end - i, j_end - j)
        lost, added = i_end - i - both, j_end - j - both
        if both:
            lines = _name(j + 1, j + both)
            yield f"{lines}: changed {since}. {see}"
        if lost:
            count = n_("{n} line", "{n} lines", lost).format(n=lost)
            where = "cut off the end" if i_end == len(before) else f"removed after line {j + both}"
            yield f"{count} {where} {since}. {see}"
        if added and i_end < len(before):
            yield f"{_name(j + both + 1, j_end)}: inserted between others {since}. {see}"


def _list_backdated(commit: _Commit, present: bytes) -> Iterator[str]:
    """A note for each added line that says it is older than the commit that does not have it."""
    before, texts = set(_split(commit.read(ledger.NAME))), _split(present)
    lines = [line for line in verification.verify(present, b"").lines if line.entry]
    added = [line for line in lines if texts[line.number - 1] not in before]
    if not added:
        return
    said = git.run(commit.folder, "rev-list", "-1", "--timestamp", "HEAD", "--", ledger.NAME)
    committed = dt.datetime.fromtimestamp(int(said.split()[0]), dt.UTC)
    for line in added:
        if committed - line.entry.time > times.SKEW:
            yield (
                f"{ledger.NAME}, line {line.number}: is dated {times.show(line.entry.time)}, but "
                f"the commit of {times.show(committed)} does not have it, so git cannot tell "
                "when it was written. Commit a line soon after it is put on record."
            )


def _list_edited(commit: _Commit) -> Iterator[str]:
    """A note for each registered file, and each list, that is not as it was committed."""
    registered = {entry.id for entry in ledger.read(commit.folder) if entry.action == "register"}
    for path in sorted(commit.files):
        file = commit.folder / path
        if file.suffix == ".csv" and Path(path).parent.name == lists.FOLDER:
            read = _split
        elif file.suffix == ".yaml" and file.stem in registered:
            read = _values
        else:
            continue
        if not file.is_file():
            yield f"{path} is gone since the last commit ({commit.name}). Restore it from git."
        elif read(commit.read(path)) != read(file.read_bytes()):
            see = commit.how_to_see(path)
            yield f"{path} was edited since the last commit ({commit.name}): {see} shows it."


def _values(content: bytes) -> Any:
    """What a hypothesis says but for its notes; the text itself where it cannot be read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.yaml")
        path.write_bytes(content)
        try:
            given, _nodes = strict_yaml.read(path)
        except ParamsError:
            return content
    return {name: value for name, value in given.items() if name != "notes" and value is not None}


def _split(content: bytes) -> list[bytes]:
    """Lines without their ends, which git may convert."""
    return [line.rstrip(b"\r") for line in content.removesuffix(b"\n").split(b"\n") if content]


def _name(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}"
