"""Records that come one by one, kept as Parquet batch by batch, so that memory stays small."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from ltvkit.sources.part import WORKING
from ltvkit.sources.records import Record
from ltvkit.values import literal

BATCH = 50_000


def kept(rows: Iterable[Record], columns: Sequence[str], work: Path) -> tuple[str, Sequence[str]]:
    """Records of as many fields as `columns` -> SQL that reads them, and its working columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    line, fault, text = WORKING
    texts = pa.string()
    schema = pa.schema([(line, pa.int64()), (fault, texts), (text, texts)])
    for name in columns:
        schema = schema.append(pa.field(name, texts))
    target, empty = work / f"rows-{len(list(work.iterdir()))}.parquet", [None] * len(columns)
    rows = iter(rows)
    with pq.ParquetWriter(target, schema) as file:
        while batch := list(itertools.islice(rows, BATCH)):
            flat = [(r.line, r.fault, r.text, *(r.fields or empty)) for r in batch]
            turned = zip(schema, zip(*flat, strict=True), strict=True)
            arrays = [pa.array(cells, field.type) for field, cells in turned]
            file.write_batch(pa.record_batch(arrays, schema=schema))
    return f"select * from read_parquet({literal(str(target))})", WORKING
