"""Is there anything to do? A report whose inputs did not change is not built again.

Known from the inputs alone, before anything heavy is imported: the params, the orders' file,
the notebooks, the kit's code and the packages below it. And the published files are checked
against the sums in their manifest, so that a report that somebody changed is built again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ltvkit import params, paths
from ltvkit.report import plan
from ltvkit.report.publish import Place

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Request:
    """One params file and the months asked for; `inputs` stands for all that the result is of."""

    file: Path
    shop: str
    asked: str
    inputs: str

    @property
    def _note(self) -> Path:
        return paths.cache() / "requests" / f"{plan.digest(self.shop, self.asked)}.json"

    def remember(self, months: Sequence[str]) -> None:
        """Note which months the request came to, once they are all published."""
        self._note.parent.mkdir(parents=True, exist_ok=True)
        part = self._note.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps({"inputs": self.inputs, "months": list(months)}), "utf-8")
        os.replace(part, self._note)

    def published(self) -> list[Place]:
        """The reports of this request, if all of them stand as they were built; else none."""
        try:
            note = json.loads(self._note.read_text("utf-8"))
        except (OSError, ValueError):
            return []
        places = [Place(self.shop, month) for month in note["months"]]
        same = note["inputs"] == self.inputs and all(_stands(p, self.inputs) for p in places)
        return places if same else []


def request(
    file: Path, notebooks: Sequence[plan.Notebook], chosen: Sequence[plan.Notebook], *, asked: str
) -> Request:
    """What `file` asks for. Raises `ParamsError` if it cannot be read."""
    given, _nodes = params.read(file)
    books = [(b.page, b.nav, b.title, b.digest, b in chosen) for b in notebooks]
    versions = plan.versions(plan.ALL_PACKAGES)
    source = _seen(str(given.get("source")))
    language = os.environ.get("LTVKIT_LANG")
    inputs = plan.digest(given, source, books, plan.code(), versions, language)
    return Request(file, str(given.get("shop")), asked, inputs)


def confirm(request: Request) -> list[Path]:
    """Note in each manifest of an unchanged request that all was reused; returns the folders."""
    places = request.published()
    for place in places:
        # What stands is good, even where nothing can be noted: on a disk full or read-only.
        with suppress(OSError):
            _note_reuse(place)
    return [place.target for place in places]


def sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below `folder` but the manifest."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path != folder / MANIFEST
    }


def _stands(place: Place, inputs: str) -> bool:
    try:
        manifest = json.loads((place.target / MANIFEST).read_text("utf-8"))
        same = manifest["inputs_key"] == inputs and manifest["files"] == sums(place.target)
    except (OSError, ValueError, KeyError):
        return False
    return same and not place.failed.exists()


def _seen(source: str) -> str | list[str | int] | None:
    """An order file by its place, size and time; a sample is made by the kit's own code."""
    if source.startswith("demo:"):
        return source
    path = paths.resolve(source)
    if not path.is_file():
        return None
    seen = path.stat()
    return [str(path), seen.st_size, seen.st_mtime_ns]


def _note_reuse(place: Place) -> None:
    manifest = json.loads((place.target / MANIFEST).read_text("utf-8"))
    manifest["started"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    manifest["seconds"] = 0.0
    for notebook in manifest["notebooks"]:
        notebook |= {"reused": True, "seconds": 0.0}
    part = place.work("manifest")
    try:
        part.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", "utf-8")
        os.replace(part, place.target / MANIFEST)
    finally:
        part.unlink(missing_ok=True)
