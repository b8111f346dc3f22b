"""Ingestion pipeline: read each file once, validate its lines, store them with reject reasons.

A part is stored in one pass; rules that compare lines run on the stored rows. Lines, returns and
quarantine are three views of the same rows.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd

from ltvkit.core import people, redaction
from ltvkit.engines import frames
from ltvkit.engines.sql import literal, quoted
from ltvkit.errors import DataError
from ltvkit.ingest import (
    amounts,
    mapping,
    overlap,
    personal_columns,
    reconciliation,
    undecided_amounts,
    unmapped,
    validation,
)
from ltvkit.ingest.book import Orders
from ltvkit.ingest.parse import currencies
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.readers import Raw, gathering, progress
from ltvkit.ingest.readers.part import Part
from ltvkit.ingest.schema import FILE, LINE, TEXT, WORKING
from ltvkit.ingest.span import find_span

# Stores a relation of a connection under a name, its rows in order, and returns SQL that reads them
# back. Rows without a line number are numbered from the given one.
Store = Callable[[Any, Any, str, int | None], str]
LIST_COLUMNS = ("file", "line", "reason", "text")


@dataclass(frozen=True)
class Rows:
    """Validated rows: `sql` selects canonical columns and those of `schema.WORKING`. `raw_columns`
    are those of the source, `quality` is the reconciliation, `facts` describe the source.
    """

    sql: str
    raw_columns: Sequence[str]
    quality: pd.DataFrame
    facts: Mapping[str, Any]

    def to_json(self) -> str:
        """These rows as JSON."""
        kept = vars(self) | {"quality": self.quality.to_dict("list")}
        return json.dumps(kept, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Rows:
        """Rows from the JSON of `to_json`."""
        kept = json.loads(text)
        return cls(**kept | {"quality": pd.DataFrame(kept["quality"])})


def validate_source(raw: Raw, *, columns: Mapping[str, str], rules: Policies, keep: Store) -> Rows:
    """An opened source -> its validated rows, stored by `keep`; raises as `orders.read` does."""
    several, zone = len(raw.parts) > 1, choose_timezone(raw, rules)
    rates = currencies.load_rates(rules.rates)
    named = [p.name if several else raw.facts["source"] for p in raw.parts]
    mapped = [
        mapping.map_columns(part, columns=columns, source=name)
        for part, name in zip(raw.parts, named, strict=True)
    ]
    raw = replace(
        raw, parts=[p.keep(names.values()) for p, names in zip(raw.parts, mapped, strict=True)]
    )
    readings = (
        PartReader(names, rules, zone, part.name if several else None, rates)
        for part, names in zip(raw.parts, mapped, strict=True)
    )
    # Other policies look at all lines of a file at once.
    alone = rules.fill_down or any(amounts.spreads(names, rules) for names in mapped)
    kept, read = store_parts(raw, readings, keep, alone=bool(alone))
    sql, named = " union all by name ".join(kept), all("order_id" in m for m in mapped)
    lines = _open_lazy(raw.connection, sql)
    if validation.needs_comparison(lines, rules, named=named):
        with translate_errors(raw.facts["source"]):
            compared = validation.compare_lines(lines, rules, named=named)
            sql = keep(raw.connection, compared.to_native(), "rows", None)
        lines = _open_lazy(raw.connection, sql)
    table, facts = summarize_rows(lines, raw, mapped, rules)
    parts, mapped = zip(*read, strict=True)
    facts |= undecided_amounts.find_undecided(replace(raw, parts=parts), mapped, rules)
    return Rows(sql, list(raw.columns), table, facts)


def store_parts(
    raw: Raw, readings: Iterator[PartReader], keep: Store, *, alone: bool = False
) -> tuple[list[str], list[tuple[Part, Mapping[str, str]]]]:
    """Store the parts of a source as their readers read them, small ones of the same columns
    together unless `alone` -> SQL for the rows of each, and each with its mapping."""
    kept, read = [], []
    for run in [[p] for p in raw.parts] if alone else gathering.find_runs(raw.parts):
        given = list(itertools.islice(readings, len(run)))
        for stored, part, names in _store_run(raw.connection, run, given, keep, len(kept)):
            kept.append(stored)
            read.append((part, names))
    return kept, read


def choose_timezone(raw: Raw, rules: Policies) -> str:
    """The time zone whose days count for times with a zone; empty: the day as written counts."""
    return rules.timezone or ("Asia/Tokyo" if raw.japanese else "")


def summarize_rows(
    lines: nw.LazyFrame, raw: Raw, mapped: Sequence[Mapping[str, str]], rules: Policies
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Validated rows of a source -> their reconciliation, and facts about the source."""
    columns = lines.collect_schema().names()
    money = [n for n in (("_sign",) if rules.rates else ("currency", "_sign")) if n in columns]
    counted = reconciliation.count_lines(
        lines, returns=rules.returns, bounds=("order_date", *money)
    )
    if "currency" in money and len(_list_bounds(counted, "currency")) > 1:
        currencies.refuse_mixture(_count_values(lines, "currency"))
    table = reconciliation.reconcile(counted)
    facts = raw.facts | find_span(lines, counted, table, raw.facts["source"], rules)
    amount = amounts.describe(mapped[0], rules)
    facts |= {"amount_from": amount, "timezone": choose_timezone(raw, rules)}
    facts["unmapped"] = unmapped.list_unmapped(raw, mapped[0], rules)
    if "_sign" in money:
        facts["signs"] = _list_bounds(counted, "_sign")
        if len(facts["signs"]) > 1:
            signs = _count_values(lines, "_sign").rename(columns={"_sign": "currency"})
            currencies.refuse_mixture(signs, mend=currencies.BY_SIGNS)
    named = all("order_id" in names for names in mapped)
    if broken := reconciliation.list_broken(table):
        facts["unusable_money"] = reconciliation.estimate_unusable(lines, broken)
    facts["export_begins"] = rules.export_begins
    facts["in_quarantine"] = None
    if people.WHOLE not in rules.shown:
        facts["in_quarantine"] = {h: name for names in mapped for name, h in names.items()}
    count = int(counted["lines"].sum())
    facts["personal"] = personal_columns.find_personal(
        lines, mapped[0], shown=rules.shown, count=count
    )
    facts["totals_known"] = named and all("order_total" in names for names in mapped)
    facts["customer_from"] = mapped[0]["customer_id"]
    facts |= overlap.describe(lines) if named else {}
    by = "order_id" if named else "lines"
    return table, facts | {"orders_from": "days" if rules.same_day == "one_order" else by}


def open_rows(connection: Any, rows: Rows, *, returns: str) -> Orders:
    """Validated rows -> `Orders` whose frames are relations of the connection."""
    import duckdb

    def raw(column: str) -> Any:
        return duckdb.SQLExpression(f"_written[{literal(column)}]")

    stored = connection.sql(rows.sql)
    return build_orders(stored, rows, returns=returns, column=duckdb.ColumnExpression, raw=raw)


def build_orders(
    stored: Any,
    rows: Rows,
    *,
    returns: str,
    column: Callable[[str], Any],
    raw: Callable[[str], Any],
) -> Orders:
    """Validated rows, as a DuckDB relation or a Spark frame -> `Orders` of such frames.

    `column` and `raw` give a column and a raw column as expressions of the engine.
    """
    found, kept = stored.columns, stored.filter("reason is null")
    hidden = (*WORKING, *personal_columns.list_hidden(rows.facts))
    places = {FILE: "file", LINE: "line"} if FILE in found else {LINE: "line"}
    refused = stored.filter("reason is not null").sort(*map(column, places))
    placed = [*(column(n).alias(label) for n, label in places.items()), column("reason")]
    written = [raw(c).alias(label) for c, label in label_raw(rows.raw_columns).items()]
    spelled = [column(n) for n in ("customer_id", "_written_customer") if n in found]
    return Orders(
        **split_returns(kept, [c for c in found if c not in hidden], returns=returns),
        quarantine=refused.select(*placed, *written, column(TEXT).alias("text")),
        refused=refused.select(*placed, column("customer_id")),
        spelled=kept.select(*spelled) if len(spelled) > 1 else None,
        quality=rows.quality,
        facts=dict(rows.facts),
    )


def split_returns(kept: Any, columns: Sequence[str], *, returns: str) -> dict[str, Any]:
    """Kept rows -> the canonical `lines`, and separate `returns`."""
    below = "amount < 0" if returns == "separate" else "false"
    split = {"lines": f"not ({below})", "returns": below}
    return {name: kept.filter(which).select(*columns) for name, which in split.items()}


def label_raw(columns: Sequence[str]) -> dict[str, str]:
    """Raw columns -> their names in the quarantine, marked where they are those of `LIST_COLUMNS`.

    >>> label_raw(["line", "Reason", "note"])
    {'line': 'line (raw)', 'Reason': 'Reason (raw)', 'note': 'note'}
    """
    labels: dict[str, str] = {}
    for column in columns:
        label = column
        while label.casefold() in {*LIST_COLUMNS, *map(str.casefold, labels.values())}:
            label += " (raw)"
        labels[column] = label
    return labels


def store_in_memory(connection: Any, relation: Any, name: str, _first: int | None) -> str:
    """A `Store` into a temporary table."""
    connection.execute(f"create temp table {quoted(name)} as {relation.sql_query()}")
    return f"select * from {quoted(name)}"


@dataclass(frozen=True)
class PartReader:
    """Reads one part: its mapping, policies and rates."""

    mapped: Mapping[str, str]
    rules: Policies
    zone: str
    file: str | None
    rates: pd.DataFrame | None

    @property
    def keeps_order(self) -> bool:
        """Whether its rows come in the order of the file."""
        return self.rates is None and not amounts.spreads(self.mapped, self.rules)

    def read_part(self, connection: Any, part: Part) -> Any:
        """The part -> a relation of its rows, each with its reject reason."""
        validated = self.validate_part(connection, part)
        chosen = validation.build_projection(
            part, mapped=self.mapped, file=self.file, columns=validated.columns
        )
        return validated.project(chosen)

    def validate_part(self, connection: Any, part: Part, *, view: str = "typed_lines") -> Any:
        """The part -> a relation of its validated lines, beside its raw columns.

        It holds until the next part is read with a `view` of the same name.
        """
        how = {"mapped": self.mapped, "rules": self.rules, "zone": self.zone}
        columns = mapping.build_columns(part, **how)
        sql = mapping.build_query(part, columns)
        if amounts.spreads(self.mapped, self.rules):
            sql = amounts.spread_orders(sql, columns, self.mapped, self.rules)
        # By a view, as DuckDB's Python side splits a text given to `sql` into words, which is slow.
        connection.execute(f"create or replace temp view {view} as {sql}")
        typed = connection.view(view)
        if self.rates is not None and "currency" in self.mapped:
            priced = tuple(c for c in ("amount", "unit_price", "margin") if c in typed.columns)
            typed = currencies.convert(typed, self.rates, columns=priced)
        lines = nw.from_native(typed).lazy()
        named = "order_id" in self.mapped
        return validation.validate_each_line(lines, self.rules, named=named).to_native()


def _store_run(
    connection: Any, run: Sequence[Part], readings: Sequence[PartReader], keep: Store, number: int
) -> list[tuple[str, Part, Mapping[str, str]]]:
    """Store parts that can be read together -> SQL for rows, their part and its mapping."""
    found, waiting = [], iter(readings)
    for n, (part, files) in enumerate(gathering.gather(connection, run), start=number):
        reading, *_alike = itertools.islice(waiting, files)
        if files > 1:
            reading = replace(reading, file=None)  # each line names its file
        stored, exact = _store_part(connection, part, reading, keep, f"rows-{n}")
        found.append((stored, exact or part, reading.mapped))
    return found


def _store_part(
    connection: Any, part: Part, reading: PartReader, keep: Store, name: str
) -> tuple[str, Part | None]:
    """Store a part by its fast query; where that fails, record by record, as the part returned."""
    import duckdb

    filled = mapping.fill_down(part, reading.mapped, reading.rules)
    if not reading.keeps_order:
        filled = filled.with_line_numbers()
    with translate_errors(part.name):
        try:
            first = None if LINE in filled.working else filled.first
            with progress.show_query(connection, part.name):
                sql = keep(connection, reading.read_part(connection, filled), name, first)
            count = connection.execute(f"select count(*) from ({sql})").fetchall()[0][0]
            if filled.expected in (None, count):
                return sql, None
        except duckdb.InvalidInputException:  # a line that is no record
            if filled.exact is None:
                raise
        part = filled.exact()
        return keep(connection, reading.read_part(connection, part), name, None), part


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Turn errors of DuckDB into `DataError`."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise DataError(
            f"{name} needs more memory or disk than reading may take: raise policies: "
            "memory_limit, or free some disk."
        ) from error
    except duckdb.Error as error:
        raise DataError(f"{name} cannot be read: {redaction.foreign(error)}") from error


def _open_lazy(connection: Any, sql: str) -> nw.LazyFrame:
    return nw.from_native(connection.sql(sql)).lazy()


def _count_values(lines: nw.LazyFrame, column: str) -> pd.DataFrame:
    """How many kept lines have each value of a column."""
    kept = lines.filter(nw.col("reason").is_null() & ~nw.col(column).is_null())
    return frames.table(kept.group_by(column).agg(lines=nw.len()))


def _list_bounds(counted: pd.DataFrame, column: str) -> list[str]:
    """The least and the greatest value of the kept lines: one where all have the same."""
    kept = counted[counted["status"] == "kept"]
    found = pd.concat([kept[f"first_{column}"], kept[f"last_{column}"]]).dropna()
    return sorted({found.min(), found.max()}) if len(found) else []
