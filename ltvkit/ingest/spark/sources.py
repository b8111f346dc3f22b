"""Tables and Parquet files on the storage of a cluster, read by its workers."""

import hashlib
import re
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit.core import paths
from ltvkit.engines import frames
from ltvkit.engines.connection import connect
from ltvkit.engines.spark import workers
from ltvkit.errors import ParamsError
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.readers import remote
from ltvkit.ingest.readers.locate import OTHERS, PACKED, SUFFIXES
from ltvkit.ingest.readers.part import Part
from ltvkit.ingest.schema import FILE, LINE, RESERVED

TABLE = "table:"
NOT_READ = tuple({*SUFFIXES, *PACKED, *OTHERS} - {".parquet"})


def is_on_cluster(source: str) -> bool:
    """Whether the cluster reads this source itself: a table, Parquet files, or its own storage.

    >>> [is_on_cluster(x) for x in ("table:sales.orders", "s3a://shop/orders/", "orders.csv")]
    [True, True, False]
    """
    if "://" in source and remote.is_remote(source):
        return not source.startswith(("postgres", "http"))
    if source.startswith(TABLE) or source.endswith(".parquet"):
        return True
    folder = paths.resolve(source.removeprefix("file://"))
    return folder.is_dir() and any(folder.glob("*.parquet"))


def open_source(running: Any, source: str, rules: Policies) -> tuple[Any, dict[str, Any]]:
    """A table, or a Parquet file or folder -> its rows with their file and line, and facts.

    `digest` changes whenever the files do; it is missing where the table does not say which files
    it is made of.
    """
    remote.refuse_remote("" if source.startswith(TABLE) else source, allowed=rules.remote)
    frame = _read(running, source)
    reserved = [c for c in frame.columns if c.casefold() in RESERVED]
    if reserved:
        frame = frame.withColumnsRenamed({c: f"{c} (2)" for c in reserved})
    facts: dict[str, Any] = {"source": source, "encoding": None}
    known = _fingerprint(frame)
    if known is None:
        from pyspark.sql import functions as F

        return frame.withColumn(LINE, F.lit(None).cast("long")), facts
    count, digest = known
    placed = {LINE: _metadata("row_index") + 1}
    placed |= {FILE: _metadata("file_name")} if count > 1 else {}
    return frame.withColumns(placed), facts | {"digest": digest, "files": count}


def build_part(frame: Any) -> Part:
    """A Spark frame as a source that is read by parts: its columns, and SQL for one part."""
    connection = connect(threads=1)
    connection.register(workers.BATCH, workers.read_nothing(frame))
    return Part.from_query(connection, "", f"select * from {workers.BATCH}")


def _read(running: Any, source: str) -> Any:
    if source.startswith(TABLE):
        return running.read.table(_table_name(source))
    if source.lower().endswith(NOT_READ):
        raise ParamsError(
            f"source {source!r}: a cluster reads tables and Parquet files. Save it as Parquet "
            "there, or bring the file to this machine and name it."
        )
    there = source if "://" in source else paths.address(paths.resolve(source).resolve())
    return running.read.parquet(there)


def _table_name(source: str) -> str:
    """The name in "table:..."; Spark would also take an address for one, as in parquet.`s3a://...`.

    >>> _table_name("table:sales.orders")
    'sales.orders'
    """
    name = source.removeprefix(TABLE)
    if not re.fullmatch(r"[\w.`-]+", name):
        raise ParamsError(f"source {source!r} must name a table, as in table:sales.orders.")
    return name


def _metadata(name: str) -> Any:
    from pyspark.sql import functions as F

    return F.col(f"_metadata.{name}")


def _fingerprint(frame: Any) -> tuple[int, str] | None:
    """How many files a frame is read from, and a fingerprint of them; None: unknown."""
    from pyspark.errors import AnalysisException
    from pyspark.sql import functions as F

    known = ("file_path", "file_size", "file_modification_time")
    try:
        files = frame.select(*map(_metadata, known)).distinct()
        summed = files.select(
            F.count("*").alias("files"), F.sum(F.xxhash64("*").cast("decimal(38)")).alias("sum")
        )
        row = frames.table(nw.from_native(summed)).iloc[0]
    except AnalysisException:
        return None
    return int(row["files"]), hashlib.sha256(str(row["sum"]).encode()).hexdigest()
