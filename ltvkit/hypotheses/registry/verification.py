"""The lines of a ledger, read and verified: which of them are used, and what is wrong with them.

- A line that cannot be read, or does not say what was sealed, is not used.
- Where there is a key, a line whose keyed seal does not fit it is not used. Where there is none,
  such lines are used, and it is said that nobody checked them.
- Once a line has a keyed seal, one without is used only if a line with one follows it: that one
  vouches for it. So a line that was added without the key, at any place, is not used.
- A line with a time that cannot be right is used, and said (`times`).
"""

from collections.abc import Iterator
from typing import NamedTuple

from ltvkit.core.i18n import n_
from ltvkit.hypotheses.registry import entries, seals, times
from ltvkit.hypotheses.registry.entries import Line


class Ledger(NamedTuple):
    """All lines, in order, and what is wrong with them as sentences."""

    lines: list[Line]
    problems: list[str]

    @property
    def last_seals(self) -> list[str]:
        """The seals of used lines that no used line names in its `after`."""
        used = [line for line in self.lines if line.entry]
        named = {seal for line in used for seal in line.after}
        return [line.seal for line in used if line.seal not in named]


def verify(content: bytes, key: bytes) -> Ledger:
    """The content of a ledger, and the key or b"" -> `Ledger`."""
    read = list(_read(content, key))
    found = [f"line {line.number}: {line.problem}." for line in read if line.problem]
    lines, doubts = _hold_to_key(read, key)
    wrong = [f"{said}. {times.HELP}" for said in times.check(lines)]
    return Ledger(lines, doubts + found + wrong)


def _read(content: bytes, key: bytes) -> Iterator[Line]:
    """Each line, held against its own seals and the lines above it."""
    texts = content.split(b"\n")
    seen: dict[str, Line] = {}
    for number, text in enumerate(texts[:-1] + texts[-1:] * bool(texts[-1]), 1):
        try:
            line = _check(number, entries.parse(text), seen, key)
        except ValueError as error:
            line = Line(number, problem=f"{error}; it is not used. Restore it from git")
        if number == len(texts) and not line.problem:
            line = line._replace(problem="does not end with a line break; add one")
        if line.entry or line.seal not in seen:
            seen[line.seal] = line
        yield line


def _check(number: int, fields: dict[str, str], seen: dict[str, Line], key: bytes) -> Line:
    line = Line(number, fields["seal"], tuple(fields["after"].split()))
    if not seals.is_whole(fields):
        problem = "was changed after it was written; it is not used. Restore it from git"
        return line._replace(problem=problem)
    if "hmac" in fields:
        line = line._replace(keyed=True, fits=seals.fits(fields, key) if key else None)
    if line.seal in seen and seen[line.seal].entry:
        return line._replace(problem=f"repeats line {seen[line.seal].number}; remove it")
    line = line._replace(entry=entries.convert(fields))
    if any(name not in seen for name in line.after):
        problem = "a line that stood before it was removed or damaged. Restore it from git"
        return line._replace(problem=problem)
    return line


def _hold_to_key(lines: list[Line], key: bytes) -> tuple[list[Line], list[str]]:
    """The lines, some no longer used, and a sentence for each reason (not for each line)."""
    keyed = [line for line in lines if line.keyed]
    plain = [line for line in lines if line.entry and not line.keyed]
    wrong = [line for line in keyed if line.fits is False]
    name = seals.VARIABLE
    if not keyed:
        return lines, [
            f"No line has a keyed seal yet, though {name} is set, so the lines are used without a "
            "check. The next one that is put on record with the key vouches for them."
        ] * bool(key and plain)
    if len(wrong) == len(keyed):
        return [line._replace(entry=None) for line in lines], [
            f"{name} fits none of the keyed seals of this ledger: it is another key, or they were "
            "made up, so no line is used. Set the key that the ledger was sealed with."
        ]
    vouched = _list_vouched(lines)
    bare = [line for line in plain if line.seal not in vouched]
    out = {line.number for line in (*wrong, *bare)}
    doubts = (
        (
            [] if key else keyed,
            "sealed with a key that is not set here, so used without a check. "
            f"Set {name} to have the seals checked",
        ),
        (
            wrong,
            f"the keyed seal does not fit {name}: made with another key, or up; not used. "
            "Restore it from git, or remove it",
        ),
        (
            bare,
            "no keyed seal, though the ledger has them; not used. Remove it, and put what it says "
            f"on record again with {name} set",
        ),
    )
    said = [f"{_where(which)}: {why}." for which, why in doubts if which]
    return [line._replace(entry=None) if line.number in out else line for line in lines], said


def _list_vouched(lines: list[Line]) -> set[str]:
    """The seals of lines that a line with a right keyed seal follows, at any distance."""
    after = {line.seal: line.after for line in lines if line.entry}
    left = [name for line in lines if line.keyed and line.fits is not False for name in line.after]
    found: set[str] = set()
    while left:
        if (name := left.pop()) not in found:
            found.add(name)
            left += after.get(name, ())
    return found


def _where(lines: list[Line]) -> str:
    """Which lines, in short.

    >>> _where([Line(2), Line(4), Line(5), Line(6)])
    'lines 2, 4 to 6'
    """
    runs: list[list[int]] = []
    for number in (line.number for line in lines):
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    named = ", ".join(" to ".join(map(str, run)) for run in runs)
    return n_("line {which}", "lines {which}", len(lines)).format(which=named)
