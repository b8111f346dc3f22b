"""Unpack .gz and .zip files; each entry is read as a file.

Names in an archive do not decide where files are written, and the unpacked size is limited.
"""

import errno
import gzip
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from ltvkit.core import files, redaction
from ltvkit.errors import DataError
from ltvkit.ingest.readers.locate import NAMED, PACKED, SUFFIXES, refuse_others
from ltvkit.ingest.readers.part import File

# Exports unpack to 5 to 30 times their size; far more is an attempt to fill the disk.
MOST, SMALL, ENTRIES = 200, 100_000_000, 1000
BLOCK = 1 << 22


def unpack(files: Iterable[Path], work: Path) -> Iterator[File]:
    """Files -> the files to read: themselves, or what is packed in them, unpacked into `work`.

    Raises `DataError` for an archive that is broken, encrypted, holds nothing to read, or would
    unpack to more than 200 times its size.
    """
    for path in files:
        if path.suffix.lower() == ".gz":
            with _archive_errors(path), gzip.open(path) as stream:
                yield _unpack_entry(stream, path, PurePosixPath(path.stem), work)
        elif path.suffix.lower() == ".zip":
            with _archive_errors(path), zipfile.ZipFile(path) as archive:
                for entry in _list_entries(archive, path):
                    with archive.open(entry) as stream:
                        yield _unpack_entry(stream, path, PurePosixPath(entry.filename), work)
        else:
            yield File(path, path.name)


def check_inflated(path: Path) -> None:
    """Raise `DataError` if a zipped document (as .xlsx is) claims to unpack beyond bounds."""
    with _archive_errors(path), zipfile.ZipFile(path) as archive:
        _check_size(sum(entry.file_size for entry in archive.infolist()), path)


def _list_entries(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    names = [PurePosixPath(e.filename).name for e in archive.infolist()]
    refuse_others(names, path.name)
    if inner := [name for name in names if name.lower().endswith(PACKED)]:
        raise DataError(f"{path.name} holds {inner[0]}, packed once more. Unpack it there.")
    found = [e for e in archive.infolist() if _suffix(PurePosixPath(e.filename)) in SUFFIXES]
    found = [e for e in found if not e.is_dir() and not e.filename.startswith("__MACOSX/")]
    if not found or len(found) > ENTRIES:
        raise DataError(
            f"{path.name} holds {len(found) or 'no'} files that can be read "
            f"({', '.join(SUFFIXES)}); one to {ENTRIES:,} are expected."
        )
    if any(e.flag_bits & 1 for e in found):
        raise DataError(f"{path.name} is encrypted. Unpack it with its password and give the file.")
    _check_size(sum(e.file_size for e in found), path)  # no entry gives more than it claims
    return sorted(found, key=lambda e: e.filename)


def _unpack_entry(stream: IO[bytes], archive: Path, inside: PurePosixPath, work: Path) -> File:
    suffix = _suffix(inside) if _suffix(inside) in (*SUFFIXES, *NAMED) else ".csv"
    target = files.unique_path(work, suffix)
    written = 0
    with target.open("wb") as file:
        while block := stream.read(BLOCK):
            written += len(block)
            _check_size(written, archive)
            file.write(block)
    return File(target, f"{archive.name}/{inside}")


def _suffix(name: PurePosixPath) -> str:
    return name.suffix.lower()


def _check_size(size: int, archive: Path) -> None:
    if size > max(SMALL, MOST * archive.stat().st_size):
        raise DataError(
            f"{archive.name} unpacks to more than {size / 1e9:,.1f} GB, {MOST} times its size. "
            "If it is an export, unpack it yourself and give the file."
        )


@contextmanager
def translate_errors(fault: str, mend: str) -> Iterator[None]:
    """Turn any error of a library about a broken file into a `DataError`: the fault, the remedy."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk's fault, not the file's
        raise DataError(f"{fault} ({redaction.foreign(error)}). {mend}") from error


def _archive_errors(path: Path) -> AbstractContextManager[None]:
    return translate_errors(f"{path.name} is a broken archive", "Pack or export it anew.")
