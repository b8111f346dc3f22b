"""Read the events or the enquiries of a shop: options in, checked rows out.

Every row read is either kept or quarantined with a reason. Files are opened by the readers of
orders, ids and times are read as theirs, and prepared rows are cached in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from ltvkit.errors import ClusterError, ColumnError, DataError, NotRecorded, one_of
from ltvkit.ingest import cache, pipeline, preparing
from ltvkit.ingest.parse import dates, ids, times
from ltvkit.ingest.parse.values import parse_text
from ltvkit.ingest.pipeline import Rows
from ltvkit.ingest.readers import Raw
from ltvkit.ingest.readers.part import Part
from ltvkit.ingest.records import columns as headers
from ltvkit.ingest.records import texts, validation, values
from ltvkit.ingest.records.options import FORMATS, NOT_ROWS, STAGES, TABLES, Options
from ltvkit.ingest.schema import FAULT, FILE, LINE, TEXT

HOME = "records"  # in the cache
# Columns that a table always has; the others it has where they are mapped.
ALWAYS = {
    "events": ("visitor_id", "customer_id", "event_time", "event_date", "event", "stage"),
    "enquiries": ("enquiry_id", "customer_id", "enquiry_time", "enquiry_date", "text"),
}
_WORKING = (FILE, LINE, "reason", "_written", TEXT)
MOST_NAMES = 1_000  # of events that the facts count one by one
SCALES = ((0, 1), (1, 5), (0, 5), (1, 10), (0, 10), (0, 100))
_ON_SCALE = 0.95  # of the scores that a scale must hold


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
        return validate_source(raw, self.options, keep)


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
    ltvkit.errors.NotRecorded: No events are recorded yet. Export who did what and when ...
    """
    one_of("table", table, TABLES)
    one_of("engine", engine, engines.NAMES)
    if options == {}:
        raise NotRecorded(_(TABLES[table]["says"]))
    checked = Options.of(options, table)
    with _named(table):
        request = Request.of_options(checked, options)
        folder, held = cache.open_entry(request, cache_folder.locate(HOME))
        connection, rows = cache.connect_to(folder, held, checked.rules)
        _check_broken(rows, checked)
        found = _open(connection, rows, checked)
        found = replace(found, key=folder.name, folder=folder, connection=connection)
        return replace(found, rows=_give(found, engine, spark or {}))


def list_events(records: Records) -> pd.DataFrame:
    """The names of events that were kept: event, stage (None: no stage is mapped to it), lines and
    share of all; those without a stage first, then by lines and name.

    Beyond `MOST_NAMES` names, the rarer ones are one row, named "(other names)".
    """
    table = pd.DataFrame(records.facts["event_names"], columns=["event", "stage", "lines"])
    table["share"] = table["lines"] / max(table["lines"].sum(), 1)
    unknown = table["stage"].notna()
    table = table.assign(_known=unknown).sort_values(
        ["_known", "lines", "event"], ascending=[True, False, True], ignore_index=True
    )
    return table.drop(columns="_known")


def validate_source(raw: Raw, options: Options, keep: pipeline.Store) -> Rows:
    """An opened source -> its validated rows, stored by `keep`."""
    several, rules = len(raw.parts) > 1, options.rules
    mapped = [headers.map_columns(part, options) for part in raw.parts]
    names = [found for found, _open_ in mapped]
    kept_parts = [p.keep(n.values()) for p, n in zip(raw.parts, names, strict=True)]
    raw = replace(raw, parts=kept_parts)
    zone = pipeline.choose_timezone(raw, rules)
    readings = (
        RowReader(n, rules, zone, part.name if several else None, None, options)
        for part, n in zip(raw.parts, names, strict=True)
    )
    with pipeline.translate_errors(raw.facts["source"]):
        kept, _read = pipeline.store_parts(raw, readings, keep)
        sql = " union all by name ".join(kept)
        have = [c for c in options.table["columns"] if any(c in n for n in names)]
        compared = validation.compare(raw.connection, sql, have, options)
        if scale := _find_scale(raw.connection, compared, have, options):
            compared = _drop_off_scale(compared, scale)
        if compared != sql:
            ordered = (
                f"select * from ({compared}) order by {validation.find_place(raw.connection, sql)}"
            )
            sql = keep(raw.connection, raw.connection.sql(ordered), "rows", None)
        facts = _describe(raw, sql, names, options, zone, scale)
        facts["ambiguous"] = {n: fits for _found, open_ in mapped for n, fits in open_.items()}
        quality = _reconcile(raw.connection, sql, options)
    return Rows(sql, [*dict.fromkeys(h for n in names for h in n.values())], quality, facts)


@dataclass(frozen=True)
class RowReader(pipeline.PartReader):
    """Reads one part of a table of records."""

    options: Options | None = None

    @property
    def keeps_order(self) -> bool:
        """Whether its rows come in the order of the file."""
        return "text" not in self.options.kinds.values()

    def read_part(self, connection: Any, part: Part) -> Any:
        """The part -> a relation of its rows, each with its reject reason."""
        raw = {c: f"{quoted(f'_raw_{n}')}::varchar" for n, c in enumerate(part.columns)}
        chosen = {n: self._parse(n, h, part) for n, h in self.mapped.items()}
        for name in _list_always(self.options):
            chosen.setdefault(name, "null::varchar")
        chosen |= {f"_raw_{n}": quoted(c) for n, c in enumerate(part.columns)}
        working = [w for w in (FILE, LINE, FAULT, TEXT) if w in part.working]
        chosen |= {w: w for w in working}
        chosen |= {w: "null::varchar" for w in (FAULT, TEXT) if w not in working}
        listed = ", ".join(f"{x} as {quoted(n)}" for n, x in chosen.items())
        inner = f"select {listed} from ({part.sql})"
        inner, masked = self._clean(connection, part, inner, raw, working)
        written = {n: raw[h] for n, h in self.mapped.items()}
        time = self.options.table["time"]
        written["_header"] = self.mapped[time]
        reason = validation.build_reason(self.options, written, raw)
        shown = {h: masked.get(h, raw[h]) for h in dict.fromkeys(self.mapped.values())}
        kept = ", ".join(
            [*map(quoted, self._list_kept(chosen)), *(w for w in working if w in (LINE,))]
        )
        text = masked.get(TEXT, TEXT)
        file = literal(self.file) if self.file else FILE if FILE in working else ""
        sql = f"""select {kept}, {self._derive()}, {reason} as reason,
            map([{", ".join(map(literal, shown))}], [{", ".join(shown.values())}]) as _written,
            {text} as {TEXT}{f", {file} as {FILE}" if file else ""} from ({inner})"""
        return connection.sql(sql)

    def _list_kept(self, chosen: Mapping[str, str]) -> list[str]:
        return [n for n in chosen if not n.startswith("_")]

    def _derive(self) -> str:
        """SQL for the columns that follow from others: the day, and the stage of an event."""
        time = self.options.table["time"]
        day = f"date_trunc('day', {time})::timestamp as {time.replace('_time', '_date')}"
        if self.options.name != "events":
            return day
        stages = STAGES | self.options.stages
        return f"{day}, nullif({values.look_up('event', stages)}, '') as stage"

    def _parse(self, name: str, header: str, part: Part) -> str:
        """SQL for the value of a canonical column."""
        column, kind, rules = self.options.kinds[name], part.columns[header], self.rules
        if kind == "BLOB":
            raise ColumnError(
                f"columns: {name}: {header!r} holds bytes that are not text in UTF-8: store it as "
                "text."
            )
        decimal = "." if "database" in part.facts else rules.decimal or "."
        if column == "time":
            known = FORMATS.get(self.options.format or headers.recognise(part.columns), {})
            utc = dates.says_utc(header) or (
                known.get("zone") == "UTC" and self.options.name == "events"
            )
            how = {"date_format": rules.date_format, "zone": self.zone, "in_utc": utc}
            return times.parse_time(header, kind, **how)
        if column == "customer":
            folded = ids.fold_id(parse_text(header, kind, plain=part.plain), rules.fold_ids)
            nobody = ids.fold_ids(rules.guest_ids, rules.fold_ids)
            if not nobody:
                return folded
            listed = ", ".join(map(literal, nobody))
            return f"case when {folded} not in ({listed}) then {folded} end"
        if column == "minutes":
            unit = self.options.unit or values.find_unit(header) or "minutes"
            return values.parse_minutes(header, kind, unit=unit, decimal=decimal)
        if column == "flag":
            return values.parse_flag(header, kind)
        if column == "score":
            return values.parse_score(header, kind, decimal=decimal)
        parse = values.parse_word if column == "word" else parse_text
        return parse(header, kind, plain=part.plain)

    def _clean(
        self,
        connection: Any,
        part: Part,
        inner: str,
        raw: Mapping[str, str],
        working: Sequence[str],
    ) -> tuple[str, dict[str, str]]:
        """Rows with their free texts cleaned, by Python; and header -> SQL for its masked text."""
        free = [n for n, kind in self.options.kinds.items() if kind == "text" and n in self.mapped]
        if not free and self.keeps_order:
            return inner, {}
        place = [w for w in (FILE, LINE) if w in working]
        columns = {n: raw[self.mapped[n]] for n in free}
        asked = [*place, *(f"{x} as {quoted(f'_as_{n}')}" for n, x in columns.items()), TEXT]
        asked += [f"{x} as {quoted(f'_clean_{n}')}" for n, x in columns.items()]
        rows = connection.sql(f"select {', '.join(asked)} from ({inner})").to_arrow_table()
        changes: dict[str, Callable[[str], str]] = {f"_as_{n}": texts.mask for n in free}
        changes |= {f"_clean_{n}": texts.clean for n in free} | {TEXT: texts.mask}
        cleaned = texts.clean_rows(rows, changes)
        connection.register("cleaned", cleaned)  # until the next part is read
        again = ", ".join(f"c.{quoted(f'_clean_{n}')} as {quoted(n)}" for n in free)
        masked = ", ".join(
            [*(f"c.{quoted(f'_as_{n}')}" for n in free), f"c.{TEXT} as _masked_text"]
        )
        on = " and ".join(f"r.{w} is not distinct from c.{w}" for w in place)
        sql = f"""select r.*{f" replace ({again})" if again else ""}, {masked}
            from ({inner}) r join cleaned c on {on}"""
        return sql, {self.mapped[n]: quoted(f"_as_{n}") for n in free} | {TEXT: "_masked_text"}


def _list_always(options: Options) -> list[str]:
    """The canonical columns that a table always has, without those that follow from others."""
    return [n for n in ALWAYS[options.name] if n in options.kinds]


def _find_scale(
    connection: Any, sql: str, have: Sequence[str], options: Options
) -> tuple[float, float] | None:
    """The least and the best satisfaction: as the params say, else the smallest usual scale that
    holds nearly all; none where no satisfaction is mapped or none fits."""
    if "satisfaction" not in have:
        return None
    if options.scale:
        return options.scale[0], options.scale[1]
    fits = [f"count(*) filter (satisfaction between {low} and {high})" for low, high in SCALES]
    known = f"from ({sql}) where reason is null and satisfaction is not null"
    all_, *counts = connection.execute(f"select count(*), {', '.join(fits)} {known}").fetchall()[0]
    good = [s for s, n in zip(SCALES, counts, strict=True) if all_ and n >= _ON_SCALE * all_]
    return good[0] if good else None


def _drop_off_scale(sql: str, scale: tuple[float, float]) -> str:
    """Rows whose satisfaction is not known where it lies off the scale."""
    low, high = scale
    on = f"case when satisfaction between {low} and {high} then satisfaction end"
    return f"select * replace ({on} as satisfaction) from ({sql})"


def _describe(
    raw: Raw,
    sql: str,
    names: Sequence[Mapping[str, str]],
    options: Options,
    zone: str,
    scale: tuple[float, float] | None,
) -> dict[str, Any]:
    """Facts about the source and its kept rows; raises `DataError` where none could be kept."""
    time, ask = options.table["time"], raw.connection.execute
    kept = f"from ({sql}) where reason is null"
    lines, first, last, customers = ask(
        f"select count(*), min({time})::date::varchar, max({time})::date::varchar, "
        f"count(customer_id) {kept}"
    ).fetchall()[0]
    if not lines:
        raise _explain_nothing_kept(ask, sql, options)
    [read_] = ask(f"select count(*) from ({sql})").fetchall()[0]
    form = options.format or headers.recognise(raw.columns) if options.name == "events" else ""
    facts = raw.facts | {
        "lines_read": read_,
        "kept": lines,
        "first": first,
        "last": last,
        "with_customer": customers,
        "columns": {n: h for found in names for n, h in found.items()},
        "format": FORMATS[form]["name"] if form else "",
        "timezone": zone,
        "unreadable": _count_unreadable(ask, sql, names, options),
    }
    if options.name == "events":
        return facts | _describe_events(ask, kept)
    return facts | _describe_enquiries(ask, sql, kept, names, options, scale)


def _describe_events(ask: Callable[[str], Any], kept: str) -> dict[str, Any]:
    counted = ask(
        f"select event, stage, count(*) as lines {kept} group by all order by lines desc, event"
    ).fetchall()
    found = [list(row) for row in counted[:MOST_NAMES]]
    if rest := sum(lines for _event, _stage, lines in counted[MOST_NAMES:]):
        found.append(["(other names)", None, rest])
    [visitors] = ask(f"select count(visitor_id) {kept}").fetchall()[0]
    unknown = sum(lines for _event, stage, lines in counted if stage is None)
    return {"event_names": found, "without_stage": unknown, "with_visitor": visitors}


def _describe_enquiries(
    ask: Callable[[str], Any],
    sql: str,
    kept: str,
    names: Sequence[Mapping[str, str]],
    options: Options,
    scale: tuple[float, float] | None,
) -> dict[str, Any]:
    reason = literal(validation.LATER_MESSAGE)
    [later] = ask(f"select count(*) from ({sql}) where reason = {reason}").fetchall()[0]
    [by_line] = ask(
        f"select count(*) {kept} and regexp_matches(enquiry_id, '(^| )line [0-9]+$')"
    ).fetchall()[0]
    durations = [n for n, kind in options.kinds.items() if kind == "minutes"]
    units = {
        n: options.unit or values.find_unit(found[n]) or "minutes"
        for found in names
        for n in durations
        if n in found
    }
    return {
        "ids_by_line": by_line,
        "later_messages": later,
        "scale": list(scale) if scale else None,
        "units": units,
    }


def _count_unreadable(
    ask: Callable[[str], Any], sql: str, names: Sequence[Mapping[str, str]], options: Options
) -> dict[str, int]:
    """Of kept rows: column -> values that are written and were not understood, so count as none."""
    counted = {}
    for name, kind in options.kinds.items():
        found = [*dict.fromkeys(n[name] for n in names if name in n)]
        if kind not in ("minutes", "flag", "score") or not found:
            continue
        said = f"coalesce({', '.join(f'_written[{literal(h)}]' for h in found)})"
        [n] = ask(
            f"select count(*) from ({sql}) where reason is null and {quoted(name)} is null "
            f"and {said} is not null and not {values.is_unanswered(said)}"
        ).fetchall()[0]
        counted |= {name: n} if n else {}
    return counted


def _explain_nothing_kept(ask: Callable[[str], Any], sql: str, options: Options) -> DataError:
    time = options.table["time"]
    found = ask(f"select reason, count(*) from ({sql}) group by all order by 2 desc, 1").fetchall()
    if not found:
        return DataError(f"{options.source} has no rows of data.")
    reasons = ", ".join(f"{reason}: {lines:,}" for reason, lines in found)
    remedy = ""
    if any(reason == f"{time} is unreadable" for reason, _lines in found):
        remedy = (
            ' Declare how times are written under policies: date_format, as in "%d/%m/%Y %H:%M".'
        )
    return DataError(f"no row of {options.source} could be kept ({reasons}).{remedy}")


def _reconcile(connection: Any, sql: str, options: Options) -> pd.DataFrame:
    """Validated rows -> the reconciliation: status, reason, lines, share (of rows read)."""
    if options.name == "events":
        labels = [("stage is not null", _("events of a stage")), ("true", _("events of no stage"))]
    else:
        labels = [
            ("customer_id is not null", _("enquiries of customers")),
            ("true", _("enquiries without a customer")),
        ]
    label = " ".join(f"when {holds} then {literal(text)}" for holds, text in labels)
    counted = connection.execute(
        "select case when reason is null then 'kept' else 'quarantined' end as status, "
        f"coalesce(reason, case {label} end) as reason, count(*) as lines "
        f"from ({sql}) group by all order by status desc, lines desc, reason"
    ).df()
    whole = pd.DataFrame({"status": ["read"], "reason": [_("all lines")]})
    table = pd.concat([whole.assign(lines=counted["lines"].sum()), counted], ignore_index=True)
    table["lines"] = table["lines"].astype("int64")
    return table.assign(share=table["lines"] / max(table["lines"].iloc[0], 1))


def _check_broken(rows: Rows, options: Options) -> None:
    """Raise `DataError` where more rows are broken than the policy allows."""
    table = rows.quality
    broken = table[table["reason"].isin(validation.list_broken(options))]
    share = broken["share"].sum()
    if share > options.rules.max_quarantined:
        listed = ", ".join(
            f"{r}: {n:,}" for r, n in zip(broken["reason"], broken["lines"], strict=True)
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
        raise type(error)(f"{table}: {error}") from error
