"""Open the sources of orders: one row per record, with its line number.

CSV, TSV and Excel are read as text; Parquet and databases keep their types. `ingest.parse` reads
the values, `ingest.validation` checks the lines.
"""

import hashlib
import re
import shutil
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ltvkit.core import cache_folder, locks, paths, redaction
from ltvkit.core.files import hash_files, unique_path
from ltvkit.engines import limits
from ltvkit.engines.connection import ask, connect
from ltvkit.engines.sql import quoted
from ltvkit.errors import DataError
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.readers import (
    archives,
    csv_files,
    databases,
    excel,
    gathering,
    join,
    json_files,
    parquet_files,
    remote,
)
from ltvkit.ingest.readers.locate import locate
from ltvkit.ingest.readers.part import File, Part, select_raw
from ltvkit.ingest.schema import FRAME, LINE

READERS = dict.fromkeys((".csv", ".tsv", ".txt"), csv_files.read)
READERS |= dict.fromkeys((".jsonl", ".ndjson", ".json"), json_files.read)
READERS |= {".xlsx": excel.read, ".xlsm": excel.read, ".parquet": parquet_files.read}


_JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠々]")


@dataclass(frozen=True)
class Raw:
    """An opened source: its `parts` (one per file) on one DuckDB `connection`, and `facts`."""

    connection: Any
    parts: Sequence[Part]
    facts: dict[str, Any]

    @cached_property
    def sql(self) -> str:
        """SQL for all records: the raw columns, NULL where a part lacks one."""
        runs = gathering.find_runs(self.parts)
        gathered = (part for run in runs for part, _files in gathering.gather(self.connection, run))
        sure = [part.resolve(self.connection) for part in gathered]
        columns = (", ".join(map(quoted, part.columns)) for part in sure)
        chosen = (f"select {c} from ({p.sql})" for c, p in zip(columns, sure, strict=True))
        return " union all by name ".join(chosen)

    @cached_property
    def frame(self) -> Any:
        """All records as one DuckDB relation."""
        return self.connection.sql(self.sql)

    def ask(self, sql: str) -> list[tuple]:
        """The rows of a query of `raw`, all records; quicker than of a relation."""
        return ask(self.connection, self.sql, sql)

    @property
    def columns(self) -> dict[str, str]:
        """Raw column -> DuckDB type, of all parts."""
        return {name: kind for part in self.parts for name, kind in part.columns.items()}

    @property
    def japanese(self) -> bool:
        """Whether this is a Japanese export, by its encoding or its headers."""
        encodings = {part.facts.get("encoding") for part in self.parts}
        return bool(encodings & {"cp932", "euc_jp"} or any(map(_JAPANESE.search, self.columns)))


def open_source(
    source: str, rules: Policies | None = None, *, sums: Mapping[Path, str] | None = None
) -> Raw:
    """A file, a folder or pattern of files, a database's URL, or a sample -> `Raw`.

    `sums` are the hashes of its files, where they are known. Files may be CSV, TSV, Excel,
    Parquet or JSON, and packed as .gz or .zip. What has to be unpacked or transcoded is in a folder
    that is deleted with the connection. Raises `DataError`.
    """
    rules = rules or Policies()
    remote.refuse_remote(source, allowed=rules.remote)
    asked = databases.is_address(source)
    if asked:
        join.refuse_join(rules, "a database's table")
    files = [] if asked else locate(source, rules)
    home = cache_folder.locate("reading")
    home.mkdir(parents=True, exist_ok=True)
    cache_folder.sweep(home)
    work = unique_path(home, "")
    held = locks.make_held(work, mode=0o700)
    try:
        limits.check_disk(files, home)
        memory, spill = limits.parse_memory(rules.memory_limit), cache_folder.locate("spill")
        connection = connect(memory=memory, spill=spill)
        if asked:
            facts = databases.export_table(source, work / "table.parquet", table=rules.table)
            table = File(work / "table.parquet", facts["table"])
            part = replace(parquet_files.read(connection, table, work, rules), facts=facts)
            raw = Raw(connection, [part], facts)
        else:
            opened = _read_files(connection, files, work, rules)
            facts = {"source": source} | _facts(files, opened, sums)
            raw = Raw(connection, opened, facts)
            if rules.join:
                raw = _join_orders(raw, work, rules, sums)
    except BaseException:
        _remove(work, held)
        raise
    # A relation keeps the connection alive, and may still read from the folder.
    weakref.finalize(connection, _remove, work, held)
    return raw


def list_files(source: str, rules: Policies) -> list[Path]:
    """All files that the orders of a source are made of; of a table on a server, only the rates."""
    remote.refuse_remote(source, allowed=rules.remote)
    if databases.is_address(source):
        found = databases.list_files(source)
    else:
        found = [*locate(source, rules), *(locate(rules.join, rules) if rules.join else ())]
    return [*found, *list_rates(rules)]


def list_rates(rules: Policies) -> list[Path]:
    """The file of rates that the policies name, if it is there."""
    path = paths.resolve(rules.rates)
    return [path] if rules.rates and path.is_file() else []


def _read_files(connection: Any, files: Sequence[Path], work: Path, rules: Policies) -> list[Part]:
    """Files -> their parts: one each, or one per sheet of a workbook whose sheets are all meant."""
    parts = []
    for file in archives.unpack(files, work):
        read = READERS[file.path.suffix.lower()]
        if read is excel.read and rules.sheet == excel.ALL:
            for sheet in excel.list_sheets(file.path):
                named = File(file.path, f"{file.name}: {sheet}")
                parts.append(read(connection, named, work, replace(rules, sheet=sheet)))
        else:
            parts.append(read(connection, file, work, rules))
    return parts


def _remove(work: Path, held: locks.Hold) -> None:
    shutil.rmtree(work, ignore_errors=True)
    held.release()


def _join_orders(items: Raw, work: Path, rules: Policies, sums: Mapping[Path, str] | None) -> Raw:
    """Opened items -> the same with the columns of their orders; the facts name their files."""
    files = locate(rules.join, rules)
    orders = _read_files(items.connection, files, work, rules)
    parts = join.join_orders(items.connection, items.parts, orders, on=rules.join_on)
    facts = {"joined": _list_sums(files, sums)}
    return replace(items, parts=parts, facts=items.facts | facts)


def list_sheets(source: str) -> list[str]:
    """The sheets of a workbook, or of the first in a folder; none for other sources."""
    files = [] if databases.is_address(source) else locate(source, Policies())
    books = [path for path in files if READERS.get(path.suffix.lower()) is excel.read]
    return excel.list_sheets(books[0]) if books else []


def open_frame(frame: Any, rules: Policies) -> Raw:
    """A pandas or Polars frame in memory -> `Raw`; lines are numbered from 1.

    Raises `DataError` for what is no such frame, and for a column of values of several types.
    """
    import narwhals.stable.v2 as nw
    import pyarrow as pa
    from narwhals.exceptions import DuplicateError

    join.refuse_join(rules, FRAME)
    connection = connect()
    try:
        table = nw.from_native(frame, eager_only=True).to_arrow()
    except pa.ArrowException as error:
        raise DataError(
            f"the frame cannot be read: column {_find_mixed(frame)}: {redaction.foreign(error)}. "
            "Make a column whose values are of several types text, as in "
            "frame.astype({'amount': 'string'})."
        ) from error
    except DuplicateError as error:
        raise DataError("the frame has several columns of one name: rename them.") from error
    except TypeError as error:
        raise DataError(
            f"source: {type(frame).__name__} cannot be read: give a path, or a pandas or Polars "
            "frame (a DuckDB relation by .df(), a lazy or Spark frame collected)."
        ) from error
    if not table.column_names:
        raise DataError("the frame has no columns.")
    connection.register("raw", table)
    found = connection.sql("from raw")
    raw = select_raw(found.columns, casts=parquet_files.cast_texts(found))
    part = Part.from_query(connection, "", f"select {raw}, row_number() over () as {LINE} from raw")
    return Raw(connection, [part], {"source": FRAME, "encoding": None})


def _find_mixed(frame: Any) -> str:
    """The first column of a frame that has values of several types."""
    import narwhals.stable.v2 as nw
    import pyarrow as pa

    for column in nw.from_native(frame, eager_only=True).iter_columns():
        try:
            column.to_arrow()
        except pa.ArrowException:
            return column.name
    return "unknown"


def _facts(
    files: Sequence[Path], parts: Sequence[Part], sums: Mapping[Path, str] | None
) -> dict[str, Any]:
    """Facts that hold for all files, and the list of the files if there are several."""
    listed = _list_sums(files, sums)
    shared = {
        name: value
        for name, value in parts[0].facts.items()
        if all(part.facts.get(name) == value for part in parts)
    }
    if len(files) == 1:
        return {"sha256": listed[0]["sha256"]} | shared
    together = hashlib.sha256("".join(file["sha256"] for file in listed).encode()).hexdigest()
    return {"sha256": together} | shared | {"files": listed}


def _list_sums(files: Sequence[Path], sums: Mapping[Path, str] | None) -> list[dict[str, str]]:
    known = sums or dict(zip(files, hash_files(files), strict=True))
    return [{"file": file.name, "sha256": known[file]} for file in files]
