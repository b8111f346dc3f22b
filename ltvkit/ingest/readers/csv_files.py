"""Delimited text files: read by DuckDB where each line is one record, else with every fault."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ltvkit.core import files
from ltvkit.engines.sql import literal, one_file
from ltvkit.errors import DataError, ParamsError
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.readers import csv_batches, encodings, progress
from ltvkit.ingest.readers.csv_records import NOT_CLOSED, Record, parse_records
from ltvkit.ingest.readers.part import File, Part, name_columns
from ltvkit.ingest.readers.spool import write_batches, write_records

DELIMITERS = ",\t;|"
_SAY = "Say which line does under policies: header_line."


def read(connection: Any, file: File, work: Path, rules: Policies) -> Part:
    """A delimited text file -> `Part`; raises `DataError` where no line names the columns.

    DuckDB reads the part; where it does not give the expected number of records, `exact` reads it
    with every fault.
    """
    copy = {"declared": rules.encoding, "copy": files.unique_path(work, ".csv")}
    text = encodings.convert_to_utf8(file.path, name=file.name, **copy)
    delimiter, header = _find_header(text.path, file.name, rules)
    columns, twins = name_columns(header)
    facts = {"encoding": text.encoding, "delimiter": delimiter}
    known = {"columns": dict.fromkeys(columns, "VARCHAR"), "twins": twins, "facts": facts}

    form = {"delimiter": delimiter, "first": rules.header_line}

    def exact() -> Part:
        sql, working, lines = write_exact(text.path, columns, work, **form)
        plain = lines and not text.blanks
        return Part(file.name, sql, working=working, plain=plain, **known)

    def head(count: int) -> list[list[str]]:
        rows = iterate_records(text.path, width=len(columns), **form)
        return [row.fields for row in itertools.islice(rows, count) if row.fields]

    known["head"] = head
    if text.odd or any("\n" in field for field in header):
        return exact()
    sql = build_fast_query(text.path, columns, **form)
    return Part(
        file.name,
        sql,
        first=rules.header_line + 1,
        expected=text.lines - rules.header_line,
        exact=exact,
        plain=not text.blanks,  # and each line is a record: no value has line breaks around it
        **known,
    )


def build_fast_query(path: Path, columns: Sequence[str], *, delimiter: str, first: int) -> str:
    """SQL that reads a text in UTF-8 whose header is line `first`, and fails on any fault."""
    listed = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in columns)
    # Every option is given, so that DuckDB guesses nothing from the first lines.
    return (
        f"select * from read_csv({one_file(path)}, auto_detect = false, strict_mode = true, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', header = true, "
        f"skip = {first - 1}, columns = {{{listed}}}, max_line_size = 16777216)"
    )


def write_exact(
    path: Path, columns: Sequence[str], work: Path, *, delimiter: str, first: int
) -> tuple[str, Sequence[str], bool]:
    """Write the records of a text, each a row or a fault -> SQL, and its working columns.

    Third, whether it is known that no value has line breaks.
    """
    form = {"delimiter": delimiter, "first": first}
    if not csv_batches.can_read(delimiter, len(columns)):
        records = iterate_records(path, width=len(columns), **form)
        return *write_records(records, columns, work), False
    broken: set[bool] = set()
    batches = csv_batches.note_breaks(csv_batches.read_batches(path, columns, **form), broken)
    return *write_batches(batches, columns, work), True not in broken


def iterate_records(path: Path, *, delimiter: str, first: int, width: int) -> Iterator[Record]:
    """The records below the header in line `first`, each a row or a fault."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        above = sum(1 for _line in itertools.islice(file, first - 1))
        lines = progress.show_pieces(file, path)
        rows = parse_records(lines, delimiter=delimiter, width=width, line=above + 1)
        yield from itertools.islice(rows, 1, None)


def _find_header(path: Path, name: str, rules: Policies) -> tuple[str, list[str]]:
    """The delimiter, and the fields of the header line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        below = list(itertools.islice(file, rules.header_line - 1, rules.header_line + 100))
    choices = [_check_delimiter(rules.delimiter)] if rules.delimiter else DELIMITERS
    delimiter = max(choices, key=lambda d: _score_delimiter(below, d))
    header = next(parse_records(below, delimiter=delimiter), None)
    where = f"{name}: line {rules.header_line}, which must name the columns,"
    if header is None and rules.header_line > 1:
        raise DataError(f"{where} is not there: the file ends before it. {_SAY}")
    if header is None:
        gone = f"{where} is not there: the file is empty."
        raise DataError(f"{gone} Export it again, or take it out.")
    if header.line > 1 or not (header.fault or any(f.strip() for f in header.fields)):
        raise DataError(f"{where} is blank. {_SAY}")
    # A name with line breaks and delimiters: an unclosed quotation mark has taken in rows.
    taken = any(delimiter in f and len(f.splitlines()) > 1 for f in header.fields or ())
    if fault := NOT_CLOSED if taken else header.fault:
        raise DataError(f"{where} cannot be read: {fault}. Mend it, or export it anew.")
    return delimiter, header.fields


def _score_delimiter(lines: list[str], delimiter: str) -> tuple[int, int]:
    """How many lines have as many fields as the first, if it has several; and how many it has."""
    header = next(parse_records(lines, delimiter=delimiter), None)
    width = len(header.fields or header.text.split(delimiter)) if header else 0
    alike = sum(r.fault is None for r in parse_records(lines, delimiter=delimiter, width=width))
    return (alike if width > 1 else 0), width


def _check_delimiter(declared: str) -> str:
    found = {"tab": "\t", "comma": ",", "semicolon": ";"}.get(declared, declared)
    if len(found) != 1:
        raise ParamsError(f'policies: delimiter: {declared!r} must be one character, as in ";".')
    return found
