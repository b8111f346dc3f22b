"""Read the records of a delimited text as Arrow batches, while blocks of it are split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ltvkit.ingest.readers import csv_blocks
from ltvkit.ingest.readers.clean_lines import FEED, RETURN, Flags
from ltvkit.ingest.readers.csv_blocks import Block, Form
from ltvkit.ingest.readers.spool import make_schema
from ltvkit.ingest.readers.threads import map_ahead
from ltvkit.ingest.schema import RECORD

if TYPE_CHECKING:
    import pyarrow as pa


def can_read(delimiter: str, width: int) -> bool:
    """Whether this is a form of text that is read here: several fields, a delimiter of one byte."""
    return width > 1 and delimiter.isascii() and delimiter not in '\0\n\r "'


def read_batches(
    path: Path, columns: Sequence[str], *, delimiter: str, first: int, size: int = csv_blocks.SIZE
) -> Iterator[pa.RecordBatch]:
    """The records below the header in line `first` of a text in UTF-8: line, fault, text, fields.

    They are those of `csv_records.parse_records`, whatever the file.
    """
    form = Form(delimiter, len(columns))
    blocks = csv_blocks.split_file(path, first=first, size=size, form=form)
    build = partial(_build_batch, columns=columns, form=form)
    for number, batch in enumerate(map_ahead(build, blocks, threads=1)):
        yield batch.slice(int(number == 0))  # without the header


def note_breaks(batches: Iterable[pa.RecordBatch], broken: set[bool]) -> Iterator[pa.RecordBatch]:
    """The batches; whether a field of one has a line break is added to `broken`."""
    for batch in batches:
        fields = batch.columns[len(RECORD) :]
        texts = (np.frombuffer(field.buffers()[2] or b"", np.uint8) for field in fields)
        broken.add(any(((text == FEED) | (text == RETURN)).any() for text in texts))
        yield batch


def _build_batch(block: Block, columns: Sequence[str], form: Form) -> pa.RecordBatch:
    import pyarrow as pa

    fields = _parse_fields(block.text, form)
    faults = texts = pa.nulls(len(block.lines), pa.string())
    if block.faults:
        rows = np.fromiter(block.faults, np.int64, len(block.faults))
        places, sound = np.zeros(len(block.lines), np.int32), np.ones(len(block.lines), bool)
        places[rows], sound[rows] = np.arange(len(rows)), False
        index = pa.array(places, mask=sound)
        told = block.faults.values()
        faults = pa.array([record.fault for record in told], pa.string()).take(index)
        texts = pa.array([record.text for record in told], pa.string()).take(index)
        fields = [_leave_out(field, sound) for field in fields]
    return pa.record_batch([pa.array(block.lines), faults, texts, *fields], make_schema(columns))


def _parse_fields(text: bytes, form: Form) -> list[pa.Array]:
    """Clean text -> its columns."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(n) for n in range(form.width)]
    table = csv.read_csv(
        # Arrow takes out a byte order mark at the start, and no other.
        pa.BufferReader(b"\n" + text),
        read_options=csv.ReadOptions(
            use_threads=False, block_size=len(text) + 2, skip_rows=1, column_names=names
        ),
        parse_options=csv.ParseOptions(
            delimiter=form.delimiter, newlines_in_values=True, ignore_empty_lines=False
        ),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    return [column.combine_chunks() for column in table.columns]


def _leave_out(column: pa.Array, sound: Flags) -> pa.Array:
    """A column of texts that is null in the rows that are not sound."""
    import pyarrow as pa

    mask = pa.py_buffer(np.packbits(sound, bitorder="little"))
    return pa.Array.from_buffers(column.type, len(column), [mask, *column.buffers()[1:]])
