"""Entries of the cache: folders that appear complete, and are opened only if they are whole."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ltvkit.core import cache_folder, checksums, files, locks, paths, redaction, run_state
from ltvkit.errors import ReportError


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Yield a new folder to fill; after the block it is listed and becomes `folder`, atomically.

    Raises `OSError` if `folder` exists by then.
    """
    cache_folder.sweep(folder.parent, ".*.part")
    # Held until it has its name: another process sweeps what nobody holds.
    with ExitStack() as held, files.replacing(folder) as part:
        held.enter_context(locks.make_held(part))
        yield part
        checksums.write(part)


def open_or_make(folder: Path, fill: Callable[[Path], None]) -> locks.Hold:
    """Hold a whole folder; where it is not there, `fill` fills it. Another process may, as well.

    Raises `ReportError` if it cannot be written.
    """
    for _attempt in range(3):
        if held := open_whole(folder):
            return held
        try:
            with making(folder) as part:
                fill(part)
        except OSError as error:
            if not os.path.lexists(folder):  # else another process was as quick
                named, reason = paths.shorten(folder), redaction.describe_error(error)
                raise ReportError(f"{named} cannot be written: {reason}.") from error
    raise ReportError(f"{paths.shorten(folder)} is damaged again and again: run it once more.")


def open_whole(folder: Path) -> locks.Hold | None:
    """Hold a folder that `making` made, if it is whole; None if it is not there.

    A damaged one is removed. In a notebook of a report nothing is removed, as the notebooks before
    may have read it: raises `ReportError`.
    """
    if not os.path.lexists(folder):
        return None
    held, fault = None, ""
    try:
        held = locks.hold(folder)
        with suppress(OSError):
            os.utime(folder)  # it is in use; see `cache_folder.drop_old`
        fault = run_state.check(folder)
    except BlockingIOError:  # another process is removing it
        return None
    except OSError as error:
        fault = f"it cannot be opened ({error.strerror})"
    if not fault:
        return held
    if held:
        held.release()
    if run_state.in_notebook():
        raise ReportError(run_state.describe_damage(folder, fault))
    cache_folder.discard(folder, fault)
    return None
