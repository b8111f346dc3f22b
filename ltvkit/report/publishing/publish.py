"""Publish a report so that a reader never sees half of it.

A report is built beside its target and published by two renames: the old one out, the new one in.
If a run dies between them, the old one is still whole, and the next run restores it.

    reports/<shop>/<month>/            the last good report, and report.pdf where it was asked for
    reports/<shop>/.failed/<month>/    why a later run failed, and the failed notebooks
    reports/<shop>/.work/<month>.*     lock, staging and the old report during the swap
    reports/<shop>/.preview/           the same for previews, which never replace a report

The published files are compared with the hashes in their manifest, so a report whose files were
changed by hand is built again.
"""

import datetime as dt
import itertools
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from ltvkit.core import files, paths, redaction
from ltvkit.core.i18n import _, list_languages
from ltvkit.errors import ReportError
from ltvkit.report import results
from ltvkit.report.runner.outcome import Failure

MANIFEST, PDF, QUARANTINE = "manifest.json", "report.pdf", "quarantine.csv"
MONTH = re.compile(r"last|\d{4}-(0[1-9]|1[0-2])")  # the names of a shop's folders
_LEFT = (".work/*.old", ".work/*.new", ".work/.*.part", ".failed/.*.part")


@dataclass(frozen=True)
class Place:
    """The folders of the report of one shop and month, or of its preview."""

    shop: str
    month: str
    preview: bool = False

    @property
    def home(self) -> Path:
        shop = paths.reports() / self.shop
        return shop / ".preview" if self.preview else shop

    @property
    def target(self) -> Path:
        return self.home / self.month

    @property
    def failed(self) -> Path:
        return self.home / ".failed" / self.month

    @property
    def both(self) -> tuple["Place", "Place"]:
        """The report and its preview. They share the finished notebooks, and one lock."""
        return replace(self, preview=False), replace(self, preview=True)

    @classmethod
    def of(cls, folder: Path) -> "Place":
        """The place whose `target` is this folder."""
        preview = folder.parent.name == ".preview"
        shop = folder.parent.parent if preview else folder.parent
        return cls(shop.name, folder.name, preview)

    def work(self, suffix: str) -> Path:
        """A file or folder that exists only while a report is built."""
        return self.home / ".work" / f"{self.month}.{suffix}"

    def check(self) -> None:
        """Raise `ReportError` if a symbolic link leads out of reports/."""
        home = paths.reports().resolve()
        kept = ((p.target, p.failed, p.work("new"), p.work("lock")) for p in self.both)
        for path in itertools.chain(*kept):
            if not path.resolve().is_relative_to(home):
                raise ReportError(
                    f"{path} leads out of {paths.reports()}, by a link: remove the link. To "
                    "publish elsewhere, say where with --out."
                )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock this report; raises `ReportError` at once if another run has locked it."""
        self.check()
        path = self.both[0].work("lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, timeout=0)
        try:
            with lock:
                for place in self.both:
                    recover(place)
                yield
        except filelock.Timeout as error:
            raise ReportError(
                f"{self.shop} {self.month} is being built by another run. Wait for it, or stop it."
            ) from error


def find_language(manifest: Mapping[str, Any]) -> str:
    """The language of a report by its manifest; "" where that names none, as of older versions.

    >>> find_language({"parameters": {"language": "ja"}}), find_language({})
    ('ja', '')
    """
    parameters = manifest.get("parameters")
    known = parameters.get("language") if isinstance(parameters, Mapping) else ""
    return known if isinstance(known, str) and known in list_languages() else ""


def recover(place: Place) -> None:
    """Clean up after a run that failed or died. Call it under the lock."""
    old, new = place.work("old"), place.work("new")
    if old.exists() and not place.target.exists():
        os.rename(old, place.target)
    halves = place.home.glob(f".failed/.{place.month}-*.part")
    parts = place.home.glob(f".work/.{place.month}.*.part")
    for left in (old, new, *halves):
        shutil.rmtree(left, ignore_errors=True)
    for left in (place.work("pdf"), *parts):
        left.unlink(missing_ok=True)


def recover_all() -> None:
    """`recover` every report that no run has locked."""
    home = paths.reports()
    found = (home.glob(f"*/{part}{left}") for part in ("", ".preview/") for left in _LEFT)
    for left in itertools.chain(*found):
        month = files.final_path(left).name.partition(".")[0]
        place = Place(left.relative_to(home).parts[0], month)
        with suppress(ReportError, OSError), place.locked():  # one must not stop the others
            pass


def stage(place: Place) -> Path:
    """Make an empty folder to build the report in, on the file system of its target."""
    new = place.work("new")
    new.mkdir(parents=True)
    return new


def swap(place: Place) -> None:
    """Publish the staged report. If that fails, `recover` restores the one before."""
    target, old = place.target, place.work("old")
    if target.exists():
        os.rename(target, old)
    os.rename(place.work("new"), target)
    shutil.rmtree(old, ignore_errors=True)
    forget_failure(place)
    report, preview = place.both
    if place == report and preview.target.exists():  # it is older than the report
        shutil.rmtree(preview.target, ignore_errors=True)
        forget_failure(preview)


def record_failure(
    place: Place,
    reason: str,
    failed: list[tuple[Failure, str | None]] = (),
    *,
    quarantine: Any = None,
    shown: Sequence[str] = (),
) -> None:
    """Record why the report of `place` failed, with the failed notebooks and quarantined lines.

    `shown`: the columns of `quarantine` in which people are not masked.

    The folder appears complete or not at all.
    """
    place.check()
    kept: list[dict[str, Any]] = []
    with files.replacing(place.failed) as part:
        part.mkdir()
        for failure, notebook in failed:
            name = f"{failure.page}.ipynb" if notebook else None
            if notebook:
                (part / name).write_text(notebook, "utf-8")
            kept.append(asdict(failure) | {"text": failure.text, "notebook": name})
        if quarantine is not None:
            results.save_list(quarantine, part / QUARANTINE, shown=shown)
        when = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        record = {"when": when, "reason": reason, "notebooks": kept}
        record = vars(place) | redaction.mask_deep(record)
        files.write_json(part / "failure.json", record)
        forget_failure(place)


def forget_failure(place: Place) -> None:
    """Remove the record of a failure after a success."""
    place.check()
    if place.failed.exists():
        shutil.rmtree(place.failed)


def confirm_unchanged(place: Place, inputs: str) -> bool:
    """Whether the report was built from `inputs` and is unchanged; the manifest is updated."""
    place.check()
    try:
        manifest = files.read_json(place.target / MANIFEST) or {}
        same = manifest["inputs_key"] == inputs and not find_fault(place, manifest)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # damaged
        return False
    if not same or place.failed.exists():
        return False
    _remove_stale_pdf(place, manifest)
    manifest |= {"started": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "seconds": 0.0}
    for notebook in manifest["notebooks"]:
        notebook |= {"reused": True, "seconds": 0.0}
    # The report is good even if the manifest cannot be written, on a full or read-only disk.
    with suppress(OSError):
        replace_manifest(place, manifest)
    return True


def replace_manifest(place: Place, manifest: Mapping[str, Any]) -> None:
    """Put a manifest in the place of that of a published report."""
    part = place.work("manifest")  # outside the published folder
    files.write_json(part, manifest)
    part.replace(place.target / MANIFEST)


def find_fault(place: Place, manifest: Mapping[str, Any]) -> str:
    """What differs from the manifest of a report, as "index.html is missing"; "" if nothing does.

    Raises `LookupError`, `TypeError` or `AttributeError` where the manifest itself is damaged.
    """
    listed, found = manifest["files"], hash_files(place.target)
    if missing := sorted(listed.keys() - found):
        return _("{file} is missing").format(file=missing[0])
    if more := sorted(found.keys() - listed):
        return _("{file} is not of this report").format(file=more[0])
    changed = [name for name, sum_ in found.items() if listed[name] != sum_]
    return _("{file} was changed").format(file=changed[0]) if changed else ""


def _remove_stale_pdf(place: Place, manifest: Mapping[str, Any]) -> None:
    """Remove a report.pdf that was not made of this report."""
    file = place.target / PDF
    if file.exists() and manifest.get("pdf") != {"sha256": files.hash_file(file)}:
        file.unlink()


def hash_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below `folder` but the manifest, and the PDF, which knows when it
    was made."""
    return {
        path.relative_to(folder).as_posix(): files.hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in (folder / MANIFEST, folder / PDF)
    }
