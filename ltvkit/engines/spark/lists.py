"""Long lists of customers, written by the workers on the storage of the cluster."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from ltvkit.core import files, paths, pseudonyms
from ltvkit.core.i18n import _
from ltvkit.engines import frames
from ltvkit.engines.spark import session, workers
from ltvkit.engines.spark.settings import Settings

MOST_LISTED = 100_000  # rows; a list with more is not brought to this machine


def write_long_list(frame: Any, path: Path) -> Path | None:
    """Write a long list (a Spark frame) to the storage -> a .txt file that says where it is.

    The list becomes a folder of Parquet files below `storage`, named by the run of the report, with
    pseudonyms if LTVKIT_LIST_KEY is set; a folder of that name is overwritten. The .txt file takes
    the place of the CSV file `path`. A list of up to `MOST_LISTED` rows is not written: None.
    Raises `ClusterError`.
    """
    rows = frames.count(frame)
    if rows <= MOST_LISTED:
        return None
    folder = (session.settings() or Settings()).folder("lists", *_run(path), path.stem)
    with session.translate_errors(path.stem):
        _renamed(frame).write.mode("overwrite").parquet(folder)
    text = _("{list} has {n} rows, and is a folder of Parquet files: {folder}")
    note = path.with_suffix(".txt")
    said = text.format(list=path.stem, n=f"{rows:,}", folder=_shown(folder))
    files.write(note, f"{said}\n")
    return note


def _run(path: Path) -> tuple[str, ...]:
    """A name for this run: shop, month and page of a report's run with its key."""
    out = path.parent.parent.absolute()
    if (run := files.final_path(out)) != out:
        return run.parts[-3:]
    return ("by-hand", hashlib.sha256(str(out).encode()).hexdigest()[:16])


def _renamed(frame: Any) -> Any:
    known = pseudonyms.key()
    if not known or pseudonyms.COLUMN not in frame.columns:
        return frame
    # The key reaches the workers as an argument, and is in no plan or log.
    return workers.map_batches(frame, partial(_batch, known=known))


def _batch(batch: Any, *, known: bytes) -> Any:
    import pyarrow as pa

    place = batch.schema.get_field_index(pseudonyms.COLUMN)
    column = batch.schema.field(place)
    names = pseudonyms.pseudonymize(batch.column(place).to_pylist(), known)
    return batch.set_column(place, column, pa.array(names, column.type))


def _shown(folder: str) -> str:
    """A folder of the project by its path from there, as no page names the machine."""
    home = paths.address(paths.reports().resolve().parent)
    return folder.removeprefix(f"{home}/")
