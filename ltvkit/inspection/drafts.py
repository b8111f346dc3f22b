"""An inspection as text for the terminal, and as a params file for reports.

The params file is params/cdnow.yaml with the keys of this shop filled in, so both explain the keys
in the same words.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from ltvkit.core import paths
from ltvkit.core.i18n import SOURCE, _, language
from ltvkit.display import formats, joining, wrapping
from ltvkit.ingest import amounts, headers
from ltvkit.ingest.policies import POLICY_COMMENTS, Policies, check_options
from ltvkit.inspection.result import Inspection
from ltvkit.quality import summary

MODEL = "params/cdnow.yaml"
FALLBACK = "my-shop"
_COMMENT = 34  # the column at which comments begin
_HEAD = """\
# {title}
#
# Written by `python -m ltvkit inspect` from what the export looks like. Lines marked CHECK are for
# you to decide; the rest can stay. Every key is a parameter of a notebook; what is left out is
# decided neutrally. Then run `python -m ltvkit report` with this file.
"""


def make_slug(source: str) -> str:
    """A shop's short name from that of its export.

    >>> make_slug("exports/My Shop 2024.csv.gz"), make_slug("受注データ_2024.csv")
    ('my-shop-2024', 'my-shop')
    """
    stem = Path(source).name.partition(".")[0].casefold()
    plain = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")
    return plain if plain[:1].isalpha() and stem.isascii() else FALLBACK


def describe(seen: Inspection) -> str:
    """An inspection as text: columns, orders, what to decide and what to know."""
    parts = [[_describe_file(seen)], _describe_columns(seen)]
    if seen.book:
        parts.append(_describe_orders(seen))
    if seen.refusal:
        parts.append([_("Cannot be read yet:"), f"  {seen.refusal}"])
    asked = [joining.colon(name, question) for name, question in seen.checks.items()]
    for title, lines in ((_("To decide:"), asked), (_("To know:"), seen.notes)):
        wrapped = (wrap(note, first="  - ", rest="    ") for note in lines)
        parts.append([title, *chain(*wrapped)] * bool(lines))
    return "\n\n".join("\n".join(part) for part in parts if part)


def write_params(seen: Inspection, *, shop: str) -> str:
    """An inspection as the text of a params file; raises `ParamsError` without the model file."""
    title = shop.replace("-", " ").replace("_", " ").title()
    said = (
        ("shop", shop, _("short name: letters, digits, - and _; folder of the reports")),
        ("title", title, _("name on the pages")),
        ("currency", seen.currency, _("unit of all money")),
        ("source", seen.source, _("order export, its path from the project's folder")),
        ("language", language() * (language() != SOURCE), _("of all that is shown: en or ja")),
        ("abc_by", _choose_abc_by(seen), _("what to class A, B, C; the first is the main one")),
    )
    own = {key: write_line(key, to, what, seen.checks.get(key)) for key, to, what in said}
    own |= {"columns": _write_columns(seen), "policies": _write_policies(seen)}
    gaps = {key: "\n" * block.endswith("\n\n") for key, block in _read_model()}
    blocks = (own[key] + gaps[key] if key in own else block for key, block in _read_model())
    return _HEAD.format(title=title) + "\n" + "".join(blocks)


def _describe_file(seen: Inspection) -> str:
    facts = seen.facts
    delimiters = {",": _("commas"), "\t": _("tabs"), ";": _("semicolons"), "|": _("bars")}
    known = [str(facts.get("encoding") or "").upper()]
    if mark := facts.get("delimiter"):
        known.append(_("fields between {marks}").format(marks=delimiters.get(mark, mark)))
    if line := seen.policies.get("header_line"):
        known.append(_("header in line {line}").format(line=line))
    known.append(summary.describe_sheet(facts))
    if seen.system:
        known.append(_("an export of {system}").format(system=seen.system.name))
    else:
        known.append(_("shop system not recognised; columns matched by header"))
    return joining.colon(seen.source, joining.items(filter(None, known)))


def _describe_columns(seen: Inspection) -> list[str]:
    shown = {n: _make_printable(joining.items(values)) for n, values in seen.samples.items()}
    rows = [(n, _make_printable(h), shown[n]) for n, h in seen.columns.items()]
    rows += [(n, "?", "") for n in seen.missing]
    names, width = (max((formats.width(row[i]) for row in rows), default=0) for i in (0, 1))
    lines = [f"  {_pad(n, names)} <- {_pad(h, width)}   {sample}".rstrip() for n, h, sample in rows]
    if unused := [h for h in seen.headers if h not in seen.columns.values()]:
        listed = _("Not used: {headers}").format(headers=joining.items(unused))
        lines += wrap(listed, first="  ", rest="    ")
    title = _("What the columns mean (ids, and columns headed as personal data, are not shown):")
    return [title, *lines, *_describe_amount(seen)]


def _describe_amount(seen: Inspection) -> list[str]:
    if "amount" in seen.missing:
        return []
    taken = amounts.describe(seen.columns, check_options(policies=seen.policies))
    basis = headers.find_tax_basis(taken)
    tax = {"included": _("tax included"), "excluded": _("without tax")}
    said = tax.get(basis, _("the header does not say whether tax is included"))
    text = _("Amounts: {taken} ({tax}).").format(taken=taken, tax=said)
    return wrap(text, first="  ", rest="    ")


def _pad(text: str, width: int) -> str:
    return text + " " * (width - formats.width(text))


def _describe_orders(seen: Inspection) -> list[str]:
    facts, table = seen.book.facts, seen.book.quality
    span = _("Orders from {first} to {last}, in {currency}.")
    span = span.format(first=facts["first"], last=facts["last"], currency=seen.currency)
    aside = table[table["status"] == "quarantined"].itertuples()
    listed = (f"  {formats.count(row.lines):>9}  {name_reason(row.reason)}" for row in aside)
    return [span, summary.finding(table), *listed]


def name_reason(reason: str) -> str:
    """Why lines were left out, as pages say it."""
    return formats.cell(reason, "word")


def _write_columns(seen: Inspection) -> str:
    lines = [write_line("columns", None, _("canonical name: header in the export"))]
    checks = {n.removeprefix("columns."): c for n, c in seen.checks.items() if "columns." in n}
    for name, header in (seen.columns | dict.fromkeys(seen.missing, "")).items():
        lines.append(write_line(name, header, "", checks.pop(name, None), indent=2))
    # Optional columns are only asked about.
    notes = [f"CHECK: {name}: {check}" for name, check in checks.items()]
    if seen.missing or checks:
        listed = _("Headers of the export: {headers}")
        notes.append(listed.format(headers=joining.items(seen.headers)))
    for note in notes:
        lines += [f"{line}\n" for line in wrap(note, first="  # ", rest="  # ")]
    return "".join(lines)


def _write_policies(seen: Inspection) -> str:
    model = dict(_read_model())["policies"].strip().splitlines(keepends=True)
    checks = {n.removeprefix("policies."): c for n, c in seen.checks.items()}
    asked = {n: getattr(Policies(), n) for n in POLICY_COMMENTS if f"policies.{n}" in seen.checks}
    values = {"data_until": "", "date_format": ""} | asked | dict(seen.policies)
    lines = [model[0]]
    for line in model[1:]:
        found = re.match(r"  (\w+): .*?(?:  # (.*))?$", line)
        name, comment = found.groups() if found else ("", "")  # a line that is commented out
        if name in values:
            line = write_line(name, values.pop(name), comment, checks.get(name), indent=2)
        lines.append(line)
    for name, value in values.items():
        lines.append(write_line(name, value, _(POLICY_COMMENTS[name]), checks.get(name), indent=2))
    return "".join(lines)


def _choose_abc_by(seen: Inspection) -> list[str]:
    known = [n for n in ("product_id", "product", "category") if n in seen.columns]
    return [n for n in known if n != "product" or "product_id" not in known] + ["customer_id"]


def _read_model() -> Iterator[tuple[str, str]]:
    """The keys of the model file, each with its lines; what stands above the first is left out.

    The project may change the model. If it has removed it, the kit's own counts.
    """
    own = paths.root() / MODEL
    path = own if own.is_file() else paths.starter() / MODEL
    parts = re.split(r"^(\w+):", path.read_text("utf-8"), flags=re.M)
    return ((key, f"{key}:{rest}") for key, rest in zip(parts[1::2], parts[2::2], strict=True))


def write_line(
    name: str, value: Any, comment: str, check: str | None = None, *, indent: int = 0
) -> str:
    """A key with its value; above it what to decide, beside it its comment."""
    start = " " * indent
    key = f"{start}{name}:{'' if value is None else ' ' + _to_yaml(value)}"
    lines = [wrap(f"CHECK: {check}", first=f"{start}# ", rest=f"{start}# ")] if check else []
    if comment and formats.width(key) < _COMMENT:
        beside = key + " " * (_COMMENT - formats.width(key)) + "# "
        lines.append(wrap(comment, first=beside, rest=" " * _COMMENT + "# "))
    else:
        lines.append(wrap(comment, first=f"{start}# ", rest=f"{start}# ") if comment else [])
        lines.append([key])
    return "".join(f"{line}\n" for line in chain(*lines))


def _to_yaml(value: Any) -> str:
    """A value on one line, in quotes only where YAML needs them."""
    if isinstance(value, str):
        plain = re.fullmatch(r"[^\W\d_][\w ./-]*", value) and yaml.safe_load(value) == value
        return value if plain else json.dumps(value, ensure_ascii=not value.isprintable())
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {_to_yaml(to)}' for name, to in value.items())}}}"
    if isinstance(value, Iterable):
        return f"[{', '.join(map(_to_yaml, value))}]"
    return json.dumps(value)


def wrap(shown: str, *, first: str, rest: str, width: int = 98) -> list[str]:
    """A text in lines that fit a terminal."""
    lines = [first]
    for word in wrapping.split(" ".join(_make_printable(shown).split())):
        full = formats.width(lines[-1]) + formats.width(word.rstrip()) > width
        if full and lines[-1] not in (first, rest):
            lines.append(rest)
        lines[-1] += word
    return [line.rstrip() for line in lines]


def _make_printable(shown: str) -> str:
    """A text of the file without control characters."""
    return "".join(c if c.isprintable() else " " for c in shown)
