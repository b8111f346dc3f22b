"""Lists of customers beside a hypothesis: CSV files in the register's folder `lists`.

Errors are shown on pages, so they name the file and the line, and no customer.
"""

import csv
import re
from pathlib import Path

import pandas as pd

from ltvkit.core import csv_injection, redaction
from ltvkit.errors import nearest
from ltvkit.hypotheses.hypothesis import CONTROL, TREATED
from ltvkit.hypotheses.registry.field_types import Invalid

FOLDER = "lists"
DRAW = "`python -m ltvkit hypothesis assign`"
GROUPS = (TREATED, CONTROL)
_FILE = re.compile(r"(/|\.\./).*|.+\.(csv|tsv|txt|xlsx?)")


def resolve(folder: Path, name: str) -> Path:
    """Where a list belongs; raises `Invalid` for one that is not in the register's own `lists`."""
    expected = f"a file as in {FOLDER}/name.csv; copy it to the folder {FOLDER} of the register"
    try:
        path = (folder / name).resolve()
        path.is_file()
    except (ValueError, OSError) as error:
        raise Invalid(expected, found="a name that no file can have") from error
    shown = name if _FILE.fullmatch(name) else "a word that is not a file"  # it may be an id
    if path.parent != folder.resolve() / FOLDER or path.suffix != ".csv":
        raise Invalid(expected, found=shown)
    return path


def find(folder: Path, name: str) -> Path:
    """The file of a list; raises `Invalid` where there is none."""
    path = resolve(folder, name)
    if not path.is_file():
        beside = [f"{FOLDER}/{p.name}" for p in path.parent.glob("*.csv")]
        expected = f"a file that is there; {DRAW} draws customers at random"
        raise Invalid(expected, found=name, hint=nearest(name, beside))
    return path


def read_customers(folder: Path, name: str) -> tuple[str, ...]:
    """The ids of a list, as text, in the order of the file."""
    return tuple(row["customer_id"] for _line, row in _read_rows(folder, name, "customer_id"))


def read_assignment(folder: Path, name: str) -> pd.DataFrame:
    """Who was drawn for which group: customer_id, group, segment ("" where the file has none)."""
    rows = _read_rows(folder, name, "customer_id", "group")
    for line, row in rows:
        if row["group"] not in GROUPS:
            found, hint = f"another group in {name}, line {line}", nearest(row["group"], GROUPS)
            raise Invalid(f"{TREATED} or {CONTROL}", found=found, hint=hint)
    columns = ["customer_id", "group", "segment"]
    table = pd.DataFrame([row for _line, row in rows], columns=columns, dtype=str).fillna("")
    if missing := [group for group in GROUPS if group not in set(table["group"])]:
        raise Invalid(f"both groups, {TREATED} and {CONTROL}", found=f"no {missing[0]} in {name}")
    return table


def _read_rows(folder: Path, name: str, *needs: str) -> list[tuple[int, dict[str, str]]]:
    """The rows of a list with their lines in the file; raises `Invalid` for one that is unfit."""
    (_line, columns), *records = _read_records(find(folder, name), name)
    if missing := [column for column in needs if column not in columns]:
        found = f"no column {missing[0]} in {name}"
        expected = f"{' and '.join(needs)} in its first line"
        raise Invalid(expected, found=found)  # no hint: where there is no header, it is an id
    if not records:
        raise Invalid("at least one customer", found=f"nobody in {name}")
    seen: dict[str, int] = {}
    for line, record in records:
        row, where = dict(zip(columns, record, strict=False)), f"in {name}, line {line}"
        if len(record) != len(columns):
            expected = f"{len(columns)}, one for each column"
            raise Invalid(expected, found=f"{len(record)} values {where}")
        customer = row["customer_id"]
        if not customer or customer in seen:
            again = f"the customer of line {seen.get(customer)} again"
            found = f"{again if customer else 'no customer_id'} {where}"
            raise Invalid("an id in each row, each once; remove that line", found=found)
        seen[customer] = line
    return [(line, dict(zip(columns, record, strict=True))) for line, record in records]


def _read_records(path: Path, name: str) -> list[tuple[int, list[str]]]:
    """The records of a CSV file with their lines, trimmed; the first is the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            found = [
                (reader.line_num, [csv_injection.unescape(v.strip()) for v in record])
                for record in reader
            ]
    except UnicodeDecodeError as error:
        raise Invalid("UTF-8; save it as CSV UTF-8", found=f"other text in {name}") from error
    except (OSError, csv.Error) as error:
        why = getattr(error, "strerror", None) or redaction.foreign(error)
        raise Invalid("a CSV file that can be read", found=f"{name} ({why})") from error
    filled = [(line, record) for line, record in found if any(record)]
    return filled or [(1, ["(none)"])]
