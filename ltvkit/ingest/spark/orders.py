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

from ltvkit.core import files, paths
from ltvkit.engines.spark import session, workers
from ltvkit.engines.spark.settings import Settings
from ltvkit.errors import ClusterError, ParamsError
from ltvkit.ingest import amounts, cache, daily, mapping, pipeline, validation
from ltvkit.ingest.cache import CachedOrders
from ltvkit.ingest.parse import currencies
from ltvkit.ingest.pipeline import Rows
from ltvkit.ingest.policies import Policies, check_options
from ltvkit.ingest.readers import Raw
from ltvkit.ingest.spark import sources


@dataclass(frozen=True, kw_only=True)
class SparkOrders(CachedOrders):
    """`CachedOrders` with lines on a cluster and their daily table on its storage."""

    @cached_property
    def days(self) -> Any:
        """The lines aggregated by customer and day, stored on the cluster."""
        note, settings = self.folder / "days.txt", session.settings()
        with session.translate_errors("the days of the orders"):
            if note.exists() and (kept := note.read_text("utf-8")).startswith(settings.folder()):
                known = _find_parquet(self.lines.sparkSession, kept)
                if known is not None:
                    return known
            folder = f"{_new_folder(settings, self.key)}/days"
            found = _store(daily.aggregate(self.lines), folder)
        files.write(note, folder)
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
        depends = (*cache.list_dependencies(source, columns, policies, rules), settings.storage)
        named = cache.find_run_note(*depends)
        if named and named.exists():
            return _load(running, named.read_text("utf-8"), rules)
        frame, facts = sources.open_source(running, source, rules)
        key = cache.make_key(facts.get("digest") or uuid.uuid4().hex, *depends)
        note = paths.cache() / "orders" / key / cache.FACTS
        if not note.exists() or _find_parquet(running, _read_note(note).sql) is None:
            rows = _validate(frame, facts, columns or {}, rules, _new_folder(settings, key))
            files.write(note, rows.to_json())
        if named:
            files.write(named, key)
        return _load(running, key, rules)


def _load(running: Any, key: str, rules: Policies) -> SparkOrders:
    """Orders from the cache."""
    from pyspark.sql import functions as F

    home = paths.cache() / "orders" / key
    rows = _read_note(home / cache.FACTS)
    book = pipeline.build_orders(
        running.read.parquet(rows.sql),
        rows,
        returns=rules.returns,
        column=F.col,
        raw=F.col("_written").__getitem__,
    )
    return SparkOrders(**vars(book), folder=home, key=key)


def _read_note(note: Path) -> Rows:
    return Rows.from_json(note.read_text("utf-8"))


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
