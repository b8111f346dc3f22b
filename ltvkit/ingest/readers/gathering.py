"""Small files of the same columns are read together: each query takes a time of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ltvkit.engines.sql import literal, quoted
from ltvkit.ingest.readers.part import Part
from ltvkit.ingest.schema import FILE, LINE

# Of the files that are read together; their texts are in a temporary table meanwhile.
MOST_FILES, MOST_CELLS = 100, 2_000_000
MOST_LINES = 5_000  # of one of them: beyond that, reading takes longer than what stands around it


_NUMBERS = itertools.count()


def find_runs(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts in their order -> runs of neighbours that can be read together, most of them of one."""
    runs: list[list[Part]] = []
    for part in parts:
        if runs and _fits(part, runs[-1]):
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def gather(connection: Any, run: Sequence[Part]) -> list[tuple[Part, int]]:
    """A run of parts -> parts of the same lines in the same order, and how many files each is of.

    Lines of several files stand in a temporary table, each with its file and line. A file with a
    fault is found by halves, and stays as it is.
    """
    if len(run) == 1:
        return [(run[0], 1)]
    if gathered := _gather(connection, run):
        return [(gathered, len(run))]
    half = len(run) // 2
    return gather(connection, run[:half]) + gather(connection, run[half:])


def _gather(connection: Any, parts: Sequence[Part]) -> Part | None:
    """Several parts as one; None where one of them has a fault."""
    import duckdb

    placed = " union all ".join(
        f"select *, {literal(p.name)} as {FILE} from ({p.with_line_numbers().sql})" for p in parts
    )
    table = quoted(f"gathered-{next(_NUMBERS)}")
    try:
        connection.execute(f"create temp table {table} as {placed}")
    except duckdb.Error:  # its message names no file: the one that is read alone tells
        return None
    counted = f"select {FILE}, count(*) from {table} group by all"
    counts = dict(connection.execute(counted).fetchall())
    if any(counts.get(part.name, 0) != part.expected for part in parts):
        connection.execute(f"drop table {table}")
        return None
    known = {"working": (FILE, LINE), "expected": None, "exact": None, "head": None}
    known |= {"sql": f"select * from {table}", "plain": all(part.plain for part in parts)}
    return replace(parts[0], name=f"{parts[0].name} to {parts[-1].name}", **known)


def _fits(part: Part, run: Sequence[Part]) -> bool:
    first, cells = run[0], sum((p.expected or 0) * len(p.columns) for p in (*run, part))
    return (
        all(p.exact and not p.working and (p.expected or 0) <= MOST_LINES for p in (first, part))
        and [*part.columns.items()] == [*first.columns.items()]
        and (part.twins, part.first) == (first.twins, first.first)
        and part.name not in {p.name for p in run}
        and len(run) < MOST_FILES
        and cells <= MOST_CELLS
    )
