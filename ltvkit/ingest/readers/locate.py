"""Find the files of a source: one file, a folder, a pattern, or a sample."""

from collections.abc import Iterable
from pathlib import Path

from ltvkit.core import paths
from ltvkit.core.files import list_names
from ltvkit.errors import DataError, nearest
from ltvkit.ingest.policies import Policies
from ltvkit.ingest.readers import samples

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".parquet", ".jsonl", ".ndjson")
NAMED = (".json",)  # read where it is named; in a folder it is mostly no export
PACKED = (".gz", ".zip")
# Spreadsheets that cannot be read are refused: if skipped, their orders would be missing.
OTHERS = (".xls", ".xlsb", ".ods", ".numbers")


def locate(source: str, rules: Policies) -> list[Path]:
    """The files behind a source, sorted by name; raises `DataError` where there are none.

    A source is a path or pattern below the project root ("exports/2024-*.csv"), a folder, of
    which every readable file is taken, or a sample (demo:cdnow).
    """
    if source.startswith("demo:"):
        return [samples.locate(source.removeprefix("demo:"))]
    path = paths.resolve(source)
    if path.is_dir():
        return _all(path, "*", source)
    if any(mark in path.name for mark in "*?[") and not path.exists():
        return _all(path.parent, path.name, source)
    if path.is_symlink() and not path.exists():
        raise DataError(
            f"source {source!r}: {path} is a link that leads nowhere, or to itself. Give the file."
        )
    if path.exists() and not path.is_file():
        raise DataError(
            f"source {source!r}: {path} is a pipe or a device, and not a file. Save the export as "
            "a file, and give that."
        )
    if not path.is_file():
        raise DataError(
            f"source {source!r}: there is no file at {path}.{nearest(path.name, list_names(path))} "
            "Give the path from the project's folder, or an absolute one."
        )
    if path.suffix.lower() in (".yaml", ".yml"):
        raise DataError(
            f"source {source!r} is a params file, and not an export: give it to "
            "`python -m ltvkit report` or `check`."
        )
    if not _readable(path):
        raise DataError(
            f"source {source!r}: files ending in '{path.suffix}' cannot be read. "
            f"Export it as one of {', '.join((*SUFFIXES, *PACKED))}."
        )
    return [path]


def _all(folder: Path, pattern: str, source: str) -> list[Path]:
    there = [p for p in sorted(folder.glob(pattern)) if p.is_file()]
    if pattern == "*":
        there = [p for p in there if p.suffix.lower() not in NAMED]
    found = [p for p in there if _readable(p)]
    refuse_others((p.name for p in there), source)
    if not found:
        raise DataError(
            f"source {source!r}: no file in {folder} is {pattern} and ends in one of "
            f"{', '.join((*SUFFIXES, *PACKED))}."
        )
    return found


def _readable(path: Path) -> bool:
    """Whether a file can be an export; hidden files, as of open spreadsheets, cannot."""
    hidden = path.name.startswith((".", "~$"))
    return not hidden and path.suffix.lower() in (*SUFFIXES, *NAMED, *PACKED)


def refuse_others(names: Iterable[str], source: str) -> None:
    """Raise `DataError` for a spreadsheet that would be left out of a folder or an archive."""
    if left := [n for n in names if n.lower().endswith(OTHERS) and not n.startswith("~$")]:
        raise DataError(f"{source}: {left[0]} cannot be read. Save it as .xlsx, or take it out.")
