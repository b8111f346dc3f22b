"""A progress bar on a terminal while a large file is read."""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, AnyStr

LARGE = 50_000_000
EVERY = 0.5  # seconds


@contextmanager
def show_query(connection: Any, name: str) -> Iterator[None]:
    """Show the progress of a long query of the connection in the `with` block."""
    if not sys.stderr.isatty():
        yield
        return
    connection.sql("set enable_progress_bar = true")
    connection.sql("set enable_progress_bar_print = false")
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(connection, name, ended), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def show_pieces(pieces: Iterable[AnyStr], path: Path) -> Iterator[AnyStr]:
    """Yield the pieces of a file, such as its lines, and show the progress."""
    from tqdm import tqdm

    size = path.stat().st_size
    options = {"unit": "B", "unit_scale": True, "leave": False, "dynamic_ncols": True}
    quiet = True if size < LARGE else None  # None: shown on a terminal
    with tqdm(total=size, desc=path.name, disable=quiet, **options) as bar:
        for piece in pieces:
            bar.update(len(piece))
            yield piece


def _watch(connection: Any, name: str, ended: threading.Event) -> None:
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
    options = {"leave": False, "dynamic_ncols": True, "delay": 1, "bar_format": form}
    with tqdm(total=100, desc=name, **options) as bar:
        while not ended.wait(EVERY):
            bar.n = max(bar.n, min(100, round(connection.query_progress())))
            bar.refresh()
