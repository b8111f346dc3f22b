"""Read the events or the enquiries of a shop: options in, checked rows out.

Every row read is either kept or quarantined with a reason. Files are opened by the readers of
orders, ids and times are read as theirs, and prepared rows are cached in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ltvkit import errors
from ltvkit.core import cache_folder, paths
from ltvkit.core.i18n import _
from ltvkit.engines import frames as engines
from ltvkit.engines.sql import literal, quoted
from ltvkit.errors import ClusterError, DataError, NotRecorded, one_of
from ltvkit.ingest import cache, pipeline, preparing
from ltvkit.ingest.pipeline import Rows
from ltvkit.ingest.readers import Raw
from ltvkit.ingest.records import rows as row_reading
from ltvkit.ingest.records import validation
from ltvkit.ingest.records.options import ALWAYS, DERIVED, INVITATIONS, NOT_ROWS, TABLES, Options
from ltvkit.ingest.schema import FILE, LINE, TEXT

HOME = "records"  # in the cache


@dataclass(frozen=True)
class Records:
    """Events or enquiries read from a source.

    `rows`: those kept, one per event or enquiry, a frame of the engine's kind. `quarantine`: every
    other row with its file (of several), `line`, `reason`, its mapped columns as written, and its
    `text` where it was no row. `quality`: the reconciliation as a pandas table (status, reason,
    lines, share). `facts`: source, columns, time zone, span, names of events, what was unreadable.
    `key` names the state of files, options and code that they come from.
    """

    rows: Any
    quarantine: Any
    quality: pd.DataFrame
    facts: dict[str, Any]
    key: str = ""
    folder: Path | None = field(default=None, repr=False)
    connection: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Request(preparing.Request):
    """A table of records as it is to be read: what its rows depend on but what its files hold."""

    options: Options | None = None

    @classmethod
    def of_options(cls, options: Options, given: Mapping[str, Any]) -> Request:
        """Of checked options, and the mapping that they were made from."""
        policies = dict(given.get("policies") or {})
        decided = {n: to for n, to in given.items() if n != "policies"} | {"table": options.name}
        decided |= {"policies": {n: to for n, to in policies.items() if n not in NOT_ROWS}}
        return cls(options.source, options.columns, options.rules, decided, options)

    def validate(self, raw: Raw, keep: pipeline.Store) -> Rows:
        """The opened source -> its validated rows, stored by `keep`."""
        return row_reading.validate_source(raw, self.options, keep)


def read(
    options: Mapping[str, Any],
    *,
    table: str,
    engine: str = "duckdb",
    spark: Mapping[str, Any] | None = None,
) -> Records:
    """The options of a `table`, "events" or "enquiries", as in a params file -> `Records`.

    `engine` gives rows of its kind; for "spark" they are prepared on this machine and read by the
    workers. Raises `NotRecorded` for {}, `ParamsError` for an option, `ColumnError` for a header
    that is not there, and `DataError` for a source that cannot be read, keeps no row, or has more
    broken rows than `policies: max_quarantined`.

    >>> read({}, table="events")
    Traceback (most recent call last):
    ltvkit.errors.NotRecorded: No events are recorded yet. To see how visitors ...
    """
    one_of("table", table, TABLES)
    one_of("engine", engine, engines.NAMES)
    if options == {}:
        raise NotRecorded(_(INVITATIONS[table]))
    checked = Options.of(options, table)
    with _named(table):
        request = Request.of_options(checked, options)
        folder, held = cache.open_entry(request, cache_folder.locate(HOME))
        connection, rows = cache.connect_to(folder, held, checked.rules)
        _check_broken(rows, checked)
        found = _open(connection, rows, checked)
        found = replace(found, key=folder.name, folder=folder, connection=connection)
        return replace(found, rows=_give(found, engine, spark or {}))


def _check_broken(rows: Rows, options: Options) -> None:
    """Raise `DataError` where more rows are broken than the policy allows."""
    table = rows.quality
    broken = table[table["reason"].isin(validation.list_broken(options))]
    share = broken["share"].sum()
    if share > options.rules.max_quarantined:
        first = rows.facts["first_lines"]
        listed = ", ".join(
            f"{reason}: {lines:,}, first in {first[reason]}"
            for reason, lines in zip(broken["reason"], broken["lines"], strict=True)
        )
        raise DataError(
            f"{share:.1%} of the rows of {options.source} cannot be used ({listed}), and policies: "
            f"max_quarantined allows {options.rules.max_quarantined:.1%}. Correct the export or "
            "the mapping, or raise it."
        )


def _open(connection: Any, rows: Rows, options: Options) -> Records:
    """Validated rows -> `Records` whose frames are relations of the connection."""
    import duckdb

    stored = connection.sql(rows.sql)
    known = [c for c in options.table["columns"] if c in stored.columns]
    first = list(ALWAYS[options.name])
    shown = [*first, *(c for c in known if c not in first and c != "event_id")]
    shown += [c for c in DERIVED if c in stored.columns]
    places = {FILE: "file", LINE: "line"} if FILE in stored.columns else {LINE: "line"}
    refused = stored.filter("reason is not null").sort(*map(duckdb.ColumnExpression, places))
    labels = pipeline.label_raw(rows.raw_columns)
    written = [f"_written[{literal(c)}] as {quoted(label)}" for c, label in labels.items()]
    placed = [*(f"{n} as {label}" for n, label in places.items()), "reason", *written]
    return Records(
        rows=stored.filter("reason is null").select(*map(duckdb.ColumnExpression, shown)),
        quarantine=refused.project(", ".join([*placed, f"{TEXT} as text"])),
        quality=rows.quality,
        facts=dict(rows.facts),
    )


def _give(found: Records, engine: str, spark: Mapping[str, Any]) -> Any:
    """The kept rows as a frame of the engine's kind."""
    if engine == "duckdb":
        return found.rows
    if engine != "spark":
        return engines.collect_as(found.rows, engine)
    from ltvkit.engines.spark import session
    from ltvkit.engines.spark.settings import Settings

    running = session.start(Settings.of(spark))
    with session.translate_errors(found.facts["source"]):
        files = [*found.folder.glob("rows.parquet")] or sorted(found.folder.glob("rows-*.parquet"))
        addresses = [paths.address(path.resolve()) for path in files]
        stored = running.read.option("mergeSchema", "true").parquet(*addresses)
        rows = stored.filter("reason is null").select(*found.rows.columns)
        try:
            rows.limit(1).collect()
        except Exception as error:
            raise ClusterError(
                f"the workers cannot read {paths.shorten(found.folder)}: put the project on a "
                "folder that they see."
            ) from error
        return rows


@contextmanager
def _named(table: str) -> Iterator[None]:
    """Errors of reading name the table, as the orders' look the same."""
    try:
        yield
    except errors.LtvkitError as error:
        kind = next(k for k in type(error).__mro__ if k.__module__ == errors.__name__)
        raise kind(f"{table}: {error}") from error
