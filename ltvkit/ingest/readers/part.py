"""One file of a source: SQL for its records, its columns and facts."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ltvkit.engines.sql import quoted
from ltvkit.ingest.parse import values
from ltvkit.ingest.readers.csv_records import TOTAL
from ltvkit.ingest.schema import FILE, LINE, NO_LINE, RECORD, RESERVED

MOST_COLUMNS = 300  # of a file that are all kept


@dataclass(frozen=True)
class File:
    """A file to read, and its name in messages."""

    path: Path
    name: str


@dataclass(frozen=True)
class Part:
    """`sql` selects the records of one file: `columns` (raw column -> DuckDB type) as they are
    written, and of `RECORD` what `working` names. `twins` are the names that several have;
    `plain`: no value has other blanks around it than spaces. `numeric` are columns of texts made
    from numbers.

    `head` gives the first rows, where that is quicker than asking the query for them.

    Without `_line`, each line from `first` on is a record. If the query fails, or does not give the
    `expected` number of records, the file has a fault, and `exact` reads it record by record.
    """

    name: str
    sql: str
    columns: Mapping[str, str]
    working: Sequence[str] = ()
    first: int = 1
    expected: int | None = None
    exact: Callable[[], Part] | None = None
    plain: bool = False
    twins: Sequence[str] = ()
    numeric: Sequence[str] = ()
    head: Callable[[int], list[list[str]]] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_query(cls, connection: Any, name: str, sql: str, **known: Any) -> Part:
        """A part with the columns of the query."""
        opened = connection.sql(sql)
        found = dict(zip(opened.columns, map(str, opened.types), strict=True))
        columns = {n: kind for n, kind in found.items() if n not in (*RECORD, FILE)}
        return cls(name, sql, columns, [n for n in found if n not in columns], **known)

    def keep(self, needed: Iterable[str], *, most: int = MOST_COLUMNS) -> Part:
        """This part with `needed` and the first `most` others, where it has very many columns.

        Steps take a time for each column, or for each pair of them; nobody asks for thousands.
        """
        if len(self.columns) <= MOST_COLUMNS:
            return self
        needed = set(needed)
        first = set(itertools.islice((c for c in self.columns if c not in needed), most))
        columns = {c: kind for c, kind in self.columns.items() if c in needed or c in first}
        # By a query of its own, so that no step sees the others.
        chosen = ", ".join(map(quoted, [*columns, *self.working]))
        sql = f"select {chosen} from ({self.sql})"
        exact = self.exact and (lambda: self.exact().keep(needed, most=most))
        return replace(self, sql=sql, columns=columns, exact=exact, head=None)

    def with_line_numbers(self) -> Part:
        """This part with the line number of each record, for steps that do not keep their order."""
        if LINE in self.working:
            return self
        line = f"row_number() over () + {self.first - 1} as {LINE}"
        exact = self.exact and (lambda: self.exact().with_line_numbers())
        sql = f"select *, {line} from ({self.sql})"
        return replace(self, sql=sql, working=(*self.working, LINE), exact=exact)

    def fill_down(self, columns: Sequence[str], *, order_id: str, restarts: bool = False) -> Part:
        """This part with `columns` written on every line of an order, where only one has them.

        An order's id, if it is among them, is repeated until the next id. Values that a line has
        are kept; others are the first with its id, or where ids begin again (`restarts`) the last
        above it. Total rows and empty rows are not filled.
        """
        lined = self.with_line_numbers()
        said = {c: values.strip_blanks(f"{quoted(c)}::varchar") for c in self.columns}
        first = f"coalesce({', '.join(said.values())})"
        none = f"({first} is null or regexp_full_match({values.narrow(first)}, '{TOTAL}', 'i'))"
        last = f"last_value({said[order_id]} ignore nulls)"
        window = f"over (order by {LINE} rows unbounded preceding)"
        filled = f"case when {none} then {said[order_id]} else {last} {window} end"
        ids = f" replace ({filled} as {quoted(order_id)})" if order_id in columns else ""
        orders = f"partition by {quoted(order_id)}"
        above = f"{orders} order by {LINE} rows unbounded preceding" if restarts else orders
        choose = "arg_max" if restarts else "arg_min"
        rest = ", ".join(
            f"case when {NO_LINE} then {said[c]} else "
            f"coalesce({said[c]}, {choose}({said[c]}, {LINE}) over ({above})) end as {quoted(c)}"
            for c in columns
            if c != order_id
        )
        sql = f"select *{ids}, {none} as {NO_LINE} from ({lined.sql})"
        sql = f"select * exclude ({NO_LINE}){f' replace ({rest})' * bool(rest)} from ({sql})"
        how = {"order_id": order_id, "restarts": restarts}
        exact = self.exact and (lambda: self.exact().fill_down(columns, **how))
        texts = {**self.columns} | dict.fromkeys(columns, "VARCHAR")
        return replace(lined, sql=sql, columns=texts, exact=exact)

    def resolve(self, connection: Any) -> Part:
        """This part if its query reads it without a fault, else that of `exact`."""
        if self.exact is None:
            return self
        import duckdb

        read = f"select count(*), bit_xor(hash({', '.join(map(quoted, self.columns))}))"
        try:
            count = connection.sql(f"{read} from ({self.sql})").fetchall()[0][0]
        except duckdb.Error:
            count = None
        return self if count == self.expected else self.exact()


def normalize_header(written: Any) -> str:
    """A header for comparison: NFKC, without surrounding white space and line breaks."""
    return " ".join(unicodedata.normalize("NFKC", str(written or "")).strip("\ufeff").split())


def select_raw(
    columns: Sequence[str], *, names: Sequence[str] = (), casts: Mapping[str, str] | None = None
) -> str:
    """SQL for raw columns under `names`, as `make_distinct` gives them; `casts` replace columns."""
    casts = casts or {}
    chosen = zip(columns, names or make_distinct(columns)[0], strict=True)
    return ", ".join(f"{casts.get(c, quoted(c))} as {quoted(name)}" for c, name in chosen)


def name_columns(header: Sequence[Any]) -> tuple[list[str], list[str]]:
    """A header's fields -> names of columns, normalised and distinct, and those that came twice.

    >>> name_columns([" 金額 ", "amount", "Amount", None])
    (['金額', 'amount', 'Amount (2)', 'column 4'], ['amount'])
    """
    return make_distinct(
        [normalize_header(written) or f"column {n}" for n, written in enumerate(header, start=1)]
    )


def make_distinct(found: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names -> the same, numbered where one came before or is reserved; those that came twice.

    >>> make_distinct(["Amount", "AMOUNT", "_line"])
    (['Amount', 'AMOUNT (2)', '_line (2)'], ['amount'])
    """
    names, twins, taken = [], [], set(RESERVED)
    for name in found:
        numbered = (f"{name} ({n})" for n in itertools.count(2))
        free = next(n for n in itertools.chain([name], numbered) if n.casefold() not in taken)
        if free != name and name.casefold() not in RESERVED:
            twins.append(name.casefold())
        taken.add(free.casefold())
        names.append(free)
    return names, list(dict.fromkeys(twins))
