"""A frame kept as Parquet by the engine that it is in, to compute with elsewhere or later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw

from ltvkit.core import files, paths
from ltvkit.engines import frames
from ltvkit.errors import ParamsError

__all__ = ["write"]


def __dir__() -> list[str]:
    return __all__


def write(frame: Any, folder: str | Path) -> None:
    """Any frame, of lines, customers or scores -> `folder` with Parquet files of all its columns.

    A relative folder starts at the project root; with "s3a://..." or "hdfs://...", a Spark frame
    is written there by the workers. Nothing is brought here, values and customer ids stay as they
    are (pseudonyms are for the lists of a report), and rows keep their order but on a cluster.

    A folder that is there already is never written into: `ParamsError`, or `ClusterError` for one
    with an address. A local folder is whole or not there; one with an address is whole once it
    holds the file _SUCCESS.
    """
    opened = frames.lazy(frame)
    if "://" in str(folder):
        _by_workers(opened, str(folder))
        return
    target = paths.resolve(folder).absolute()
    if target.exists():
        raise ParamsError(f"{folder} is there already: name another folder, or remove it first.")
    with files.replacing(target) as part:
        if frames.is_spark(opened):
            _by_workers(opened, paths.address(part))
        else:
            part.mkdir()
            nw.maybe_reset_index(opened).sink_parquet(part / "rows.parquet")


def _by_workers(opened: nw.LazyFrame, folder: str) -> None:
    if not frames.is_spark(opened):
        raise ParamsError(f"{folder}: only a frame on a Spark cluster can be written there.")
    from ltvkit.engines.spark import session

    with session.translate_errors(folder):
        opened.to_native().write.parquet(folder)
