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
from ltvkit.display import joining
from ltvkit.errors import ParamsError
from ltvkit.hypotheses.registry import ledger, lists, times, verification
from ltvkit.hypotheses.texts import fill


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
            return Comparison([], [fill("never_committed", file=ledger.NAME)] if present else [])
        problems = [(ledger.NAME, said) for said in _compare_ledger(commit, present)]
        notes = [*_list_backdated(commit, present), *_list_edited(commit)]
    except git.GitError as error:
        return Comparison([], [fill("not_compared", error=error)])
    return Comparison(problems, notes)


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
    see = fill("put_back", command=commit.how_to_see(ledger.NAME))
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for _tag, i, i_end, j, j_end in matcher.get_opcodes():
        if before[i:i_end] == after[j:j_end]:
            continue
        both = min(i_end - i, j_end - j)
        lost, added = i_end - i - both, j_end - j - both
        if both:
            lines = _name(j + 1, j + both)
            yield joining.sentences([fill("line_changed", lines=lines, commit=commit.name), see])
        if lost:
            name = "lines_cut_off" if i_end == len(before) else "lines_removed"
            said = fill(name, n=lost, line=str(j + both), commit=commit.name)
            yield joining.sentences([said, see])
        if added and i_end < len(before):
            lines = _name(j + both + 1, j_end)
            yield joining.sentences([fill("line_inserted", lines=lines, commit=commit.name), see])


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
            dated = {"time": times.show(line.entry.time), "committed": times.show(committed)}
            yield fill("line_backdated", file=ledger.NAME, line=str(line.number), **dated)


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
            yield fill("file_gone", file=path, commit=commit.name)
        elif read(commit.read(path)) != read(file.read_bytes()):
            see = commit.how_to_see(path)
            yield fill("file_edited", file=path, commit=commit.name, command=see)


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
    name = "line" if first == last else "lines"
    return fill(name, first=str(first), last=str(last))
