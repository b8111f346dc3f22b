"""Orders on the storage of a Spark cluster: validated by the workers and stored there.

No order line comes to this machine, only sums.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit.core import cache_entries, cache_folder, paths, run_state
from ltvkit.engines.spark import session, workers
from ltvkit.engines.spark.settings import Settings
from ltvkit.errors import ClusterError, ParamsError, ReportError
from ltvkit.ingest import amounts, cache, daily, mapping, pipeline, readers, validation
from ltvkit.ingest.cache import CachedOrders
from ltvkit.ingest.parse import currencies
from ltvkit.ingest.pipeline import Rows
from ltvkit.ingest.policies import Policies, check_options
from ltvkit.ingest.preparing import FACTS, Request
from ltvkit.ingest.readers import Raw
from ltvkit.ingest.readers.state import look
from ltvkit.ingest.spark import sources


@dataclass(frozen=True, kw_only=True)
class SparkOrders(CachedOrders):
    """`CachedOrders` with lines on a cluster and their daily table on its storage."""

    @cached_property
    def days(self) -> Any:
        """The lines aggregated by customer and day, stored on the cluster."""
        # Apart from that of the engines here, which open the same entry.
        note, settings = self.folder.with_name(f"{self.key}-days-spark"), session.settings()
        with session.translate_errors("the days of the orders"):
            kept = _read_note(note, "days.txt") or ""
            if kept.startswith(settings.folder()):
                known = _find_parquet(self.lines.sparkSession, kept)
                if known is not None:
                    return known
            folder = f"{_new_folder(settings, self.key)}/days"
            found = _store(daily.aggregate(self.lines), folder)
        _write_note(note, "days.txt", folder)
        return found


def open_orders(
    source: str, *, columns: Mapping | None, policies: Mapping | None, spark: Mapping[str, Any]
) -> SparkOrders:
    """`cache.open_orders` with lines on a cluster; raises `ClusterError` if it cannot be used.

    A source on the cluster's storage is validated there, and all frames are Spark's. Another source
    is validated here, and the workers read its lines; they must see the project's folder.
    """
    settings = Settings.of(spark)
    rules = check_options(columns=columns, policies=policies)
    running = session.start(settings)
    with session.translate_errors(source):
        if not sources.is_on_cluster(source):
            return _share_local(
                running, cache.open_orders(source, columns=columns, policies=policies), rules
            )
        request, home = Request.of(source, columns, policies), cache_folder.locate("orders")
        key = run_state.pinned(request.key(settings.storage))
        if key is None:
            frame, facts = sources.open_source(running, source, rules)
            rates = look(partial(readers.list_rates, rules)).content
            seen = facts.get("digest") or uuid.uuid4().hex
            key = request.key(settings.storage, seen, rates)
            known = _read_note(home / key, FACTS)
            if not known or _find_parquet(running, Rows.from_json(known).sql) is None:
                rows = _validate(frame, facts, columns or {}, rules, _new_folder(settings, key))
                _write_note(home / key, FACTS, rows.to_json())
            key = run_state.pin(request.key(settings.storage), key)
        return _load(running, home / key, rules)


def _load(running: Any, home: Path, rules: Policies) -> SparkOrders:
    """Orders from the cache."""
    from pyspark.sql import functions as F

    known = _read_note(home, FACTS)
    if known is None:
        raise ReportError(run_state.describe_damage(home, "it is missing"))
    rows = Rows.from_json(known)
    book = pipeline.build_orders(
        running.read.parquet(rows.sql),
        rows,
        returns=rules.returns,
        column=F.col,
        raw=F.col("_written").__getitem__,
    )
    return SparkOrders(**vars(book), folder=home, key=home.name)


def _read_note(folder: Path, name: str) -> str | None:
    """What a folder of the cache notes; None if it is not there, or not whole."""
    held = cache_entries.open_whole(folder)
    if held is None:
        return None
    with held:
        return (folder / name).read_text("utf-8")


def _write_note(folder: Path, name: str, text: str) -> None:
    """Note it in a new folder of the cache, in place of one that names what is gone."""
    cache_folder.remove(folder)

    def fill(part: Path) -> None:
        (part / name).write_text(text, "utf-8")

    cache_entries.open_or_make(folder, fill).release()


def _find_parquet(running: Any, folder: str) -> Any | None:
    """The Parquet files in a folder of the storage; None where there are none."""
    from pyspark.errors import AnalysisException

    try:
        found = running.read.parquet(folder)
        return found if found.columns else None
    except AnalysisException:
        return None


def _new_folder(settings: Settings, key: str) -> str:
    """A new folder of the storage, in use once a file of the cache names it.

    So nobody reads what a killed run has half written.
    """
    return settings.folder("orders", f"{key}-{uuid.uuid4().hex}")


def _validate(frame: Any, facts: dict, columns: Mapping, rules: Policies, folder: str) -> Rows:
    part = sources.build_part(frame)
    raw = Raw(None, [part], facts)
    names = mapping.map_columns(part, columns=columns, source=facts["source"])
    _check_order(names, facts, rules)
    zone, rates = pipeline.choose_timezone(raw, rules), currencies.load_rates(rules.rates)
    reading = pipeline.PartReader(names, rules, zone, None, rates)
    rows = _store(workers.map_parts(frame, partial(reading.read_part, part=part)), f"{folder}/rows")
    lines, named = nw.from_native(rows).lazy(), "order_id" in names
    if validation.needs_comparison(lines, rules, named=named):
        compared = validation.compare_lines(lines, rules, named=named).to_native()
        folder, lines = f"{folder}/compared", nw.from_native(_store(compared, f"{folder}/compared"))
    else:
        folder = f"{folder}/rows"
    return Rows(
        folder, list(part.columns), *pipeline.summarize_rows(lines.lazy(), raw, [names], rules)
    )


def _check_order(names: Mapping[str, str], facts: Mapping, rules: Policies) -> None:
    """Refuse policies that need the order of lines, which a cluster does not keep."""
    if rules.join:
        raise ParamsError(
            "policies: join is for files that are read here: join orders and items on the cluster, "
            "and give their table as source."
        )
    if rules.fill_down:
        raise ParamsError(
            "policies: fill_down needs lines in their order, which a cluster does not keep: fill "
            "them in where the orders are made."
        )
    if amounts.spreads(names, rules):
        raise ParamsError(
            "columns and policies that belong to a whole order (order_total, order_discount, "
            "discount_rows, ...) need its lines in their order, which a cluster does not keep: "
            "build the amount of each line where the orders are made, and map it."
        )
    if "order_id" not in names and "digest" not in facts and rules.same_day == "separate":
        raise ParamsError(
            f"{facts['source']} does not number its lines, and has no order_id: map it under "
            "`columns:`, or set policies: same_day: one_order."
        )


def _store(rows: Any, folder: str) -> Any:
    """Rows, written by the workers and read back."""
    rows.write.parquet(folder)
    return rows.sparkSession.read.parquet(folder)


def _share_local(running: Any, book: CachedOrders, rules: Policies) -> SparkOrders:
    """Orders validated here, with lines that the workers read."""
    kept_in = [*book.folder.glob("rows.parquet")] or sorted(book.folder.glob("rows-*.parquet"))
    addresses = [paths.address(path.resolve()) for path in kept_in]
    kept = running.read.option("mergeSchema", "true").parquet(*addresses).filter("reason is null")
    sold = pipeline.split_returns(kept, book.lines.columns, returns=rules.returns)
    try:
        sold["lines"].select("amount").limit(1).collect()
    except Exception as error:
        raise ClusterError(
            f"the workers cannot read {paths.shorten(book.folder)}: put the project on a folder "
            "that they see, or the orders on their storage (source: s3a://..., hdfs://... or "
            "table:...)."
        ) from error
    return SparkOrders(**vars(replace(book, **sold)))
