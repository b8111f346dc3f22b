"""Frames written to Parquet by their own engine, to be used elsewhere or later."""

from __future__ import annotations

from pathlib import Path

import narwhals.stable.v2 as nw

from ltvkit.core import files, paths
from ltvkit.engines import frames
from ltvkit.errors import ParamsError

__all__ = ["write"]

__dir__ = __all__.copy


def write(frame: frames.Frame, folder: str | Path) -> None:
    """Any frame -> `folder` with Parquet files of all its columns.

    A relative folder starts at the project root. To "s3a://..." or "hdfs://...", the workers of a
    cluster write a Spark frame. Customer ids stay as they are (only lists of a report have
    pseudonyms). Rows keep their order, except on a cluster.

    Raises `ParamsError` if the folder exists, `ClusterError` if one with an address does. A local
    folder appears complete or not at all; one with an address is complete when it holds the file
    _SUCCESS.
    """
    opened = frames.lazy(frame)
    if "://" in str(folder):
        _by_workers(opened, str(folder))
        return
    target = paths.resolve(folder).absolute()
    if target.exists():
        raise ParamsError(f"{folder} exists already: name another folder, or remove it first.")
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
