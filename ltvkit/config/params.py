"""A shop's params file, checked whole before any kernel starts.

The valid keys, their types and defaults are what the notebooks declare in the cell tagged
`parameters`, one `name: type = default  # help` a line. There is no second list to keep in step.
The language alone is no notebook's, as all that runs for a shop speaks it.
"""

import datetime as dt
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from ltvkit.config import notebooks as books
from ltvkit.config import rules
from ltvkit.config.notebooks import Parameter
from ltvkit.core import i18n, paths
from ltvkit.core.slugs import check_shop
from ltvkit.core.strict_yaml import raw_text, read
from ltvkit.errors import (
    ParamsError,
    ProjectError,
    ReportError,
    collecting,
    nearest,
    raise_all,
)
from ltvkit.ingest import records
from ltvkit.ingest.policies import Policies, check_options
from ltvkit.ingest.readers import remote
from ltvkit.ingest.readers.locate import PACKED, SUFFIXES

# Left to the notebooks' defaults, a report of a shop would show the demo.
REQUIRED = ("shop", "source")
# Where the notebooks' defaults are decisions about the sample shops, what a params file leaves out
# is decided neutrally.
NEUTRAL = {name: rule["neutral"] for name, rule in rules.RULES.items() if "neutral" in rule}

LANGUAGE = Parameter("language", "str", "", "language of what is shown; empty: that of LTVKIT_LANG")

# They name columns that are mapped.
OF_COLUMNS = ("abc_by", "cohort_by", "cost_by", "drivers_by", "offer_by", "steps_by", "traits_by")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Params:
    """A params file as read; what it leaves out is `NEUTRAL`, else the notebooks' default."""

    path: Path
    values: Mapping[str, Any]

    @property
    def shop(self) -> str:
        """The shop's slug, which names its folder."""
        return self.values["shop"]

    @property
    def language(self) -> str:
        """The language of all that is shown of the shop (see `i18n.speaking`)."""
        return self.values["language"]

    def for_notebook(self, declared: Iterable[str]) -> dict[str, Any]:
        """The values that one notebook declares, in its order."""
        return {name: self.values[name] for name in declared if name in self.values}


def load(
    path: str | Path, notebooks: Iterable[Path] | None = None, *, engine: str | None = None
) -> Params:
    """A YAML file and the notebooks it is for -> `Params`, with another `engine` where given.

    Without `notebooks`, it is for all of the project, and looked for by `find_params`.

    Raises `ParamsError`, naming the file, the line, the key, what was found, what is expected
    and the nearest valid name, for a file that is not a mapping, a key that no notebook
    declares, and a value of the wrong type. Text stays as written: `2024-01-05` is no date
    object, and an id like `00123` is refused until it is put in quotes. All that is wrong is in one
    message.
    What only the data can tell (whether a header is there) is left to the reading.
    """
    path = Path(path)
    if path.suffix.lower() in (*SUFFIXES, *PACKED):
        raise ParamsError(
            f"{path} is not a params file. "
            f"If it is an order export: python -m ltvkit inspect {path}"
        )
    if notebooks is None:
        path = path if path.is_file() else find_params(path)
        known = _union(books.find_notebooks())
    else:
        known = _union(map(books.read_notebook, notebooks))
    problems: list[str] = []
    given, nodes = read(path, texts=_texts(known), problems=problems)
    for key, node in nodes.items():
        where = f"line {node.start_mark.line + 1}: "
        if key not in known and key in given:
            names = ", ".join(known)
            unknown = f"'{key}' is not a parameter of any notebook.{nearest(key, known)}"
            problems.append(f"{where}{unknown} Known: {names}.")
        elif key in given:  # those that are not are among the problems
            with collecting(problems, where):
                _check(given[key], known[key][0], node)
    good = {key: value for key, value in given.items() if _fits(value, known.get(key))}
    problems += _find_missing({*given, *nodes}, known)
    defaults = {name: several[0].default for name, several in known.items()}
    named = {"title": given.get("shop", ""), "currency": ""}
    neutral = NEUTRAL | {name: text for name, text in named.items() if _differ(known.get(name))}
    values = defaults | {n: v for n, v in neutral.items() if n in known} | good
    values |= {"engine": engine} if engine else {}
    values["language"] = values["language"] or i18n.find_language()
    values |= {
        name: records.inherit(values[name], values.get("policies", {}))
        for name in records.TABLES
        if values.get(name)
    }
    problems += _find_wrong_values(values, skipped=nodes.keys() - good.keys())
    raise_all(path, problems)
    return Params(path=path, values=values)


def load_all(files: Iterable[str | Path], *, engine: str | None = None) -> list[Params]:
    """Params files -> `Params` of each; raises one `ParamsError` with the problems of all."""
    problems: list[str] = []
    found = []
    for file in files:
        with collecting(problems):
            found.append(load(file, engine=engine))
    if problems:
        raise ParamsError("\n".join(problems))
    return found


def find_params(path: str | os.PathLike[str]) -> Path:
    """The params file that `path` names, from the working folder or from the project's root.

    Raises `ParamsError` naming the params files that there are.
    """
    here = Path.cwd().resolve()
    try:
        homes = dict.fromkeys((here, paths.root().resolve()))
    except ProjectError:
        homes = {here: None}
    named = Path(path).expanduser()
    for home in homes:
        if (home / named).is_file():
            return (home / named).resolve()
        if (home / named).exists() and not (home / named).is_dir():
            raise ParamsError(f"{path} is a pipe or a device, and not a params file.")
    known = [found for home in homes for found in sorted(home.glob("params/*.yaml"))]
    known = known or [*here.glob("*/params/*.yaml")]
    shown = [os.path.relpath(found) for found in dict.fromkeys(known)]
    there = (
        f"Params files: {', '.join(shown)}."
        if shown
        else "Write one: python -m ltvkit inspect FILE"
    )
    looked = " or ".join(map(str, homes))
    alike = [file for file in shown if Path(file).stem == named.stem]
    hint = nearest(alike[0], alike) if alike else nearest(str(path), shown)
    folder = f" {path} is a folder." * any((home / named).is_dir() for home in homes)
    raise ParamsError(f"there is no params file {path} in {looked}.{folder}{hint} {there}")


def check_month(month: str) -> str:
    """`month` itself, if it is "last" or like "1998-06"; raises `ParamsError` otherwise.

    >>> check_month("1998-06")
    '1998-06'
    """
    if month != "last" and not _MONTH.fullmatch(month):
        raise ParamsError(f"{month!r} is not a month: write it as 1998-06, or 'last'.")
    return month


def _union(notebooks: Iterable[books.Notebook]) -> dict[str, list[Parameter]]:
    """Each parameter with its declarations; those that disagree on the type are an error."""
    known: dict[str, list[Parameter]] = {}
    for notebook in notebooks:
        for name, parameter in notebook.parameters.items():
            same = known.setdefault(name, [parameter])
            if parameter.kind != same[0].kind:
                raise ReportError(
                    f"{notebook.path} declares '{name}' as {parameter.kind}; "
                    f"another notebook as {same[0].kind}."
                )
            same.append(parameter)
    named = {name: same for name, same in known.items() if name not in books.RESERVED}
    return named | {LANGUAGE.name: [LANGUAGE]}


def _texts(known: Mapping[str, list[Parameter]]) -> list[str]:
    """The keys that hold text, alone, in a list or in a mapping."""
    policies = [f.name for f in fields(Policies) if not isinstance(f.default, int | float)]
    lists = [
        name
        for name, [first, *_others] in known.items()
        if first.kind == "list" and isinstance(next(iter(first.default), None), str)
    ]
    own = [f"policies.{name}" for name in policies]
    records_own = ["source", "columns", "format", "stages", *own]
    below = [f"{table}.{name}" for table in records.TABLES for name in records_own]
    return ["columns", "spark.conf", *own, *lists, *below]


def _fits(value: Any, several: list[Parameter] | None) -> bool:
    """Whether a value has the type of a parameter."""
    kind = several[0].kind if several else ""
    types, _expected = books.KINDS.get(kind, ((), ""))
    return isinstance(value, types) and isinstance(value, bool) == (kind == "bool")


def _check(value: Any, parameter: Parameter, node: yaml.Node) -> None:
    raw, expected = raw_text(node), books.KINDS[parameter.kind][1]
    if not _fits(value, [parameter]):
        quotable = parameter.kind == "str" and raw and not isinstance(value, list | dict)
        advice = f' Put it in quotes: "{raw}".' if quotable else ""
        found = raw or "nothing"
        raise ParamsError(f"{parameter.name}: found {found}, expected {expected}.{advice}")
    try:
        _check_text(parameter, value)
    except ParamsError as error:
        raise ParamsError(f"{parameter.name}: {error}") from error


def _check_text(parameter: Parameter, value: Any) -> None:
    """The words whose form matters: the shop's slug, months and dates."""
    name = parameter.name
    if name == "shop":
        check_shop(value)
    if value == parameter.default:
        return
    if name == "month" or name.endswith("_month"):
        check_month(value)
    elif name.endswith(("_date", "_until", "as_of")):
        try:
            dt.date.fromisoformat(value)
        except ValueError as error:
            raise ParamsError(f"{value!r} is not a date: write it as 1998-06-30.") from error


def _find_missing(given: Collection[str], known: Mapping[str, list[Parameter]]) -> Iterator[str]:
    for name in REQUIRED:
        if name in known and name not in given:
            yield f"'{name}' is missing: {known[name][0].help or 'write it down'}."
    for name, several in known.items():
        if name not in {*given, *NEUTRAL, "title", "currency"} and _differ(several):
            yield f"'{name}' is missing, and the notebooks' defaults for it differ."


def _differ(several: Iterable[Parameter] | None) -> bool:
    """Whether the notebooks' defaults for a parameter differ."""
    return len({repr(p.default) for p in several or ()}) > 1


def _find_wrong_values(values: Mapping[str, Any], *, skipped: Collection[str]) -> list[str]:
    """What is wrong with values of the right type; `skipped` are known to be wrong already."""
    problems: list[str] = []
    options = {key: values[key] for key in ("columns", "policies") if key in values}
    with collecting(problems):
        check_options(**options)
    with collecting(problems):
        remote.refuse_remote(values.get("source", ""), allowed=_allows_remote(values))
    # Without the columns that are mapped, nobody can say which names there are.
    skipped = {*skipped, *(OF_COLUMNS if "columns" in skipped else ())}
    with collecting(problems):
        rules.check({name: value for name, value in values.items() if name not in skipped})
    return problems


def _allows_remote(values: Mapping[str, Any]) -> bool:
    return values.get("policies", {}).get("remote") is True
