"""Find out whether a report is up to date, so that it need not be built again.

The published files are compared with the hashes in their manifest, so a report whose files were
changed by hand is built again.
"""

import datetime as dt
import json
from contextlib import suppress
from pathlib import Path

from ltvkit.core import files
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
    part = place.work("manifest")  # outside the published folder
    # The report is good even if the manifest cannot be written, on a full or read-only disk.
    with suppress(OSError):
        files.write_json(part, manifest)
        part.replace(place.target / MANIFEST)
    return True


def hash_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below `folder` but the manifest."""
    return {
        path.relative_to(folder).as_posix(): files.hash_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / MANIFEST
    }
