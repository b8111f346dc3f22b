"""One YAML file of a register -> a `Hypothesis` that has been checked.

A file that cannot be used raises `ParamsError`: which file, line and field, what was found, what
is expected, and the nearest valid name.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ltvkit.core import files, strict_yaml
from ltvkit.errors import ParamsError, nearest
from ltvkit.hypotheses.effects import metrics
from ltvkit.hypotheses.effects.metrics import METRICS
from ltvkit.hypotheses.hypothesis import RULES, Hypothesis, Target
from ltvkit.hypotheses.registry import lists
from ltvkit.hypotheses.registry.field_types import Invalid
from ltvkit.hypotheses.registry.fields import DEFAULTS, FIELDS, describe
from ltvkit.hypotheses.registry.ledger import fingerprint

# Fields that one comparison needs and the others refuse.
NEEDED_BY = {"control": "control_segment", "assignment": "randomized"}


@dataclass(frozen=True)
class _File:
    """A file as read; empty fields are left out of `given`."""

    path: Path
    given: Mapping[str, Any]
    nodes: Mapping[str, yaml.Node]

    def parse(self, name: str, parse: Callable[..., Any], *given: Any) -> Any:
        """What `parse` makes of a field; what it refuses is an error that names file and line."""
        try:
            return parse(*given)
        except Invalid as wrong:
            raise self.error(name, wrong) from wrong

    def error(self, name: str, wrong: Invalid, *, shown: str = "") -> ParamsError:
        """What is wrong with a field, and where; it is `shown` under another name where given."""
        node = self.nodes.get(name)
        where = f"{self.path}, line {node.start_mark.line + 1}" if node else str(self.path)
        found = wrong.found or (strict_yaml.raw_text(node) if node else "") or "nothing"
        return ParamsError(
            f"{where}: {shown or name}: found {found}, expected {wrong.expected}.{wrong.hint}"
        )


def read(path: Path, *, drawn: bool = True) -> Hypothesis:
    """A file of a register -> the hypothesis it describes, with the customers of its lists.

    Before customers are `drawn`, the list of its assignment need not be there.
    """
    file = _open(path)
    _check_names(file)
    given = file.given
    values = {n: file.parse(n, f.check, given[n]) for n, f in FIELDS.items() if n in given}
    _check_together(file, values)
    values.pop("assignment", None)
    if drawn and (name := _assignment(file)):
        values["assigned"] = file.parse("assignment", lists.read_assignment, path.parent, name)
    for name in ("target", "control"):
        if name in values and values[name].rule == "customers":
            ids = file.parse(name, lists.read_customers, path.parent, values[name].values[0])
            values[name] = Target("customers", ids)
    _check_apart(file, values["target"], values.get("control"))
    return Hypothesis(**values)


def assignment_file(path: Path) -> Path:
    """Where the list of a randomized comparison belongs; raises `ParamsError` for another one."""
    file = _open(path)
    if not (name := _assignment(file)):
        raise file.error("comparison", Invalid("randomized: only there customers are drawn"))
    return file.parse("assignment", lists.resolve, path.parent, name)


def content_hash(path: Path) -> str:
    """One SHA-256 of a valid file: of its values, except `notes`, and of its lists.

    Comments, the order of keys and white space do not count.
    """
    file = _open(path)
    given = {name: value for name, value in file.given.items() if name != "notes"}
    targets = [given.get(name, {}).get("customers") for name in ("target", "control")]
    names = [name for name in (*targets, _assignment(file)) if name]
    found = [lists.find(path.parent, n[0] if isinstance(n, list) else n) for n in names]
    sealed = [files.hash_file(path) for path in found]
    return fingerprint([given, sealed])


def _assignment(file: _File) -> str | None:
    """The list of a randomized comparison: the one it names, or lists/<id>.csv."""
    if file.given.get("comparison") != "randomized":
        return None
    return str(file.given.get("assignment") or f"{lists.FOLDER}/{file.path.stem}.csv")


def _open(path: Path) -> _File:
    try:
        given, nodes = strict_yaml.read(path)
    except ParamsError as error:
        raise ParamsError(f"{path}{_hide_values(str(error).removeprefix(str(path)))}") from error
    return _File(path, {k: v for k, v in given.items() if v is not None}, nodes)


def _hide_values(text: str) -> str:
    """An error of YAML without what it quotes, which may be an id: errors are shown on pages."""
    text = re.sub(r"(the key|:) \S+ (is not text|would be changed|is not true)", r"\1 *** \2", text)
    known = (*FIELDS, *RULES)

    def hide(match: re.Match) -> str:
        word = match[2] or match[4] or ""
        shown = word in known or word.endswith(".yaml")
        return match[0] if shown else "***"

    return re.sub(r"(?<=the key )(')(.*)'(?= appears)|(['\"])(\S{2,}?)\3", hide, text)


def _check_names(file: _File) -> None:
    """Refuse unknown keys, and needed ones that are missing or still empty."""
    for name in file.nodes:
        if name not in FIELDS:
            hint = nearest(name, FIELDS)
            wrong = Invalid(f"one of {', '.join(FIELDS)}", found="this key", hint=hint)
            raise file.error(name, wrong, shown=name if hint else "a key")  # it may be an id
    empty = [n for n in FIELDS if n not in DEFAULTS and n not in file.given]
    if empty:
        name, *others = empty
        more = f" Also still to be filled in: {', '.join(others)}." if others else ""
        raise file.error(name, Invalid(describe(name), hint=more))


def _check_together(file: _File, values: Mapping[str, Any]) -> None:
    """Check fields against each other."""
    comparison = values["comparison"]
    if file.path.name != f"{values['id']}.yaml":
        raise file.error("id", Invalid(f"the name of the file; call it {values['id']}.yaml"))
    if values["selected"] >= values["start"]:
        expected = f"a day before the start, {values['start']}, so that the members are known"
        raise file.error("selected", Invalid(expected))
    if values["end"] < values["start"]:
        raise file.error("end", Invalid(f"the start, {values['start']}, or a later day"))
    if values["metric"] in values.get("guardrails", ()):
        expected = "other metrics than the one that is judged"
        raise file.error("guardrails", Invalid(expected, found=values["metric"]))
    known = (*METRICS, *metrics.list_of(values.get("outcomes", "")))
    for field in ("metric", "guardrails"):
        for name in (n for n in _each(values.get(field, ())) if n not in known):
            expected = f"one of {', '.join(known)}, or a table named in outcomes"
            raise file.error(field, Invalid(expected, found=name, hint=nearest(name, known)))
    share = values["metric"].endswith("_rate") or values["metric"].startswith(metrics.ANY)
    if share and values["smallest_effect"] >= 1:
        raise file.error("smallest_effect", Invalid("a share, as in 0.03 for three points"))
    for name, needing in NEEDED_BY.items():
        if comparison == needing and name not in values and name != "assignment":
            raise file.error(name, Invalid(describe(name)))
        if comparison != needing and name in values:
            expected = f"nothing with comparison: {comparison}; remove it, or say {needing}"
            raise file.error(name, Invalid(expected))


def _each(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _check_apart(file: _File, target: Target, control: Target | None) -> None:
    """No customer may be both in the target and in the control."""
    both = set(target.values) & set(control.values) if control else set()
    if both and target.rule == control.rule:
        listed = target.rule == "customers"
        found = f"{len(both)} of its customers" if listed else ", ".join(sorted(both))
        raise file.error("control", Invalid("none who are in the target", found=found))
