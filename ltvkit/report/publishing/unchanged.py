"""Find out whether a report is up to date, so that it need not be built again.

The published files are compared with the hashes in their manifest, so a report whose files were
changed by hand is built again.
"""

import datetime as dt
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from ltvkit.report.publishing.publish import Place

MANIFEST = "manifest.json"


def confirm_unchanged(place: Place, inputs: str) -> bool:
    """Whether the report was built from `inputs` and is unchanged; the manifest is updated."""
    try:
        manifest = json.loads((place.target / MANIFEST).read_text("utf-8"))
        same = manifest["inputs_key"] == inputs and manifest["files"] == hash_files(place.target)
    except (OSError, ValueError, KeyError):
        return False
    if not same or place.failed.exists():
        return False
    manifest |= {"started": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "seconds": 0.0}
    for notebook in manifest["notebooks"]:
        notebook |= {"reused": True, "seconds": 0.0}
    # The report is good even if the manifest cannot be written, on a full or read-only disk.
    with suppress(OSError):
        _replace_manifest(place, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    return True


def hash_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below `folder` but the manifest."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path != folder / MANIFEST
    }


def _replace_manifest(place: Place, manifest: str) -> None:
    """Write the temporary file outside the published folder."""
    part = place.work("manifest")
    try:
        part.write_text(manifest, "utf-8")
        os.replace(part, place.target / MANIFEST)
    finally:
        part.unlink(missing_ok=True)
