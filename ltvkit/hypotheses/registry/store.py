"""A register: the folder that keeps a shop's hypotheses, and what was registered and decided.

    params/hypotheses/<shop>/<id>.yaml      what is tried, one file each
    params/hypotheses/<shop>/ledger.jsonl   what was registered and decided, and when
    params/hypotheses/<shop>/lists/*.csv    customers, where a hypothesis names them one by one

All of it belongs in git. Days are days in UTC.
"""

import datetime as dt
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ltvkit.core import files, keys, paths, strict_yaml
from ltvkit.errors import NothingYet, ParamsError, nearest, one_of
from ltvkit.hypotheses.hypothesis import DECISIONS, Decision, Hypothesis, Record
from ltvkit.hypotheses.registry import field_types, fields, ledger, schema, seals
from ltvkit.hypotheses.texts import fill


@dataclass(frozen=True)
class Registry:
    """The valid hypotheses, by start and id, and the `problems` of the others: file, problem."""

    folder: Path
    hypotheses: tuple[Hypothesis, ...] = ()
    problems: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["file", "problem"], dtype=str), compare=False
    )


def folder(shop: str, register: str = "") -> Path:
    """Where a shop's register is: `register` of its params, else params/hypotheses/<shop>.

    Commands write there, so it must be inside the project; raises `ParamsError` elsewhere.
    """
    path = paths.resolve(register or f"params/hypotheses/{shop}")
    if not path.resolve().is_relative_to(paths.root().resolve()):
        raise ParamsError(fill("outside", register=register or path, shop=shop))
    return path


def load(folder: Path) -> Registry:
    """A register's folder -> `Registry`. Files that cannot be used are problems."""
    found, rows = [], []
    entries = ledger.read(folder)
    for path in _list_files(folder):
        try:
            found.append(_read(path, entries))
        except ParamsError as error:
            rows.append((path.name, str(error).removeprefix(str(path)).lstrip(":, ")))
    rows += [(ledger.NAME, problem) for problem in ledger.problems(folder)]
    for id in sorted({e.id for e in entries} - {p.stem for p in _list_files(folder)}):
        rows.append((ledger.NAME, f"{id} is in the ledger, but {id}.yaml is gone; restore it."))
    return Registry(
        folder=folder,
        hypotheses=tuple(sorted(found, key=lambda h: (h.start, h.id))),
        problems=pd.DataFrame(rows, columns=["file", "problem"], dtype=str),
    )


def of_shop(shop: str, register: str = "") -> Registry:
    """The register of a shop; raises `NothingYet`, which says how to begin, where it is empty."""
    found = load(folder(shop, register))
    if found.hypotheses or len(found.problems):
        return found
    raise NothingYet(fill("nothing_yet", shop=shop))


def read(folder: Path, id: str) -> Hypothesis:
    """One hypothesis of a register; raises `ParamsError` where its file cannot be used."""
    return _read(file_of(folder, id), ledger.read(folder))


def read_plan(folder: Path, id: str) -> Hypothesis:
    """One hypothesis whose customers need not be drawn yet, to plan it."""
    return schema.read(file_of(folder, id), drawn=False)


def new(folder: Path, id: str, **given: Any) -> Path:
    """Write a file to fill in, with the fields in `given` filled in; returns its path."""
    path = file_of(folder, id)
    for name in given:
        one_of("field", name, fields.FIELDS)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(fields.render_template({"id": id, **given}))
    except FileExistsError as error:
        raise ParamsError(f"{path} is there already. Fill it in, or choose another id.") from error
    return path


def register(folder: Path, id: str, *, by: str = "", now: dt.datetime | None = None) -> Hypothesis:
    """Register what the file of a hypothesis says now; returns the hypothesis with its record.

    It may be registered again: the last registration before the day of its start counts.
    """
    path = file_of(folder, id)
    schema.read(path)
    content = schema.content_hash(path)
    ledger.append(folder, "register", id, content=content, by=by, now=now)
    return read(folder, id)


def decide(
    folder: Path,
    id: str,
    decision: str,
    *,
    reason: str,
    by: str = "",
    until: dt.date | None = None,
    now: dt.datetime | None = None,
) -> Hypothesis:
    """Put a decision on record; returns the hypothesis with its record.

    "extend" needs `until`, a day after the present end; the other decisions take none.
    """
    one_of("decision", decision, DECISIONS)
    _check_decision(read(folder, id), decision, reason, until)
    entry = {"reason": reason.strip(), "by": by, "until": until.isoformat() if until else ""}
    with ledger.locked(folder):
        _check_decision(read(folder, id), decision, reason, until)  # another may have come first
        ledger.append(folder, "decide", id, decision=decision, now=now, **entry)
    return read(folder, id)


def _check_decision(
    hypothesis: Hypothesis, decision: str, reason: str, until: dt.date | None
) -> None:
    if not hypothesis.record.registered:
        raise ParamsError(f"{hypothesis.id} is not registered. Register it first, then decide.")
    if not reason.strip():
        raise ParamsError("reason is empty: say in a sentence why.")
    if decision != "extend" and until:
        raise ParamsError(f"until={until} goes with 'extend' only; leave it out to {decision}.")
    if decision == "extend" and (not until or until <= hypothesis.until):
        raise ParamsError(fill("no_later_day", until=until or "nothing", end=hypothesis.until))


def digest(folder: Path) -> str:
    """One SHA-256 of all files of a register; "" for a folder that is not there."""
    if not folder.is_dir():
        return ""
    kept = [*_list_files(folder), *sorted(folder.glob("lists/*.csv")), *folder.glob(ledger.NAME)]
    hashes = {path.relative_to(folder).as_posix(): files.hash_file(path) for path in kept}
    key = keys.fingerprint(seals.key())  # with another one, other lines are used
    return ledger.fingerprint(hashes | _hash_outcomes(folder) | ({"key": key} if key else {}))


def _hash_outcomes(folder: Path) -> dict[str, str]:
    """The tables of outcomes that hypotheses name, each with its hash."""
    named = set()
    for path in _list_files(folder):
        with suppress(ParamsError):
            named.add(str(strict_yaml.read(path)[0].get("outcomes") or ""))
    found = {name: paths.resolve(name) for name in sorted(named - {""})}
    return {name: files.hash_file(path) for name, path in found.items() if path.is_file()}


def _list_files(folder: Path) -> list[Path]:
    """The files of hypotheses; .yml is included, to be refused with its right name."""
    return sorted(folder.glob("[!.]*.y*ml"))


def file_of(folder: Path, id: str) -> Path:
    """The file of a hypothesis, which need not be there."""
    try:
        return folder / f"{field_types.parse_slug(id)}.yaml"
    except field_types.Invalid as wrong:
        hint = nearest(id, [path.stem for path in _list_files(folder)])
        raise ParamsError(f"id: found {id!r}, expected {wrong.expected}.{hint}") from wrong


def _read(path: Path, entries: Iterable[ledger.Entry]) -> Hypothesis:
    """What a file says, with its record in the ledger."""
    hypothesis = schema.read(path)
    mine = sorted((e for e in entries if e.id == hypothesis.id), key=lambda e: e.time)
    decisions = tuple(
        Decision(e.decision, e.day, e.reason, e.by, e.until) for e in mine if e.action == "decide"
    )
    registered = [e for e in mine if e.action == "register"]
    preregistered = [e for e in registered if e.day < hypothesis.start]
    if not registered:
        return replace(hypothesis, record=Record(decisions=decisions))
    counts = preregistered[-1] if preregistered else registered[0]
    edited = counts.content != schema.content_hash(path)
    return replace(hypothesis, record=Record(counts.day, not preregistered, edited, decisions))
