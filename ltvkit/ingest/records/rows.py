"""Read the rows of events or enquiries: their values, and the reason of each that is rejected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ltvkit.engines.sql import literal, quoted
from ltvkit.errors import ColumnError
from ltvkit.ingest import pipeline
from ltvkit.ingest.parse import dates, ids, times
from ltvkit.ingest.parse.values import parse_text
from ltvkit.ingest.pipeline import Rows
from ltvkit.ingest.readers import Raw
from ltvkit.ingest.readers.part import Part
from ltvkit.ingest.records import columns as headers
from ltvkit.ingest.records import facts, masking, outcomes, scales, validation, values
from ltvkit.ingest.records.options import ALWAYS, FORMATS, STAGES, Options
from ltvkit.ingest.schema import FAULT, FILE, LINE, TEXT

BATCH = 50_000  # rows whose texts are in memory at once


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
        found = [n["satisfaction"] for n in names if "satisfaction" in n]
        compared, scale = scales.settle(raw.connection, compared, found, options)
        if compared != sql:
            place = validation.find_place(raw.connection, sql)
            ordered = f"select * from ({compared}) order by {place}"
            sql = keep(raw.connection, raw.connection.sql(ordered), "rows", None)
        known = facts.describe_source(raw, sql, names, options)
        known |= {"timezone": zone, "scale": list(scale) if scale else None}
        known["ambiguous"] = {n: fits for _found, open_ in mapped for n, fits in open_.items()}
        quality = facts.reconcile(raw.connection, sql, options)
    return Rows(sql, [*dict.fromkeys(h for n in names for h in n.values())], quality, known)


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
        working = [w for w in (FILE, LINE, FAULT, TEXT) if w in part.working]
        chosen = dict.fromkeys(_list_always(self.options), "null::varchar")
        chosen |= {n: self._parse(n, h, part) for n, h in self.mapped.items()}
        if header := self.mapped.get("solved"):
            decided = self.options.solved
            chosen["open"] = outcomes.parse_open(header, part.columns[header], decided)
        kept = [*map(quoted, chosen), *(w for w in working if w == LINE)]
        chosen |= {f"_raw_{n}": quoted(c) for n, c in enumerate(part.columns)}
        chosen |= dict.fromkeys((FAULT, TEXT), "null::varchar") | {w: w for w in working}
        listed = ", ".join(f"{x} as {quoted(n)}" for n, x in chosen.items())
        typed = f"select {listed} from ({part.sql})"
        typed, masked = self._clean(connection, typed, raw)
        file = literal(self.file) if self.file else FILE if FILE in working else ""
        kept += [f"{file} as {FILE}"] if file else []
        return connection.sql(f"select {', '.join(kept)}, {self._add(raw, masked)} from ({typed})")

    def _add(self, raw: Mapping[str, str], masked: Mapping[str, str]) -> str:
        """SQL for the columns that are added to the typed ones: what follows from them, the reject
        reason, and the mapped columns and the line as they were written."""
        reason = validation.build_reason(self.options, self.mapped, raw)
        shown = {h: masked.get(h, raw[h]) for h in dict.fromkeys(self.mapped.values())}
        names, texts = ", ".join(map(literal, shown)), ", ".join(shown.values())
        written = f"map([{names}], [{texts}]) as _written, {masked.get(TEXT, TEXT)} as {TEXT}"
        return f"{self._derive()}, {reason} as reason, {written}"

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
            return outcomes.parse_solved(header, kind, self.options.solved)
        if column == "score":
            return values.parse_score(header, kind, decimal=decimal)
        parse = values.parse_word if column == "word" else parse_text
        return parse(header, kind, plain=part.plain)

    def _clean(
        self, connection: Any, typed: str, raw: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Rows with their free texts cleaned, by Python; and header -> SQL for its masked text."""
        if self.keeps_order:
            return typed, {}
        free = [n for n, kind in self.options.kinds.items() if kind == "text" and n in self.mapped]
        changes: dict[str, Callable[[str], str]] = {TEXT: masking.mask}
        asked = ["rowid as rowid_", TEXT]
        for name in free:
            for way, change in (("as", masking.mask), ("clean", masking.clean)):
                changes[f"_{way}_{name}"] = change
                asked.append(f"{raw[self.mapped[name]]} as _{way}_{name}")
        # Both tables are on the disk where they are large, until the next part is read.
        connection.execute(f"create or replace temp table typed as {typed}")
        asked_of = f"select {', '.join(asked)} from typed where rowid"
        connection.execute(f"create or replace temp table cleaned as {asked_of} < 0")
        [rows] = connection.execute("select count(*) from typed").fetchall()[0]
        for first in range(0, rows, BATCH):
            batch = connection.sql(f"{asked_of} between {first} and {first + BATCH - 1}")
            cleaned = masking.clean_rows(batch.to_arrow_table(), changes)
            connection.register("cleaned_batch", cleaned)
            connection.execute("insert into cleaned select * from cleaned_batch")
            connection.unregister("cleaned_batch")
        again = ", ".join(f"c._clean_{n} as {quoted(n)}" for n in free)
        masked = ", ".join([*(f"c._as_{n}" for n in free), f"c.{TEXT} as _masked_text"])
        sql = f"""select r.*{f" replace ({again})" if again else ""}, {masked}
            from typed r join cleaned c on r.rowid = c.rowid_"""
        return sql, {self.mapped[n]: f"_as_{n}" for n in free} | {TEXT: "_masked_text"}


def _list_always(options: Options) -> list[str]:
    """The canonical columns that a table always has, without those that follow from others."""
    return [n for n in ALWAYS[options.name] if n in options.kinds]
