"""Write records to Parquet in batches, so that memory stays small."""

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from ltvkit.core import files
from ltvkit.engines.sql import literal
from ltvkit.ingest.readers.csv_records import Record
from ltvkit.ingest.schema import RECORD

BATCH, MOST_CELLS = 50_000, 2_000_000  # lines of a batch, and its fields


def write_records(
    rows: Iterable[Record], columns: Sequence[str], work: Path
) -> tuple[str, Sequence[str]]:
    """Records of as many fields as `columns` -> SQL that reads them, and its working columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    line, fault, text = RECORD
    kind = pa.string()
    schema = pa.schema([(line, pa.int64()), (fault, kind), (text, kind)])
    for name in columns:
        schema = schema.append(pa.field(name, kind))
    target, empty = files.unique_path(work, ".parquet"), [None] * len(columns)
    rows = iter(rows)
    with pq.ParquetWriter(target, schema) as file:
        lines = max(1, min(BATCH, MOST_CELLS // max(len(columns), 1)))
        while batch := list(itertools.islice(rows, lines)):
            numbers, fields, faults, texts = zip(*batch, strict=True)
            cells = zip(*(row or empty for row in fields), strict=True)
            turned = zip(schema, (numbers, faults, texts, *cells), strict=True)
            arrays = [pa.array(column, field.type) for field, column in turned]
            file.write_batch(pa.record_batch(arrays, schema=schema))
    return f"select * from read_parquet({literal(str(target))})", RECORD
