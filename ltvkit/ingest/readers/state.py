"""The state of the files of a source: whether any was changed while they were read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ltvkit.core import files
from ltvkit.errors import DataError


@dataclass(frozen=True)
class State:
    """Files as they were at one moment, each with its SHA-256, and how they are found again."""

    sums: dict[Path, str]
    marks: tuple[list[int], ...]
    find: Callable[[], Sequence[Path]]

    @property
    def content(self) -> list[tuple[str, str]]:
        """Names and contents: what orders depend on. Size and time do not tell."""
        return [(f"{path.parent.name}/{path.name}", sum_) for path, sum_ in self.sums.items()]

    def only(self, paths: Sequence[Path]) -> State:
        """The state of some of the files."""
        marks = [m for p, m in zip(self.sums, self.marks, strict=True) if p in paths]
        sums = {p: s for p, s in self.sums.items() if p in paths}
        return State(sums, tuple(marks), lambda: paths)

    def find_change(self) -> str:
        """The name of a file that has changed, come or gone since; "" if none has.

        A file that was written again with the same content counts, as half of it may have been
        read meanwhile.
        """
        try:
            now = look(self.find)
        except (DataError, OSError):  # none is left, or one goes just now
            return next((p.name for p in self.sums if not p.exists()), next(iter(self.sums)).name)
        if other := sorted({*now.sums} ^ {*self.sums}):
            return other[0].name
        pairs = zip(self.sums, self.marks, now.marks, strict=True)
        changed = (p.name for p, a, b in pairs if a != b or self.sums[p] != now.sums[p])
        return next(changed, "")


def look(find: Callable[[], Sequence[Path]]) -> State:
    """The files that `find` names -> their state."""
    found = list(dict.fromkeys(find()))
    marks = tuple(map(_identify, found))
    sums = files.hash_files(found)
    return State(dict(zip(found, sums, strict=True)), marks, find)


def _identify(path: Path) -> list[int]:
    return files.identify(path.resolve())  # of the file itself, where the source is a link to it
