"""Write records to Parquet in batches, so that memory stays small."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ltvkit.core import files
from ltvkit.engines.sql import literal
from ltvkit.ingest.readers.csv_records import Record
from ltvkit.ingest.schema import RECORD

if TYPE_CHECKING:
    import pyarrow as pa

BATCH, MOST_CELLS = 50_000, 2_000_000  # lines of a batch, and its fields


def write_records(
    rows: Iterable[Record], columns: Sequence[str], work: Path
) -> tuple[str, Sequence[str]]:
    """Records of as many fields as `columns` -> SQL that reads them, and its working columns."""
    return write_batches(_batch(rows, columns), columns, work)


def write_batches(
    batches: Iterable[pa.RecordBatch], columns: Sequence[str], work: Path
) -> tuple[str, Sequence[str]]:
    """Batches of the schema of `make_schema` -> SQL that reads them, and its working columns.

    While one is written, the next is made.
    """
    import pyarrow.parquet as pq

    target = files.unique_path(work, ".parquet")
    writing: Future[None] | None = None
    # They are read once, from the first to the last.
    with (
        pq.ParquetWriter(target, make_schema(columns), write_statistics=False) as file,
        ThreadPoolExecutor(1) as pool,
    ):
        for batch in batches:
            if writing:
                writing.result()
            writing = pool.submit(file.write_batch, batch)
        if writing:
            writing.result()
    return f"select * from read_parquet({literal(str(target))})", RECORD


def make_schema(columns: Sequence[str]) -> pa.Schema:
    """Of records: line, fault, text as written, and their fields under the names of `columns`."""
    import pyarrow as pa

    line, *texts = RECORD
    fields = (pa.field(name, pa.string()) for name in (*texts, *columns))
    return pa.schema([pa.field(line, pa.int64()), *fields])


def _batch(rows: Iterable[Record], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    schema, empty, rows = make_schema(columns), [None] * len(columns), iter(rows)
    lines = max(1, min(BATCH, MOST_CELLS // max(len(columns), 1)))
    while batch := list(itertools.islice(rows, lines)):
        numbers, fields, faults, texts = zip(*batch, strict=True)
        cells = zip(*(row or empty for row in fields), strict=True)
        turned = zip(schema, (numbers, faults, texts, *cells), strict=True)
        yield pa.record_batch([pa.array(c, field.type) for field, c in turned], schema=schema)
