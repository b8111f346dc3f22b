"""Temporary tables of DuckDB: a result is computed once, and dropped when nothing reads it."""

import atexit
import itertools
import threading
import weakref
from typing import Any, NamedTuple

import pandas as pd

_numbers = itertools.count(1)


class _Table(NamedTuple):
    """A temporary table of DuckDB: what is gone once nothing reads it, and what can drop it."""

    readers: weakref.ref
    made: Any
    thread: int


_tables: dict[str, _Table] = {}
_unread: list[str] = []
_dropping = threading.Lock()
atexit.register(_tables.clear)  # while DuckDB is still there


def add_table(content: pd.DataFrame, *, like: Any) -> str:
    """A pandas table as a temporary one of a DuckDB relation's connection, until it is closed."""
    return _make_table(like, content)[1]


def store(relation: Any, content: Any = None) -> Any:
    """A relation, or a content (pandas, Arrow), computed into a temporary table of the relation's
    connection.

    The table is dropped when no relation reads it any more. To know that, each query of the table
    names `ltvkit_readers`: DuckDB holds it as long as such a relation, and leaves it out of the
    plan. DuckDB may be busy when it goes, so the drop waits for the kit's next query.
    """
    import pyarrow as pa

    drop_unread()
    made, name = _make_table(relation, content)
    ltvkit_readers = pa.table({"none": [0]})
    read = f"from {name} union all (select {name}.* from {name}, ltvkit_readers where false)"
    readers = weakref.ref(ltvkit_readers, lambda _gone: _unread.append(name))
    _tables[name] = _Table(readers, made, threading.get_ident())
    return made.query("made", read).set_alias(name)


def drop_unread() -> None:
    """Drop the temporary tables that nothing reads any more, of this thread or of an ended one."""
    import duckdb

    with _dropping:
        others = {t.ident for t in threading.enumerate()} - {threading.get_ident()}
        for name in [name for name in _unread if _tables[name].thread not in others]:
            try:
                _tables[name].made.query("dropped", f"drop table if exists {name}")
            except duckdb.ConnectionException:
                pass  # the connection is closed, and its tables with it
            except duckdb.Error:
                continue  # the connection is busy: a result of it is being read
            _unread.remove(name)
            del _tables[name]


def _make_table(relation: Any, ltvkit_content: Any) -> tuple[Any, str]:
    # DuckDB looks up names among the user's tables first, so the names are unusual.
    name = f"ltvkit_{next(_numbers)}"
    source = f"{name}_rows" if ltvkit_content is None else "ltvkit_content"
    made = relation.query(f"{name}_rows", f"create temp table {name} as select * from {source}")
    # A relation made from what `create` returned does not hold the steps that made the table, which
    # would be planned again with each query. (DuckDB 1 returns nothing.)
    return (relation if made is None else made), name
