"""The options of a table of records, `events:` or `enquiries:` of a params file, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ltvkit.core import files, redaction
from ltvkit.core.personal_data import header_key
from ltvkit.errors import ParamsError, collecting, is_number, nearest, one_of
from ltvkit.ingest.policies import Policies, check_options
from ltvkit.ingest.readers import remote
from ltvkit.ingest.records import values

TABLES: dict[str, dict[str, Any]] = files.read_yaml(__name__, "tables.yaml")
INVITATIONS: dict[str, str] = files.read_yaml(__name__, "invitations.yaml")
_KNOWN = files.read_yaml(__name__, "formats.yaml")
FORMATS: dict[str, dict[str, Any]] = _KNOWN["formats"]
STAGES = {header_key(name): stage for stage, names in _KNOWN["stages"].items() for name in names}
# Columns that a table always has; the others it has where they are mapped.
ALWAYS = {
    "events": ("visitor_id", "customer_id", "event_time", "event_date", "event", "stage"),
    "enquiries": ("enquiry_id", "customer_id", "enquiry_time", "enquiry_date", "text"),
}
DERIVED = ("open",)  # beside `solved`, where that is mapped
KEYS = {
    "events": ("source", "columns", "format", "stages", "policies"),
    "enquiries": ("source", "columns", "policies"),
}
# Of the policies of orders, those that say how a file is read, and who and when.
SHARED = (
    *("encoding", "delimiter", "header_line", "sheet", "table", "date_format", "decimal"),
    *("timezone", "fold_ids", "remote", "memory_limit", "guest_ids", "data_until"),
    "max_quarantined",
)
# Those of the orders hold for records, too, unless these say otherwise: else ids would not join.
INHERITED = ("timezone", "fold_ids", "guest_ids", "memory_limit")
# Policies of one table: whether exact repeats of an event are left out, in which unit durations
# are, on which scale satisfaction is, and what words of the status mean.
OWN = {"events": ("repeated",), "enquiries": ("unit", "scale", "solved")}
MEANS = {"true": "solved", "false": "unsolved", "open": "waiting"}
NOT_ROWS = ("max_quarantined", "memory_limit")  # policies that change no stored row
_PEOPLE = ("customer_id", "visitor_id", "referred_by", "answered_by")  # never named on a page


@dataclass(frozen=True)
class Options:
    """Checked options of the table `name`; `stages` is by `values.write_key`, "" for no stage,
    and so is `solved`: word -> outcome of words.yaml."""

    name: str
    source: str
    columns: Mapping[str, str]
    rules: Policies
    format: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    repeated: str = "drop"
    unit: str = ""
    scale: tuple[float, ...] = ()
    solved: Mapping[str, str] = field(default_factory=dict)

    @property
    def table(self) -> dict[str, Any]:
        """The table as tables.yaml describes it."""
        return TABLES[self.name]

    @property
    def kinds(self) -> dict[str, str]:
        """Canonical column -> its kind."""
        return {name: column["kind"] for name, column in self.table["columns"].items()}

    @classmethod
    def of(cls, given: Mapping[str, Any], table: str) -> Options:
        """Raises one `ParamsError` with a line for each option that is wrong."""
        check(given, table=table)
        policies = dict(given.get("policies") or {})
        own = {name: policies.pop(name) for name in OWN[table] if name in policies}
        own |= {"scale": tuple(map(float, own["scale"]))} if "scale" in own else {}
        if "solved" in own:
            own["solved"] = {header_key(n): MEANS[_say(to)] for n, to in own["solved"].items()}
        stages = {header_key(n): to or "" for n, to in (given.get("stages") or {}).items()}
        return cls(
            name=table,
            source=str(given["source"]),
            columns=dict(given.get("columns") or {}),
            rules=Policies(**policies),
            format=given.get("format") or "",
            stages=stages,
            **own,
        )


def check(given: Any, *, table: str) -> None:
    """Raise one `ParamsError` with a line for each option of a table that is wrong; {} is right.

    >>> check({"source": "events.csv", "colums": {}}, table="events")
    Traceback (most recent call last):
    ltvkit.errors.ParamsError: events: 'colums' is not known. Did you mean 'columns'? Known: ...
    """
    if not isinstance(given, Mapping):
        raise ParamsError(
            f"{table}: {given!r} must be a mapping, as in {{source: a.csv}}, or {{}}."
        )
    if not given:
        return
    problems: list[str] = []
    for key in given:
        if key not in KEYS[table]:
            problems.append(
                f"'{key}' is not known.{nearest(key, KEYS[table])} Known: {_list(KEYS[table])}."
            )
    for step in (_check_source, _check_columns, _check_format, _check_stages, _check_policies):
        with collecting(problems):
            step(given, table)
    if problems:
        raise ParamsError("\n".join(f"{table}: {problem}" for problem in problems))


def inherit(given: Mapping[str, Any], policies: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a table with what the policies of the orders say of ids and of the time zone.

    >>> inherit({"source": "a.csv"}, {"fold_ids": "width", "returns": "net"})
    {'source': 'a.csv', 'policies': {'fold_ids': 'width'}}
    """
    shared = {name: policies[name] for name in INHERITED if name in policies}
    if not given or not shared or not isinstance(given.get("policies") or {}, Mapping):
        return dict(given)
    return {**given, "policies": shared | dict(given.get("policies") or {})}


def _check_source(given: Mapping[str, Any], _table: str) -> None:
    source = given.get("source")
    if not isinstance(source, str) or not source.strip():
        raise ParamsError("source: give a file, a folder, a database's URL or a sample, as text.")
    policies = given.get("policies")
    allowed = isinstance(policies, Mapping) and policies.get("remote") is True
    remote.refuse_remote(source, allowed=allowed)


def _check_columns(given: Mapping[str, Any], table: str) -> None:
    columns, known = _mapping(given, "columns"), TABLES[table]["columns"]
    for name, header in columns.items():
        if name not in known:
            raise ParamsError(
                f"columns: '{name}' is not a column of {table}.{nearest(name, known)} "
                f"Known: {_list(known)}."
            )
        if not isinstance(header, str):
            raise ParamsError(f"columns: {name}: {header!r} must be the header's text, in quotes.")
        if name not in _PEOPLE:
            redaction.check_column(name, header)


def _check_format(given: Mapping[str, Any], _table: str) -> None:
    if given.get("format"):
        one_of("format", given["format"], FORMATS)


def _check_stages(given: Mapping[str, Any], _table: str) -> None:
    for name, stage in _mapping(given, "stages").items():
        if not isinstance(name, str) or not isinstance(stage, str | None):
            raise ParamsError(
                f"stages: {name!r}: {stage!r} must be the name of an event and that of its stage, "
                'as text, as in {wishlist_add: interest}; "" for none.'
            )


def _check_policies(given: Mapping[str, Any], table: str) -> None:
    policies, known = dict(_mapping(given, "policies")), (*SHARED, *OWN[table])
    for name in policies:
        if name not in known:
            raise ParamsError(
                f"policies: '{name}' is not a policy of {table}.{nearest(name, known)} "
                f"Known: {_list(known)}."
            )
    if "repeated" in policies:
        one_of("policies: repeated", policies.pop("repeated"), ("drop", "keep"))
    if "unit" in policies:
        one_of("policies: unit", policies.pop("unit"), values.UNITS)
    if "scale" in policies:
        scale = policies.pop("scale")
        fits = isinstance(scale, list | tuple) and len(scale) == 2 and all(map(is_number, scale))
        if not fits or scale[0] >= scale[1]:
            raise ParamsError(
                f"policies: scale: {scale!r}: give the least and the best satisfaction, as [1, 5]."
            )
    _check_solved(policies.pop("solved", {}))
    check_options(policies=policies)


def _check_solved(given: Any) -> None:
    example = "give words and what each means, as in {返信済み: true, 様子見: open}."
    if not isinstance(given, Mapping):
        raise ParamsError(f"policies: solved: {given!r}: {example}")
    for word, means in given.items():
        if _say(means) not in MEANS:
            raise ParamsError(
                f"policies: solved: {word}: {means!r} is not one of {_list(MEANS)}: {example}"
            )


def _say(value: Any) -> str:
    """A value of YAML as the text that it was: true, whether it was read as a text or not."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _mapping(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = given.get(key)
    if not isinstance(found, Mapping | None):
        raise ParamsError(f"{key}: {found!r} cannot be used; it must be a mapping.")
    return found or {}


def _list(names: Any) -> str:
    return ", ".join(names)
