"""Prepared orders: the door passed once, its result kept as Parquet and opened by every notebook.

A preparation is named by what it depends on (the files, the mapping, the policies, this code),
so that it never goes stale and never needs to be told to refresh. It is safe to delete.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ltvkit import currencies, door, files, paths, sources
from ltvkit.errors import ReportError
from ltvkit.i18n import language
from ltvkit.orders import Orders
from ltvkit.policies import Policies, check_options
from ltvkit.sources.connection import connect
from ltvkit.sources.part import LINE
from ltvkit.values import literal

_CODE = ("door", "contract", "judgement", "policies", "quality", "prepared", "values")
_CODE += ("dates", "headers", "ids", "currencies", "periods", "engine", "errors", "i18n")
# Small dictionaries: most columns of orders are either of few values or nearly all distinct.
_PARQUET = "format parquet, dictionary_size_limit 5000"
_FACTS = "facts.json"
_LATER = ("max_quarantined", "checks", "memory_limit")  # policies that change nothing here
# Names a run of the report, all notebooks of which must see the same rows: a table on a server,
# which only reading can tell from what it was, is read once for it.
RUN = "LTVKIT_RUN"


@dataclass(frozen=True, kw_only=True)
class Prepared(Orders):
    """`Orders` opened from a preparation: its frames are DuckDB relations over Parquet."""

    folder: Path
    key: str


def open(
    source: str,
    *,
    columns: Mapping[str, str] | None = None,
    policies: Mapping[str, Any] | None = None,
) -> Prepared:
    """The prepared orders of a source; prepared now if they were not before.

    Takes what `orders.read` takes, `policies` as one mapping, and raises what it raises.
    """
    rules = check_options(columns=columns, policies=policies)
    seen = sources.seen(source, rules)
    beside = currencies.rates(paths.resolve(rules.rates)).to_csv() if rules.rates else ""
    decided = {n: p for n, p in (policies or {}).items() if n not in _LATER}
    home, asked = paths.cache() / "orders", (source, columns or {}, decided, beside)
    raw, note = None, None
    if seen is None:
        note = RUN in os.environ and home / f"{_key(os.environ[RUN], *asked)}.asked"
        if note and note.exists():
            key = note.read_text("utf-8")
            return _opened(home / key, key, rules)
        raw = sources.open(source, rules)
        seen = raw.facts["digest"]
    key = _key(seen, *asked)
    if not (home / key / _FACTS).exists():
        _prepare(raw or sources.open(source, rules), columns or {}, rules, home / key)
    if note:
        with files.whole(note) as part:
            part.write_text(key, "utf-8")
    return _opened(home / key, key, rules)


def _key(seen: object, *asked: Any) -> str:
    home = Path(__file__).parent
    code = [*(home / f"{name}.py" for name in _CODE), *sorted((home / "sources").rglob("*.py"))]
    texts = [path.read_text("utf-8") for path in code]
    parts = [seen, *asked, texts, language()]
    return hashlib.sha256(json.dumps(parts, default=dict).encode()).hexdigest()[:16]


def _prepare(raw: sources.Raw, columns: Mapping, rules: Policies, folder: Path) -> None:
    files.sweep(folder.parent, ".*.part")
    files.sweep(folder.parent, "*.asked")
    try:
        with files.whole(folder) as part:
            part.mkdir(parents=True)
            _name(raw.connection, part)
            rows = door.pass_through(raw, columns=columns, rules=rules, keep=_keep)
            (part / _FACTS).write_text(rows.to_json(), "utf-8")
    except OSError as error:  # another run may have prepared the same meanwhile
        if not (folder / _FACTS).exists():
            raise ReportError(f"prepared orders cannot be kept in {folder}: {error}.") from error


def _keep(relation: Any, name: str, first: int | None) -> str:
    """A `door.Keep` into Parquet files of the folder that the connection names."""
    path = f"getvariable('folder') || '/{name}.parquet'"
    relation.query("kept", f"copy (select * from kept) to ({path}) ({_PARQUET})")
    if first is None:
        return f"select * from read_parquet({path})"
    line = f"file_row_number + {first} as {LINE}"
    chosen = f"select * exclude (file_row_number), {line}"
    return f"{chosen} from read_parquet({path}, file_row_number = true)"


def _name(connection: Any, folder: Path) -> None:
    connection.execute(f"set variable folder = {literal(str(folder))}")


def _opened(folder: Path, key: str, rules: Policies) -> Prepared:
    connection = connect()
    _name(connection, folder)
    rows = door.Rows.from_json((folder / _FACTS).read_text("utf-8"))
    book = door.opened(connection, rows, returns=rules.returns)
    return Prepared(**vars(book), folder=folder, key=key)
